"""The daily report that makes silence mean something."""

from __future__ import annotations

from datetime import timedelta

from kesu.alerts.heartbeats import owe_heartbeats
from kesu.alerts.models import Channel, Message
from tests.factories import make_account

from .conftest import START, Desk

NINE = START.replace(hour=1, minute=0) + timedelta(days=1)  # 09:00 in Beijing on the next day


def test_every_channel_reports_once_a_day_after_nine(desk: Desk) -> None:
    desk.channel(language="en")
    desk.another_channel(standby=True)
    assert owe_heartbeats(now=desk.now) == 0  # they were set up today, after nine
    assert owe_heartbeats(now=NINE - timedelta(seconds=1)) == 0
    assert owe_heartbeats(now=NINE) == 2
    assert owe_heartbeats(now=NINE + timedelta(hours=3)) == 0
    assert owe_heartbeats(now=NINE + timedelta(days=1, hours=5)) == 2


def test_it_says_how_many_came_yesterday_what_is_open_and_what_is_due_next(desk: Desk) -> None:
    desk.channel(language="en")
    platform, _ = desk.new()
    desk.new()
    desk.dispatch()
    desk.answered(platform)
    desk.closed(platform)
    desk.until(hours=23.8)
    owe_heartbeats(now=desk.now)
    desk.dispatch()
    assert desk.shown()[-1].content.split("\n") == [
        "Yesterday 2, open 1",
        '<font color="comment">Daily report: the desk is at work · nearest deadline 11-21 09:12</font>',
        "[Open the list](https://desk.example.com/)",
    ]


def test_a_channel_tells_only_of_the_accounts_it_serves(desk: Desk) -> None:
    desk.channel(language="en", accounts=[make_account("1900000002", now=START)])
    desk.new()
    desk.until(hours=23.8)
    owe_heartbeats(now=desk.now)
    desk.dispatch()
    assert desk.shown()[-1].content.startswith("Yesterday 0, open 0\n")


def test_dead_channels_and_those_that_do_not_want_it_are_left_out(desk: Desk) -> None:
    desk.channel(), desk.another_channel()
    Channel.objects.filter(name="客服群").update(dead_since=START, probe_at=START)
    Channel.objects.filter(name="备用群").update(muted_kinds=["heartbeat"])
    assert owe_heartbeats(now=NINE) == 0
    assert not Message.objects.exists()
