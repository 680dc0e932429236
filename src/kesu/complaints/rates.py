"""The merchant's rates as they stand, counted directly from the mirror's rows of the window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery

from kesu.complaints.models import Complaint, Round
from kesu.merchants.models import Account
from kesu.rules.deadlines import BEIJING, LimitKind
from kesu.rules.rates import REPEAT, TIMELY, Rate, RateDefinition, beijing_day, window


@dataclass(frozen=True)
class Rates:
    """Of one merchant (a sub-merchant is judged by itself), for the Beijing day of the moment asked."""

    timely: Rate
    repeat: Rate


def of_merchant(account: Account, mchid: str, *, now: datetime) -> Rates:
    """Both rates over the window's complaints of this merchant: one range of an index, counted by the database.
    The same as ``rules.rates`` counts case by case (a test compares them)."""
    return Rates(_timely(account, mchid, now), _repeat(account, mchid, now))


def _timely(account: Account, mchid: str, now: datetime) -> Rate:
    first_round = Round.objects.filter(complaint=OuterRef("pk"), number=1)
    limit = TIMELY.deadlines.complete
    if limit.kind is not LimitKind.ROLLING:
        raise NotImplementedError("the database counts rolling deadlines only")
    allowed = timedelta(hours=limit.amount)
    found = (
        _raised(TIMELY, account, mchid, now)
        .annotate(ended_at=Subquery(first_round.values("completed_at")[:1]))
        .aggregate(
            raised=Count("pk"),
            in_time=Count("pk", filter=Q(ended_at__lt=F("complaint_time") + allowed)),
            undated=Count("pk", filter=OVER & Q(ended_at=None)),
        )
    )
    return Rate(TIMELY, beijing_day(now), found["in_time"], found["raised"], found["undated"])


def _repeat(account: Account, mchid: str, now: datetime) -> Rate:
    found = _raised(REPEAT, account, mchid, now).aggregate(
        over=Count("pk", filter=OVER), repeated=Count("pk", filter=Q(user_complaint_times__gt=1))
    )
    return Rate(REPEAT, beijing_day(now), found["repeated"], found["over"])


OVER = Q(open=False) | Q(round_number__gt=1) | Q(user_complaint_times__gt=1)
"""The first round is finished."""


def _raised(definition: RateDefinition, account: Account, mchid: str, now: datetime) -> QuerySet[Complaint]:
    first, last = window(definition, beijing_day(now))
    begin = datetime.combine(first, time(), BEIJING)
    end = datetime.combine(last + timedelta(days=1), time(), BEIJING)
    return Complaint.objects.filter(
        account=account, complainted_mchid=mchid, complaint_time__gte=begin, complaint_time__lt=end
    )
