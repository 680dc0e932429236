"""The robot of the group is too slow, or gone: no push is lost, none is sent twice, people are reached."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.queries import channel_health
from kesu.alerts.services import add_channel
from kesu.demo.world import ROBOT, World
from kesu.threads import in_thread
from tests.stories.witness import at, briefs, counted, hour_of, pushes, unsent

pytestmark = pytest.mark.story

SPARE = "备用群"
MINUTE = 1 / 60


async def add_spare(world: World, *, standby: bool = True) -> None:
    robot = await world.post("/robots")
    await in_thread(
        add_channel,
        name=SPARE,
        kind="wecom_robot",
        settings={"webhook_url": world.loopback(robot["webhook_url"])},
        mentions=["zhangsan"],
        second_mentions=["lisi"],
        standby=standby,
        now=world.now(),
    )


def key_of_first_robot(world: World) -> str:
    return str(world.sandbox.identity.robot_key)


async def take_out_of_the_group(world: World) -> None:
    answer = await world.control.delete(f"{world.sandbox.control_url}/robots/{key_of_first_robot(world)}")
    assert answer.status_code == 204


def put_back_into_the_group(world: World) -> None:
    world.sandbox.state.robot_keys.append(key_of_first_robot(world))


async def states(world: World) -> dict[str, str]:
    health = await in_thread(channel_health, now=world.now())
    return {one.channel.name: one.state for one in health}


async def tries(kind: str) -> list[tuple[float, str, str]]:
    """(hour, channel, outcome) of every try of a kind of message."""
    rows = await in_thread(
        lambda: list(
            Attempt.objects.filter(message__kind=kind).order_by("pk").values_list("at", "channel__name", "outcome")
        )
    )
    return [(hour_of(when), channel, outcome) for when, channel, outcome in rows]


async def told_once(kind: str) -> Counter[str]:
    """How often each complaint was told of in this way: by itself, or in a digest."""
    told = Message.objects.filter(Q(state="sent") | Q(state="digested", digest__state="sent"), kind=kind)
    return Counter(await in_thread(lambda: list(told.values_list("complaint__complaint_id", flat=True))))


def most_in_a_minute(messages: list[Any]) -> int:
    """The largest number of calls, refused ones included, that any 60 seconds of one robot held."""
    times = sorted((message["key"], datetime.fromisoformat(message["time"])) for message in messages)
    return max(
        sum(1 for other, then in times if other == key and when <= then < when + timedelta(seconds=60))
        for key, when in times
    )


def test_a_robot_that_says_too_often_rests_a_minute_and_the_message_comes_later(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", kind="errcode", value=45009, count=2)
        await world.complain(world.merchant)
        await world.settle()
        assert await states(world) == {ROBOT: "paused"}
        await world.advance_to(at(10 * MINUTE))
        assert await states(world) == {ROBOT: "live"}
        assert await tries("new") == [(0, ROBOT, "rate"), (0.0167, ROBOT, "rate"), (0.0333, ROBOT, "sent")]
        assert await briefs(world) == [(0.0333, "new", "zhangsan")]

    tell(story)


def test_a_storm_never_exceeds_what_a_robot_may_be_sent_and_loses_nothing(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", kind="errcode", value=45009, count=3)
        made = await world.post("/complaints", mchid=world.merchant, temperament="none", count=40)
        await world.advance_to(at(30 * MINUTE))
        for kind in ("new", "unclaimed"):
            assert await told_once(kind) == dict.fromkeys(made["complaint_ids"], 1)
        assert await unsent() == []
        messages = await world.messages()
        assert most_in_a_minute(messages) <= 18
        # Three ordered refusals; none by the robot's own count.
        assert [message["errcode"] for message in messages if message["errcode"]] == [45009] * 3

    tell(story)


def test_a_dead_robot_is_seen_and_the_spare_one_stands_in_at_once(tell):
    async def story(world: World) -> None:
        await add_spare(world)
        await take_out_of_the_group(world)
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        assert await states(world) == {ROBOT: "dead", SPARE: "live"}
        dead = await in_thread(Channel.objects.get, name=ROBOT)
        assert (dead.dead_since, "93000" in dead.dead_reason) == (world.now(), True)
        told = await pushes(world)
        assert sorted((push.brief, push.channel, push.urgency) for push in told) == [
            ((0, "channel_dead", "zhangsan"), SPARE, "urgent"),
            ((0, "new", "zhangsan"), SPARE, "normal"),
        ]
        assert all(ROBOT in push.content for push in told)
        await world.advance_to(at(24))
        # Every push goes to the spare one; whenever ten minutes have passed, the next one tries the dead robot first.
        assert [push.brief for push in await pushes(world, complaint_id)] == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            (12, "reply_due", "zhangsan"),
            (20, "reply_due", "zhangsan"),
            (23, "reply_due", "zhangsan"),
            (24, "reply_overdue", "lisi"),
        ]
        assert counted(await pushes(world), "channel_dead") == {"": 1}
        assert await tries("unclaimed") == [(0.25, ROBOT, "channel_dead"), (0.25, SPARE, "sent")]
        assert await unsent() == []

    tell(story)


def test_a_repaired_robot_takes_the_next_push_that_probes_it(tell):
    async def story(world: World) -> None:
        await add_spare(world)
        await take_out_of_the_group(world)
        await world.complain(world.merchant)
        await world.advance_to(at(5 * MINUTE))
        put_back_into_the_group(world)
        other = await world.complain(world.merchant)
        await world.settle()
        assert [push.channel for push in await pushes(world, other)] == [SPARE]  # ten minutes have not passed yet
        await world.advance_to(at(1))
        assert await states(world) == {ROBOT: "live", SPARE: "live"}
        later = [(push.hour, push.kind, push.channel) for push in await pushes(world) if push.hour > 0.1]
        assert later == [(0.25, "unclaimed", ROBOT), (0.3333, "unclaimed", ROBOT)]

    tell(story)


def test_with_no_other_robot_pushes_wait_for_the_repair(tell):
    async def story(world: World) -> None:
        await take_out_of_the_group(world)
        await world.complain(world.merchant)
        await world.advance_to(at(12 * MINUTE))
        assert await briefs(world) == []
        assert await states(world) == {ROBOT: "dead"}
        put_back_into_the_group(world)
        await world.advance_to(at(25 * MINUTE))
        # Tried after ten minutes in vain and after twenty, when the step of the fifteenth minute waited too.
        assert await briefs(world) == [(0.3333, "new", "zhangsan"), (0.3333, "unclaimed", "zhangsan")]
        assert [(hour, outcome) for hour, _channel, outcome in await tries("new")] == [
            (0, "channel_dead"),
            (0.1667, "channel_dead"),
            (0.3333, "sent"),
        ]
        assert await states(world) == {ROBOT: "live"}
        assert await unsent() == []

    tell(story)


def test_of_two_robots_that_carry_everything_a_dead_ones_share_is_not_said_twice(tell):
    async def story(world: World) -> None:
        await add_spare(world, standby=False)
        await take_out_of_the_group(world)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(13))
        told = await pushes(world, complaint_id)
        assert [(push.brief, push.channel) for push in told] == [
            ((0, "new", "zhangsan"), SPARE),
            ((0.25, "unclaimed", "zhangsan"), SPARE),
            ((12, "reply_due", "zhangsan"), SPARE),
        ]
        moved = await in_thread(Message.objects.filter(state="moved", channel__name=ROBOT).count)
        assert moved == 3

    tell(story)


UNREACHABLE = {"kind": "status", "value": 502}
CUT_OFF = {"kind": "drop"}


@pytest.mark.parametrize(
    ("trouble", "times"),
    [
        (UNREACHABLE, 5),
        (CUT_OFF, 1),
        (CUT_OFF, 3),
    ],
)
def test_a_robot_that_does_not_answer_for_a_while_gets_the_message_later(tell, trouble, times):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", count=times, **trouble)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(30 * MINUTE))
        assert [outcome for _hour, _channel, outcome in await tries("new")][times:] == ["sent"]
        assert counted(await pushes(world, complaint_id), "new") == {complaint_id: 1}
        assert await unsent() == []

    tell(story)
