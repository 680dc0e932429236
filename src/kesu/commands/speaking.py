"""Carrying commands out: a fresh read, the guards again, then the call. No transaction is open while we speak.

The worker's loop calls ``carry_out_due``; a command line may call ``carry_out`` for its own row. Claims keep them
apart.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction

from kesu.alerts.commands import tell_command_unknown
from kesu.commands import aftermath, checks, journal, resending
from kesu.commands.models import Command, Refund
from kesu.commands.pictures import media_ids
from kesu.commands.proof import Sought, find, state_proves
from kesu.commands.reading import entries_of, newest_entry, proofs_of
from kesu.complaints.models import Complaint
from kesu.merchants.credentials import NoCredentials
from kesu.sync.gateway import Gateway
from kesu.sync.recording import record_snapshot
from kesu.sync.refreshing import read_snapshot
from kesu.threads import giving_back, in_thread, side_by_side
from kesu.wechatpay import Client, NotFound, PlatformError, WeChatPayError, WrongState
from kesu.wechatpay.complaints import MiniProgramJump

log = structlog.get_logger(__name__)

PATIENCE = timedelta(hours=1)
"""How long a command waits for a platform that cannot be reached; then nothing was sent and a person decides."""

UNCLEAR_FOR = timedelta(minutes=10)
"""After how long people are told that nobody knows what became of a call."""

LOOKS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 15, 30, 60, 120, 300))
"""After how long an unknown outcome is read for, again and again. With the last look it counts as not delivered."""


async def carry_out_due(gateway: Gateway, *, limit: int = 4) -> int:
    """Carry out up to ``limit`` due commands side by side; returns how many were taken."""
    due = await in_thread(journal.claim_due, gateway.now(), limit)
    if due:
        await side_by_side(
            *(
                giving_back(_carry_out(gateway, command), partial(in_thread, _give_back, command, gateway.now()))
                for command in due
            )
        )
    return len(due)


async def carry_out(gateway: Gateway, pk: int) -> None:
    """Carry out this command now, unless somebody else is at it or it is not due."""
    for command in await in_thread(lambda: journal.claim_due(gateway.now(), 1, pk=pk)):
        await _carry_out(gateway, command)


def _give_back(command: Command, now: datetime) -> None:
    journal.give_back(command, now=now, look_at=_next_look(command, now))


async def _carry_out(gateway: Gateway, command: Command) -> None:
    """One command's boundary: whatever goes wrong with one stops no other, and its row stays due."""
    try:
        if command.state == Command.State.PLANNED:
            await _speak(gateway, command)
            return
        if command.state == Command.State.SENDING:
            # Its worker died between the call and the answer.
            await in_thread(
                lambda: journal.mark_unknown(command, "interrupted", look_at=command.due_at or gateway.now())
            )
        await _settle(gateway, command)
    except journal.NotInState:
        log.info("command_moved_on", command=command.pk)
    except Exception:
        log.exception("command_failed", command=command.pk, kind=command.kind)
    if command.sent_at is not None and gateway.now() - command.sent_at > UNCLEAR_FOR:
        await in_thread(lambda: _tell_when_unknown(command.pk, now=gateway.now()))


@transaction.atomic
def _tell_when_unknown(pk: int, *, now: datetime) -> None:
    """Told once; the message's key sees to it."""
    rows = Command.objects.select_related("complaint", "actor").filter(pk=pk, state=Command.State.UNKNOWN)
    for row in rows:
        tell_command_unknown(row.complaint, row.pk, row.kind, aftermath.author_of(row), now=now)


async def _speak(gateway: Gateway, command: Command) -> None:
    """From planned to confirmed, unknown or failed; or put off while the platform cannot be reached."""
    try:
        account, client = await gateway.client(command.account_id)
        snapshot = await read_snapshot(client, command.complaint.complaint_id)
        await in_thread(lambda: record_snapshot(account, snapshot, now=gateway.now()))
        if command.kind == Command.Kind.RESEND_REFUND:
            await resending.read_again(client, command, now=gateway.now())
        unread = await in_thread(lambda: checks.reconsider(command, now=gateway.now()))
        if unread:
            told = [concern.as_json() for concern in unread]
            await in_thread(
                lambda: _fail(command, Command.Failure.CHANGED, now=gateway.now(), error="changed", concerns=told)
            )
            return
        payload = json.loads(command.payload)
        pictures = await media_ids(client, account, payload.get("pictures") or [], now=gateway.now())
        baseline = await in_thread(newest_entry, command.complaint_id)
    except (WeChatPayError, NoCredentials) as error:
        await _nothing_was_sent(command, error, gateway.now())
        return
    await in_thread(lambda: journal.mark_sending(command, baseline, now=gateway.now()))
    await _call_and_note(gateway, client, command, payload, pictures)


