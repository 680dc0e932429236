"""The delivery log, and links from pushes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from kesu.alerts import links
from kesu.alerts.models import Channel, Message
from kesu.desk import pushes
from tests.desk_seeds import push


def shown(answer) -> list[int]:
    return [int(pk) for pk in re.findall(r'id="message-(\d+)"', answer.content.decode())]


def test_every_push_is_listed_with_its_attempts(desk):
    page = desk.get("/deliveries").content.decode()
    for word in ("已送达", "失败", "等待中", "45009", "93000", "发送过于频繁", "地址已失效", "尝试 2 次", "测试推送"):
        assert word in page


@pytest.mark.parametrize("state", Message.State.values)
def test_one_state_can_be_looked_at(desk, state):
    expected = list(Message.objects.filter(state=state).order_by("-pk").values_list("pk", flat=True))
    assert shown(desk.get(f"/deliveries?state={state}")) == expected


def test_the_pages_show_every_push_once(desk, day, now):
    for _ in range(120):
        push(day["channel"], day["case"], "user_message", now)
    found, url = [], "/deliveries"
    while url:
        answer = desk.get(url)
        found += shown(answer)
        more = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        url = more[1].replace("&amp;", "&") if more else ""
    assert found == list(Message.objects.order_by("-pk").values_list("pk", flat=True))


@pytest.mark.parametrize("query", ["before=x", "before=-1", "state=nonsense", "before=" + "9" * 40])
def test_a_question_that_makes_no_sense_shows_the_first_page(desk, query):
    assert desk.get(f"/deliveries?{query}").status_code == 200


def test_what_the_other_side_answered_is_text(desk, day, now):
    push(day["channel"], None, "<b>kind</b>", now, state="failed", error="<script>alert(1)</script>")
    page = desk.get("/deliveries").content.decode()
    assert "<script>alert" not in page
    assert "<b>kind" not in page


def test_every_state_and_outcome_has_a_word():
    from kesu.alerts.models import Attempt

    assert set(pushes.STATES) == set(Message.State.values)
    assert set(pushes.OUTCOMES) == set(Attempt.Outcome.values)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("before:4h", "剩 4小时"),
        ("after:15m", "15分后"),
        ("after:0", ""),
        ("overdue:3", ""),
        ("overdue", ""),
        ("x", ""),
    ],
)
def test_a_step_of_the_ladder_in_words(word, said):
    assert pushes.step(word) == said


@pytest.fixture
def failed(day, now) -> Message:
    return push(day["channel"], day["case"], "high_risk", now, state="failed", error="40058 too long")


def test_a_failed_push_is_sent_again_from_the_log_and_from_its_case(desk, day, failed):
    page = desk.get("/deliveries?state=failed").content.decode()
    assert f'action="/deliveries/{failed.pk}/resend"' in page
    assert f'action="/deliveries/{failed.pk}/resend"' in desk.get(f"/cases/{day['case'].pk}").content.decode()
    answer = desk.post(f"/deliveries/{failed.pk}/resend", {"back": "failed"}, follow=True)
    assert answer.redirect_chain == [("/deliveries?state=failed", 302)]
    assert "已重新发送" in answer.content.decode()
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("pending", "")
    assert "再次发送了失败的推送" in desk.get(f"/cases/{day['case'].pk}").content.decode()


def test_the_second_who_presses_is_told_that_it_is_done(desk, day, failed):
    back = f"/cases/{day['case'].pk}"
    for said in ("已重新发送", "已经不是失败状态"):
        answer = desk.post(f"/deliveries/{failed.pk}/resend", {"back": "case"}, follow=True)
        assert answer.redirect_chain == [(back, 302)]
        assert said in answer.content.decode()


def test_what_may_have_been_seen_is_asked_about_on_a_page_of_its_own(desk, failed):
    Message.objects.filter(pk=failed.pk).update(doubtful=True)
    asked = desk.post(f"/deliveries/{failed.pk}/resend", {"back": "failed"})
    said = asked.content.decode()
    assert asked.status_code == 409
    for word in ("可能已经", 'name="yes" value="1"', f'href="/deliveries?state=failed#message-{failed.pk}"'):
        assert word in said
    failed.refresh_from_db()
    assert failed.state == "failed"
    desk.post(f"/deliveries/{failed.pk}/resend", {"back": "failed", "yes": "1"})
    failed.refresh_from_db()
    assert (failed.state, failed.doubtful) == ("pending", True)


@pytest.mark.parametrize(
    ("kind", "enabled", "role"), [("test", True, "owner"), ("new", False, "owner"), ("new", True, "agent")]
)
def test_no_button_is_shown_for_what_cannot_be_sent_again_or_to_whoever_may_not(desk, day, now, kind, enabled, role):
    type(day["user"]).objects.filter(pk=day["user"].pk).update(role=role)
    Channel.objects.update(enabled=enabled)
    Message.objects.all().delete()
    made = push(day["channel"], day["case"], kind, now, state="failed")
    page = desk.get("/deliveries?state=failed").content.decode()
    assert f'id="message-{made.pk}"' in page
    assert "/resend" not in page


def test_a_link_from_a_push_opens_its_case(desk, day, now):
    token = links.token(day["case"].pk, 1, now=now)
    assert desk.get(f"/open/{token}").headers["Location"] == f"/cases/{day['case'].pk}"


def test_a_link_waits_until_one_has_signed_in(client, day, now):
    token = links.token(day["case"].pk, 1, now=now)
    answer = client.get(f"/open/{token}")
    assert answer.headers["Location"] == f"/sign-in?next=/open/{token}"
    answer = client.post("/sign-in", {"username": "wang", "password": "a-long-password-1", "next": f"/open/{token}"})
    assert answer.headers["Location"] == f"/open/{token}"


def test_a_damaged_or_old_link_explains_itself(desk, day, now):
    old = links.token(day["case"].pk, 1, now=now - timedelta(days=30))
    good = links.token(day["case"].pk, 1, now=now)
    for token in (old, good[:-1], "nonsense", "a.b.c"):
        answer = desk.get(f"/open/{token}")
        assert answer.status_code == 404
        assert "链接已失效" in answer.content.decode()
