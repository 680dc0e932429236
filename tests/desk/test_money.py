"""The money of a case on its page: a stuck refund sent elsewhere, and pictures with a rejection."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from kesu.commands.models import Command, OutgoingPicture, Refund
from kesu.commands.pictures import LARGEST_FILE
from kesu.complaints.models import Complaint
from tests.desk.test_acting import page_of, press, signed_in, ticked
from tests.desk_seeds import make_complaint, say

ACCOUNT, NAME = "6222021234567890123", "欧阳测试"
CARD = {"to": "card", "bank": "ICBC_DEBIT", "card_account": ACCOUNT, "card_name": NAME}
REFUSAL = "商品已按约定发出, 物流显示本人签收, 因此无法退款"


@pytest.fixture
def stuck(desk: Client, day: dict[str, Any], now: Any) -> Refund:
    """A refund of ¥199.00 that the payer's card did not take."""
    case = make_complaint(day["account"], 77, now=now, amount=19900, detail="漏发了一件")
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "漏发了一件", "投诉人")
    press(desk, case, "refund", fen="19900")
    Command.objects.update(state="confirmed", settled_at=now, due_at=None, sent_at=now)
    Refund.objects.update(state="abnormal", refund_id="5030001")
    return Refund.objects.get()


def resend(client: Client, stuck: Refund, **fields: Any) -> Any:
    return press(client, stuck.complaint, f"refunds/{stuck.pk}/resend", key="k2", **fields)


def test_a_stuck_refund_offers_both_ways_with_what_there_is_to_know(desk, english, stuck):
    page = page_of(english, stuck.complaint)
    assert "Send ¥199.00 to this card" in page
    assert "Take ¥199.00 back to our account" in page
    assert {"resend_to_card", "resend_to_merchant"} <= set(re.findall(r'data-code="(\w+)"', page))
    assert page.count("_DEBIT") == 15
    Refund.objects.update(state="processing")
    assert "card_account" not in page_of(english, stuck.complaint)


def test_a_card_is_sealed_and_shown_nowhere(desk, stuck):
    said = resend(desk, stuck, **CARD)
    assert said.status_code == 422
    assert ticked(said)[0] == "resend_to_card"
    shown = said.content.decode()
    assert '<option value="ICBC_DEBIT" selected>' in shown
    assert ACCOUNT not in shown
    assert NAME not in shown
    done = resend(desk, stuck, **CARD, acknowledged=["resend_to_card"])
    assert done.status_code == 302, done.content.decode()
    command = Command.objects.get(kind="resend_refund")
    assert json.loads(command.secret) == {"bank": "ICBC_DEBIT", "account": ACCOUNT, "name": NAME}
    assert ACCOUNT not in command.payload
    page = page_of(desk, stuck.complaint)
    assert f'id="command-{command.pk}"' in page
    assert ACCOUNT not in page
    assert NAME not in page


def test_our_own_account_needs_no_card(desk, stuck):
    assert resend(desk, stuck, to="merchant", acknowledged=["resend_to_merchant"]).status_code == 302
    command = Command.objects.get(kind="resend_refund")
    assert (command.secret, json.loads(command.payload)["type"]) == (None, "MERCHANT_BANK_CARD")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"bank": ""}, "开户银行"), ({"card_account": "12"}, "8 到 30 位"), ({"card_name": " "}, "持卡人姓名")],
)
def test_what_is_missing_is_said(desk, stuck, wrong, says):
    said = resend(desk, stuck, **(CARD | wrong), acknowledged=["resend_to_card"])
    assert said.status_code == 422
    trouble = re.search(r'class="trouble".*?</div>', said.content.decode(), re.DOTALL)[0]
    assert says in trouble
    assert not Command.objects.filter(kind="resend_refund").exists()