async def _call_and_note(
    gateway: Gateway, client: Client, command: Command, payload: dict[str, Any], pictures: list[str]
) -> None:
    try:
        answer = await call(client, command, payload, pictures)
    except WeChatPayError as error:
        await _note_error(command, error, gateway.now())
        return
    await in_thread(lambda: aftermath.confirmed(command, answer, now=gateway.now()))


async def call(client: Client, command: Command, payload: dict[str, Any], pictures: list[str]) -> Any:
    """The one place where a command becomes a request. Raises the errors of ``kesu.wechatpay``."""
    complaint = command.complaint
    number, mchid = complaint.complaint_id, complaint.complainted_mchid or command.account.mchid
    kind = Command.Kind
    if command.kind == kind.REPLY:
        jump, program = payload.get("jump") or {}, payload.get("mini_program")
        return await client.reply(
            number,
            mchid=mchid,
            content=payload["text"],
            images=pictures,
            jump_url=jump.get("url"),
            jump_url_text=jump.get("text"),
            mini_program=MiniProgramJump(**program) if program else None,
        )
    if command.kind == kind.IMMEDIATE_REPLY:
        return await client.reply_immediate_service(
            number,
            mchid=mchid,
            blocks=_with_pictures(payload["blocks"], pictures),
            idempotent_id=payload["idempotent_id"],
            sender_identity=payload.get("sender_identity", "MANUAL"),
            custom_data=payload.get("custom_data"),
        )
    if command.kind == kind.COMPLETE:
        return await client.complete(number, mchid=mchid)
    if command.kind == kind.APPROVE_REFUND:
        return await client.approve_refund(
            number, launch_refund_day=payload.get("launch_refund_day", 0), remark=payload.get("remark") or None
        )
    if command.kind == kind.REJECT_REFUND:
        return await client.reject_refund(
            number, reason=payload["text"], media=pictures, remark=payload.get("remark") or None
        )
    if command.kind == kind.RESEND_REFUND:
        return await resending.call(client, command, payload)
    refund = await in_thread(lambda: Refund.objects.select_related("order").get(command=command))
    own = mchid == command.account.mchid
    return await client.create_refund(
        out_refund_no=refund.out_refund_no,
        refund=refund.amount,
        total=refund.total,
        transaction_id=refund.order.transaction_id,
        sub_mchid=None if own else mchid,
        reason=refund.reason or None,
    )


async def _settle(gateway: Gateway, command: Command) -> None:
    """Find out what became of a call whose answer was lost."""
    now = gateway.now()
    try:
        account, client = await gateway.client(command.account_id)
        if command.kind == Command.Kind.IMMEDIATE_REPLY:
            # One idempotent_id acts once (4017151596): the same call again is the way to learn of the first.
            payload = json.loads(command.payload)
            pictures = await media_ids(client, account, payload.get("pictures") or [], now=now)
            await in_thread(journal.keep_unknown, command)
            await _call_and_note(gateway, client, command, payload, pictures)
            return
        if command.kind == Command.Kind.REFUND:
            await _settle_refund(gateway, client, command)
            return
        if command.kind == Command.Kind.RESEND_REFUND:
            await _settle_resent(gateway, client, command)
            return
        snapshot = await read_snapshot(client, command.complaint.complaint_id)
        await in_thread(lambda: record_snapshot(account, snapshot, now=gateway.now()))
    except (WeChatPayError, NoCredentials) as error:
        # A look that failed proves nothing.
        told = resending.untold(command, str(error))
        look_at = _next_look(command, gateway.now())
        await in_thread(lambda: journal.mark_unknown(command, told, look_at=look_at))
        return
    await in_thread(lambda: _judge(command, now=gateway.now()))


async def _settle_refund(gateway: Gateway, client: Client, command: Command) -> None:
    refund = await in_thread(lambda: Refund.objects.select_related("order").get(command=command))
    mchid = command.complaint.complainted_mchid or command.account.mchid
    try:
        found = await client.query_refund(
            refund.out_refund_no, sub_mchid=None if mchid == command.account.mchid else mchid
        )
    except NotFound:
        # Never accepted: the same number again refunds once (申请退款 4013080625).
        await in_thread(journal.keep_unknown, command)
        await _call_and_note(gateway, client, command, json.loads(command.payload), [])
        return
    await in_thread(lambda: aftermath.confirmed(command, found, now=gateway.now()))


async def _settle_resent(gateway: Gateway, client: Client, command: Command) -> None:
    """A refund that is stuck no more was sent elsewhere. One that still is may only look so for a moment."""
    found = await resending.read_again(client, command, now=gateway.now())
    if found.status != "ABNORMAL":
        await in_thread(lambda: aftermath.confirmed(command, found, now=gateway.now()))
    else:
        await in_thread(lambda: _look_again(command, now=gateway.now()))


