"""Reads for screens and commands. Everything a person sees of a complaint passes ``visible_to``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from kesu.accounts.roles import Permission, Person, may, sees_all_merchants
from kesu.complaints.cursors import Cursor
from kesu.complaints.filters import NONE, SECOND, Filters, narrowed
from kesu.complaints.models import Complaint, Media, Round, TimelineEntry
from kesu.merchants.grants import granted
from kesu.merchants.models import Grant, SubMerchant
from kesu.rules.deadlines import RED_BELOW

PAGE_SIZE = 50
COUNT_LIMIT = 1000
OTHERS_LIMIT = 10
FEW_GRANTS = 100

# Sealed columns cost a decryption each and are not for lists.
SEALED = ("raw", "payer_phone", "payer_openid")
SHOWN = (
    "account__mchid",
    "account__name",
    "amount",
    "claimed_by__display_name",
    "claimed_by__username",
    "complainted_mchid",
    "complaint_time",
    "complete_due_at",
    "detail",
    "full_refunded",
    "in_platform_service",
    "incoming_user_response",
    "is_agent_mode",
    "need_immediate_service",
    "next_due_at",
    "open",
    "problem_description",
    "problem_type",
    "replied",
    "round_number",
    "state",
    "user_complaint_times",
    "user_tags",
)
"""What a row of the inbox needs; half of a complaint is for other screens."""


class View:
    """The two lists of the inbox."""

    OPEN = "open"
    ALL = "all"


class Only:
    """Narrower views of the open list."""

    MINE = "mine"
    UNCLAIMED = "unclaimed"
    SOON = "soon"
    REPEAT = "repeat"
    PLATFORM = "platform"
    OVERDUE = "overdue"
    SECOND = "second"


ONLY = (Only.MINE, Only.UNCLAIMED, Only.SOON, Only.REPEAT, Only.PLATFORM, Only.OVERDUE, Only.SECOND)


@dataclass(frozen=True)
class Page:
    """``next_cursor`` is empty on the last page."""

    rows: list[Complaint]
    next_cursor: str


@dataclass(frozen=True)
class Counts:
    """Each stops at ``COUNT_LIMIT``: nobody needs to know whether it is nine or ten million.

    ``newest_round`` marks the moment of counting: rounds that begin later have greater numbers. ``beside``: rows of
    another table that were counted along.
    """

    open: int
    all: int
    only: dict[str, int]
    newest_round: int
    beside: int = 0


def visible_to(actor: Person) -> QuerySet[Complaint]:
    """The one gate: the complaints of the merchants, and sub-merchants, that this person sees."""
    return Complaint.objects.filter(granted(actor, account="account", sub_mchid="complainted_mchid"))


def _seen(actor: Person) -> QuerySet[Complaint]:
    """``visible_to`` in other words: for whoever sees a few merchants these are named, so that the database goes by
    the merchants' indexes instead of asking of each complaint whether it is one of them."""
    if sees_all_merchants(actor) or not may(actor, Permission.VIEW):
        return visible_to(actor)
    rows = list(Grant.objects.filter(user=actor.pk).values_list("account", "sub_mchid")[: FEW_GRANTS + 1])
    if len(rows) > FEW_GRANTS:
        return visible_to(actor)
    wanted = Q(account__in=[account for account, sub_mchid in rows if not sub_mchid])
    for account, sub_mchid in rows:
        wanted |= Q(account=account, complainted_mchid=sub_mchid) if sub_mchid else Q()
    return Complaint.objects.filter(wanted)


def for_list(complaints: QuerySet[Complaint], *, brief: bool = False) -> QuerySet[Complaint]:
    """With what a row shows: ``merchant_name``, ``round_started_at``, the account and whoever claimed it. ``brief``:
    with nothing else."""
    complaints = complaints.select_related("account", "claimed_by")
    complaints = complaints.only(*SHOWN) if brief else complaints.defer(*SEALED, "account__token")
    return complaints.annotate(**_annotations())


