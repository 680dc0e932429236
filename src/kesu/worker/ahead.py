"""What a clock that ran ahead leaves behind beside planned work: budgets spent in the future, rests and leases.

A machine's clock that stood an hour ahead and was set right would otherwise keep a robot silent for that hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, F, FloatField, Func, Q, Value

from kesu.alerts.breaker import PROBE_EVERY
from kesu.alerts.cards import LEASE as CARD_LEASE
from kesu.alerts.channels import KINDS
from kesu.alerts.channels.wecom_app.tokens import LEASE as TOKEN_LEASE
from kesu.alerts.models import AppToken, BudgetKey, Card, Channel, Message
from kesu.commands import journal, refunds
from kesu.commands.aftermath import LONGEST_LOOK, LOOKS_UNTIL_LONGEST, next_look
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.speaking import LOOKS
from kesu.complaints import media
from kesu.complaints.models import Media, Order
from kesu.merchants.limitations import ASK_EVERY
from kesu.merchants.models import AccountHealth, Limitation
from kesu.rules.backoff import DELAYS, JITTER_SHARE
from kesu.rules.hooks import RETRY_AFTER, retry_after
from kesu.rules.second_person import LOOK_EVERY
from kesu.sync import payments
from kesu.sync.models import Refresh
from kesu.sync.refreshing import PARKED_FOR
from kesu.webhooks import claims
from kesu.webhooks.models import Delivery, Lookout
from kesu.worker.invariants import AHEAD, Found, Invariant, due_now

LONGEST_PAUSE = max(kind.budget.pause for kind in KINDS.values())
"""Of a key no channel uses any more."""
LONGEST_BACKOFF = timedelta(seconds=DELAYS[-1] * (1 + JITTER_SHARE))
LONGEST_FETCH = timedelta(seconds=20 * 2**media.MAX_ATTEMPTS)
LONGEST_REST = max(journal.LEASE, *LOOKS)
"""Of a command: its lease, its looks for an unknown outcome; what is put off waits less."""


def _budgets(now: datetime) -> Found:
    limit = (now + AHEAD).timestamp()
    spent = Func(
        F("used_at"),
        Value("$[*] ? (@ > $limit)"),
        Func(Value("limit"), Value(limit, FloatField()), function="jsonb_build_object"),
        function="jsonb_path_exists",
        output_field=BooleanField(),
    )
    later = now + AHEAD
    return BudgetKey.objects.annotate(spent_ahead=spent).filter(
        Q(spent_ahead=True)
        | Q(paused_until__gt=later + LONGEST_PAUSE)
        | Q(gone_until__gt=later + PROBE_EVERY)
        | Q(digest_since__gt=later)
        | Q(digest_busy_at__gt=later)
        | Q(digested_at__gt=later)
    )


@transaction.atomic
def _heal_budgets(keys: Sequence[Any], now: datetime) -> int:
    """What was sent in the future was sent just now at the latest. Rests are kept as long as they could last."""
    pauses = _pauses()
    rows = list(BudgetKey.objects.select_for_update().filter(pk__in=keys).order_by("pk"))
    for row in rows:
        row.used_at = [min(stamp, now.timestamp()) for stamp in row.used_at]
        row.used_by = {name: [min(stamp, now.timestamp()) for stamp in stamps] for name, stamps in row.used_by.items()}
        for name, longest in (
            ("paused_until", pauses.get(row.pk, LONGEST_PAUSE)),
            ("gone_until", PROBE_EVERY),
            ("digest_since", timedelta(0)),
            ("digest_busy_at", timedelta(0)),
            ("digested_at", timedelta(0)),
        ):
            until = getattr(row, name)
            setattr(row, name, until and min(until, now + longest))
        row.save()
    return len(rows)


def _pauses() -> dict[str, timedelta]:
    """How long each key may have to rest."""
    rows = Channel.objects.values_list("kind", "budget_key", "more_budget_keys")
    return {key: KINDS[kind].budget.pause for kind, first, more in rows if kind in KINDS for key in (first, *more)}


def _channels(now: datetime) -> Found:
    return Channel.objects.filter(
        Q(probe_at__gt=now + PROBE_EVERY + AHEAD) | Q(digest_mention_at__gt=now + AHEAD)
    ).defer("settings")


@transaction.atomic
def _heal_channels(keys: Sequence[Any], now: datetime) -> int:
    """A dead channel is probed now, by what waits for that; a digest may call people as if it had called just now."""
    healed = Channel.objects.filter(pk__in=keys)
    dead = healed.filter(probe_at__gt=now + PROBE_EVERY)
    Message.objects.filter(channel__in=list(dead.values_list("pk", flat=True)), state=Message.State.PENDING).filter(
        due_at__gt=now
    ).update(due_at=now)
    dead.update(probe_at=now)
    healed.filter(digest_mention_at__gt=now).update(digest_mention_at=now)
    return len(keys)


def _tokens(now: datetime) -> Found:
    return AppToken.objects.filter(renewing_until__gt=now + TOKEN_LEASE + AHEAD).defer("token")


def _heal_tokens(keys: Sequence[Any], now: datetime) -> int:
    return AppToken.objects.filter(pk__in=keys).update(renewing_until=None)


def _cards(now: datetime) -> Found:
    return Card.objects.filter(due_at__gt=now + max(CARD_LEASE, LONGEST_BACKOFF) + AHEAD).defer(
        "sent_code", "click_code"
    )


def _pictures(now: datetime) -> Found:
    return Media.objects.filter(state=Media.State.WAITING, due_at__gt=now + LONGEST_FETCH + AHEAD)


def _payments(now: datetime) -> Found:
    return Order.objects.filter(payment_due_at__gt=now + max(payments.LEASE, payments.AGAIN_AFTER) + AHEAD)


def _heal_payments(keys: Sequence[Any], now: datetime) -> int:
    return Order.objects.filter(pk__in=keys).update(payment_due_at=now)


def _accounts(now: datetime) -> Found:
    every = timedelta(seconds=settings.CONFIGURATION.watch_seconds)
    return AccountHealth.objects.filter(account__enabled=True, due_at__gt=now + every + AHEAD)


def _limitations(now: datetime) -> Found:
    return Limitation.objects.filter(account__enabled=True, due_at__gt=now + ASK_EVERY + AHEAD)


def _parked(now: datetime) -> Found:
    return Refresh.objects.filter(state=Refresh.State.PARKED, due_at__gt=now + PARKED_FOR + AHEAD)


def _commands(now: datetime) -> Found:
    """Due once more means looked at: one that may have been sent is read for, and never sent again."""
    return Command.objects.filter(state__in=journal.UNSETTLED, due_at__gt=now + LONGEST_REST + AHEAD).defer(
        "payload", "secret"
    )


def _refunds(now: datetime) -> Found:
    later = now + AHEAD
    late = Q(due_at__gt=later + LONGEST_LOOK)
    for looks in range(LOOKS_UNTIL_LONGEST):
        longest = max(refunds.LEASE, next_look(looks))
        late |= Q(looks=looks, due_at__gt=later + longest) & ~Q(state=Refund.State.ABNORMAL)
    return Refund.objects.filter(late, due_at__gt=later)


def _requests(now: datetime) -> Found:
    return RefundRequest.objects.filter(
        state=RefundRequest.State.WAITING, remind_at__gt=now + LOOK_EVERY + AHEAD
    ).defer("card")


def _heal_requests(keys: Sequence[Any], now: datetime) -> int:
    return RefundRequest.objects.filter(pk__in=keys).update(remind_at=now)


def _deliveries(now: datetime) -> Found:
    later = now + AHEAD
    late = Q(failures=0, due_at__gt=later + claims.LEASE)
    for failures in range(1, len(RETRY_AFTER) + 1):
        late |= Q(failures=failures, due_at__gt=later + max(claims.LEASE, retry_after(failures, 1.0) or claims.LEASE))
    return Delivery.objects.filter(late, state=Delivery.State.PENDING, due_at__gt=later)


def _lookouts(now: datetime) -> Found:
    """Deadlines that come near meanwhile would be passed over: they lie before what was reached."""
    ahead = Q(pk__in=[])
    for lead in settings.KESU_WEBHOOK_DUE_SOON:
        ahead |= Q(pk=int(lead.total_seconds()), reached__gt=now + lead + AHEAD)
    return Lookout.objects.filter(ahead)


def _look_again(keys: Sequence[Any], now: datetime) -> int:
    """From now on; what was told early is not told again."""
    return sum(Lookout.objects.filter(pk=key).update(reached=now + timedelta(seconds=key)) for key in keys)


INVARIANTS = (
    Invariant("budget_out_of_reach", _budgets, _heal_budgets),
    Invariant("channel_out_of_reach", _channels, _heal_channels),
    Invariant("token_out_of_reach", _tokens, _heal_tokens),
    Invariant("card_out_of_reach", _cards, due_now(Card)),
    Invariant("picture_out_of_reach", _pictures, due_now(Media)),
    Invariant("payment_out_of_reach", _payments, _heal_payments),
    Invariant("account_watch_out_of_reach", _accounts, due_now(AccountHealth)),
    Invariant("limitation_out_of_reach", _limitations, due_now(Limitation)),
    Invariant("parked_out_of_reach", _parked, due_now(Refresh)),
    Invariant("command_out_of_reach", _commands, due_now(Command)),
    Invariant("refund_out_of_reach", _refunds, due_now(Refund)),
    Invariant("refund_request_out_of_reach", _requests, _heal_requests),
    Invariant("delivery_out_of_reach", _deliveries, due_now(Delivery)),
    Invariant("lookout_out_of_reach", _lookouts, _look_again),
)
