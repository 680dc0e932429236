"""Reading complaints and acting on them."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import File, Path, Query, Router
from ninja.files import UploadedFile

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.api import shapes, told
from kesu.api.authentication import actor_of, may_act
from kesu.api.looking import FiltersIn, Only, View
from kesu.api.looking import found as _found
from kesu.api.problems import Problem
from kesu.commands import payloads, pictures, refunding, resending, settling, verbs
from kesu.commands.immediate import Message
from kesu.commands.models import Command
from kesu.commands.reading import note_view
from kesu.commands.resending import Card
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.complaints import phones, queries, rates
from kesu.complaints.cursors import CursorError
from kesu.complaints.models import Complaint
from kesu.sync import payments

router = Router(tags=["complaints"])

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Cursor = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]


@router.get("/complaints", response=shapes.ComplaintPage)
def list_complaints(
    request: HttpRequest,
    filters: Query[FiltersIn],
    view: View = "open",
    only: Only = "",
    after: Cursor = "",
) -> dict[str, Any]:
    """A page of 50. ``open`` begins with the least time left, ``all`` with the newest; ``next`` is the following
    page's ``after``. ``only=second`` and ``mark=second``: a refund waits for a second person."""
    actor = actor_of(request)
    try:
        page = queries.page(actor.user, view, only, after, filters=filters.meant(), now=clock.now())
    except CursorError:
        raise Problem(404, "cursor", "'after' is not the 'next' of an earlier page.") from None
    return {"items": [told.complaint(row) for row in page.rows], "next": page.next_cursor or None}


@router.get("/complaints/{complaint_id}", response=shapes.CaseOut)
def show_complaint(request: HttpRequest, complaint_id: Id) -> dict[str, Any]:
    """One complaint with its timeline. Reading it counts as having seen the payer's words where role and token may
    reply."""
    actor = actor_of(request)
    row = queries.case(actor.user, _found(actor.user, complaint_id).pk)
    answer = told.case(row)
    if may_act(request, Permission.REPLY):  # a program that only copies has not read for anybody
        note_view(actor.user, row, now=clock.now())
        payments.ask_for(row, now=clock.now())
    return answer


@router.get("/complaints/{complaint_id}/commands", response=list[shapes.CommandOut])
def list_commands(request: HttpRequest, complaint_id: Id) -> list[dict[str, Any]]:
    """What was said and done from this desk, the newest first, at most 100."""
    row = _found(actor_of(request).user, complaint_id)
    found = row.commands.select_related("complaint", "actor").order_by("-pk")[:100]
    return [told.command(command) for command in found]


@router.get("/commands/{command_id}", response=shapes.CommandOut, tags=["commands"])
def show_command(request: HttpRequest, command_id: Annotated[int, Path(ge=1, le=2**62)]) -> dict[str, Any]:
    """What became of a command: planned, sending, unknown, confirmed or failed."""
    return told.command(_command(actor_of(request).user, command_id))


@router.post("/commands/{command_id}/withdraw", response=shapes.CommandOut, tags=["commands"])
def withdraw_command(request: HttpRequest, command_id: Annotated[int, Path(ge=1, le=2**62)]) -> dict[str, Any]:
    """Take back what was not sent yet; 409 once it is on its way."""
    actor = actor_of(request, Permission.REPLY)
    verbs.withdraw(actor, _command(actor.user, command_id), now=clock.now())
    return told.command(_command(actor.user, command_id))


@router.post("/commands/{command_id}/settle", response=shapes.CommandOut, tags=["commands"])
def settle_command(
    request: HttpRequest, command_id: Annotated[int, Path(ge=1, le=2**62)], body: shapes.SettleIn
) -> dict[str, Any]:
    """Say what became of a command whose outcome is unknown, after a look in the merchant platform. Nothing is sent;
    409 when its outcome is known."""
    actor = actor_of(request, Permission.OVERRIDE)
    command = _command(actor.user, command_id)
    settling.settle_by_hand(actor, command, carried_out=body.carried_out, reason=body.reason, now=clock.now())
    return told.command(_command(actor.user, command_id))


