"""``kesu reply | complete | refund | approve | reject | note | claim | assign``: what staff do, from a command line.

The same functions as the pages and the API use, with the same guards. Exit status: 0 the platform took it, 1 it
failed, 3 a guard or a red line stands against it, 4 the case had changed, 5 the outcome is not known yet (it is being
read for), 6 it waits for a second person.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from kesu.cli.environment import Data, Json, desk, errors, fail, output, show_json
from kesu.cli.language import _
from kesu.cli.money import fen

REFUSED, CHANGED, UNKNOWN, WAITING = 3, 4, 5, 6
WAIT_SECONDS = 60.0

ComplaintId = Annotated[str, typer.Argument(help=_("The platform's complaint number."))]
As = Annotated[str, typer.Option("--as", envvar="KESU_ACTOR", help=_("Who does it; the only owner by default."))]
Accept = Annotated[list[str], typer.Option("--accept", help=_("Accept this warning, by its code; may be repeated."))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Accept every warning. Blocks stay."))]
Override = Annotated[str, typer.Option("--override", help=_("Set blocks aside for this reason; it is recorded."))]
Pictures = Annotated[list[Path], typer.Option("--picture", help=_("A JPG, PNG or BMP to send; up to four."))]
Amount = Annotated[str, typer.Option("--amount", help=_("In yuan, such as 19.90; all that is left by default."))]


def reply(
    complaint_id: ComplaintId,
    text: Annotated[str, typer.Argument(help=_("What the payer reads."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    picture: Pictures = [],  # noqa: B006 - typer copies it
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Write to the payer."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import pictures
        from kesu.commands.reading import note_view

        # Whoever writes an answer has read what it answers; closing and refunding say nothing of the kind.
        note_view(actor.user, complaint, now=now)
        kept = [pictures.keep(actor, complaint.account, path.read_bytes(), now=now).pk for path in picture]
        if complaint.need_immediate_service:
            from kesu.wechatpay.complaints import text_block

            blocks = [text_block(text), *({"type": "IMAGE", "media_index": index} for index in range(len(kept)))]
            return verbs.reply_immediately(actor, complaint, blocks, kept, consent=consent, now=now)
        return verbs.reply(actor, complaint, text, kept, consent=consent, now=now)

    _do(data, json, as_, complaint_id, act, accept, yes, override)


def complete(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Report the case as done; the payer is asked how content they are."""
    _do(
        data,
        json,
        as_,
        complaint_id,
        lambda verbs, actor, complaint, consent, now: verbs.complete(actor, complaint, consent=consent, now=now),
        accept,
        yes,
        override,
    )


