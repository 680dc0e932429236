"""How a channel does, in one word: the same on every page, in every command and figure."""

from __future__ import annotations

from datetime import timedelta

from kesu.alerts import breaker, services
from kesu.alerts.health import Health, State, healths
from kesu.alerts.models import Attempt, Channel, Message
from kesu.metrics.figures import Figures
from kesu.worker import doctor

from .conftest import BASE_URL, Desk


def health(desk: Desk, channel: Channel) -> Health:
    return healths([Channel.objects.get(pk=channel.pk)], now=desk.now)[channel.pk]


def told_by_doctor(now: object) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in doctor._channels(now)]


def told_by_figures(desk: Desk) -> dict[tuple[str, str], float]:
    """Channel and state, channel and whether its robots answer."""
    samples = [sample for metric in Figures().read(now=desk.now) for sample in metric.samples]
    return {
        (sample.labels["channel"], sample.labels.get("state") or sample.labels["answers"]): sample.value
        for sample in samples
        if sample.name in ("kesu_channel_state", "kesu_channel_robots")
    }


def group(desk: Desk, name: str = "客服群") -> tuple[Channel, list[str]]:
    """A channel with three robots, and their keys."""
    keys = [desk.sandbox.robots.create() for _ in range(3)]
    more = [f"{BASE_URL}/cgi-bin/webhook/send?key={key}" for key in keys[1:]]
    return desk.channel(name, keys[0], robot={"more_webhook_urls": more}), keys


def test_nothing_is_known_of_a_channel_before_its_first_push(desk: Desk) -> None:
    channel = desk.channel()
    assert health(desk, channel).state is State.UNTRIED
    services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert health(desk, channel).state is State.LIVE
    desk.wait(minutes=1)
    services.change_settings(
        channel, {"webhook_url": f"{BASE_URL}/cgi-bin/webhook/send?key={desk.sandbox.robots.create()}"}, now=desk.now
    )
    assert health(desk, channel).state is State.UNTRIED  # of its new address


def test_all_robots_of_a_group_answer(desk: Desk) -> None:
    channel, _keys = group(desk)
    desk.new()
    desk.dispatch()
    assert health(desk, channel) == Health(State.LIVE, robots=3, answering=3)


def test_some_robots_of_a_group_answer_until_the_others_do_again(desk: Desk) -> None:
    channel, keys = group(desk)
    desk.sandbox.robots.remove(keys[1])
    for _ in range(6):
        desk.new()
    desk.until(minutes=1)
    found = health(desk, channel)
    assert (found.state, found.answering, found.robots) == (State.PARTIAL, 2, 3)
    assert "3 个机器人中" in told_by_doctor(desk.now)[0][1]
    figures = told_by_figures(desk)
    assert [figures["客服群", name] for name in ("partial", "live", "yes", "no")] == [1, 0, 2, 1]
    desk.sandbox.state.robot_keys.append(keys[1])
    desk.until(minutes=12)
    for _ in range(6):
        desk.new()
    desk.until(minutes=14)
    assert health(desk, channel).state is State.LIVE


def test_a_robot_of_a_group_that_is_silent_is_left_to_the_others_and_told_once(desk: Desk) -> None:
    channel, keys = group(desk)
    desk.trouble("status", 502, path=keys[2])
    for minute in range(0, 30, 2):
        desk.until(minutes=minute)
        for _ in range(3):
            desk.new()
    desk.until(minutes=31)
    found = health(desk, channel)
    assert (found.answering, found.robots) == (2, 3)
    assert Message.objects.filter(kind="robot_gone").count() == 1
    silent = Attempt.objects.filter(outcome="transient")
    assert silent.count() <= breaker.DOWN_AFTER + 3  # then a probe every ten minutes
    desk.sandbox.faults.clear()
    desk.until(minutes=55)
    for _ in range(6):
        desk.new()
    desk.until(minutes=57)
    assert health(desk, channel).state is State.LIVE
    assert not Message.objects.filter(state="failed").exists()


