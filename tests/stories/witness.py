"""What a story can see: the pushes that people got, the mirror, the clocks, and the platform's truth beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kesu.alerts.models import Attempt, Clock, Message
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.threads import in_thread
from kesu.wechatpay.wire import moment
from tests.stories.conftest import START

ON_DUTY, SECOND = ("zhangsan",), ("lisi",)


@dataclass(frozen=True)
class Push:
    """A message that a robot accepted. ``hour`` counts from the start of the story."""

    hour: float
    kind: str
    mentions: tuple[str, ...]
    urgency: str
    complaint_id: str
    content: str
    channel: str

    @property
    def brief(self) -> tuple[float, str, str]:
        return self.hour, self.kind, " ".join(self.mentions)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def hour_of(when: datetime) -> float:
    return round((when - START).total_seconds() / 3600, 4)


async def pushes(world: World, complaint_id: str = "") -> list[Push]:
    """Every accepted push, oldest first, as the robots show it; the log must tell of the same ones."""
    shown = [message for message in await world.messages() if message["errcode"] == 0]
    logged = await in_thread(_logged)
    assert len(shown) == len(logged)
    waiting = list(shown)
    found = []
    for attempt in logged:
        number = attempt.message.complaint.complaint_id if attempt.message.complaint else ""
        # Robots answer side by side: the same moment may hold several, told apart by what they say.
        message = next(m for m in waiting if _is_of(m, attempt) and number in m["content"])
        waiting.remove(message)
        found.append(
            Push(
                hour=hour_of(attempt.at),
                kind=attempt.message.kind,
                mentions=tuple(message["mentions"]),
                urgency=attempt.message.urgency,
                complaint_id=number,
                content=message["content"],
                channel=attempt.channel.name,
            )
        )
    return [push for push in found if not complaint_id or push.complaint_id == complaint_id]


async def briefs(world: World, complaint_id: str = "") -> list[tuple[float, str, str]]:
    """(hour, kind, whom) of every accepted push."""
    return [push.brief for push in await pushes(world, complaint_id)]


def ladder(
    start: float, *, until: float, opening: str = "new", reply_by: float | None = 24, complete_by: float = 72
) -> list[tuple[float, str, str]]:
    """What the default ladder says of a round that began at hour ``start`` and goes on at ``until``: hours are from the
    start of the story, ``reply_by`` and ``complete_by`` from the round's. ``reply_by`` None: the reply is not owed."""
    told = [(start, opening, "zhangsan")]
    if reply_by is not None:
        told.append((start + 0.25, "unclaimed", "zhangsan"))
        told += [(start + reply_by - left, "reply_due", "zhangsan") for left in (12, 4, 1)]
        told += [(start + reply_by + 2 * n, "reply_overdue", "lisi") for n in range(200)]
    told += [(start + complete_by - left, "complete_due", "zhangsan") for left in (24, 12, 6, 3, 1)]
    told += [(start + complete_by + 2 * n, "complete_overdue", "lisi") for n in range(200)]
    return sorted(push for push in told if push[0] <= until)


async def mirror(complaint_id: str) -> Complaint:
    return await in_thread(Complaint.objects.get, complaint_id=complaint_id)


async def running(complaint_id: str) -> list[tuple[int, str, float]]:
    """(round, clock, hour of its deadline) of every clock that runs."""
    return await in_thread(_running, complaint_id)


async def rounds(complaint_id: str) -> list[tuple[int, float, float | None, float | None]]:
    """(number, hours of start, first reply and completion) of every round in the mirror."""
    return await in_thread(_rounds, complaint_id)


async def truth(world: World, complaint_id: str) -> Mapping[str, Any]:
    answer = await world.control.get(f"{world.sandbox.control_url}/complaints/{complaint_id}")
    return dict(answer.json())


