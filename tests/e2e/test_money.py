"""A stuck refund and a rejection with pictures, as people see and press them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from kesu.commands.models import Command, OutgoingPicture, Refund
from kesu.complaints.models import Complaint
from tests.desk.test_acting import press
from tests.desk_seeds import make_complaint, say
from tests.e2e.conftest import SHAPES, photograph
from tests.e2e.judging import overflow, serious

pytestmark = pytest.mark.e2e

PROOF = Path(__file__).with_name("picture.png")
REFUSAL = "商品已按约定发出, 物流显示本人签收, 因此无法退款"


@pytest.fixture
def stuck(day: dict[str, Any], now: Any) -> Complaint:
    case = make_complaint(day["account"], 77, now=now, amount=19900, detail="漏发了一件")
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "漏发了一件", "投诉人")
    client = Client()
    client.force_login(day["user"])
    press(client, case, "refund", fen="19900")
    Command.objects.update(state="confirmed", settled_at=now, due_at=None, sent_at=now)
    Refund.objects.update(state="abnormal", refund_id="5030001")
    return case


@pytest.fixture
def ticket(day: dict[str, Any], now: Any) -> Complaint:
    wanted = {"problem_type": "REFUND", "apply_refund_amount": 1990}
    case = make_complaint(day["account"], 78, now=now, state="PROCESSING", **wanted)
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "不想要了", "投诉人")
    say(case, "MERCHANT_RESPONSE", now, "您好, 商品已发出, 签收后不支持退款", "云上书店")
    return case


def opened(page: Any, *folds: str) -> None:
    for fold in folds:
        page.evaluate("id => { document.getElementById(id).open = true; }", fold)


def of_the_page(page: Any) -> list[str]:
    """What the browser complained about, besides the answer 422 that is wanted and the styles of axe itself."""
    return [said for said in page.complaints if "422" not in said and "inline style" not in said]


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_a_stuck_refund_goes_to_a_card_and_the_page_forgets_it(day, stuck, open_page, width, language, theme):
    page = open_page(f"/cases/{stuck.pk}", day["user"], width=width, language=language, theme=theme)
    refund = Refund.objects.get()
    opened(page, "side-money", f"resend-card-{refund.pk}", f"resend-merchant-{refund.pk}")
    form = page.locator(f"#resend-card-{refund.pk}")
    form.locator("select").select_option("CMB_DEBIT")
    form.locator("input[name=card_account]").fill("6222 0212 3456 7890 123")
    form.locator("input[name=card_name]").fill("欧阳测试")
    photograph(page, "stuck-refund", part=f"#resend-card-{refund.pk}")
    assert overflow(page) == []
    assert page.complaints == []
    assert serious(page) == []
    form.locator("form > .buttons button").click()
    form.locator(".trouble").wait_for()
    assert form.locator("select").input_value() == "CMB_DEBIT"
    assert form.locator("input[name=card_account]").input_value() == ""
    photograph(page, "stuck-refund-asked", part=f"#resend-card-{refund.pk}")
    form.locator("input[name=card_account]").fill("6222 0212 3456 7890 123")
    form.locator("input[name=card_name]").fill("欧阳测试")
    form.locator("input[name=acknowledged]").check()
    form.locator("form > .buttons button").click()
    page.locator(".sending-info").wait_for()
    assert Command.objects.get(kind="resend_refund").state == "planned"
    assert "欧阳测试" not in page.content()
    photograph(page, "stuck-refund-sent", part=".sending-info")
    assert of_the_page(page) == []


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_a_picture_is_chosen_for_a_rejection_and_stays_out_of_the_reply(open_page, day, ticket, width, language, theme):
    page = open_page(f"/cases/{ticket.pk}", day["user"], width=width, language=language, theme=theme)
    opened(page, "act-reject")
    page.locator("#reject-reason").fill(REFUSAL)
    page.locator("#reject-files").set_input_files(PROOF)
    page.locator("#act-reject .kept img").wait_for()
    assert page.locator("#reject-reason").input_value() == REFUSAL
    assert page.locator("#reply-form .kept").count() == 0
    assert OutgoingPicture.objects.count() == 1
    photograph(page, "reject-picture", part="#act-reject")
    assert overflow(page) == []
    assert page.complaints == []
    assert serious(page) == []
    page.locator("#act-reject .kept button").click()
    page.locator("#act-reject .kept").wait_for(state="detached")
    assert of_the_page(page) == []