def test_above_ones_limit_it_waits_for_somebody_else_and_the_page_tells_nothing_of_the_card(desk, stuck):
    assert signed_in("viewer").post(f"/cases/{stuck.complaint_id}/refunds/{stuck.pk}/resend", CARD).status_code == 403
    agent = signed_in("agent", refund_limit=19899)
    assert "还须另一人决定" in page_of(agent, stuck.complaint)
    assert resend(agent, stuck, **CARD, acknowledged=["resend_to_card"]).status_code == 302
    page = page_of(desk, stuck.complaint)
    assert "同意: 把 ¥199.00 退到这张卡" in page
    assert not {CARD["card_account"], CARD["card_name"]} & {*re.findall(r"\w+", page)}


def test_a_refund_of_another_case_is_not_there(desk, stuck, day):
    assert press(desk, day["case"], f"refunds/{stuck.pk}/resend", **CARD).status_code == 404


def test_what_came_back_to_us_is_marked(desk, stuck, now):
    Refund.objects.update(state="success", resent_to="merchant", resent_at=now, arrived_at=now)
    page = page_of(desk, stuck.complaint)
    assert "refund-wrong" in page
    assert "已退到贵方银行账户" in page


def picture(color: str = "green", name: str = "proof.png") -> SimpleUploadedFile:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(target, "PNG")
    return SimpleUploadedFile(name, target.getvalue(), "image/png")


@pytest.fixture
def ticket(day: dict[str, Any], now: Any) -> Complaint:
    """A refund request that was answered and not decided."""
    case = make_complaint(
        day["account"],
        78,
        now=now,
        state="PROCESSING",
        problem_type="REFUND",
        apply_refund_amount=1990,
    )
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "不想要了", "投诉人")
    say(case, "MERCHANT_RESPONSE", now, "您好, 商品已发出, 签收后不支持退款", "云上书店")
    return case


def kept_in(form: str, said: Any) -> list[str]:
    page = said.content.decode()
    part = page[page.index(f'id="{form}"') :]
    return re.findall(r'name="picture" value="([^"]+)"', part[: part.index("</form>")])


def test_pictures_go_with_a_rejection(desk, ticket):
    said = press(desk, ticket, "reject", do="pictures", text=REFUSAL, files=[picture(), picture("red")])
    kept = kept_in("act-reject", said)
    assert len(kept) == 2
    assert REFUSAL in said.content.decode()
    assert kept_in("reply-form", said) == []
    fewer = kept_in("act-reject", press(desk, ticket, "reject", text=REFUSAL, picture=kept, drop=kept[0]))
    assert fewer == kept[1:]
    asked = press(desk, ticket, "reject", text=REFUSAL, picture=fewer)
    assert kept_in("act-reject", asked) == fewer
    done = press(desk, ticket, "reject", text=REFUSAL, picture=fewer, acknowledged=ticked(asked))
    assert done.status_code == 302, done.content.decode()
    payload = json.loads(Command.objects.get().payload)
    assert payload["pictures"] == [OutgoingPicture.objects.order_by("-pk").first().pk]
    assert "launch_refund_day" not in payload


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([SimpleUploadedFile("x.png", b"<svg></svg>", "image/png")], "JPG"),
        ([SimpleUploadedFile("x.png", b"\x89PNG\r\n\x1a\nbroken", "image/png")], "无法读取"),
        ([SimpleUploadedFile("x.png", b"\0" * (LARGEST_FILE + 1), "image/png")], "10 MB"),
        ([picture(color) for color in ("red", "green", "blue", "white", "black")], "四张"),
    ],
)
def test_what_cannot_be_sent_with_a_rejection_is_said_and_the_reason_stays(desk, ticket, files, says):
    answer = press(desk, ticket, "reject", text=REFUSAL, files=files)
    assert answer.status_code == 422
    said = answer.content.decode()
    assert says in re.search(r'class="trouble".*?</div>', said, re.DOTALL)[0]
    assert REFUSAL in said
    assert Command.objects.count() == 0


def test_the_linter_of_a_rejection_counts_its_pictures(desk, ticket):
    said = desk.post(f"/cases/{ticket.pk}/lint", {"form": "reject", "text": REFUSAL}).content.decode()
    assert "too_many_pictures" not in said
