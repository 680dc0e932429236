"""Setting channels up, proving them, and seeing how they do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from kesu.accounts.models import User
from kesu.alerts import queries, services
from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import SettingsError
from kesu.alerts.models import Attempt, Channel, Message, PersonAddress
from kesu.alerts.reach import GROUP_KINDS
from kesu.cli.channels import KINDS as NAMED
from kesu.complaints.models import Complaint
from kesu.desk.views.settings.channel_fields import FIELDS

from .conftest import START, Desk


def test_a_test_push_is_a_real_one(desk: Desk) -> None:
    channel = desk.channel()
    attempt = services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert (attempt.outcome, attempt.code) == ("sent", "0")
    assert desk.shown()[0].content == 'Kesu 测试消息\n<@LiSi>\n<font color="info">通道“客服群”可用。</font>'


def test_a_failed_test_push_says_what_the_robot_said_and_is_not_repeated(desk: Desk) -> None:
    channel = desk.channel()
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    attempt = services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert (attempt.outcome, attempt.code, attempt.answer) == ("channel_dead", "93000", "invalid webhook url")
    channel.refresh_from_db()
    assert channel.dead_since == desk.now
    assert queries.next_due(now=desk.now) is None


def test_a_test_push_that_arrives_revives_a_dead_channel(desk: Desk) -> None:
    channel = desk.channel()
    Channel.objects.update(dead_since=desk.now, probe_at=desk.now + timedelta(minutes=10), dead_reason="93000")
    services.test_channel(channel, now=desk.now, transports=desk.transports)
    channel.refresh_from_db()
    assert channel.dead_since is None


def test_a_test_push_does_not_exceed_the_budget(desk: Desk) -> None:
    channel = desk.channel()
    for _ in range(18):
        services.test_channel(channel, now=desk.now, transports=desk.transports)
    attempt = services.test_channel(channel, now=desk.now, transports=desk.transports)
    assert (attempt.outcome, attempt.answer) == ("rate", "budget used up")
    assert len(desk.shown()) == 18


def test_two_channels_with_one_robot_share_its_budget(desk: Desk) -> None:
    assert desk.channel("甲").budget_key == desk.channel("乙").budget_key
    assert desk.another_channel("丙").budget_key != Channel.objects.get(name="甲").budget_key


def test_settings_are_sealed_in_the_database(desk: Desk) -> None:
    desk.channel()
    with connection.cursor() as cursor:
        cursor.execute("select settings from alerts_channel")
        sealed = bytes(cursor.fetchone()[0])
    assert desk.sandbox.identity.robot_key.encode() not in sealed


@pytest.mark.parametrize(
    ("name", "kind", "problem"),
    [("", "wecom_robot", "name"), ("客服群", "wecom_robot", "name"), ("新", "pigeon", "kind")],
)
def test_a_channel_that_cannot_be_is_refused(desk: Desk, name: str, kind: str, problem: str) -> None:
    desk.channel()
    url = f"http://127.0.0.1:1/cgi-bin/webhook/send?key={desk.sandbox.identity.robot_key}"
    with pytest.raises(SettingsError) as caught:
        services.add_channel(name, kind, {"webhook_url": url}, now=desk.now)
    assert list(caught.value.problems) == [problem]


def test_a_channel_switched_off_owes_nothing_any_more(desk: Desk) -> None:
    channel = desk.channel()
    desk.new()
    services.switch(channel, enabled=False, now=desk.now)
    desk.new()
    desk.dispatch()
    assert list(Message.objects.values_list("state", "error")) == [("superseded", "channel switched off")]


def test_muted_kinds_are_not_carried(desk: Desk) -> None:
    channel = desk.channel()
    Channel.objects.filter(pk=channel.pk).update(muted_kinds=["new"])
    desk.new(user_tag_list=["HIGH_RISK"])
    assert list(Message.objects.values_list("kind", flat=True)) == ["high_risk"]


def test_a_case_somebody_else_has_cannot_be_claimed(desk: Desk) -> None:
    first, second = User.objects.create(username="a"), User.objects.create(username="b")
    _, complaint = desk.new()
    services.claim(first, complaint, now=desk.now)
    services.claim(first, complaint, now=desk.now)
    with pytest.raises(services.ClaimedError):
        services.claim(second, Complaint.objects.get(), now=desk.now)
    services.release(second, complaint, now=desk.now)
    services.claim(second, complaint, now=desk.now)
    assert Complaint.objects.get().claimed_by == second


def test_the_health_of_every_channel_is_seen(desk: Desk) -> None:
    desk.channel("活")
    dead = desk.another_channel("死")
    off = desk.another_channel("关")
    services.switch(off, enabled=False, now=desk.now)
    Channel.objects.filter(pk=dead.pk).update(dead_since=desk.now, probe_at=desk.now + timedelta(minutes=10))
    desk.new()
    desk.trouble("errcode", 45009, count=1)
    desk.dispatch()
    health = {found.channel.name: found for found in queries.channel_health(now=desk.now)}
    assert {name: found.state for name, found in health.items()} == {"活": "paused", "死": "dead", "关": "off"}
    assert health["活"].last_outcome == "rate"
    assert health["活"].free_at == START + timedelta(seconds=60)
    assert all("****" in found.address for found in health.values())


def test_the_log_is_paged_by_key(desk: Desk) -> None:
    desk.channel()
    for _ in range(5):
        desk.new()
    desk.dispatch()
    page = queries.delivery_log(limit=2)
    rest = queries.delivery_log(limit=10, before=page.next_before)
    assert [attempt.pk for attempt in (*page.attempts, *rest.attempts)] == list(
        Attempt.objects.order_by("-pk").values_list("pk", flat=True)
    )
    assert rest.next_before is None
    assert queries.delivery_log(outcome="unknown").attempts == []


def test_the_outbox_accounts_for_every_message(desk: Desk) -> None:
    desk.channel()
    _, complaint = desk.new()
    desk.dispatch()
    services.test_channel(Channel.objects.get(), now=desk.now, transports=desk.transports)
    first, second = queries.outbox()
    assert first["complaint_ids"] == [complaint.complaint_id]
    assert (first["channel"], first["kind"], first["state"], first["attempts"]) == ("客服群", "new", "sent", 1)
    assert set(first) >= {"id", "due_at", "sent_at", "error"}
    assert second["complaint_ids"] == []
    assert queries.outbox(after=first["id"]) == [second]
    assert queries.outbox_counts() == {"pending": 0, "sent": 2, "superseded": 0, "moved": 0, "failed": 0, "digested": 0}


def test_every_kind_of_channel_in_the_model_has_its_folder() -> None:
    assert set(KINDS) == {str(kind) for kind in Channel.Kind}


def test_every_kind_of_channel_has_its_fields_on_the_page_and_its_name_on_the_command_line() -> None:
    assert set(FIELDS) == set(KINDS)
    assert set(NAMED.split(" | ")) == set(KINDS)


def test_groups_and_addresses_of_people_are_of_kinds_that_exist() -> None:
    assert set(KINDS) >= {*GROUP_KINDS, *map(str, PersonAddress.Kind)}
