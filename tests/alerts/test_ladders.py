"""Ladders as rows: which one a case climbs, whom its steps call, and what a preview promises."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from kesu.accounts.models import User
from kesu.alerts import preview, rotas, services
from kesu.alerts.changes import ChannelChange, change_channel
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel, Clock, Ladder, Message
from kesu.alerts.people import called, on_call, quiet_hours_of
from kesu.alerts.reach import unreachable
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


def test_a_ladder_that_names_nobody_known_is_refused_and_says_who_there_is(desk: Desk) -> None:
    desk.channel("客服群")
    person("xiaowang"), person("gone", is_active=False)
    words = ["person:gone", "rota:night", "robot:客服"]
    with pytest.raises(LadderFormatError) as refused:
        services.set_ladders(ladder({"clock": "reply", "after": "10m", "to": words}), now=desk.now)
    assert refused.value.problems == (
        "mine, step 1: no such person: gone (there is: xiaowang)",
        "mine, step 1: no such rota: night (there is: none)",
        "mine, step 1: no such robot: 客服 (there is: 客服群)",
    )
    assert not Ladder.objects.exists()


def test_a_removed_ladder_lets_its_cases_climb_what_is_left(desk: Desk) -> None:
    services.set_ladders(ladder({"clock": "reply", "after": "5m"}), now=desk.now)
    desk.new()
    with pytest.raises(LadderFormatError, match="named by rule 1"):
        services.remove_ladder("mine")
    services.set_ladders({"rules": []}, now=desk.now)
    assert services.remove_ladder("mine") == 2
    assert set(Clock.objects.values_list("ladder", flat=True)) == {"default"}
    for name in ("mine", "important"):
        with pytest.raises(LadderFormatError):
            services.remove_ladder(name)


def test_a_changed_built_in_ladder_comes_back_when_the_change_is_removed(desk: Desk) -> None:
    services.set_ladders(ladder({"clock": "reply", "after": "5m"}, name="default"), now=desk.now)
    services.remove_ladder("default")
    assert book().ladders == LADDERS


def test_people_are_called_by_what_each_kind_of_channel_knows_them_by(desk: Desk) -> None:
    robot = desk.channel(mentions=["OnDuty"])
    ding = services.add_channel(
        "钉钉",
        "dingtalk_robot",
        {"webhook_url": "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"},
        mentions=["13900000000"],
        now=desk.now,
    )
    owner, other = person("xiaowang"), person("xiaoli")
    services.set_address(owner, "dingtalk_robot", " 13812345678 ")
    services.set_personal_quiet_hours(owner, "22:00-08:00")
    assert called(robot, "on_duty", [], owner, now=desk.now) == ("Xiaowang",)
    assert called(ding, "on_duty", ["person:xiaoli"], owner, now=desk.now) == ("13812345678",)
    # Whoever has no number there is not called by a word that means nothing to it.
    assert called(ding, "on_duty", [], other, now=desk.now) == ("13900000000",)
    assert set(quiet_hours_of(["13812345678", "Xiaowang", "OnDuty"])) == {"13812345678", "Xiaowang"}
    services.set_address(owner, "dingtalk_robot", "")
    assert called(ding, "on_duty", [], owner, now=desk.now) == ("13900000000",)
    with pytest.raises(ValueError, match="no such kind"):
        services.set_address(owner, "email", "a@b.c")


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
    gone = person("gone")
    person("unknown", wecom_userid="")
    nothing = rotas.create("nothing", [gone], 5, 9, now=desk.now)
    steps = (
        {"clock": "reply", "after": "10m", "to": ["person:gone"]},
        {"clock": "reply", "after": "20m", "to": ["person:unknown"]},
        {"clock": "reply", "after": "30m", "to": ["rota:nothing"]},
    )
    services.set_ladders(ladder(*steps), now=desk.now)
    User.objects.update(is_active=False)
    nothing.delete()
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


@pytest.mark.parametrize(
    ("kinds", "detail"),
    [
        ([], {}),
        (["high_risk"], {"user_tag_list": ["HIGH_RISK"]}),
        (["immediate_service"], {"need_immediate_service": True}),
        (["platform_service"], {"in_platform_service": True}),
        (["repeat"], {"user_complaint_times": 2}),
    ],
    ids=["ordinary", "high risk", "immediate service", "platform service", "repeat"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["a step at once", "no step at once"])
def test_a_preview_tells_what_is_told_at_once_by_night(
    desk: Desk, kinds: list[str], detail: dict[str, Any], at_once: bool
) -> None:
    services.set_quiet_hours(desk.channel(), "22:00-08:00", now=desk.now)
    first = [{"clock": "reply", "after": "0m", "to": ["second"]}] if at_once else []
    services.set_ladders(ladder(*first, {"clock": "reply", "after": "3h", "urgency": "urgent"}), now=desk.now)
    desk.wait(hours=13.8)  # 23:00 in Beijing
    promised = preview.preview(desk.account, kinds=kinds, at=desk.now).wakes
    desk.new(**detail)
    desk.until(hours=23)  # past eight
    happened = {
        (message.kind, message.sent_at.replace(second=0, microsecond=0), message.urgency)
        for message in Message.objects.filter(state="sent")
    }
    until = START + timedelta(hours=23)
    expected = {(wake.kind, wake.delivered_at, wake.urgency) for wake in promised if wake.delivered_at < until}
    assert happened == expected
    assert len(happened) >= 2


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
        return [(problem.step, problem.code, problem.name) for problem in unreachable(now=desk.now)]

    channel = desk.channel()
    assert found() == []
    rotas.create("empty", [], 1, 9, now=desk.now)
    person("mute", wecom_userid="")
    steps = (
        {"clock": "reply", "after": "10m", "to": ["person:ghost", "person:mute"]},
        {"clock": "reply", "after": "20m", "to": ["rota:empty", "rota:none", "robot:没有的群"]},
    )
    ghost, none = person("ghost"), rotas.create("none", [], 1, 9, now=desk.now)
    robot = desk.another_channel("没有的群")
    services.set_ladders(ladder(*steps), now=desk.now)
    ghost.delete(), none.delete(), robot.delete()
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


def test_turns_that_start_otherwise_leave_the_present_turn_to_whom_it_belongs(desk: Desk) -> None:
    row = rotas.create("night", [person("laozhang"), person("laozhao")], 1, 9, now=desk.now)
    # START is a Friday, 09:12 in Beijing; the second member's turn comes on Saturday at ten now.
    rotas.set_handover(row, 6, 10, now=desk.now)
    turns = [on_call("night", now=START + timedelta(hours=hour)) for hour in (0, 24, 25, 24 + 168, 25 + 168)]
    assert [str(user) for user in turns] == ["laozhang", "laozhang", "laozhao", "laozhao", "laozhang"]
    rotas.set_handover(row, None, 12, now=desk.now)
    assert str(on_call("night", now=START + timedelta(hours=26))) == "laozhang"


def test_a_rota_that_a_ladder_names_is_not_removed(desk: Desk) -> None:
    row = rotas.create("night", [person("laozhang")], 1, 9, now=desk.now)
    services.set_ladders(ladder({"clock": "reply", "after": "5m", "to": "rota:night"}), now=desk.now)
    with pytest.raises(rotas.RotaError):
        rotas.remove(row)
    services.set_ladders(ladder({"clock": "reply", "after": "5m"}), now=desk.now)
    rotas.remove(row)
    assert on_call("night", now=desk.now) is None


def test_only_what_is_given_of_a_channel_changes(desk: Desk) -> None:
    channel = desk.channel("客服群", mentions=["LiSi"], robot={"mobiles": ["13800000000"]})
    other = desk.another_channel()
    before = json.loads(channel.settings)
    change = ChannelChange(settings={"everyone": True, "mobiles": ""}, mentions=("ZhangSan",), fallback=other)
    changed = change_channel(channel, change, now=desk.now)
    assert json.loads(changed.settings) == before | {"everyone": True, "mobiles": []}
    assert (changed.mentions, changed.second_mentions, changed.fallback) == (["ZhangSan"], ["WangJingLi"], other)
    for wrong in (ChannelChange(settings={"webhook_url": "http://a"}), ChannelChange(fallback=channel, standby=True)):
        with pytest.raises(services.SettingsError):
            change_channel(channel, wrong, now=desk.now)
    assert not Channel.objects.get(pk=channel.pk).standby
    change_channel(channel, ChannelChange(fallback=False, enabled=False), now=desk.now)
    again = change_channel(channel, ChannelChange(enabled=True), now=desk.now)
    assert (again.enabled, again.fallback) == (True, None)


def test_what_is_shown_can_be_set_again(desk: Desk) -> None:
    services.set_ladders({"ladders": {"copy": dump(LADDERS["important"])}}, now=desk.now)
    assert book().ladders["copy"].steps == LADDERS["important"].steps
