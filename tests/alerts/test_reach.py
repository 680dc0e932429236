"""What is said to reach nobody reaches nobody, and only that: by the channels that messages are written for."""

from __future__ import annotations

import pytest

from kesu.accounts.models import User
from kesu.alerts import services
from kesu.alerts.models import Channel, Message
from kesu.alerts.reach import ReachProblem, unreachable
from kesu.worker import doctor
from tests.factories import make_account

from .conftest import BASE_URL, START, Desk

OVERDUE = [{"clock": clock, "overdue_every": "2h", "to": ["second"]} for clock in ("reply", "complete")]
NO_CHANNEL = ReachProblem("", "", "", "no_channel", "1900000001", fatal=True)


def found(desk: Desk) -> list[tuple[str, str, str, bool]]:
    return [(one.step, one.code, one.name, one.fatal) for one in unreachable(now=desk.now)]


def ladders_finding(desk: Desk) -> doctor.Finding:
    return doctor._ladders(desk.now)


def test_channels_that_only_stand_by_carry_what_no_other_would(desk: Desk) -> None:
    spare = desk.channel("备用群", standby=True)
    assert found(desk) == []
    desk.new()
    desk.dispatch()
    assert Message.objects.get(kind="new").channel == spare
    assert len(desk.shown()) == 1


def test_a_standby_channel_stays_silent_beside_another(desk: Desk) -> None:
    desk.channel()
    desk.another_channel("备用群", standby=True)
    desk.new()
    assert Message.objects.get(kind="new").channel.name == "客服群"


def test_an_account_that_no_channel_serves_is_named(desk: Desk) -> None:
    other = make_account("1900000002", now=START)
    desk.channel(accounts=[other])
    assert unreachable(now=desk.now) == [NO_CHANNEL]
    finding = ladders_finding(desk)
    assert (finding.level, "1900000001" in str(finding.text)) == ("failed", True)
    desk.new()
    assert not Message.objects.exists()


def test_each_account_is_asked_with_its_own_channels(desk: Desk) -> None:
    other = make_account("1900000002", now=START)
    desk.channel(accounts=[other])
    desk.another_channel("没有叫人的群", accounts=[desk.account], mentions=[], second_mentions=[])
    problems = unreachable(now=desk.now)
    assert [(one.clock, one.code, one.account) for one in problems] == [
        ("reply", "nobody", "1900000001"),
        ("complete", "nobody", "1900000001"),
    ]


def test_a_ladder_is_asked_only_for_whom_its_rule_names(desk: Desk) -> None:
    make_account("1900000002", now=START)
    desk.channel()
    services.set_ladders(
        {"ladders": {"theirs": OVERDUE}, "rules": [{"ladder": "theirs", "mchids": ["1900000002"]}]}, now=desk.now
    )
    Channel.objects.update(second_mentions=[], mentions=[])
    silent = {(one.ladder, one.account) for one in unreachable(now=desk.now)}
    assert silent == {("default", "1900000001"), ("default", "1900000002"), ("theirs", "1900000002")}


def test_what_a_channel_does_not_carry_does_not_reach_through_it(desk: Desk) -> None:
    services.set_ladders({"ladders": {"default": OVERDUE}}, now=desk.now)
    channel = desk.channel()
    assert unreachable(now=desk.now) == []
    channel.muted_kinds = ["reply_overdue"]
    channel.save()
    assert [(one.clock, one.code) for one in unreachable(now=desk.now)] == [("reply", "nobody")]


def test_an_address_of_another_kind_of_channel_rings_nothing(desk: Desk) -> None:
    desk.channel()
    mute = User.objects.create(username="ding", wecom_userid="")
    services.set_address(mute, "dingtalk_robot", "13800000000")
    step = {"clock": "reply", "after": "5m", "to": ["person:ding"]}
    services.set_ladders({"ladders": {"default": [step, *OVERDUE]}}, now=desk.now)
    assert found(desk) == [("after:5m", "no_address", "ding", False)]
    key = desk.sandbox.robots.create()
    url = f"{BASE_URL}/robot/send?access_token={key}"
    services.add_channel("钉钉群", "dingtalk_robot", {"webhook_url": url, "secret": "SEC" + "a" * 61}, now=desk.now)
    assert found(desk) == []


def test_a_dead_channel_s_work_counts_as_its_substitute_s(desk: Desk) -> None:
    desk.channel()
    Channel.objects.update(dead_since=desk.now, probe_at=desk.now)
    assert {code for _, code, _, _ in found(desk)} == {"nobody"}
    desk.another_channel("备用群", standby=True)
    assert found(desk) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_an_account_out_of_use_needs_no_channel(desk: Desk, enabled: bool) -> None:
    other = make_account("1900000002", now=START)
    desk.channel(accounts=[desk.account])
    other.enabled = enabled
    other.save()
    assert [one.name for one in unreachable(now=desk.now)] == (["1900000002"] if enabled else [])