@cache
def _annotations() -> dict[str, Coalesce]:
    """Put together once: a query set takes copies of them."""
    name = SubMerchant.objects.filter(account=OuterRef("account"), mchid=OuterRef("complainted_mchid")).values("name")
    started = Round.objects.filter(complaint=OuterRef("pk"), number=OuterRef("round_number")).values("started_at")
    return {
        "merchant_name": Coalesce(Subquery(name[:1]), Value("")),
        "round_started_at": Coalesce(Subquery(started[:1]), F("complaint_time")),
    }


def cases(actor: Person, view: str, only: str = "", *, filters: Filters = NONE, now: datetime) -> QuerySet[Complaint]:
    """The complaints of one inbox view, unordered. An unknown ``only`` narrows nothing."""
    found = narrowed(_seen(actor), filters, actor)
    if view == View.ALL:
        return found
    found = found.filter(open=True)
    return found.filter(_conditions(actor, now)[only]) if only in ONLY else found


def _conditions(actor: Person, now: datetime) -> dict[str, Q]:
    return {
        Only.MINE: Q(claimed_by=actor.pk),
        Only.UNCLAIMED: Q(claimed_by=None),
        Only.SOON: Q(next_due_at__gt=now, next_due_at__lt=now + RED_BELOW),
        Only.REPEAT: Q(user_complaint_times__gt=1),
        Only.PLATFORM: Q(in_platform_service=True),
        Only.OVERDUE: Q(next_due_at__lte=now),
        Only.SECOND: SECOND,
    }


def page(
    actor: Person,
    view: str,
    only: str = "",
    cursor: str = "",
    *,
    filters: Filters = NONE,
    size: int = PAGE_SIZE,
    brief: bool = False,
    now: datetime,
) -> Page:
    """One page by keyset: stable while rows come and go. The open list starts with the least time left, the other
    with the newest. ``brief`` as in ``for_list``. Raises CursorError for a cursor that is not one of ours."""
    after = Cursor.parse(cursor) if cursor else None
    found = for_list(cases(actor, view, only, filters=filters, now=now), brief=brief)
    return _page(found, view, after, size)


def batches(
    actor: Person, view: str, only: str = "", *, filters: Filters = NONE, size: int = 500, now: datetime
) -> Iterator[list[Complaint]]:
    """All of a view, page after page: no cursor of the database stays open meanwhile. Orders are read along."""
    found = for_list(cases(actor, view, only, filters=filters, now=now)).prefetch_related("orders")
    after = None
    while True:
        step = _page(found, view, after, size)
        if step.rows:
            yield step.rows
        if not step.next_cursor:
            return
        after = Cursor.parse(step.next_cursor)


