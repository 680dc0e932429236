"""The admin pages: for owners only, through the same services as the commands, without a secret on them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from kesu.alerts import ladders, rotas, services
from kesu.alerts.arming import arm_from_mirror
from kesu.alerts.models import Channel, Clock, Ladder, LadderRule, PersonAddress, PersonHours, Rota, RotaOverride
from kesu.audit.models import AuditEntry
from kesu.clock import BEIJING
from kesu.desk.security import CONTENT_POLICY
from tests.desk_seeds import make_complaint, make_merchant, make_user

KEY = "693a91f6-7aec-4f00-9f1d-1234567890ab"
OVERDUE = [{"clock": clock, "overdue_every": "2h", "to": ["second"]} for clock in ("reply", "complete")]
MODELS = ("ladder", "ladderrule", "rota", "personhours", "personaddress", "channel")


@pytest.fixture
def seeds(db: None, now: datetime) -> dict[str, Any]:
    user = make_user()
    channel = services.add_channel(
        "客服群",
        "wecom_robot",
        {"webhook_url": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"},
        mentions=["ZhangSan"],
        now=now,
    )
    rota = rotas.create("night", [user, make_user("li", "小李", role="agent")], 1, 9, now=now)
    rotas.override(rota, user, now, now.replace(year=now.year + 1))
    services.set_ladders({"ladders": {"mine": OVERDUE}, "rules": [{"ladder": "mine"}]}, now=now)
    services.set_personal_quiet_hours(user, "22:00-08:00")
    services.set_address(user, "dingtalk_robot", "13800000000")
    return {
        "user": user,
        "ladder": Ladder.objects.get(),
        "ladderrule": LadderRule.objects.get(),
        "rota": rota,
        "personhours": PersonHours.objects.get(),
        "personaddress": PersonAddress.objects.get(),
        "channel": channel,
    }


@pytest.fixture
def owner(seeds: dict[str, Any]) -> Client:
    client = Client()
    client.force_login(seeds["user"])
    return client


def pages(seeds: dict[str, Any]) -> list[str]:
    lists = [f"/admin/alerts/{name}/" for name in MODELS]
    forms = [f"/admin/alerts/{name}/{seeds[name].pk}/change/" for name in MODELS]
    return ["/admin/", *lists, *forms, *(f"{page}add/" for page in lists[:-1])]


def rota_form(row: Rota, **fields: Any) -> dict[str, Any]:
    management = {f"overrides-{name}": number for name, number in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))}
    return {"name": row.name, "weekday": 1, "hour": 9, "joins": "", "leaves": "", **management, **fields}


def test_every_page_opens_for_an_owner_under_the_strict_policy_and_shows_no_secret(owner: Client, seeds: Any):
    for page in pages(seeds):
        answer = owner.get(page)
        assert answer.status_code == 200, page
        assert answer["Content-Security-Policy"] == CONTENT_POLICY
        text = answer.content.decode()
        assert KEY not in text
        assert "<style" not in text
        assert "onclick=" not in text


def test_its_style_sheet_is_served(owner: Client, seeds: Any):
    assert owner.get("/static/admin/css/base.css").status_code == 200


@pytest.mark.parametrize("role", ["manager", "agent", "viewer", "auditor"])
def test_everybody_else_is_refused(seeds: Any, role: str):
    client = Client()
    client.force_login(make_user("other", role=role, is_staff=True, is_superuser=True))
    assert {client.get(page).status_code for page in pages(seeds)} == {403}
    assert client.post(f"/admin/alerts/rota/{seeds['rota'].pk}/delete/", {"post": "yes"}).status_code == 403


def test_what_was_agreed_besides_the_turns_is_taken_back(owner: Client, seeds: Any):
    row = seeds["rota"]
    agreed = row.overrides.get()
    given = {"TOTAL_FORMS": 1, "INITIAL_FORMS": 1, "0-id": agreed.pk, "0-rota": row.pk, "0-user": agreed.user_id}
    for name in ("starts_at", "ends_at"):
        local = getattr(agreed, name).astimezone(BEIJING)
        given |= {f"0-{name}_0": f"{local:%Y-%m-%d}", f"0-{name}_1": f"{local:%H:%M:%S}"}
    deleted = {f"overrides-{name}": value for name, value in {**given, "0-DELETE": "on"}.items()}
    assert owner.post(f"/admin/alerts/rota/{row.pk}/change/", rota_form(row) | deleted).status_code == 302
    assert not row.overrides.exists()


def test_who_is_not_signed_in_is_sent_to_the_desks_own_page(seeds: Any):
    for page in pages(seeds):
        assert Client().get(page, follow=True).redirect_chain[-1] == (f"/sign-in?next={page}", 302)
    answer = Client().get("/admin/login/?next=https://elsewhere.example/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/admin/")


def test_a_ladder_is_set_and_running_cases_climb_it(owner: Client, seeds: Any, now: datetime):
    complaint = make_complaint(make_merchant(now), 1, now=now)
    arm_from_mirror([complaint.pk], now=now)
    assert Clock.objects.get(kind="reply").due_at > now + timedelta(hours=1)
    steps = [{"clock": "reply", "after": "5m"}, *OVERDUE]
    page = f"/admin/alerts/ladder/{seeds['ladder'].pk}/change/"
    assert owner.post(page, {"steps": json.dumps(steps)}).status_code == 302
    assert "after:5m" in [step.key for step in ladders.book().ladders["mine"].steps]
    assert Clock.objects.get(kind="reply").due_at <= now + timedelta(minutes=5)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.username, entry.subject) == (
        "setting_changed",
        "wang",
        f"ladder:{seeds['ladder'].pk}",
    )


def test_a_ladder_that_is_none_is_refused_with_its_reason(owner: Client, seeds: Any):
    page = "/admin/alerts/ladder/add/"
    unknown = [{"clock": "reply", "after": "5m", "to": ["rota:nothing"]}, *OVERDUE]
    for steps, reason in ((unknown, "no such rota: nothing"), (OVERDUE[:1], "not_repeating"), ([{}], "step 1")):
        answer = owner.post(page, {"name": "new", "steps": json.dumps(steps)})
        assert reason in answer.content.decode()
    assert Ladder.objects.count() == 1


def test_what_is_named_elsewhere_is_not_deleted(owner: Client, seeds: Any, now: datetime):
    services.set_ladders(
        {"ladders": {"mine": [{"clock": "reply", "after": "5m", "to": "rota:night"}, *OVERDUE]}}, now=now
    )
    for name in ("ladder", "rota", "channel"):
        page = f"/admin/alerts/{name}/{seeds[name].pk}/delete/"
        assert owner.post(page, {"post": "yes"}).status_code == 403
    assert owner.post(f"/admin/alerts/ladderrule/{seeds['ladderrule'].pk}/delete/", {"post": "yes"}).status_code == 302
    assert owner.post(f"/admin/alerts/ladder/{seeds['ladder'].pk}/delete/", {"post": "yes"}).status_code == 302
    assert owner.post(f"/admin/alerts/rota/{seeds['rota'].pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Rota.objects.exists()


def test_people_join_and_leave_a_rota_and_its_handover_moves(owner: Client, seeds: Any):
    row = seeds["rota"]
    RotaOverride.objects.all().delete()
    page = f"/admin/alerts/rota/{row.pk}/change/"
    third = make_user("zhao", "小赵", role="agent")
    assert owner.post(page, rota_form(row, joins=third.pk, weekday=5, hour=18)).status_code == 302
    assert owner.post(page, rota_form(row, leaves=seeds["user"].pk, weekday=5, hour=18)).status_code == 302
    names = list(row.members.order_by("position").values_list("user__username", flat=True))
    assert names == ["li", "zhao"]
    assert owner.post("/admin/alerts/rota/add/", rota_form(Rota(name="days"), joins=third.pk)).status_code == 302
    assert Rota.objects.get(name="days").members.get().user == third


def test_a_channel_changes_without_its_secret_and_its_quiet_hours_are_checked(owner: Client, seeds: Any):
    channel = seeds["channel"]
    page = f"/admin/alerts/channel/{channel.pk}/change/"
    values = {"mentions": '["LiSi"]', "second_mentions": "[]", "language": "en", "quiet_hours": "22:00-08:00"}
    assert owner.post(page, {**values, "enabled": "on"}).status_code == 302
    found = Channel.objects.get()
    assert (found.mentions, found.second_mentions, found.language) == (["LiSi"], [], "en")
    assert (found.quiet_hours, found.settings, found.enabled) == ("22:00-08:00", channel.settings, True)
    assert owner.post(page, {**values, "quiet_hours": "at night"}).status_code == 200
    assert owner.post(page, {**values, "mentions": '"LiSi"'}).status_code == 200