def test_a_channel_rests_after_a_rate_limit_and_only_when_no_robot_of_it_is_left(desk: Desk) -> None:
    channel = desk.channel()
    trio, keys = group(desk, "三个")
    desk.trouble("errcode", 45009, path=desk.sandbox.identity.robot_key, count=1)
    desk.trouble("errcode", 45009, path=keys[0], count=1)
    desk.new()
    desk.dispatch()
    found = health(desk, channel)
    assert (found.state, found.until) == (State.PAUSED, desk.now + timedelta(seconds=60))
    assert health(desk, trio).state is State.LIVE
    desk.until(seconds=61)
    assert health(desk, channel).state is State.LIVE


def fallen_silent(desk: Desk) -> Channel:
    """A channel that answered so few that a standby carries its pushes."""
    channel = desk.channel()
    desk.another_channel("备用群", standby=True)
    desk.trouble("status", 502, path=desk.sandbox.identity.robot_key)
    for _ in range(breaker.DOWN_AFTER):
        desk.new()
    desk.until(seconds=30)
    return channel


def test_a_lonely_channel_that_does_not_answer_is_seen_to_fail_then_to_be_down_and_heals(desk: Desk) -> None:
    channel = desk.channel()
    elsewhere = desk.another_channel("财务群")
    Channel.objects.filter(pk=elsewhere.pk).update(muted_kinds=["new", "unclaimed"])
    desk.trouble("status", 502, path=desk.sandbox.identity.robot_key)
    services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert health(desk, channel).state is State.FAILING
    for _ in range(breaker.DOWN_AFTER):
        services.test_channel(Channel.objects.get(pk=channel.pk), now=desk.now, transports=desk.transports)
    found = health(desk, channel)
    assert (found.state, found.since, found.left_alone) == (State.DOWN, desk.now, False)
    assert told_by_doctor(desk.now)[0][0] == "failed"
    desk.dispatch()
    warning = Message.objects.get(kind="channel_down")
    assert (warning.channel, warning.state) == (elsewhere, "sent")
    assert any("客服群" in shown.content for shown in desk.shown())
    desk.sandbox.faults.clear()
    services.test_channel(Channel.objects.get(pk=channel.pk), now=desk.now, transports=desk.transports)
    assert health(desk, channel).state is State.LIVE


def test_a_channel_is_left_alone_for_its_silence_while_others_carry_its_pushes(desk: Desk) -> None:
    channel = fallen_silent(desk)
    found = health(desk, channel)
    assert (found.state, found.left_alone, found.answering) == (State.DOWN, True, 0)
    assert found.until == found.since + breaker.PROBE_EVERY
    desk.sandbox.faults.clear()
    desk.trouble("errcode", 45009, path=desk.sandbox.identity.robot_key, count=1)
    desk.until(minutes=11)
    desk.new()
    desk.dispatch()  # the probe is answered: too fast, but answered
    assert health(desk, channel).state is State.PAUSED


def test_a_channel_is_dead_until_somebody_acts_also_when_it_was_silent_before(desk: Desk) -> None:
    channel = fallen_silent(desk)
    desk.sandbox.faults.clear()
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    services.test_channel(Channel.objects.get(pk=channel.pk), now=desk.now, transports=desk.transports)
    found = health(desk, channel)
    assert (found.state, found.reason) == (State.DEAD, "93000 invalid webhook url")
    kinds = Message.objects.filter(kind__startswith="channel_").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["channel_down", "channel_dead"]
    figures = told_by_figures(desk)
    assert (figures["客服群", "dead"], figures["客服群", "yes"], figures["备用群", "live"]) == (1, 0, 1)


def test_a_channel_that_is_switched_off_is_off_whatever_else_is_true(desk: Desk) -> None:
    channel = desk.channel()
    Channel.objects.filter(pk=channel.pk).update(dead_since=desk.now, probe_at=desk.now)
    services.switch(Channel.objects.get(pk=channel.pk), enabled=False, now=desk.now)
    assert health(desk, channel).state is State.OFF
    assert [level for level, _text in told_by_doctor(desk.now)] == ["warning"]


def test_the_health_of_many_channels_takes_two_queries(desk: Desk, django_assert_num_queries: object) -> None:
    channels = [desk.another_channel(f"群{number}") for number in range(5)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(healths(channels, now=desk.now)) == 5
