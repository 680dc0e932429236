"""Ladders as rows: which one a case climbs, whom its steps call, and what a preview promises."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from kesu.accounts.models import User
from kesu.alerts import preview, rotas, services
from kesu.alerts.ladders import book
from kesu.alerts.models import Clock, Ladder, Message
from kesu.complaints.models import Complaint
from kesu.merchants.models import SubMerchant
from kesu.rules.ladder_steps import LadderError
from kesu.rules.ladders import LADDERS, LadderFormatError, dump

from .conftest import START, Desk

OVERDUE = [{"clock": clock, "overdue_every": "2h", "to": ["second"]} for clock in ("reply", "complete")]


def ladder(*steps: dict[str, Any], name: str = "mine", **rule: list[str]) -> dict[str, Any]:
    return {"ladders": {name: [*steps, *OVERDUE]}, "rules": [{"ladder": name, **rule}]}


def person(name: str, **fields: Any) -> User:
    return User.objects.create(**({"username": name, "wecom_userid": name.title()} | fields))


def test_without_any_rule_every_case_climbs_the_default(desk: Desk) -> None:
    desk.new(user_tag_list=["HIGH_RISK"])
    assert set(Clock.objects.values_list("ladder", flat=True)) == {"default"}
    assert book().ladders == LADDERS


def test_a_case_climbs_the_ladder_of_its_merchant_and_kind(desk: Desk) -> None:
    desk.channel()
    services.set_ladders({"rules": [{"ladder": "important", "kinds": ["high_risk"]}]}, now=desk.now)
    _, plain = desk.new()
    _, risky = desk.new(user_tag_list=["HIGH_RISK"])
    assert set(plain.clocks.values_list("ladder", flat=True)) == {"default"}
    assert set(risky.clocks.values_list("ladder", flat=True)) == {"important"}
    desk.until(minutes=14)
    assert [message.complaint_id for message in Message.objects.filter(kind="unclaimed")] == [risky.pk]


def test_a_case_that_becomes_high_risk_changes_its_ladder_and_repeats_nothing(desk: Desk) -> None:
    desk.channel()
    services.set_ladders({"rules": [{"ladder": "important", "kinds": ["high_risk"]}]}, now=desk.now)
    platform, complaint = desk.new()
    desk.until(minutes=20)
    platform.detail["user_tag_list"] = ["HIGH_RISK"]
    desk.see(platform)
    assert set(complaint.clocks.values_list("ladder", flat=True)) == {"important"}
    desk.until(hours=6.5)
    kinds = list(Message.objects.order_by("pk").values_list("kind", "facts__step"))
    assert kinds == [("new", None), ("unclaimed", "after:15m"), ("high_risk", None), ("reply_due", "before:18h")]


def test_cases_that_run_climb_a_changed_ladder_at_once(desk: Desk) -> None:
    desk.channel()
    for _ in range(3):
        desk.new()
    desk.tick()
    changed = ladder({"clock": "reply", "after": "5m"}, name="default")
    assert services.set_ladders(changed, now=desk.now) == 6
    desk.until(minutes=6)
    assert Message.objects.filter(facts__step="after:5m", state="sent").count() == 3


def test_a_ladder_that_is_none_changes_nothing(desk: Desk) -> None:
    services.set_ladders(ladder({"clock": "reply", "after": "5m"}), now=desk.now)
    before = book()
    for data, error in (
        ({"ladders": {"mine": OVERDUE[:1]}}, LadderError),
        ({"ladders": {"mine": [{"clock": "reply"}]}}, LadderFormatError),
        ({"ladders": {"other": OVERDUE}, "rules": [{"ladder": "nobody's"}]}, LadderFormatError),
        ({"rules": [{"ladder": "mine", "kinds": "repeat"}]}, LadderFormatError),
        ({"rules": {}}, LadderFormatError),
        ({"steps": []}, LadderFormatError),
    ):
        with pytest.raises(error):
            services.set_ladders(data, now=desk.now)
    assert book() == before


def test_a_row_that_is_no_ladder_any_more_falls_back_to_the_default(desk: Desk) -> None:
    desk.channel()
    services.set_ladders(ladder({"clock": "reply", "after": "5m"}), now=desk.now)
    Ladder.objects.update(steps=[{"clock": "reply", "after": "some day"}])
    _, complaint = desk.new()
    assert set(complaint.clocks.values_list("ladder", flat=True)) == {"default"}


def test_a_step_for_a_person_and_a_rota_calls_them(desk: Desk) -> None:
    desk.channel()
    person("xiaowang"), person("xiaoli")
    rotas.create("night", [person("laozhang"), person("laozhao")], 5, 9, now=desk.now)
    steps = (
        {"clock": "reply", "after": "10m", "to": ["person:xiaowang"]},
        {"clock": "reply", "before": "20h", "to": ["second", "rota:night", "person:xiaoli"]},
    )
    services.set_ladders(ladder(*steps), now=desk.now)
    desk.new()
    desk.until(hours=5)
    # START is a Friday at 09:12 in Beijing: the first member's turn.
    assert [message.mentions for message in desk.shown()] == [
        ["LiSi"],
        ["Xiaowang"],
        ["WangJingLi", "Laozhang", "Xiaoli"],
    ]


def test_the_step_at_once_says_whom_the_opening_is_told_to(desk: Desk) -> None:
    desk.channel()
    desk.another_channel("退款群", mentions=["Refunds"])
    person("xiaowang")
    at_once = {"clock": "reply", "after": "0m", "to": ["robot:退款群", "person:xiaowang"], "urgency": "urgent"}
    services.set_ladders(ladder(at_once), now=desk.now)
    platform, _ = desk.new()
    desk.tick()
    assert list(Message.objects.values_list("kind", "channel__name", "urgency")) == [("new", "退款群", "urgent")]
    assert desk.shown()[0].mentions == ["Xiaowang"]
    desk.closed(platform)
    desk.continued(platform)
    assert Message.objects.get(kind="continued").channel.name == "退款群"


def test_a_ladder_without_a_step_at_once_tells_the_opening_to_everybody_on_duty(desk: Desk) -> None:
    desk.channel()
    services.set_ladders(ladder({"clock": "reply", "after": "5m", "to": ["second"]}), now=desk.now)
    desk.new()
    desk.tick()
    assert [message.mentions for message in desk.shown()] == [["LiSi"]]


def test_a_step_for_somebody_who_cannot_be_called_calls_who_is_on_duty(desk: Desk) -> None:
    desk.channel()
    person("gone", is_active=False)
    person("unknown", wecom_userid="")
    steps = (
        {"clock": "reply", "after": "10m", "to": ["person:gone"]},
        {"clock": "reply", "after": "20m", "to": ["person:unknown"]},
        {"clock": "reply", "after": "30m", "to": ["rota:nothing"]},
    )
    services.set_ladders(ladder(*steps), now=desk.now)
    desk.new()
    desk.until(minutes=31)
    assert [message.mentions for message in desk.shown()] == [["LiSi"]] * 4


def test_a_step_to_a_robot_goes_there_only_even_if_it_stands_by(desk: Desk) -> None:
    desk.channel()
    desk.another_channel("老板群", standby=True, mentions=["Boss"])
    services.set_ladders(ladder({"clock": "reply", "before": "4h", "to": ["on_duty", "robot:老板群"]}), now=desk.now)
    desk.new()
    desk.until(hours=21)
    told = list(Message.objects.order_by("pk").values_list("kind", "channel__name"))
    assert told == [("new", "客服群"), ("reply_due", "老板群")]
    assert desk.shown()[-1].mentions == ["Boss"]


def test_a_claim_without_a_reply_calls_a_second_person_and_a_reply_spares_them(desk: Desk) -> None:
    desk.channel()
    actor = person("xiaowang")
    (answered, one), (_, other) = desk.new(), desk.new()
    desk.tick()
    for complaint in (one, other):
        services.claim(actor, complaint, now=desk.now)
    desk.until(minutes=29)
    desk.answered(answered)
    desk.until(hours=11)
    stalled = Message.objects.filter(kind="claim_stalled")
    assert [(m.complaint_id, m.audience, m.state) for m in stalled] == [(other.pk, "second", "sent")]
    assert desk.shown()[-1].mentions == ["WangJingLi"]
    assert desk.hours()[-1] == 0.5


def test_a_case_claimed_again_by_another_gets_its_own_time(desk: Desk) -> None:
    desk.channel()
    first, second = person("xiaowang"), person("xiaoli")
    _, complaint = desk.new()
    desk.tick()
    services.claim(first, complaint, now=desk.now)
    desk.until(hours=1)
    services.release(first, complaint, now=desk.now)
    services.claim(second, Complaint.objects.get(), now=desk.now)
    desk.until(hours=3)
    assert desk.hours() == [0, 0.5, 1.5]


def test_a_preview_is_what_happens(desk: Desk) -> None:
    desk.channel()
    services.set_ladders({"rules": [{"ladder": "important", "kinds": ["REFUND"]}]}, now=desk.now)
    promised = preview.preview(desk.account, kinds=["REFUND"], at=desk.now)
    assert promised.ladder == "important"
    desk.new()
    desk.until(hours=76)
    sent = [
        (message.sent_at.replace(microsecond=0), message.kind, tuple(shown.mentions))
        for message, shown in zip(
            Message.objects.filter(state="sent").order_by("sent_at", "pk"), desk.shown(), strict=True
        )
    ]
    expected = [(wake.delivered_at, wake.kind, wake.called) for wake in promised.wakes]
    until = START + timedelta(hours=28)
    assert sorted(row for row in sent if row[0] <= until) == sorted(row for row in expected if row[0] <= until)
    complete = [row for row in sent if row[1].startswith("complete")]
    assert sorted(complete) == sorted(row for row in expected if row[1].startswith("complete"))


def test_a_preview_knows_quiet_hours_rotas_and_sub_merchants(desk: Desk) -> None:
    channel = desk.channel()
    services.set_quiet_hours(channel, "22:00-08:00", now=desk.now)
    rotas.create("night", [person("a"), person("b")], 6, 0, now=desk.now)  # turns start at midnight, Friday to Saturday
    steps = ({"clock": "reply", "after": "0m"}, {"clock": "reply", "after": "3h", "to": ["rota:night"]})
    services.set_ladders(ladder(*steps, mchids=["1900000777"]), now=desk.now)
    SubMerchant.objects.create(account=desk.account, mchid="1900000777", created_at=START)
    assert preview.account_of("1900000777") == desk.account
    assert preview.account_of("1") is None
    late = START.replace(hour=15, minute=0)  # 23:00 in Beijing
    first, second, *_ = preview.preview(desk.account, mchid="1900000777", at=late).wakes
    assert (first.at, first.delivered_at, first.called) == (late, late + timedelta(hours=9), ("LiSi",))
    assert (second.at, second.delivered_at) == (late + timedelta(hours=3), late + timedelta(hours=9))
    assert second.called == ("B",)


def test_a_ladder_reaches_somebody_or_says_what_is_missing(desk: Desk) -> None:
    def found() -> list[tuple[str, str, str]]:
        return [(problem.step, problem.code, problem.name) for problem in preview.unreachable(now=desk.now)]

    channel = desk.channel()
    assert found() == []
    rotas.create("empty", [], 1, 9, now=desk.now)
    person("mute", wecom_userid="")
    steps = (
        {"clock": "reply", "after": "10m", "to": ["person:ghost", "person:mute"]},
        {"clock": "reply", "after": "20m", "to": ["rota:empty", "rota:none", "robot:没有的群"]},
    )
    services.set_ladders(ladder(*steps), now=desk.now)
    assert found() == [
        ("after:10m", "no_such_person", "ghost"),
        ("after:10m", "no_wecom_id", "mute"),
        ("after:20m", "empty_rota", "empty"),
        ("after:20m", "no_such_rota", "none"),
        ("after:20m", "no_such_robot", "没有的群"),
    ]
    services.set_ladders({"rules": []}, now=desk.now)
    channel.mentions, channel.second_mentions = [], []
    channel.save()
    assert found() == [("", "nobody", "")] * 2
    channel.settings = json.dumps(json.loads(channel.settings) | {"everyone": True})
    channel.save()
    assert found() == []


def test_what_is_shown_can_be_set_again(desk: Desk) -> None:
    services.set_ladders({"ladders": {"copy": dump(LADDERS["important"])}}, now=desk.now)
    assert book().ladders["copy"].steps == LADDERS["important"].steps
