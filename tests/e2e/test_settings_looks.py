"""The settings in both languages, themes and widths, and what JavaScript adds to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kesu.alerts import rotas
from kesu.alerts.services import set_quiet_hours
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.models import Allowance, QuickReply
from kesu.merchants.models import Account
from kesu.merchants.watch import start_watching
from tests.desk_seeds import make_user
from tests.e2e.conftest import SCREENSHOTS
from tests.e2e.test_looks import SHAPES, overflow

pytestmark = pytest.mark.e2e


@pytest.fixture
def office(day: dict[str, Any], now: Any) -> dict[str, Any]:
    """A desk that was set up: people with account ids, a rota with an override, quiet hours, a template."""
    day["user"].wecom_userid = "wangxiaoming"
    day["user"].save()
    night = make_user("zhang", "张三", role="agent", wecom_userid="zhangsan", refund_limit=5_000)
    row = rotas.create("night", [day["user"], night], 1, 9, now=now)
    rotas.override(row, night, now + timedelta(days=1), now + timedelta(days=2, hours=3))
    channel = day["account"].channel_set.first() or day["channel"]
    channel.mentions = ["wangxiaoming"]
    channel.save()
    set_quiet_hours(channel, "22:00-08:00", now=now)
    account = Account.objects.get(pk=day["account"].pk)
    start_watching(account, now=now)
    Allowance.objects.create(account=account, kind="phone", value="400-800-1234", created_at=now)
    record(None, Action.SETTING_CHANGED, f"merchant:{account.mchid}", {"name": "云上书店"}, now=now)
    template = QuickReply.objects.order_by("pk").first() or QuickReply.objects.create(
        name="致歉", text="您好, {amount}已经退回。", changed_at=now
    )
    return {**day, "rota": row, "channel": channel, "person": night, "account": account, "template": template}


def places(office: dict[str, Any]) -> dict[str, str]:
    return {
        "overview": "/settings/",
        "welcome": "/welcome",
        "connect": "/settings/connect",
        "merchants": "/settings/merchants",
        "merchant": f"/settings/merchants/{office['account'].pk}",
        "people": "/settings/people",
        "person": f"/settings/people/{office['person'].pk}",
        "channels": "/settings/channels",
        "channel": f"/settings/channels/{office['channel'].pk}",
        "channel-new": "/settings/channels/new/wecom_robot",
        "wake": "/settings/wake",
        "ladder": "/settings/wake/ladders/default",
        "ladder-text": "/settings/wake/text",
        "quiet": "/settings/quiet-hours",
        "rotas": "/settings/rota",
        "rota": f"/settings/rota/{office['rota'].pk}",
        "templates": "/settings/templates",
        "template": f"/settings/templates/{office['template'].pk}",
        "retention": "/settings/retention",
        "audit": "/settings/audit",
    }


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_every_page_of_the_settings_fits(open_page, office, width, language, theme):
    SCREENSHOTS.mkdir(exist_ok=True)
    page = open_page("/settings/", office["user"], width=width, language=language, theme=theme)
    for name, address in places(office).items():
        page.goto(address, wait_until="networkidle")
        page.screenshot(path=SCREENSHOTS / f"settings-{name}-{width}-{language}-{theme}.png", full_page=True)
        assert (name, overflow(page)) == (name, [])
        assert (name, page.complaints) == (name, [])
    page.goto(places(office)["connect"], wait_until="networkidle")


def test_a_key_is_checked_as_it_is_entered_and_stays_where_it_was_typed(open_page, office):
    page = open_page("/settings/connect", office["user"], language="en")
    page.fill("#id_apiv3_key", "k" * 31)
    page.press("#id_apiv3_key", "Tab")
    page.locator("#checked-apiv3 .bad").wait_for()
    assert "this one has 31" in page.locator("#checked-apiv3").inner_text()
    page.fill("#id_mchid", "1900000999")
    page.click("#go")
    page.locator("#result .proof-bad").wait_for()
    assert page.input_value("#id_apiv3_key") == "k" * 31
    assert not Account.objects.filter(mchid="1900000999").exists()
    assert page.complaints == []


def test_red_lines_show_while_a_template_is_typed(open_page, office):
    page = open_page("/settings/templates/new", office["user"], language="en")
    page.locator("#id_text").press_sequentially("加我微信 abc12345 处理")
    page.locator("#findings .proof").first.wait_for()
    assert page.complaints == []
