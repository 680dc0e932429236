"""Personal channels: no group keeps the text, so that whoever is left out of a push must get one of their own."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest

from kesu.accounts.models import User
from kesu.alerts import services
from kesu.alerts.models import Channel, Message
from kesu.sandbox.faults import Fault
from kesu.sandbox.state import AppMessage

from .conftest import BASE_URL, START, Desk

EVENING = 13 + 48 / 60  # hours from START (09:12 in Beijing) to 23:00
MORNING = 22 + 48 / 60  # to 08:00
STEP = {"clock": "reply", "after": "5m", "to": ["person:zhang", "person:li"]}


class Office:
    """A desk with a WeCom application that always tells the boss, and a ladder that calls Zhang and Li."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        desk.transports["wecom_app"] = httpx2.ASGITransport(app=desk.sandbox.app)
        self.app = desk.sandbox.wecom_apps.create(["Zhang", "Li", "Boss"])
        self.channel = self.application("应用")
        self.staff = {
            name: User.objects.create(username=name.lower(), wecom_userid=name) for name in ("Zhang", "Li", "Boss")
        }
        self.climb(STEP)

    def application(self, name: str, *receivers: str) -> Channel:
        app = self.app
        settings = {"corpid": app.corpid, "agentid": app.agentid, "secret": app.secret, "api_url": BASE_URL}
        return services.add_channel(
            name, "wecom_app", settings | {"receivers": receivers or ["Boss"]}, now=self.desk.now, language="en"
        )

    def climb(self, *steps: dict[str, object]) -> None:
        last = {"clock": "reply", "overdue_every": "2h", "to": "second"}
        complete = {"clock": "complete", "overdue_every": "4h", "to": "second"}
        given = {"ladders": {"ours": [*steps, last, complete]}, "rules": [{"ladder": "ours"}]}
        services.set_ladders(given, now=self.desk.now)

    def sleeps(self, name: str, hours: str = "22:00-08:00") -> None:
        services.set_personal_quiet_hours(self.staff[name], hours)

    def shown(self) -> list[AppMessage]:
        return [one for one in self.desk.sandbox.wecom_apps.messages_after(0) if one.errcode == 0]

    def got(self, name: str) -> list[float]:
        """When somebody got something, in hours after START."""
        return [round((one.time - START).total_seconds() / 3600, 2) for one in self.shown() if name in one.receivers]


@pytest.fixture
def office(desk: Desk) -> Office:
    return Office(desk)


def test_in_a_storm_every_digest_goes_to_the_people_of_its_cases(office: Office) -> None:
    desk = office.desk
    for minute in range(4):
        for _ in range(40):
            desk.new()
        desk.until(minutes=minute + 1)
    desk.until(minutes=12)
    sent = Message.objects.filter(kind="digest", state="sent")
    calling = sent.filter(covered__facts__has_key="people").distinct().count()
    digests = [one for one in office.shown() if "too many to send one by one" in one.content]
    assert calling >= 2
    assert sum({"Zhang", "Li"} <= set(one.receivers) for one in digests) == calling
    steps = Message.objects.filter(facts__has_key="people")
    assert (steps.count(), set(steps.values_list("state", flat=True)) - {"sent"}) == (160, {"digested"})


def test_who_sleeps_while_another_is_told_gets_a_message_on_waking(office: Office) -> None:
    office.sleeps("Zhang")
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.until(hours=MORNING - 0.1)
    assert (len(office.got("Li")), office.got("Zhang")) == (1, [])
    office.desk.until(hours=MORNING + 0.1)
    assert office.got("Zhang") == [MORNING]
    assert len(office.got("Li")) == 1


def test_a_receiver_of_the_application_who_is_known_sleeps_by_their_own_hours(office: Office) -> None:
    office.sleeps("Boss")
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.until(hours=EVENING + 0.2)
    assert (office.got("Boss"), len(office.got("Li"))) == ([], 1)
    office.desk.until(hours=MORNING + 0.1)
    assert office.got("Boss") == [MORNING, MORNING]
    assert {tuple(one.receivers) for one in office.shown()[1:]} == {("Boss",)}


