"""Quiet hours of channels and people: held, delivered, never dropped; nothing urgent waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.accounts.models import User
from kesu.alerts import queries, services
from kesu.alerts.models import Channel, Message

from .conftest import START, Desk

EVENING = 13 + 48 / 60  # hours from START (09:12 in Beijing) to 23:00
MORNING = 22 + 48 / 60  # to 08:00


def at_night(desk: Desk) -> Channel:
    """A channel with quiet hours from 22:00 to 08:00, at 23:00."""
    channel = services.set_quiet_hours(desk.channel(), "22:00-08:00", now=desk.now)
    desk.wait(hours=EVENING)
    return channel


def test_a_complaint_of_the_night_is_told_in_the_morning(desk: Desk) -> None:
    at_night(desk)
    desk.new()
    desk.until(hours=MORNING - 0.1)
    assert desk.shown() == []
    assert set(Message.objects.values_list("state", "due_at")) == {("pending", START + timedelta(hours=MORNING))}
    desk.until(hours=MORNING + 1)
    assert desk.hours() == [MORNING, MORNING]
    assert set(Message.objects.values_list("kind", "state")) == {("new", "sent"), ("unclaimed", "sent")}


def test_urgent_kinds_do_not_wait(desk: Desk) -> None:
    at_night(desk)
    desk.new(user_tag_list=["HIGH_RISK"])
    desk.dispatch()
    assert list(Message.objects.filter(state="sent").values_list("kind", flat=True)) == ["high_risk"]


def test_a_case_with_less_than_six_hours_left_does_not_wait(desk: Desk) -> None:
    services.set_quiet_hours(desk.channel(), "22:00-08:00", now=desk.now)
    platform = desk.complaint()  # its reply is due at 09:12 of the next day, so at 03:12 six hours are left
    desk.wait(hours=EVENING)
    desk.see(platform)
    desk.until(hours=17.9)
    assert desk.shown() == []
    desk.until(hours=18)
    assert desk.hours() == [18]


def test_many_that_waited_come_as_a_digest_in_the_morning(desk: Desk) -> None:
    at_night(desk)
    for _ in range(40):
        desk.new()
    desk.until(hours=MORNING + 0.1)
    assert len(desk.shown()) <= 3
    rows = queries.outbox(limit=1000)
    told = {number for row in rows if row["state"] == "sent" for number in row["complaint_ids"]}
    assert len(told) == 40
    assert not Message.objects.filter(state="pending").exists()


def test_what_was_answered_in_the_night_is_not_told_in_the_morning(desk: Desk) -> None:
    at_night(desk)
    platform, _ = desk.new()
    desk.dispatch()
    desk.answered(platform)
    desk.until(hours=MORNING + 1)
    assert Message.objects.get(kind="new").state == "superseded"
    assert desk.shown() == []


def test_a_test_push_does_not_wait(desk: Desk) -> None:
    channel = at_night(desk)
    assert services.test_channel(channel, now=desk.now, transports=desk.transports).outcome == "sent"


def test_ending_quiet_hours_lets_go_what_waits(desk: Desk) -> None:
    channel = at_night(desk)
    desk.new()
    desk.dispatch()
    assert desk.shown() == []
    services.set_quiet_hours(channel, "", now=desk.now)
    desk.dispatch()
    assert len(desk.shown()) == 1


def test_a_person_in_quiet_hours_is_left_out_while_others_are_awake(desk: Desk) -> None:
    desk.channel(mentions=["Early", "Late"])
    services.set_personal_quiet_hours(User.objects.create(username="early", wecom_userid="Early"), "20:00-06:00")
    desk.wait(hours=EVENING)
    desk.new()
    desk.dispatch()
    assert [message.mentions for message in desk.shown()] == [["Late"]]


def test_when_everybody_sleeps_the_message_waits_for_the_first_to_wake(desk: Desk) -> None:
    desk.channel(mentions=["Early", "Late"])
    for name, hours in (("Early", "20:00-06:00"), ("Late", "23:00-10:00")):
        services.set_personal_quiet_hours(User.objects.create(username=name, wecom_userid=name), hours)
    desk.wait(hours=EVENING)
    desk.new(user_tag_list=["HIGH_RISK"])
    desk.dispatch()
    assert [message.mentions for message in desk.shown()] == [["Early", "Late"]]
    desk.until(hours=MORNING)
    assert desk.hours()[1:] == [MORNING - 2] * 2
    assert [message.mentions for message in desk.shown()][1:] == [["Early"]] * 2


@pytest.mark.parametrize("hours", ["22-8", "24:00-08:00", "08:00-08:00"])
def test_quiet_hours_that_are_none_are_refused(desk: Desk, hours: str) -> None:
    channel = desk.channel()
    with pytest.raises(ValueError, match="22:00-08:00"):
        services.set_quiet_hours(channel, hours, now=desk.now)