@transaction.atomic
def _judge(command: Command, *, now: datetime) -> None:
    """Confirmed when the history shows it; looked for again, or given up as not delivered, when it does not."""
    complaint = Complaint.objects.get(pk=command.complaint_id)
    sought = Sought(
        kind=command.kind,
        text=json.loads(command.payload).get("text", ""),
        sent_at=command.sent_at or command.planned_at,
        baseline=command.baseline_entry or 0,
        taken=proofs_of(command.complaint_id),
    )
    proof = find(sought, entries_of(command.complaint_id))
    if proof is not None or state_proves(command.kind, complaint.state):
        aftermath.confirmed(command, None, now=now, log_id=proof.log_id if proof else "")
        return
    _look_again(command, now=now)


@transaction.atomic
def _look_again(command: Command, *, now: datetime) -> None:
    """No trace of it: look once more, or give it up as not delivered."""
    since = now - (command.sent_at or command.planned_at)
    wait = next((look for look in LOOKS if look > since), None)
    if command.error_code:
        _fail(command, Command.Failure.REFUSED, now=now, error=command.error, error_code=command.error_code)
    elif wait is not None:
        journal.mark_unknown(command, command.error, look_at=(command.sent_at or now) + wait)
    else:
        _fail(command, Command.Failure.NOT_FOUND, now=now, error=command.error)


def _next_look(command: Command, now: datetime) -> datetime:
    """Soon after the call itself; then ever later, also when the look was the same call again."""
    again = command.state == Command.State.UNKNOWN
    wait = LOOKS[min(command.attempts, len(LOOKS) - 1)] if again else LOOKS[0]
    if command.kind == Command.Kind.REFUND:
        wait = max(wait, aftermath.FIRST_LOOK)
    return now + wait


async def _nothing_was_sent(command: Command, error: Exception, now: datetime) -> None:
    """Reading or uploading failed: the command is tried again while that may help."""
    retryable = getattr(error, "retryable", False) or isinstance(error, NoCredentials)
    if retryable and now - command.planned_at < PATIENCE:
        wait = min(timedelta(seconds=2 * 2 ** min(command.attempts, 6)), timedelta(minutes=2))
        await in_thread(lambda: journal.put_off(command, str(error), until=now + wait))
        return
    await in_thread(lambda: _fail(command, Command.Failure.NOT_SENT, now=now, **_told(error)))


async def _note_error(command: Command, error: WeChatPayError, now: datetime) -> None:
    """The call came back with an error: it was refused, it may have worked, or it was not made at all."""
    said = resending.untold(command, str(error))
    if error.outcome_unknown or (error.retryable and command.state == Command.State.UNKNOWN):
        await in_thread(lambda: journal.mark_unknown(command, said, look_at=_next_look(command, now)))
    elif isinstance(error, WrongState) and command.kind == Command.Kind.COMPLETE:
        # A second complete is refused (268440133): somebody else's may have been the first.
        told = _told(error)
        await in_thread(
            lambda: journal.mark_unknown(command, told["error"], look_at=now, error_code=told["error_code"])
        )
    elif error.retryable and now - command.planned_at < PATIENCE:
        wait = timedelta(seconds=5 * 2 ** min(command.attempts, 5))
        await in_thread(lambda: journal.put_off(command, said, until=now + wait))
    else:
        failure = Command.Failure.REFUSED if isinstance(error, PlatformError) else Command.Failure.NOT_SENT
        await in_thread(lambda: _fail(command, failure, now=now, **_told(error)))


def _fail(command: Command, failure: Command.Failure, *, now: datetime, **told: Any) -> None:
    told["error"] = resending.untold(command, told.get("error", ""))
    aftermath.failed(command, failure, now=now, **told)


def _told(error: Exception) -> dict[str, Any]:
    if isinstance(error, PlatformError):
        return {"error": error.message or str(error), "error_code": error.code, "request_id": error.request_id}
    return {"error": str(error), "error_code": type(error).__name__}


def _with_pictures(blocks: list[dict[str, Any]], pictures: list[str]) -> list[dict[str, Any]]:
    """Blocks name pictures by their place (``media_index``); the platform wants its own media_id."""
    filled = []
    for block in blocks:
        if block.get("type") == "IMAGE" and "media_index" in block:
            style = block.get("image_style_type", "IMAGE_STYLE_TYPE_NARROW")
            image = {"media_id": pictures[block["media_index"]], "image_style_type": style}
            filled.append({"type": "IMAGE", "image": image})
        else:
            filled.append(block)
    return filled