async def differences(world: World) -> dict[str, Any]:
    """Where the mirror differs from the platform, complaint by complaint; empty when it is true."""
    wrong: dict[str, Any] = {}
    for complaint_id in list(world.sandbox.state.complaints):
        said, shown = _as_told(await truth(world, complaint_id)), await in_thread(_as_mirrored, complaint_id)
        if said != shown:
            keys = [key for key in said if not shown or said[key] != shown[key]]
            wrong[complaint_id] = {key: (said[key], shown and shown[key]) for key in keys}
    return wrong


def counted(told: Iterable[Push], *kinds: str) -> Counter[str]:
    """How many pushes of these kinds each complaint got."""
    return Counter(push.complaint_id for push in told if push.kind in kinds)


async def unsent() -> list[tuple[str, str]]:
    """(kind, state) of messages that are neither sent nor dropped nor moved for a reason."""
    return await in_thread(
        lambda: list(Message.objects.filter(state__in=["pending", "failed"]).values_list("kind", "state"))
    )


def _is_of(message: Mapping[str, Any], attempt: Attempt) -> bool:
    """Whether a channel's robot showed it at the moment of the try. Robots show milliseconds."""
    apart = abs(datetime.fromisoformat(message["time"]) - attempt.at)
    return apart < timedelta(milliseconds=2) and message["key"] in attempt.channel.settings


def _logged() -> list[Attempt]:
    rows = Attempt.objects.filter(outcome=Attempt.Outcome.SENT).order_by("pk")
    return list(rows.select_related("message__complaint", "channel"))


def _running(complaint_id: str) -> list[tuple[int, str, float]]:
    clocks = Clock.objects.filter(complaint__complaint_id=complaint_id, stopped_at__isnull=True)
    return sorted((clock.round_number, str(clock.kind), hour_of(clock.deadline_at)) for clock in clocks)


def _rounds(complaint_id: str) -> list[tuple[int, float, float | None, float | None]]:
    rows = Complaint.objects.get(complaint_id=complaint_id).rounds.order_by("number")
    return [
        (
            row.number,
            hour_of(row.started_at),
            hour_of(row.replied_at) if row.replied_at else None,
            hour_of(row.completed_at) if row.completed_at else None,
        )
        for row in rows
    ]


def _as_told(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mchid": told["complainted_mchid"],
        "state": told["complaint_state"],
        "time": moment(told["complaint_time"]),
        "detail": told["complaint_detail"],
        "times": told["user_complaint_times"],
        "awaits answer": told["incoming_user_response"],
        "refunded": told["complaint_full_refunded"],
        "platform service": told["in_platform_service"],
        "immediate": told["need_immediate_service"],
        "tags": sorted(told.get("user_tag_list", [])),
        "phone": told["payer_phone"],
        "amount": told["amount"],
        "orders": [order["transaction_id"] for order in told["complaint_order_info"]],
        "history": sorted(
            (entry["log_id"], entry["operate_type"], moment(entry["operate_time"]), entry.get("operate_details") or "")
            for entry in told["history"]
        ),
        "open": told["complaint_state"] != "PROCESSED",
        "clocks run": told["complaint_state"] != "PROCESSED",
    }


def _as_mirrored(complaint_id: str) -> dict[str, Any] | None:
    row = Complaint.objects.filter(complaint_id=complaint_id).first()
    if row is None:
        return None
    return {
        "mchid": row.complainted_mchid,
        "state": row.state,
        "time": row.complaint_time,
        "detail": row.detail,
        "times": row.user_complaint_times,
        "awaits answer": row.incoming_user_response,
        "refunded": row.full_refunded,
        "platform service": row.in_platform_service,
        "immediate": row.need_immediate_service,
        "tags": row.user_tags,
        "phone": row.payer_phone,
        "amount": row.amount,
        "orders": list(row.orders.values_list("transaction_id", flat=True)),
        "history": sorted(row.timeline.values_list("log_id", "operate_type", "operate_time", "details")),
        "open": row.open,
        "clocks run": row.clocks.filter(stopped_at__isnull=True).exists(),
    }
