"""Cards with buttons: remembered when sent, greyed when their case is claimed, answered or closed.

A code changes a card once and within 72 hours (更新模版卡片消息,
https://developer.work.weixin.qq.com/document/path/94888). One comes with the sending, another with each press of a
button: the latter tells of a claim, so that the former is left for the answer; a claim that nobody pressed for spends
the former. So does a release, if need be: better no word of the answer than a claim that nobody holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

import httpx2
import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import override, pgettext

from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import TIMEOUT, PayloadError, Receipt, SendError, SentCard
from kesu.alerts.models import Card, Message
from kesu.alerts.text import neutralise, shorten
from kesu.complaints.models import Complaint
from kesu.rules.backoff import backoff
from kesu.threads import giving_back, in_thread, waiting

log = structlog.get_logger(__name__)

CODE_LIFE = timedelta(hours=72)
LEASE = timedelta(minutes=5)
FAILURES_AT_MOST = 4
NAME_CHARACTERS = 8
Shown = Card.Shown
RANK = {Shown.OPEN: 0, Shown.CLAIMED: 1, Shown.ANSWERED: 2, Shown.CLOSED: 3}
_HAS_CODE = Q(sent_code__isnull=False) | Q(click_code__isnull=False)


@runtime_checkable
class CardKind(Protocol):
    """A kind of channel whose cards can be changed."""

    async def grey_card(
        self, update_code: str, label: str, settings: Any, client: httpx2.AsyncClient, *, now: datetime
    ) -> Receipt:
        """Grey the buttons of a card for everybody who got it. Raises SendError."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change to make, read before any connection is opened. ``field`` is the code that it uses up."""

    card_pk: int
    kind: str
    settings: str
    field: str
    code: str
    shown: Card.Shown
    label: str


def state_of(complaint: Complaint) -> Card.Shown:
    """What a card of this case should say."""
    if not complaint.open:
        return Shown.CLOSED
    if complaint.replied:
        return Shown.ANSWERED
    return Shown.OPEN if complaint.claimed_by_id is None else Shown.CLAIMED


def label_of(complaint: Complaint, language: str) -> str:
    """The words on a greyed button."""
    with override(language):
        state = state_of(complaint)
        if state is Shown.CLAIMED:
            owner = shorten(neutralise(str(complaint.claimed_by)), NAME_CHARACTERS)
            return pgettext("card", "Claimed: %(name)s") % {"name": owner}
        labels = {Shown.ANSWERED: pgettext("card", "Answered"), Shown.CLOSED: pgettext("card", "Closed")}
        return labels.get(state, "")


def remember(message: Message, card: SentCard, *, now: datetime) -> None:
    """Keep what a sent card needs to be changed later; what it shows already is not told it again."""
    shown = state_of(message.complaint) if message.complaint else Shown.OPEN
    found = Card(message=message, task_id=card.task_id, sent_code=card.update_code, sent_at=now, shown=shown)
    Card.objects.bulk_create([found], ignore_conflicts=True)


def review(complaint: Complaint, *, now: datetime) -> None:
    """Let the cards of a case be changed that show another thing than it has come to; in the transaction of that."""
    behind = [shown for shown in RANK if _is_behind(shown, state_of(complaint))]
    if behind:
        cards = Card.objects.filter(_HAS_CODE, message__complaint=complaint, shown__in=behind)
        cards.update(due_at=now, failures=0)


def pressed(task_id: str, update_code: str, *, now: datetime) -> None:
    """Keep the code that came with a press. A card nobody remembers (its sending was in doubt) stays as it is."""
    if update_code:
        Card.objects.filter(task_id=task_id).update(click_code=update_code, clicked_at=now)


async def grey_due(
    clock: Callable[[], datetime], *, transports: Mapping[str, httpx2.AsyncBaseTransport] | None = None, limit: int = 5
) -> int:
    """Change the cards that are due; how many were tried. Several workers may do this at once."""
    changes = await in_thread(_take_due, now=clock(), limit=limit)
    left = [change.card_pk for change in changes]

    async def grey_all() -> None:
        for change in changes:
            transport = (transports or {}).get(change.kind)
            async with httpx2.AsyncClient(transport=transport, timeout=TIMEOUT, trust_env=False) as client:
                error = await _grey(change, client, now=clock())
            await in_thread(_record, change, error, now=clock())
            left.remove(change.card_pk)

    await giving_back(grey_all(), lambda: in_thread(_give_back, left, now=clock()))
    return len(changes)


