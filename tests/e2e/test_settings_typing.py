"""What JavaScript adds to the settings."""

from __future__ import annotations

import pytest

from kesu.merchants.models import Account

pytestmark = pytest.mark.e2e


def test_a_key_is_checked_as_it_is_entered_and_stays_where_it_was_typed(open_page, day):
    page = open_page("/settings/connect", day["user"], language="en")
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


def test_red_lines_show_while_a_template_is_typed(open_page, day):
    page = open_page("/settings/templates/new", day["user"], language="en")
    page.locator("#id_text").press_sequentially("加我微信 abc12345 处理")
    page.locator("#findings .proof").first.wait_for()
    assert page.complaints == []
