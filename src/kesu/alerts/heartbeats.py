"""The daily heartbeat: every channel says once a day what is open, so that silence means something is wrong."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db.models import Min, QuerySet
from django.utils.translation import pgettext

from kesu.alerts import links
from kesu.alerts.content import Content, Tone
from kesu.alerts.models import Channel, Message
from kesu.clock import BEIJING
from kesu.complaints.models import Complaint
from kesu.rules.escalations import UrgencyClass

KIND = "heartbeat"
HOUR = 9
"""When it is sent, in Beijing."""


def owe_heartbeats(*, now: datetime) -> int:
    """Owe each live channel the heartbeat of this day once nine o'clock has passed; how many messages were new.

    Channels that stand by get it too: it proves that they would work. Those set up after nine begin the next day.
    """
    local = now.astimezone(BEIJING)
    nine = datetime.combine(local.date(), time(HOUR), BEIJING)
    if local < nine:
        return 0
    told = Message.objects.filter(kind=KIND, dedupe_key=_key(local)).values("channel")
    channels = Channel.objects.filter(enabled=True, dead_since__isnull=True, created_at__lt=nine).exclude(pk__in=told)
    rows = [
        Message(
            channel=channel,
            kind=KIND,
            urgency=UrgencyClass.SYSTEM,
            dedupe_key=_key(local),
            created_at=now,
            due_at=now,
        )
        for channel in channels.defer("settings")
        if KIND not in channel.muted_kinds
    ]
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def content(channel: Channel, *, now: datetime) -> Content:
    """Yesterday's new complaints, what is open, and the nearest deadline, of the accounts that the channel serves."""
    midnight = datetime.combine(now.astimezone(BEIJING).date(), time(0), BEIJING)
    cases = _cases(channel)
    yesterday = cases.filter(complaint_time__gte=midnight - timedelta(days=1), complaint_time__lt=midnight).count()
    waiting = cases.filter(open=True)
    counts = {"yesterday": yesterday, "open": waiting.count()}
    nearest = waiting.aggregate(at=Min("next_due_at"))["at"]
    notes: tuple[str, ...] = ()
    if nearest is not None:
        notes = (
            pgettext("push", "nearest deadline %(time)s") % {"time": f"{nearest.astimezone(BEIJING):%m-%d %H:%M}"},
        )
    first = cases.select_related("account").only("account__notify_url").first()
    return Content(
        headline=pgettext("push", "Yesterday %(yesterday)s, open %(open)s") % counts,
        title=pgettext("push", "Daily report: the desk is at work"),
        tone=Tone.WARNING if nearest is not None and nearest <= now else Tone.COMMENT,
        notes=notes,
        link=links.list_address(callback=first.account.notify_url if first else ""),
        link_text=pgettext("push", "Open the list"),
    )


def _cases(channel: Channel) -> QuerySet[Complaint]:
    accounts = list(channel.accounts.values_list("pk", flat=True))
    return Complaint.objects.filter(account__in=accounts) if accounts else Complaint.objects.all()


def _key(local: datetime) -> str:
    return f"{KIND}:{local:%Y-%m-%d}"
