"""Many messages in one: who is covered, what it says, and that nothing is lost when it cannot be sent."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from kesu.alerts import queries, services
from kesu.alerts.models import BudgetKey, Channel, Message
from kesu.complaints.models import Complaint
from kesu.merchants.models import SubMerchant
from tests.factories import make_account

from .conftest import START, Desk


def storm(desk: Desk, number: int = 30, **detail: object) -> None:
    for _ in range(number):
        desk.new(**detail)


def told(desk: Desk) -> set[str]:
    """The complaints that the outbox says were sent, by themselves or in a digest."""
    rows = queries.outbox(limit=1000)
    return {number for row in rows if row["state"] == "sent" for number in row["complaint_ids"]}


def test_the_first_goes_by_itself_and_the_others_as_one(desk: Desk) -> None:
    desk.channel(language="en")
    storm(desk)
    desk.dispatch()
    first, digest = desk.shown()
    assert "New complaint" in first.content
    assert digest.content.startswith("29 cases Reply 1d\n<@LiSi>\n")
    assert Message.objects.filter(state="digested").count() == 29


def test_the_outbox_names_every_complaint_of_a_digest(desk: Desk) -> None:
    desk.channel()
    storm(desk)
    desk.dispatch()
    rows = queries.outbox(limit=1000)
    [digest] = [row for row in rows if row["kind"] == "digest"]
    covered = [row for row in rows if row["state"] == "digested"]
    assert digest["complaint_ids"] == [row["complaint_ids"][0] for row in covered]
    assert {row["digest_id"] for row in covered} == {digest["id"]}
    assert told(desk) == set(Complaint.objects.values_list("complaint_id", flat=True))


def test_a_digest_counts_and_names_the_ten_with_the_least_time_left(desk: Desk) -> None:
    desk.channel(language="en")
    SubMerchant.objects.create(account=desk.account, mchid="1900000777", name="小店<@all>", created_at=START)
    storm(desk, 13)
    storm(desk, 4, complainted_mchid="1900000777", problem_type="OTHERS")
    urgent = desk.complaint(problem_type="SERVICE_NOT_WORK", amount=1)
    desk.wait(minutes=1)
    desk.see(urgent)
    desk.dispatch()
    lines = desk.shown()[1].content.split("\n")
    text = "\n".join(lines)
    assert "New complaint 17" in text
    assert "测试商户 13 · 小店＜＠all＞ 4" in text
    assert "refund wanted 12 · other 4 · service not working 1" in text
    assert [line for line in lines if line.startswith('<font color="comment">10</font>')]
    assert not [line for line in lines if line.startswith('<font color="comment">11</font>')]
    assert lines[-1] == "[Open the list](https://desk.example.com/?only=unclaimed)"


def test_a_digest_of_thousands_fits_what_a_robot_takes(desk: Desk) -> None:
    desk.channel()
    name = "很长的商户名称" * 10
    for number in range(40):
        mchid = f"19000007{number:02}"
        SubMerchant.objects.create(account=desk.account, mchid=mchid, name=name, created_at=START)
        desk.new(complainted_mchid=mchid, problem_type="某种没有公布过的问题类型" * 3)
    desk.dispatch()
    assert len(desk.shown()) == 2
    assert len(desk.shown()[1].content.encode()) <= 4096


def test_people_are_called_once_in_five_minutes_by_digests(desk: Desk) -> None:
    desk.channel()
    for minute in range(8):
        storm(desk, 15)
        desk.until(minutes=minute + 1)
    digests = Message.objects.filter(kind="digest", state="sent")
    calls = [digest.created_at for digest in digests.filter(mention=True).order_by("pk")]
    assert len(digests) >= 7
    assert all(later - earlier >= timedelta(minutes=5) for earlier, later in pairwise(calls))
    assert len(calls) == 2


def test_what_was_answered_meanwhile_is_in_no_digest(desk: Desk) -> None:
    desk.channel()
    storm(desk)
    platform, complaint = desk.new()
    desk.answered(platform)
    desk.dispatch()
    message = Message.objects.get(complaint=complaint, kind="new")
    assert (message.state, message.error, message.digest) == ("superseded", "answered", None)


def test_urgent_ones_go_by_themselves_within_their_part(desk: Desk) -> None:
    desk.channel()
    storm(desk, 20)
    storm(desk, 6, user_tag_list=["HIGH_RISK"])
    desk.dispatch()
    kinds = list(Message.objects.filter(state="sent").order_by("sent_at", "pk").values_list("kind", flat=True))
    assert sorted(kinds) == ["digest", *["high_risk"] * 4, "new"]
    assert Message.objects.filter(kind="high_risk", state="digested").count() == 2


def test_each_channel_of_a_robot_gets_a_digest_of_its_own(desk: Desk) -> None:
    desk.channel("甲")
    desk.channel("乙", language="en")
    storm(desk)
    desk.dispatch()
    digests = Message.objects.filter(kind="digest", state="sent")
    assert sorted(digest.channel.name for digest in digests) == ["乙", "甲"]
    assert any("30 cases" in message.content or "29 cases" in message.content for message in desk.shown())


def test_a_digest_goes_where_its_dead_channel_s_messages_go_and_takes_its_cases_along(desk: Desk) -> None:
    desk.channel()
    spare = desk.another_channel("备用群", standby=True)
    storm(desk)
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.until(minutes=2)
    assert told(desk) == set(Complaint.objects.values_list("complaint_id", flat=True))
    [sent] = Message.objects.filter(kind="digest", state="sent")
    assert (sent.channel, sent.covered.count() >= 28) == (spare, True)
    assert not Message.objects.filter(state__in=["pending", "failed"]).exists()


def test_a_digest_is_not_handed_to_a_channel_that_may_not_know_of_its_cases(desk: Desk) -> None:
    desk.channel()
    desk.another_channel("别人的群", accounts=[make_account("1900000002", now=START)])
    storm(desk)
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.until(minutes=5)
    assert not Message.objects.filter(kind="digest", channel__name="别人的群").exists()
    assert not Message.objects.filter(complaint__isnull=False, channel__name="别人的群").exists()


def test_when_a_digest_is_refused_for_good_its_cases_fail_visibly(desk: Desk) -> None:
    desk.channel()
    desk.new()
    desk.dispatch()
    storm(desk)
    desk.trouble("errcode", 40058, count=2)
    desk.dispatch()
    digest = Message.objects.get(kind="digest")
    assert digest.state == "failed"
    assert set(digest.covered.values_list("state", "error")) == {("failed", f"digest {digest.pk} failed")}


def test_a_channel_switched_off_tells_no_digest_either(desk: Desk) -> None:
    channel = desk.channel()
    storm(desk)
    desk.trouble("errcode", -1, count=2)
    desk.dispatch()
    desk.dispatch()
    services.switch(channel, enabled=False, now=desk.now)
    assert set(Message.objects.values_list("state", flat=True)) <= {"superseded", "sent"}


def test_one_by_one_again_after_two_quiet_minutes(desk: Desk) -> None:
    desk.channel()
    storm(desk)
    desk.dispatch()
    desk.until(minutes=4)
    storm(desk, 5)
    desk.dispatch()
    assert BudgetKey.objects.get().digest_since is None
    assert Message.objects.filter(kind="digest").count() == 1


def test_several_robots_of_one_group_take_turns(desk: Desk) -> None:
    more = [f"http://127.0.0.1:1/cgi-bin/webhook/send?key={desk.sandbox.robots.create()}" for _ in range(2)]
    desk.channel(robot={"more_webhook_urls": more})
    storm(desk, 36)
    desk.dispatch()
    by_key = {key: sum(1 for m in desk.shown() if m.key == key) for key in desk.sandbox.state.robot_keys}
    assert sorted(by_key.values()) == [12, 12, 12]
    assert Message.objects.filter(kind="digest").count() == 0


def test_a_robot_gone_from_its_group_leaves_the_work_to_the_others(desk: Desk) -> None:
    key = desk.sandbox.robots.create()
    channel = desk.channel(robot={"more_webhook_urls": [f"http://127.0.0.1:1/cgi-bin/webhook/send?key={key}"]})
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    for _ in range(4):
        desk.new()
    desk.until(minutes=1)
    channel.refresh_from_db()
    assert channel.dead_since is None
    assert Message.objects.filter(kind="new", state="sent").count() == 4
    desk.sandbox.robots.remove(key)
    desk.new()
    desk.until(minutes=2)
    channel.refresh_from_db()
    assert channel.dead_since is not None


def test_a_robot_gone_from_its_group_is_told_once_by_the_others_before_a_storm(desk: Desk) -> None:
    key = desk.sandbox.robots.create()
    desk.channel(robot={"more_webhook_urls": [f"http://127.0.0.1:1/cgi-bin/webhook/send?key={key}"]}, language="en")
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    storm(desk, 20, user_tag_list=["HIGH_RISK"])
    desk.dispatch()  # which finds out
    desk.dispatch()
    assert "1 of its 2 robots still answer" in desk.shown()[0].content
    for minute in range(10, 40, 10):
        desk.new()
        desk.until(minutes=minute)
    warning = Message.objects.get(kind="robot_gone")
    assert (warning.state, warning.urgency) == ("sent", "urgent")


def test_a_robot_belongs_to_one_list_of_robots_only(desk: Desk) -> None:
    key = desk.sandbox.robots.create()
    desk.channel(robot={"more_webhook_urls": [f"http://127.0.0.1:1/cgi-bin/webhook/send?key={key}"]})
    with pytest.raises(services.SettingsError) as caught:
        desk.channel("乙", key)
    assert list(caught.value.problems) == ["more_webhook_urls"]
    assert Channel.objects.count() == 1