def refund(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    amount: Amount = "",
    reason: Annotated[str, typer.Option(help=_("The payer reads it; up to 80 bytes."))] = "",
    order: Annotated[str, typer.Option(help=_("The WeChat Pay order, where the complaint has several."))] = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Refund by the original route."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import refunding

        chosen = complaint.orders.filter(transaction_id=order).first() if order else None
        if order and chosen is None:
            fail(_("The complaint has no order %s.") % order)
        return refunding.refund(actor, complaint, _fen(amount), order=chosen, reason=reason, consent=consent, now=now)

    _do(data, json, as_, complaint_id, act, accept, yes, override)


def approve(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    amount: Amount = "",
    day: Annotated[int, typer.Option(min=0, help=_("Working days until the refund starts; 0 is today."))] = 0,
    without_refund: Annotated[
        bool, typer.Option("--without-refund", help=_("Only approve: the money is refunded elsewhere."))
    ] = False,
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Approve a refund ticket, and refund with it."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import refunding

        return refunding.approve_refund(
            actor,
            complaint,
            launch_refund_day=day,
            with_refund=not without_refund,
            amount=_fen(amount),
            consent=consent,
            now=now,
        )

    _do(data, json, as_, complaint_id, act, accept, yes, override)


def reject(
    complaint_id: ComplaintId,
    reason: Annotated[str, typer.Argument(help=_("The payer reads it; up to 200 characters."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    picture: Pictures = [],  # noqa: B006
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Refuse a refund ticket; the platform completes the case at once."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import pictures

        kept = [pictures.keep(actor, complaint.account, path.read_bytes(), now=now).pk for path in picture]
        return verbs.reject_refund(actor, complaint, reason, kept, consent=consent, now=now)

    _do(data, json, as_, complaint_id, act, accept, yes, override)


def note(
    complaint_id: ComplaintId,
    text: Annotated[str, typer.Argument(help=_("Only colleagues read it."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
) -> None:
    """Write an internal note."""
    _do(data, json, as_, complaint_id, lambda verbs, actor, case, consent, now: verbs.note(actor, case, text, now=now))


def claim(complaint_id: ComplaintId, data: Data = None, json: Json = False, as_: As = "") -> None:
    """Take a case on."""
    _do(data, json, as_, complaint_id, lambda verbs, actor, case, consent, now: verbs.claim(actor, case, now=now))


def assign(
    complaint_id: ComplaintId,
    name: Annotated[str, typer.Argument(help=_("Who is to handle it."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
) -> None:
    """Give a case to somebody."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        return verbs.assign(actor, complaint, _person(name), now=now)

    _do(data, json, as_, complaint_id, act)


def _do(
    data: Path | None,
    json: bool,
    name: str,
    complaint_id: str,
    act: Callable[..., Any],
    accept: list[str] | None = None,
    yes: bool = False,
    override: str = "",
) -> None:
    with desk(data):
        from kesu import clock
        from kesu.accounts.actor import Actor, Via
        from kesu.accounts.roles import Forbidden
        from kesu.alerts.services import ClaimedError
        from kesu.commands import verbs
        from kesu.commands.errors import Conflict, InvalidCommand, Refused
        from kesu.commands.pictures import PictureRefused
        from kesu.commands.verbs import Consent
        from kesu.commands.wording import difference, invalid, picture_refused
        from kesu.complaints.queries import visible_to

        actor = Actor(_acting(name), Via.CLI)
        complaint = (
            visible_to(actor.user).select_related("account", "claimed_by").filter(complaint_id=complaint_id).first()
        )
        if complaint is None:
            fail(_("The desk knows no complaint %s. Try kesu sync.") % complaint_id)
        accepted = tuple(accept or ())
        try:
            try:
                done = act(verbs, actor, complaint, Consent(accepted, override), clock.now())
            except Refused as refused:
                warnings = tuple(c.code for c in refused.standing if c.level == "confirm")
                if not yes or len(warnings) < len(refused.standing):
                    raise
                done = act(verbs, actor, complaint, Consent((*accepted, *warnings), override), clock.now())
        except Refused as refused:
            _say_refused(refused, json)
        except Conflict as conflict:
            _end(json, {"error": "conflict", "message": difference(conflict)}, difference(conflict), CHANGED)
        except InvalidCommand as wrong:
            fail(invalid(wrong))
        except PictureRefused as wrong:
            fail(picture_refused(wrong))
        except ClaimedError as claimed:
            fail(_("%s handles this case.") % claimed.owner)
        except Forbidden as forbidden:
            fail(str(forbidden))
        _finish(done, json)


def _finish(done: Any, json: bool) -> None:
    from kesu.commands.models import Command, Note, RefundRequest
    from kesu.commands.wording import outcome

    if isinstance(done, RefundRequest):
        text = _("Above your limit: it waits for a second person (request %d).") % done.pk
        _end(json, {"request": done.pk, "state": done.state, "amount": done.amount}, text, WAITING)
    if isinstance(done, Note):
        _end(json, {"note": done.pk}, _("Noted."), 0)
    if not isinstance(done, Command):
        _end(json, {"claimed_by": str(done.claimed_by or "")}, _("Handled by %s.") % (done.claimed_by or "-"), 0)
    command = _carried_out(done)
    status = {"confirmed": 0, "failed": 1}.get(command.state, UNKNOWN)
    told = {
        "command": command.pk,
        "kind": command.kind,
        "state": command.state,
        "failure": command.failure,
        "error_code": command.error_code,
        "error": command.error,
        "request_id": command.request_id,
        "concerns": command.concerns,
    }
    _end(json, told, outcome(command), CHANGED if command.failure == "changed" else status)


def _carried_out(command: Any) -> Any:
    """Carry the command out here, or wait for the worker that was faster. Returns its row as it stands."""
    import asyncio

    from kesu import clock
    from kesu.commands.models import Command
    from kesu.commands.speaking import carry_out
    from kesu.sync.gateway import Gateway
    from kesu.threads import in_thread

    async def until_settled() -> None:
        gateway = Gateway(clock.now)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        try:
            pks = {command.pk}
            while loop.time() < deadline:
                for pk in pks:
                    await carry_out(gateway, pk)
                rows = await in_thread(
                    lambda: list(Command.objects.filter(complaint=command.complaint_id, pk__gte=command.pk))
                )
                # An approval is followed by its refund, which is a command of its own.
                pks = {
                    row.pk
                    for row in rows
                    if not row.is_settled and (row.pk == command.pk or row.key == f"after-{command.pk}")
                }
                if not pks:
                    return
                await asyncio.sleep(0.2)
        finally:
            await gateway.close()

    asyncio.run(until_settled())
    return Command.objects.get(pk=command.pk)


def _say_refused(refused: Any, json: bool) -> NoReturn:
    lines = []
    for concern in refused.concerns:
        mark = {"block": "✗", "confirm": "!", "info": "i"}[concern.level]
        lines.append(f"{mark} {concern.message} [{concern.code}]")
    warnings = all(concern.level == "confirm" for concern in refused.standing)
    lines.append(
        _("Nothing was sent. --accept CODE or --yes accepts a warning.")
        if warnings
        else _("Nothing was sent. A block can be set aside only by a role that may, with --override REASON.")
    )
    _end(json, {"error": "refused", "concerns": [c.as_json() for c in refused.concerns]}, "\n".join(lines), REFUSED)


def _end(json: bool, facts: dict[str, Any], text: str, status: int) -> NoReturn:
    if json:
        show_json(facts)
    else:
        (output if status == 0 else errors).print(text, markup=False, highlight=False)
    raise typer.Exit(status)


def _acting(name: str) -> Any:
    from kesu.accounts.models import Role, User

    if name:
        return _person(name)
    owners = list(User.objects.filter(is_active=True, role=Role.OWNER)[:2])
    if len(owners) != 1:
        fail(_("Say who does it: --as NAME. kesu users list shows the names."))
    return owners[0]


def _person(name: str) -> Any:
    from kesu.accounts.models import User

    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        fail(_("No such person: %s. kesu users list shows them.") % name)
    return user


def _fen(amount: str) -> int | None:
    """``19.90`` as 1990; None for nothing."""
    return fen(amount.removeprefix("¥")) if amount else None
