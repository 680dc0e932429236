"""What a person narrows a list to. Every one leaves only what ``visible_to`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from kesu.accounts.roles import Person
from kesu.clock import BEIJING
from kesu.complaints import search
from kesu.complaints.models import MARKED, Complaint
from kesu.merchants.grants import accounts_visible_to, granted
from kesu.merchants.models import SubMerchant

NOBODY = "-"
"""As an assignee: unclaimed."""
MOST_MERCHANTS = 200


SECOND = Q(pk__in=Complaint.objects.filter(refund_requests__state="waiting").values("pk"))
"""A refund waits for a second person: few rows of a partial index."""


class Mark:
    """What a row can be marked with, and narrowed to."""

    AGAIN = "again"
    HIGH_RISK = "high_risk"
    IMMEDIATE = "immediate"
    PLATFORM = "platform"
    UNREAD = "unread"
    REFUND = "refund"
    SECOND = "second"


_MARKS: dict[str, Q] = {
    Mark.AGAIN: Q(user_complaint_times__gt=1),
    Mark.HIGH_RISK: Q(user_tags__contains=["HIGH_RISK"]),
    Mark.IMMEDIATE: Q(need_immediate_service=True),
    Mark.PLATFORM: Q(in_platform_service=True),
    Mark.UNREAD: Q(incoming_user_response=True),
    # Wanted or on its way. Those that are final are due no more: a partial index holds the others.
    Mark.REFUND: Q(
        pk__in=Complaint.objects.filter(
            refunds__due_at__isnull=False, refunds__state__in=["wanted", "processing"]
        ).values("pk")
    ),
    Mark.SECOND: SECOND,
}
MARKS = tuple(_MARKS)


@dataclass(frozen=True)
class Filters:
    """Empty fields narrow nothing. Amounts are fen, days are Beijing days of the complaint, both ends included.

    ``merchant``: number or name of an account or sub-merchant; ``assignee``: a username, or ``NOBODY``;
    ``marks``: all of them.
    """

    text: str = ""
    merchant: str = ""
    problem: str = ""
    state: str = ""
    assignee: str = ""
    marks: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return self != NONE


NONE = Filters()


def narrowed(found: QuerySet[Complaint], filters: Filters, actor: Person) -> QuerySet[Complaint]:
    """``found`` is what ``actor`` may see."""
    if filters.text:
        found = search.narrow(found, filters.text)
    if filters.merchant:
        found = found.filter(_merchant(actor, filters.merchant))
    found = found.filter(**_columns(filters))
    for mark in filters.marks:
        found = found.filter(_MARKS[mark])
        # Says to the database that its index of the marked ones will do.
        found = found if mark in (Mark.REFUND, Mark.SECOND) else found.filter(MARKED)
    return found


def _columns(filters: Filters) -> dict[str, Any]:
    conditions: dict[str, Any] = {}
    if filters.problem:
        conditions["problem_type"] = filters.problem
    if filters.state:
        conditions["state"] = filters.state
    if filters.assignee == NOBODY:
        conditions["claimed_by__isnull"] = True
    elif filters.assignee:
        conditions["claimed_by__username"] = filters.assignee
    if filters.least is not None:
        conditions["amount__gte"] = filters.least
    if filters.most is not None:
        conditions["amount__lte"] = filters.most
    if filters.since:
        conditions["complaint_time__gte"] = _midnight(filters.since)
    if filters.until:
        conditions["complaint_time__lt"] = _midnight(filters.until) + timedelta(days=1)
    return conditions


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)


def _merchant(actor: Person, text: str) -> Q:
    """Looked up first, so that the database sees which accounts and sub-merchants it is about."""
    subs = SubMerchant.objects.filter(granted(actor, account="account", sub_mchid="mchid"))
    named = (
        accounts_visible_to(actor).filter(Q(mchid=text) | Q(name__icontains=text)).values_list("pk", "mchid", "mchid")
    )
    below = subs.filter(Q(mchid=text) | Q(name__icontains=text)).values_list("account", "account__mchid", "mchid")
    wanted = Q(pk__in=[])
    for account, own, mchid in named.union(below, all=True)[:MOST_MERCHANTS]:
        wanted |= Q(account=account) if own == mchid else Q(account=account, complainted_mchid=mchid)
    return wanted