@router.post("/complaints/{complaint_id}/reply", response={202: shapes.DoneOut})
def reply(request: HttpRequest, complaint_id: Id, body: shapes.ReplyIn) -> tuple[int, dict[str, Any]]:
    """Write to the payer. Pictures are uploaded before."""
    actor = actor_of(request, Permission.REPLY)
    row = _found(actor.user, complaint_id)
    done = verbs.reply(
        actor,
        row,
        body.text,
        body.pictures,
        jump=body.jump.model_dump() if body.jump else None,
        mini_program=body.mini_program.model_dump() if body.mini_program else None,
        consent=_consent(body),
        now=clock.now(),
    )
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/immediate-reply", response={202: shapes.DoneOut})
def immediate_reply(request: HttpRequest, complaint_id: Id, body: shapes.BlocksIn) -> tuple[int, dict[str, Any]]:
    """Write to a payer who waits for immediate service, in the platform's blocks."""
    actor = actor_of(request, Permission.REPLY)
    row = _found(actor.user, complaint_id)
    message = Message(blocks=body.blocks, sender_identity=body.sender_identity, custom_data=body.custom_data)
    done = verbs.reply_immediately(actor, row, message, body.pictures, consent=_consent(body), now=clock.now())
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/complete", response={202: shapes.DoneOut})
def complete(request: HttpRequest, complaint_id: Id, body: shapes.Accepting) -> tuple[int, dict[str, Any]]:
    """Report the case as done."""
    actor = actor_of(request, Permission.COMPLETE)
    done = verbs.complete(actor, _found(actor.user, complaint_id), consent=_consent(body), now=clock.now())
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/approve", response={202: shapes.DoneOut})
def approve(request: HttpRequest, complaint_id: Id, body: shapes.ApproveIn) -> tuple[int, dict[str, Any]]:
    """Approve a refund ticket, and refund with it unless ``with_refund`` is false."""
    actor = actor_of(request, Permission.DECIDE_REFUND)
    done = refunding.approve_refund(
        actor,
        _found(actor.user, complaint_id),
        launch_refund_day=body.launch_refund_day,
        remark=body.remark,
        with_refund=body.with_refund,
        amount=body.amount,
        consent=_consent(body),
        now=clock.now(),
    )
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/reject", response={202: shapes.DoneOut})
def reject(request: HttpRequest, complaint_id: Id, body: shapes.RejectIn) -> tuple[int, dict[str, Any]]:
    """Refuse a refund ticket; the platform completes the case at once."""
    actor = actor_of(request, Permission.DECIDE_REFUND)
    row = _found(actor.user, complaint_id)
    done = verbs.reject_refund(
        actor, row, body.reason, body.pictures, remark=body.remark, consent=_consent(body), now=clock.now()
    )
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/refund", response={202: shapes.DoneOut})
def refund(request: HttpRequest, complaint_id: Id, body: shapes.RefundIn) -> tuple[int, dict[str, Any]]:
    """Refund by the original route: ``amount`` fen, or all that is left. Above the person's limit ``request`` is
    answered instead of ``command``."""
    actor = actor_of(request, Permission.REFUND)
    row = _found(actor.user, complaint_id)
    order = row.orders.filter(transaction_id=body.transaction_id).first() if body.transaction_id else None
    if body.transaction_id and order is None:
        raise Problem(404, "not_found", "The complaint has no such order.")
    done = refunding.refund(
        actor, row, body.amount, order=order, reason=body.reason, consent=_consent(body), now=clock.now()
    )
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/resend-refund", response={202: shapes.DoneOut})
def resend_refund(request: HttpRequest, complaint_id: Id, body: shapes.ResendIn) -> tuple[int, dict[str, Any]]:
    """Send a refund that is abnormal to a debit card of the payer, or to the merchant's own bank account.
    ``out_refund_no`` may be left out where one refund of the complaint is stuck. Above the person's limit ``request``
    is answered instead of ``command``."""
    actor = actor_of(request, Permission.REFUND)
    row = _found(actor.user, complaint_id)
    to_payer = body.type == payloads.TO_PAYER
    if not to_payer and (body.bank_type or body.bank_account or body.real_name):
        raise Problem(422, "card_not_wanted", "bank_type, bank_account and real_name go with USER_BANK_CARD only.")
    card = Card(body.bank_type, body.bank_account, body.real_name) if to_payer else None
    done = resending.resend_refund(actor, row, body.out_refund_no, card=card, consent=_consent(body), now=clock.now())
    return 202, told.done(done)