def _give_back(cards: list[int], *, now: datetime) -> None:
    Card.objects.filter(pk__in=cards, due_at__isnull=False).update(due_at=now)


async def _grey(change: Change, client: httpx2.AsyncClient, *, now: datetime) -> SendError | None:
    kind = kind_named(change.kind)
    if not isinstance(kind, CardKind):
        return PayloadError("this kind of channel has no cards")
    try:
        settings = kind.parse(json.loads(change.settings))
        await kind.grey_card(change.code, change.label, settings, client, now=now)
    except SendError as error:
        return error
    return None


def _locked() -> QuerySet[Card]:
    related = ("message__channel", "message__complaint__claimed_by")
    sealed = ("raw", "payer_phone", "payer_openid")
    rows = Card.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related(*related)
    return rows.defer(*(f"message__complaint__{name}" for name in sealed))


_ANY_DUE = waiting(lambda now: Card.objects.filter(due_at__lte=now))


def _take_due(*, now: datetime, limit: int) -> list[Change]:
    return _lease(now, limit) if _ANY_DUE(now) else []


@transaction.atomic
def _lease(now: datetime, limit: int) -> list[Change]:
    """What is due; what needs no change any more, or has no code left, is put to rest."""
    changes = []
    for card in _locked().filter(due_at__lte=now).order_by("due_at")[:limit]:
        change = _change(card, now)
        card.due_at = now + LEASE if change else None
        card.save(update_fields=["due_at", "sent_code", "click_code"])
        if change:
            changes.append(change)
    return changes


def _change(card: Card, now: datetime) -> Change | None:
    _forget_old_codes(card, now)
    complaint, channel = card.message.complaint, card.message.channel
    if complaint is None or not _is_behind(Shown(card.shown), state_of(complaint)):
        return None
    shown = state_of(complaint)
    passing = shown in (Shown.OPEN, Shown.CLAIMED)
    order = ("click_code", "sent_code") if passing else ("sent_code", "click_code")
    field = next((name for name in order if getattr(card, name)), None)
    if field is None:
        return None
    label = label_of(complaint, channel.language) or _released(channel.language)
    return Change(card.pk, channel.kind, channel.settings, field, getattr(card, field), shown, label)


def _is_behind(shown: Card.Shown, state: Card.Shown) -> bool:
    """Whether a card tells less than its case has come to, or of a claim that was given back."""
    return RANK[shown] < RANK[state] or (shown is Shown.CLAIMED and state is Shown.OPEN)


def _released(language: str) -> str:
    with override(language):
        return pgettext("card", "Released")


def _forget_old_codes(card: Card, now: datetime) -> None:
    if now - card.sent_at >= CODE_LIFE:
        card.sent_code = None
    if card.clicked_at is None or now - card.clicked_at >= CODE_LIFE:
        card.click_code = None


@transaction.atomic
def _record(change: Change, error: SendError | None, *, now: datetime) -> None:
    """What became of a change. Meanwhile the case may have moved on: then the card is due again at once."""
    card = _locked().filter(pk=change.card_pk).first()
    if card is None:
        return
    used_up = error is None or isinstance(error, PayloadError)
    if used_up and getattr(card, change.field) == change.code:
        setattr(card, change.field, None)
    if error is None:
        card.shown, card.failures, card.error = change.shown, 0, ""
    else:
        card.failures += 1
        card.error = f"{error.receipt.code} {error.receipt.answer}".strip()[:300]
        log.warning("card.not_changed", card=card.pk, outcome=error.outcome, code=error.receipt.code)
    again = card.failures < FAILURES_AT_MOST and _change(card, now) is not None
    wait = timedelta(0) if used_up else timedelta(seconds=backoff(card.failures))
    card.due_at = now + wait if again else None
    card.save()
