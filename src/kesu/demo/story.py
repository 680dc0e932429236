"""The scripted 72 hours: what may happen to a desk in three days, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from kesu.alerts.models import Channel, Clock, Message
from kesu.alerts.services import add_channel
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.threads import in_thread

START = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)  # 14:00 in Beijing, the example of the platform's own guide


@dataclass(frozen=True)
class Expectation:
    """One promise and what came of it."""

    at_hours: float
    name: str
    expected: str
    happened: str

    @property
    def held(self) -> bool:
        return self.expected == self.happened


class Teller:
    """Plays the script; ``note`` keeps each expectation with what happened."""

    def __init__(self, world: World, progress: Callable[[int], None]) -> None:
        self.world, self.progress = world, progress
        self.expectations: list[Expectation] = []

    def hours(self) -> float:
        return (self.world.now() - START).total_seconds() / 3600

    async def until(self, hours: float) -> None:
        """Go on to an hour of the story, an hour at a time."""
        while self.hours() < hours:
            self.progress(int(self.hours()))
            await self.world.advance_to(START + timedelta(hours=min(hours, int(self.hours()) + 1)))

    def note(self, name: str, expected: object, happened: object) -> None:
        self.expectations.append(Expectation(round(self.hours(), 2), name, str(expected), str(happened)))

    async def pushes(self, complaint_id: str) -> list[tuple[float, str]]:
        """(hour, kind) of the pushes about a case that the robot accepted."""
        return await in_thread(_pushes, complaint_id)

    async def mirror(self, complaint_id: str) -> Complaint:
        return await in_thread(Complaint.objects.get, complaint_id=complaint_id)


async def play(progress: Callable[[int], None] = lambda hours: None) -> list[Expectation]:
    """Play everything; returns every expectation in the order of the story."""
    world = await World.create(START)
    teller = Teller(world, progress)
    try:
        await _tell(teller)
    finally:
        await world.close()
    return teller.expectations


async def _tell(t: Teller) -> None:
    world = t.world
    silent = await world.complain(world.merchant, amount=19900, detail="说好三天发货, 一周了没人理我")
    await world.settle()
    t.note(_("a complaint is pushed at once, by name"), ["zhangsan"], (await world.messages())[-1]["mentions"])
    row = await t.mirror(silent)
    t.note(
        _("reply due after 24 h, completion after 72 h"),
        "24.0 / 72.0",
        f"{_after(row.reply_due_at)} / {_after(row.complete_due_at)}",
    )
    await _sub_merchants(t)
    console = await _console_reply(t)
    repeat = await _repeat_complaint(t)
    await _loud_events(t)
    await _receiver_down(t)
    await _notices_twice_and_forged(t)
    await _robot_refuses(t)
    await _console_completion(t, console, repeat)
    await t.until(71.9)
    t.note(
        _("nobody reacted: woken before the reply was due, then every 2 h, and before completion was due"),
        _LADDER,
        _text(await t.pushes(silent)),
    )
    await _answered_at_last(t, silent)
    await _books(t)


async def _sub_merchants(t: Teller) -> None:
    numbers = t.world.sub_merchants
    made = [await t.world.complain(mchid, amount=500 + 100 * index) for index, mchid in enumerate(numbers)]
    await t.world.settle()
    owners = [(await t.mirror(complaint_id)).complainted_mchid for complaint_id in made]
    t.note(_("a partner's complaints are told apart by sub-merchant"), numbers, owners)
    for complaint_id in made:
        await t.world.console(complaint_id, "reply", text="您好, 已为您处理")
        await t.world.console(complaint_id, "complete")


async def _console_reply(t: Teller) -> str:
    await t.until(1)
    complaint_id = await t.world.complain(t.world.merchant, amount=1990, detail="会员没到账")
    await t.until(2)
    await t.world.console(complaint_id, "reply", text="您好, 正在为您核实")
    await t.until(2.25)
    row = await t.mirror(complaint_id)
    t.note(_("a reply in the official console, which is never pushed, is found by polling"), "PROCESSING", row.state)
    t.note(
        _("the reply clock stops, the completion clock goes on"), "complete", await in_thread(_running, complaint_id)
    )
    return complaint_id


async def _repeat_complaint(t: Teller) -> str:
    await t.until(3)
    complaint_id = await t.world.complain(t.world.merchant, amount=3000, detail="商品与描述不符")
    await t.world.console(complaint_id, "reply", text="您好")
    await t.world.console(complaint_id, "complete")
    await t.until(4)
    t.note(_("completed at the platform: no clock runs"), "", await in_thread(_running, complaint_id))
    await t.world.payer(complaint_id, "continue", "没退款你们就结了")
    await t.world.settle()
    row = await t.mirror(complaint_id)
    t.note(_("继续投诉 is pushed at once"), (4.0, "continued"), (await t.pushes(complaint_id))[-1])
    t.note(
        _("the second round has deadlines of its own"),
        "2: 28.0 / 76.0",
        f"{row.round_number}: {_after(row.reply_due_at)} / {_after(row.complete_due_at)}",
    )
    return complaint_id


async def _loud_events(t: Teller) -> None:
    await t.until(5)
    risky = await t.world.complain(t.world.merchant, user_tag_list=["HIGH_RISK"], need_immediate_service=True)
    await t.world.settle()
    kinds = {kind for _, kind in await t.pushes(risky)}
    t.note(_("HIGH_RISK and 即时服务 are told at once"), True, {"high_risk", "immediate_service"} <= kinds)
    await t.world.payer(risky, "apply_platform_service")
    await t.world.settle()
    t.note(_("平台协助 is told at once"), (5.0, "platform_service"), (await t.pushes(risky))[-1])
    await t.world.console(risky, "reply", text="您好")
    await t.world.console(risky, "complete")


async def _receiver_down(t: Teller) -> None:
    await t.until(6)
    t.world.door.open = False
    unheard = await t.world.complain(t.world.merchant, detail="没有人通知的投诉")
    await t.world.advance(timedelta(minutes=10, seconds=1))
    seen = await in_thread(lambda: Complaint.objects.filter(complaint_id=unheard).exists())
    t.note(_("receiver dead: polling finds the complaint within its interval (here 10 min)"), True, seen)
    t.world.door.open = True
    await t.world.advance(timedelta(minutes=10))
    t.note(
        _("the notice that comes late alerts nobody twice"),
        1,
        [kind for _, kind in await t.pushes(unheard)].count("new"),
    )
    await t.world.console(unheard, "reply", text="您好")
    await t.world.console(unheard, "complete")


async def _notices_twice_and_forged(t: Teller) -> None:
    await t.until(7)
    before = await in_thread(Complaint.objects.count)
    made = []
    for kind in ("duplicate", "forge", "signtest"):
        await t.world.post("/faults", target="notice", kind=kind, count=1)
        made.append(await t.world.complain(t.world.merchant))
        await t.world.settle()
    reasons = {row.reason for row in t.world.rejections.take()}
    t.note(_("forged notices and probes are refused"), ["bad_signature", "signature_probe"], sorted(reasons))
    new = [[kind for _, kind in await t.pushes(complaint_id)].count("new") for complaint_id in made]
    t.note(
        _("and whatever comes twice is one complaint and one push"),
        (before + 3, [1, 1, 1]),
        (await in_thread(Complaint.objects.count), new),
    )
    for complaint_id in made:
        await t.world.console(complaint_id, "reply", text="您好")
        await t.world.console(complaint_id, "complete")


async def _robot_refuses(t: Teller) -> None:
    await t.until(8)
    second = await t.world.post("/robots")
    await in_thread(_add_second_robot, t.world, second["webhook_url"])
    await t.world.post("/faults", target="wecom", kind="errcode", value=45009, count=1)
    busy = await t.world.complain(t.world.merchant, detail="机器人正忙")
    await t.world.settle()
    t.note(_("errcode 45009 is not taken for success"), 0, len(await t.pushes(busy)))
    await t.world.advance(timedelta(minutes=2))
    t.note(_("the push follows when the robot may be asked again"), "new", (await t.pushes(busy))[0][1])
    await t.world.post("/faults", target="wecom", kind="errcode", value=93000, count=1)
    moved = await t.world.complain(t.world.merchant, detail="机器人被移出群")
    await t.world.settle()
    t.note(
        _("errcode 93000: the second robot takes over at once"),
        (round(t.hours(), 2), "new"),
        (await t.pushes(moved))[0],
    )
    t.note(
        _("the dead robot is shown as dead"), 1, await in_thread(Channel.objects.filter(dead_since__isnull=False).count)
    )
    for complaint_id in (busy, moved):
        await t.world.console(complaint_id, "reply", text="您好")
        await t.world.console(complaint_id, "complete")


async def _console_completion(t: Teller, console: str, repeat: str) -> None:
    await t.until(30)
    for complaint_id in (console, repeat):
        await t.world.console(complaint_id, "reply", text="已全额退款, 给您添麻烦了")
        await t.world.console(complaint_id, "complete")
    await t.until(30.5)
    states = [(await t.mirror(complaint_id)).state for complaint_id in (console, repeat)]
    t.note(_("completed in the console: the desk knows"), ["PROCESSED", "PROCESSED"], states)
    await t.until(60)
    late = [kind for hour, kind in await t.pushes(console) if hour > 30.5]
    t.note(_("and nobody is woken for it any more"), [], late)
    kinds = [kind for _, kind in await t.pushes(console)]
    t.note(_("what had been needed for it"), ["new", "unclaimed"], kinds)


async def _answered_at_last(t: Teller, silent: str) -> None:
    await t.world.console(silent, "reply", text="非常抱歉, 已为您全额退款")
    await t.world.console(silent, "complete")
    await t.until(73)
    t.note(_("answered and completed at last: every clock stands"), "", await in_thread(_running, silent))
    last = (await t.pushes(silent))[-1]
    await t.until(76)
    t.note(_("and the group stays quiet"), last, (await t.pushes(silent))[-1])


async def _books(t: Teller) -> None:
    """Every push is accounted for, and the robot's book agrees with the desk's."""
    accepted = [message for message in await t.world.messages() if message["errcode"] == 0]
    sent = await in_thread(Message.objects.filter(state=Message.State.SENT).count)
    t.note(_("what the desk calls sent, the robots accepted"), len(accepted), sent)
    t.note(
        _("no push is left over or failed"),
        0,
        await in_thread(Message.objects.filter(state__in=["pending", "failed"]).count),
    )
    t.note(_("the robots' limit of 20 a minute was never passed"), True, _busiest_minute(accepted) <= 20)
    open_now = await in_thread(Complaint.objects.filter(open=True).count)
    t.note(
        _("no case is open, no clock runs"),
        (0, 0),
        (open_now, await in_thread(Clock.objects.filter(stopped_at__isnull=True).count)),
    )


_LADDER = "0 new, 0.25 unclaimed, 12 20 23 reply_due, 24 .. 70 reply_overdue x24, 48 60 66 69 71 complete_due"


def _text(pushes: list[tuple[float, str]]) -> str:
    """The ladder of the case that nobody answered, as one line."""
    hours: dict[str, list[float]] = {}
    for hour, kind in pushes:
        hours.setdefault(kind, []).append(hour)
    overdue = hours.get("reply_overdue", [])
    even = all(later - earlier == 2 for earlier, later in pairwise(overdue))
    span = (
        f"{overdue[0]:g} .. {overdue[-1]:g} reply_overdue x{len(overdue)}"
        if overdue and even
        else f"{overdue} reply_overdue"
    )
    parts = [
        f"{' '.join(f'{hour:g}' for hour in hours.get(kind, []))} {kind}" for kind in ("new", "unclaimed", "reply_due")
    ]
    return ", ".join([*parts, span, f"{' '.join(f'{hour:g}' for hour in hours.get('complete_due', []))} complete_due"])


def _after(moment: datetime) -> float:
    return round((moment - START).total_seconds() / 3600, 2)


def _pushes(complaint_id: str) -> list[tuple[float, str]]:
    rows = Message.objects.filter(complaint__complaint_id=complaint_id, state=Message.State.SENT)
    found = rows.order_by("sent_at", "id").values_list("sent_at", "kind")
    return [(_after(sent_at), kind) for sent_at, kind in found if sent_at is not None]


def _running(complaint_id: str) -> str:
    clocks = Clock.objects.filter(complaint__complaint_id=complaint_id, stopped_at__isnull=True)
    return " ".join(sorted(clocks.values_list("kind", flat=True)))


def _add_second_robot(world: World, url: str) -> None:
    add_channel(
        name="企业微信群 2",
        kind="wecom_robot",
        settings={"webhook_url": world.loopback(url)},
        mentions=["zhangsan"],
        second_mentions=["lisi"],
        standby=True,
        now=world.now(),
    )
    first = Channel.objects.get(standby=False)
    first.fallback = Channel.objects.get(standby=True)
    first.save(update_fields=["fallback"])


def _busiest_minute(accepted: list[Mapping[str, Any]]) -> int:
    by_key: dict[str, list[float]] = {}
    for message in accepted:
        by_key.setdefault(message["key"], []).append(datetime.fromisoformat(message["time"]).timestamp())
    return max(
        (sum(1 for other in times if moment <= other < moment + 60) for times in by_key.values() for moment in times),
        default=0,
    )