def test_what_was_answered_in_the_night_is_told_to_no_sleeper_in_the_morning(office: Office) -> None:
    office.sleeps("Zhang")
    office.desk.wait(hours=EVENING)
    platform, _ = office.desk.new()
    office.desk.until(hours=EVENING + 1)
    office.desk.answered(platform)
    office.desk.until(hours=MORNING + 1)
    assert office.got("Zhang") == []
    copy = Message.objects.get(facts__copy_for="Zhang")
    assert (copy.state, copy.error) == ("superseded", "answered")


def test_a_sleeper_is_called_at_once_by_what_is_urgent(office: Office) -> None:
    office.sleeps("Zhang")
    office.climb(STEP | {"urgency": "urgent"})
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.until(hours=EVENING + 0.5)
    assert len(office.got("Zhang")) == 1
    assert not Message.objects.filter(facts__has_key="copy_for").exists()


def test_a_push_that_is_tried_again_after_they_woke_tells_nobody_twice(office: Office) -> None:
    office.sleeps("Zhang", "22:00-23:06")
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.dispatch()
    office.desk.sandbox.faults.order(Fault("wecom_app", "errcode", -1, count=3, path="/message/send"))
    office.desk.until(hours=EVENING + 1)
    step = Message.objects.exclude(facts__has_key="copy_for").get(facts__has_key="people")
    assert step.attempts > 1
    assert (len(office.got("Zhang")), len(office.got("Li"))) == (1, 1)


def test_a_reminder_for_one_is_not_overtaken_by_one_for_another(office: Office) -> None:
    for name in ("Zhang", "Boss"):
        office.sleeps(name)
    office.climb(
        {"clock": "reply", "after": "5m", "to": ["person:zhang"]},
        {"clock": "reply", "after": "1h", "to": ["person:li"]},
    )
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.until(hours=MORNING - 0.1)
    assert (office.got("Zhang"), len(office.got("Li"))) == ([], 1)
    office.desk.until(hours=MORNING + 0.1)
    assert office.got("Zhang") == [MORNING]


def test_a_storm_of_the_night_reaches_sleepers_as_a_digest_in_the_morning(office: Office) -> None:
    office.sleeps("Zhang")
    office.desk.wait(hours=EVENING)
    for _ in range(60):
        office.desk.new()
    office.desk.until(hours=MORNING - 0.1)
    assert office.got("Zhang") == []
    office.desk.until(hours=MORNING + 0.2)
    assert 1 <= len(office.got("Zhang")) <= 5
    copies = Message.objects.filter(facts__copy_for="Zhang")
    assert copies.values("complaint").distinct().count() == 60
    assert set(copies.values_list("state", flat=True)) <= {"sent", "digested"}


def test_when_all_sleep_a_storm_waits_for_the_first_to_wake(office: Office) -> None:
    for name in office.staff:
        office.sleeps(name)
    office.sleeps("Li", "22:00-06:00")
    office.climb({"clock": "reply", "after": "0m", "to": ["person:zhang", "person:li"]})
    office.desk.wait(hours=EVENING)
    for _ in range(60):
        office.desk.new()
    office.desk.until(hours=MORNING - 2.1)
    assert office.shown() == []
    office.desk.until(hours=MORNING - 1)
    assert office.got("Li")
    assert office.got("Zhang") == office.got("Boss") == []
    office.desk.until(hours=MORNING + 0.2)
    assert office.got("Zhang")
    assert office.got("Boss")
    assert not Message.objects.filter(state__in=["failed", "pending"], due_at__lte=office.desk.now).exists()


def test_a_test_push_wakes_whom_it_is_sent_to(office: Office) -> None:
    office.sleeps("Boss")
    office.desk.wait(hours=EVENING)
    services.test_channel(office.channel, now=office.desk.now, transports=office.desk.transports)
    assert office.got("Boss") == [EVENING]


def test_a_copy_that_another_channel_carries_calls_the_same_person(office: Office) -> None:
    office.desk.another_channel("群", standby=True)
    office.sleeps("Zhang")
    office.desk.wait(hours=EVENING)
    office.desk.new()
    office.desk.until(hours=EVENING + 0.5)
    office.desk.sandbox.faults.order(Fault("wecom_app", "errcode", 60020, path="/message/send"))
    office.desk.until(hours=MORNING + timedelta(minutes=5) / timedelta(hours=1))
    assert [one.mentions for one in office.desk.shown() if one.mentions == ["Zhang"]] == [["Zhang"]]