@router.post("/complaints/{complaint_id}/phone", response=shapes.PhoneOut)
def reveal_phone(request: HttpRequest, complaint_id: Id) -> dict[str, str]:
    """The payer's number in the clear, empty where they left none. Each time is written into the audit."""
    actor = actor_of(request, Permission.REVEAL_PHONE)
    return {"phone": phones.reveal(actor, _found(actor.user, complaint_id), now=clock.now())}


@router.post("/complaints/{complaint_id}/notes", response={201: shapes.NoteOut})
def note(request: HttpRequest, complaint_id: Id, body: shapes.NoteIn) -> tuple[int, dict[str, Any]]:
    """An internal note."""
    actor = actor_of(request, Permission.NOTE)
    written = verbs.note(actor, _found(actor.user, complaint_id), body.text, consent=_confirmed(body), now=clock.now())
    return 201, {"id": written.pk, "author": str(actor.user), "text": written.text, "created_at": written.created_at}


@router.post("/complaints/{complaint_id}/claim", response=shapes.ComplaintOut)
def claim(request: HttpRequest, complaint_id: Id, body: shapes.Confirming | None = None) -> dict[str, Any]:
    """Take the case on; 409 when somebody else has it. Whoever may assign takes it over by accepting
    ``claimed_by_other``."""
    actor = actor_of(request, Permission.CLAIM)
    row = _found(actor.user, complaint_id)
    return _after(actor.user, verbs.claim(actor, row, consent=_confirmed(body), now=clock.now()))


@router.post("/complaints/{complaint_id}/release", response=shapes.ComplaintOut)
def release(request: HttpRequest, complaint_id: Id) -> dict[str, Any]:
    """Give the case back."""
    actor = actor_of(request, Permission.CLAIM)
    return _after(actor.user, verbs.release(actor, _found(actor.user, complaint_id), now=clock.now()))


@router.post("/complaints/{complaint_id}/assign", response=shapes.ComplaintOut)
def assign(request: HttpRequest, complaint_id: Id, body: shapes.AssignIn) -> dict[str, Any]:
    """Give the case to somebody. Taking it from a colleague has to be accepted: ``claimed_by_other``."""
    actor = actor_of(request, Permission.ASSIGN)
    assignee = User.objects.get(username=body.username)
    row = _found(actor.user, complaint_id)
    return _after(actor.user, verbs.assign(actor, row, assignee, consent=_confirmed(body), now=clock.now()))


@router.post("/complaints/{complaint_id}/pictures", response={201: shapes.PictureOut})
def upload(request: HttpRequest, complaint_id: Id, file: File[UploadedFile]) -> tuple[int, dict[str, Any]]:
    """Keep a JPG, PNG or BMP for a reply or a rejection; its ``id`` goes into ``pictures``. Only pixels are kept."""
    actor = actor_of(request, Permission.REPLY)
    row = _found(actor.user, complaint_id)
    if (file.size or 0) > pictures.LARGEST_FILE:
        raise pictures.PictureRefused("size")
    kept = pictures.keep(actor, row.account, file.read(), now=clock.now())
    return 201, {"id": kept.pk, "content_type": kept.content_type, "sha256": kept.sha256}


@router.get("/complaints/{complaint_id}/rates", response=shapes.RatesOut)
def merchant_rates(request: HttpRequest, complaint_id: Id) -> dict[str, Any]:
    """The merchant's rates as they stand today."""
    row = _found(actor_of(request).user, complaint_id)
    counted = rates.of_merchant(row.account, row.complainted_mchid, now=clock.now())
    return {
        "mchid": row.complainted_mchid or row.account.mchid,
        "timely": told.rate(counted.timely),
        "repeat": told.rate(counted.repeat),
    }


def _after(user: User, complaint: Complaint) -> dict[str, Any]:
    return told.complaint(_found(user, complaint.complaint_id))


def _command(user: User, pk: int) -> Command:
    rows = Command.objects.select_related("complaint__account", "actor")
    return rows.get(pk=pk, complaint__in=queries.visible_to(user))


def _confirmed(body: shapes.Confirming | None) -> Consent:
    return Consent(tuple(body.acknowledged)) if body else Consent()


def _consent(body: shapes.Accepting) -> Consent:
    seen = Seen.parse(body.seen) if body.seen else None
    return Consent(tuple(body.acknowledged), body.override_reason, seen, body.key or "")
