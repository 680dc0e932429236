"""What becomes of a message after a try: sent, tried again, shortened, carried by another channel, visibly failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from kesu.alerts import breaker, budgets, cards, digests
from kesu.alerts.breaker import PROBE_EVERY
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import Receipt
from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.outbox import copy_for, substitutes
from kesu.alerts.relevance import TOLD
from kesu.complaints.models import Complaint
from kesu.rules.backoff import backoff

log = structlog.get_logger(__name__)

FAILURES_BEFORE_SUBSTITUTE = 4
FAILURES_AT_MOST = 12
UNKNOWN_BEFORE_SUBSTITUTE = 2
UNKNOWN_AT_MOST = 4
"""Each may have arrived, so each further try may be a repetition; it says so. None at all would be worse."""

Outcome = Attempt.Outcome


@dataclass(frozen=True, slots=True)
class Claim:
    """A message a worker has in hand until its lease ends. ``number`` counts its tries: another worker's is higher.

    ``robot`` and ``budget_key`` say which of a group's robots it is sent by; ``due_at``: when the message was due
    before it was leased.
    """

    message_pk: int
    attempt_pk: int
    number: int
    budget_key: str = ""
    robot: int = 0
    due_at: datetime | None = None


@transaction.atomic
def record(
    claim: Claim, outcome: str, receipt: Receipt, *, now: datetime, milliseconds: int = 0, jitter: float = 0.0
) -> Message.State:
    """Log the answer to a try and settle its message; the state the message is in then.

    Only SENT (``errcode == 0``) marks it sent. A try whose lease another worker took over is logged, and settles the
    message only when it arrived.
    """
    Attempt.objects.filter(pk=claim.attempt_pk).update(
        outcome=outcome,
        http_status=receipt.http_status,
        code=receipt.code,
        answer=receipt.answer,
        payload_sha256=receipt.payload_sha256,
        milliseconds=milliseconds,
    )
    message = _locked(claim.message_pk)
    ours = message.attempts == claim.number and message.state == Message.State.PENDING
    log.info("message.tried", message=message.pk, channel=message.channel_id, outcome=outcome, code=receipt.code)
    if outcome == Outcome.SENT:
        _sent(message, claim.due_at or message.due_at, now)
        breaker.close(message.channel, claim.budget_key)
        if receipt.card is not None:
            cards.remember(message, receipt.card, now=now)
    elif ours:
        message.error = f"{receipt.code} {receipt.answer}".strip()[:300]
        _settle(message, claim.budget_key or message.channel.budget_key, outcome, receipt, now, jitter)
        message.save()
    return Message.State(message.state)


@transaction.atomic
def give_back(claim: Claim, *, now: datetime) -> None:
    """The worker stops before the answer: the message may have arrived, and is due again at once. No failure."""
    Attempt.objects.filter(pk=claim.attempt_pk).update(outcome=Outcome.INTERRUPTED)
    rows = Message.objects.filter(pk=claim.message_pk, attempts=claim.number, state=Message.State.PENDING)
    rows.update(due_at=now, doubtful=True)


def supersede(message: Message, reason: str, *, now: datetime) -> None:
    """Drop a message that no longer matters; the outbox keeps the reason."""
    message.state, message.error, message.due_at = Message.State.SUPERSEDED, reason, now
    message.save(update_fields=["state", "error", "due_at"])
    log.info("message.superseded", message=message.pk, reason=reason)


def carry_elsewhere(message: Message, *, now: datetime) -> None:
    """A message whose channel is dead goes to another, without a try."""
    message.error = "channel dead"
    _leave_dead_channel(message, now)
    message.save()


def _locked(message_pk: int) -> Message:
    rows = Message.objects.select_for_update(no_key=True, of=("self",)).select_related("channel")
    return rows.defer("channel__settings").get(pk=message_pk)


def _sent(message: Message, due_at: datetime, now: datetime) -> None:
    message.state, message.sent_at, message.error, message.due_at = Message.State.SENT, now, "", due_at
    message.save(update_fields=["state", "sent_at", "error", "due_at"])


def _settle(message: Message, key: str, outcome: str, receipt: Receipt, now: datetime, jitter: float) -> None:
    """One failed try. A test message is never tried again: a person is looking."""
    spared = _note_answer(message, key, outcome, receipt, now)
    if message.kind == "test":
        _fail(message, now)
    elif outcome == Outcome.RATE or spared:
        message.due_at = now
    elif outcome == Outcome.PAYLOAD and not message.shortened:
        message.shortened, message.due_at = True, now
    elif outcome == Outcome.PAYLOAD:
        _give_up(message, now)
    elif outcome == Outcome.CHANNEL_DEAD:
        _leave_dead_channel(message, now)
    elif breaker.is_down(message.channel) and _substitutes(message):
        message.doubtful = message.doubtful or outcome == Outcome.UNKNOWN
        breaker.open_for_silence(message.channel, receipt, now=now)
        _leave_dead_channel(message, now)
    else:
        _try_again(message, outcome, now, jitter)


def _note_answer(message: Message, key: str, outcome: str, receipt: Receipt, now: datetime) -> bool:
    """What a refusal says of the channel and the robot; whether other robots of the group are to try instead."""
    channel = message.channel
    if outcome == Outcome.CHANNEL_DEAD:
        spared = breaker.leave_robot(channel, key, receipt, now=now)
        if not spared:
            breaker.mark_dead(channel, receipt, now=now)
        return spared
    if outcome == Outcome.RATE:
        budgets.rest(key, kind_named(channel.kind).budget, now=now)
    if outcome in (Outcome.RATE, Outcome.PAYLOAD):
        breaker.answered(channel, key)
    else:
        breaker.unanswered(channel, key, receipt, now=now)
    return False


def _try_again(message: Message, outcome: str, now: datetime, jitter: float) -> None:
    """Later, unless the tries are used up; sooner used up where another channel could carry it."""
    message.failures += 1
    tries, patience, limit = message.failures, FAILURES_BEFORE_SUBSTITUTE, FAILURES_AT_MOST
    if outcome == Outcome.UNKNOWN:
        message.doubtful = True
        tries = message.log.filter(outcome=Outcome.UNKNOWN, pk__gt=message.resent_after).count()
        patience, limit = UNKNOWN_BEFORE_SUBSTITUTE, UNKNOWN_AT_MOST
    if tries >= limit or (tries >= patience and _substitutes(message)):
        _give_up(message, now)
    else:
        message.due_at = now + timedelta(seconds=backoff(message.failures, jitter))


def _leave_dead_channel(message: Message, now: datetime) -> None:
    """Another channel carries it at once; without one it waits for probes of the dead one, a bounded time."""
    if _hand_over(message, now):
        return
    message.failures += 1
    if message.failures >= FAILURES_AT_MOST:
        _fail(message, now)
    else:
        message.due_at = message.channel.probe_at or now + PROBE_EVERY


def _give_up(message: Message, now: datetime) -> None:
    if not _hand_over(message, now):
        _fail(message, now)


def _fail(message: Message, now: datetime) -> None:
    """The end of a message that nobody got. It stays visible and counted; the ladder of its case goes on."""
    message.state, message.due_at = Message.State.FAILED, now
    if message.kind == digests.KIND:
        digests.fail(message, now=now)
    log.error("message.failed", message=message.pk, channel=message.channel_id, kind=message.kind)


def _hand_over(message: Message, now: datetime) -> bool:
    """Let the first channel that can carry it do so.

    The complaint's row is taken first: whoever records a snapshot holds it, and writes messages too.
    """
    if message.complaint_id is not None:
        Complaint.objects.select_for_update(no_key=True).only("pk").get(pk=message.complaint_id)
    for candidate in _substitutes(message):
        copy = copy_for(message, candidate, now=now)
        if copy.state in TOLD:
            if message.kind == digests.KIND:
                digests.follow(message, copy)
            message.state, message.moved_to, message.due_at = Message.State.MOVED, copy, now
            log.warning("message.moved", message=message.pk, channel=message.channel_id, to=candidate.pk)
            return True
    return False


def _substitutes(message: Message) -> list[Channel]:
    """Who may carry it instead: of a digest, whoever serves every account in it."""
    accounts: list[int] | list[None] = digests.accounts(message) if message.kind == digests.KIND else []
    found = [substitutes(message.channel, account) for account in accounts or [_account(message)]]
    return [candidate for candidate in found[0] if all(candidate in others for others in found[1:])]


def _account(message: Message) -> int | None:
    return message.complaint.account_id if message.complaint else message.facts.get("account")