def _page(found: QuerySet[Complaint], view: str, after: Cursor | None, size: int) -> Page:
    field, descending = ("complaint_time", True) if view == View.ALL else ("next_due_at", False)
    if after is not None:
        found = found.filter(after.after(field, descending=descending))
    ordering = [f"-{field}", "-id"] if descending else [field, "id"]
    rows = list(found.order_by(*ordering)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    return Page(rows, str(Cursor(getattr(rows[-1], field), rows[-1].pk)) if more else "")


def counts(actor: Person, *, beside: QuerySet[Any] | None = None, now: datetime) -> Counts:
    """One query of bounded ones: no list is counted beyond ``COUNT_LIMIT``, each along its own index. ``beside``: what
    else is to be counted in the same query."""
    seen = _seen(actor).values("pk")
    opened = seen.filter(open=True)
    conditions = _conditions(actor, now)
    counted = [_counted(found) for found in (opened, seen, *(opened.filter(conditions[name]) for name in ONLY))]
    newest, _none = Round.objects.order_by("-pk").values("pk")[:1].query.sql_with_params()
    counted += [_counted(beside.values("pk"))] if beside is not None else [("0", ())]
    numbers = ", ".join([*(sql for sql, _params in counted), f"({newest})"])
    with connection.cursor() as cursor:
        cursor.execute(f"select {numbers}", [param for _sql, params in counted for param in params])
        of_open, of_all, *of_only, of_beside, mark = cursor.fetchone()
    return Counts(of_open, of_all, dict(zip(ONLY, of_only, strict=True)), mark or 0, of_beside)


def _counted(found: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """SQL that says how many rows there are, and its parameters. Put together here: to let the query set do it for
    nine lists takes as long as the database takes to count them."""
    try:
        sql, params = found[:COUNT_LIMIT].query.sql_with_params()
    except EmptyResultSet:
        return "0", ()
    return f"(select count(*) from ({sql}) as counted)", params  # noqa: S608 - the query set's own text


def rows_by_id(actor: Person, ids: Iterable[int], *, brief: bool = False) -> list[Complaint]:
    """Rows that a page already shows, to show them anew. ``brief`` as in ``for_list``."""
    return list(for_list(visible_to(actor), brief=brief).filter(pk__in=list(ids)))


def rounds_since(
    actor: Person,
    mark: int,
    shown: Iterable[int],
    view: str = View.OPEN,
    only: str = "",
    *,
    filters: Filters = NONE,
    now: datetime,
) -> int:
    """How many complaints of a view were raised or continued after ``mark`` and are not among ``shown``; at most
    ``COUNT_LIMIT``."""
    found = cases(actor, view, only, filters=filters, now=now).filter(
        rounds__pk__gt=mark, rounds__number=F("round_number")
    )
    return found.exclude(pk__in=list(shown)).values("pk")[:COUNT_LIMIT].count()


def case(actor: Person, pk: int) -> Complaint:
    """One complaint with all that its page shows. Raises Complaint.DoesNotExist when there is none to be seen."""
    return _whole(for_list(visible_to(actor))).get(pk=pk)


def conversations(actor: Person, pks: Iterable[int]) -> list[Complaint]:
    """Several complaints as ``case`` gives one, those to be seen of them."""
    return list(_whole(for_list(visible_to(actor))).filter(pk__in=list(pks)))


def as_one(complaints: Iterable[Complaint]) -> list[tuple[Complaint, TimelineEntry]]:
    """The histories of one payer's complaints as one, the oldest entry first. Each as ``case`` gives it."""
    every = [(complaint, entry) for complaint in complaints for entry in complaint.timeline.all()]
    return sorted(every, key=lambda pair: (pair[1].operate_time, pair[0].pk, pair[1].log_id))


def _whole(complaints: QuerySet[Complaint]) -> QuerySet[Complaint]:
    return complaints.prefetch_related(
        "orders",
        "service_orders",
        Prefetch("rounds", queryset=Round.objects.order_by("number")),
        Prefetch("timeline", queryset=TimelineEntry.objects.order_by("operate_time", "log_id")),
        Prefetch("media", queryset=Media.objects.order_by("pk")),
    )


def others_of_payer(actor: Person, complaint: Complaint) -> list[Complaint]:
    """The payer's other complaints, newest first, at most ``OTHERS_LIMIT`` + 1 of them. Known by the keyed hash of
    openid or phone; a payer who left neither has none."""
    return others_among(visible_to(actor), complaint)


def others_among(seen: QuerySet[Complaint], complaint: Complaint) -> list[Complaint]:
    """``others_of_payer`` among complaints that may be seen."""
    same = Q()
    if complaint.payer_openid_fingerprint:
        same |= Q(payer_openid_fingerprint=complaint.payer_openid_fingerprint)
    if complaint.payer_phone_fingerprint:
        same |= Q(payer_phone_fingerprint=complaint.payer_phone_fingerprint)
    if not same:
        return []
    found = for_list(seen.filter(same).exclude(pk=complaint.pk))
    return list(found.order_by("-complaint_time", "-id")[: OTHERS_LIMIT + 1])


def picture(actor: Person, pk: int) -> Media:
    """A stored picture with its bytes. Raises Media.DoesNotExist when it is not stored, or not to be seen."""
    return Media.objects.select_related("blob").get(
        pk=pk, state=Media.State.STORED, blob__isnull=False, complaint__in=visible_to(actor)
    )
