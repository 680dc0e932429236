"""Ladders, rota, quiet hours, templates, the audit's page: what an owner sets, and what is refused in words."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from kesu.alerts import ladders
from kesu.alerts.models import Channel, Rota
from kesu.alerts.people import on_call, quiet_hours
from kesu.audit.models import AuditEntry
from kesu.clock import BEIJING
from kesu.commands.models import QuickReply
from tests.desk_seeds import make_user


@pytest.fixture
def page(english: Client) -> Any:
    """The text of an address, of an answer to what is posted where something is."""

    def read(address: str, data: dict[str, Any] | None = None) -> str:
        answer = english.get(address) if data is None else english.post(address, data, follow=True)
        return str(answer.content.decode())

    return read


def row(number: int, **changes: str) -> dict[str, str]:
    values = {"clock": "reply", "trigger": "before", "amount": "4", "unit": "h", "audience": "on_duty"}
    values |= {"urgency": "normal", **changes}
    return {f"{name}-{number}": value for name, value in values.items()}


OVERDUE = {
    **row(8, trigger="overdue_every", amount="2", urgency="urgent"),
    **row(9, clock="complete", trigger="overdue_every", amount="2", urgency="urgent"),
}


def test_the_preview_says_who_is_woken_and_when(page: Any, day: dict[str, Any]):
    Channel.objects.update(mentions=["wangxm"])
    day["user"].wecom_userid = "wangxm"
    day["user"].save()
    text = page("/settings/wake?at=2026-11-24T23:30")
    assert "11-24 23:30" in text
    assert str(day["user"]) in text
    assert "4 h before the deadline" in text


def test_quiet_hours_move_what_the_preview_shows(page: Any, day: dict[str, Any]):
    # A message that calls nobody else waits for the hours of whoever it calls and of its channel.
    Channel.objects.update(mentions=["wangxm"])
    channel = Channel.objects.order_by("pk").first()
    assert channel is not None
    assert "held by quiet hours" not in page("/settings/wake?at=2026-11-24T23:30")
    page("/settings/quiet-hours", {f"channel-{channel.pk}": "22:00-08:00", f"person-{day['user'].pk}": "23:00-07:00"})
    assert quiet_hours(day["user"]) == "23:00-07:00"
    assert "held by quiet hours" in page("/settings/wake?at=2026-11-24T23:30")
    assert "Quiet hours are written" in page("/settings/quiet-hours", {f"channel-{channel.pk}": "late"})
    channel.refresh_from_db()
    assert channel.quiet_hours == "22:00-08:00"


def test_a_ladder_is_made_row_by_row_in_any_order(page: Any, day: dict[str, Any]):
    given = {**row(0, amount="1", urgency="urgent"), **row(1, amount="6"), **row(2, amount=""), **OVERDUE}
    given |= {"to-0": f"person:{day['user'].username}", "only_unclaimed-1": "1"}
    text = page("/settings/wake/ladders/night", given)
    assert "running reminders climb them now" in text
    steps = ladders.book().ladders["night"].steps
    assert [step.key for step in steps] == ["before:6h", "before:1h", "overdue", "overdue"]
    assert [str(target) for target in steps[1].people] == [f"person:{day['user'].username}"]
    assert AuditEntry.objects.filter(subject="ladders").exists()
    page("/settings/wake/ladders/night/remove", {})
    assert "night" not in ladders.book().ladders


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(0), "a step for overdue cases is missing"),
        ({**row(0, amount="soon"), **OVERDUE}, "soon is no number of minutes or hours"),
        ({**row(0, audience=""), **OVERDUE}, "calls nobody"),
        ({**row(0), **row(1), **OVERDUE}, "two steps speak at the same time"),
        ({**row(0, trigger="overdue_every", amount="1", unit="m"), **OVERDUE}, "every five minutes at most"),
        ({**row(0), "to-0": "rota:gone", **OVERDUE}, "no such rota: gone"),
    ],
)
def test_a_ladder_that_would_fall_silent_is_refused_in_words(page: Any, given: dict[str, str], said: str):
    text = page("/settings/wake/ladders/default", given)
    assert "Nothing was changed" in text
    assert said in text


def test_ladders_and_rules_are_the_text_that_the_command_takes(page: Any):
    text = page("/settings/wake/text")
    assert "&quot;ladders&quot;" in text
    rules = {"rules": [{"ladder": "important", "kinds": ["high_risk"], "mchids": []}]}
    assert "High risk" in page("/settings/wake/text", {"text": json.dumps(rules)})
    assert [rule.ladder for rule in ladders.book().rules] == ["important"]
    assert "This is not JSON" in page("/settings/wake/text", {"text": "{"})
    unknown = {"rules": [{"ladder": "gone"}]}
    assert "no such ladder: gone" in page("/settings/wake/text", {"text": json.dumps(unknown)})


def test_what_reaches_nobody_is_said_above_everything(page: Any):
    Channel.objects.all().delete()
    assert "nobody at all is reached" in page("/settings/wake")


def test_a_rota_is_made_changed_by_a_day_and_swapped(page: Any, day: dict[str, Any], now: datetime):
    other = make_user("zhao", "小赵", role="agent")
    page("/settings/rota/new", {"name": "night", "members": [day["user"].pk, other.pk]})
    rota = Rota.objects.get(name="night")
    address = f"/settings/rota/{rota.pk}/change"
    before = on_call("night", now=now)
    assert before == day["user"]
    local = now.astimezone(BEIJING)
    override = {"do": "override", "override-person": other.pk}
    span = {"override-starts_at": f"{local:%Y-%m-%dT00:00}", "override-ends_at": f"{local.year + 1}-01-01T00:00"}
    text = page(address, {**override, **span})
    assert on_call("night", now=now) == other
    assert "小赵 *" in text
    agreed = rota.overrides.get()
    assert f'name="number" value="{agreed.pk}"' in text
    page(address, {"do": "withdraw", "number": agreed.pk})
    assert on_call("night", now=now) == before
    assert AuditEntry.objects.latest("pk").details["withdrawn"] == "zhao"
    for gone in (agreed.pk, "x", ""):
        assert "It was taken back already." in page(address, {"do": "withdraw", "number": gone})
    assert "It must end after it begins." in page(
        address, {**override, "override-starts_at": "2026-11-02T00:00", "override-ends_at": "2026-11-01T00:00"}
    )
    assert "Both days are in the same turn." in page(
        address, {"do": "swap", "swap-one": "2026-11-04", "swap-other": "2026-11-05"}
    )
    page(address, {"do": "leave", "person": "zhao"})
    assert [member.user for member in rota.members.select_related("user")] == [day["user"]]
    page(address, {"do": "remove"})
    assert not Rota.objects.exists()


def test_a_rota_that_a_ladder_calls_stays(page: Any, day: dict[str, Any]):
    page("/settings/rota/new", {"name": "night", "members": [day["user"].pk]})
    page("/settings/wake/ladders/default", {**row(0), "to-0": "rota:night", **OVERDUE})
    address = f"/settings/rota/{Rota.objects.get().pk}/change"
    assert "Ladders name it: default" in page(address, {"do": "remove"})
    assert Rota.objects.exists()


def template(**changes: Any) -> dict[str, Any]:
    values = {"name": "致歉", "text": "您好, {amount}已经退回。", "problem_type": "", "position": "1", "enabled": "on"}
    return values | changes


def test_a_template_is_kept_once_the_red_lines_let_it_pass(page: Any):
    QuickReply.objects.all().delete()
    page("/settings/templates/new", template())
    found = QuickReply.objects.get()
    assert found.text == "您好, {amount}已经退回。"
    refused = page(f"/settings/templates/{found.pk}", template(text="你就是恶意投诉, 骗子"))
    assert "The text crosses a red line" in refused
    assert "must be changed" in refused
    found.refresh_from_db()
    assert found.text == "您好, {amount}已经退回。"
    assert "There is no such variable: price" in page("/settings/templates/new", template(name="b", text="{price}元"))
    assert "Another template has this name." in page("/settings/templates/new", template())
    assert "A label for the payer" in page("/settings/templates/check", {"text": "恶意投诉"})


def test_templates_change_places(page: Any):
    QuickReply.objects.all().delete()
    for name in ("a", "b", "c"):
        page("/settings/templates/new", template(name=name, position="0"))
    page(f"/settings/templates/{QuickReply.objects.get(name='c').pk}/move", {"by": "-1"})
    assert list(QuickReply.objects.order_by("position").values_list("name", flat=True)) == ["a", "c", "b"]


def test_the_audit_is_filtered_paged_and_proved(page: Any, day: dict[str, Any]):
    QuickReply.objects.all().delete()
    for number in range(60):
        page("/settings/templates/new", template(name=f"t{number}"))
    first = page("/settings/audit?action=setting_changed")
    assert "t59" in first
    assert "t9&quot;" not in first
    last = AuditEntry.objects.order_by("-sequence")[49].sequence
    older = page(f"/settings/audit?action=setting_changed&before={last}")
    assert "t9&quot;" in older
    assert "Nothing fits" in page("/settings/audit?person=nobody")
    assert "entries are as they were written" in page("/settings/audit/verify", {})
    assert "NUMBER:HASH" in page("/settings/audit/verify", {"noted": "nonsense"})
