"""Reads across apps for the delivery log and the inbox. A fixed number of queries each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Prefetch, QuerySet

from kesu.accounts.roles import Person
from kesu.alerts.models import Attempt, Message
from kesu.alerts.queries import visible_to as messages_visible_to
from kesu.merchants.grants import accounts_visible_to, granted
from kesu.merchants.models import SubMerchant
from kesu.sync.models import Poll

PAGE_SIZE = 50
MERCHANT_NAMES = 200


@dataclass(frozen=True)
class Deliveries:
    """``next_before`` is 0 on the last page."""

    messages: list[Message]
    next_before: int


def _messages(actor: Person) -> QuerySet[Message]:
    attempts = Attempt.objects.select_related("channel").order_by("pk").defer("channel__settings")
    return (
        messages_visible_to(actor)
        .select_related("channel", "complaint")
        .defer("channel__settings", "complaint__raw", "complaint__payer_phone", "complaint__payer_openid")
        .prefetch_related(Prefetch("log", queryset=attempts))
    )


def deliveries(actor: Person, *, state: str = "", before: int = 0) -> Deliveries:
    """One page of the delivery log, newest first, older than the message number ``before``."""
    found = _messages(actor)
    if state in Message.State.values:
        found = found.filter(state=state)
    if before:
        found = found.filter(pk__lt=before)
    messages = list(found.order_by("-pk")[: PAGE_SIZE + 1])
    more = len(messages) > PAGE_SIZE
    messages = messages[:PAGE_SIZE]
    return Deliveries(messages, messages[-1].pk if more else 0)


def deliveries_of(actor: Person, complaint_pk: int, limit: int = 20) -> list[Message]:
    """The newest pushes about one complaint."""
    return list(_messages(actor).filter(complaint=complaint_pk).order_by("-pk")[:limit])


def delivery(actor: Person, pk: int) -> Message:
    """Raises Message.DoesNotExist."""
    return _messages(actor).get(pk=pk)


def merchant_names(actor: Person) -> list[tuple[str, str]]:
    """Numbers and names to choose from, accounts and sub-merchants, at most ``MERCHANT_NAMES``."""
    subs = SubMerchant.objects.filter(granted(actor, account="account", sub_mchid="mchid"))
    own = accounts_visible_to(actor).order_by().values_list("mchid", "name")
    found = own.union(subs.order_by().exclude(name="").values_list("mchid", "name")[:MERCHANT_NAMES])
    return list(found.order_by("mchid")[:MERCHANT_NAMES])


def last_poll() -> datetime | None:
    """When any account was last listed to the end."""
    finished: datetime | None = Poll.objects.aggregate(last=Max("finished_at"))["last"]
    return finished
