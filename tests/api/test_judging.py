"""What an API client hears before it acts, and that only whoever may answer counts as a reader."""

from __future__ import annotations

import pytest

from kesu.audit.models import AuditEntry
from kesu.commands.models import CaseView, Command, QuickReply
from kesu.complaints.models import Complaint
from tests.api.test_acting import WORDS, upload
from tests.commands.test_codes import scene, small, written


def codes(answer):
    assert answer.status_code == 200, answer.told
    return {one["code"] for one in answer.told}


def lint(call, case, **body):
    return codes(call("post", f"/complaints/{case.complaint_id}/lint", body))


@pytest.mark.parametrize(("role", "scopes"), [("viewer", ("read", "act")), ("manager", ("read",))])
def test_a_program_that_only_reads_has_read_the_payers_words_for_nobody(call, token, case, role: str, scopes):
    told = call("get", f"/complaints/{case.complaint_id}", secret=token(role, scopes))
    assert told.status_code == 200
    assert not CaseView.objects.exists()


def test_whoever_may_answer_has_read_them(call, token, case):
    call("get", f"/complaints/{case.complaint_id}", secret=token("manager", ("read", "act")))
    [view] = CaseView.objects.select_related("user")
    assert view.user.username == "api-manager"


def test_red_lines_of_a_rejection_and_of_an_immediate_reply_are_told_beforehand(call, case):
    bad = "加我微信 kefu_12345 私下给您转账"
    for verb in ("reply", "immediate_reply", "reject"):
        assert any(code.startswith("redline.") for code in lint(call, case, text=bad, verb=verb)), verb
    says = {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": "请补发"}}
    button = {"type": "BUTTON", "button": {"text": "加我微信", "action": says}}
    blocks = [{"type": "TEXT", "text": {"text": WORDS}}, button]
    assert any(code.startswith("redline.") for code in lint(call, case, blocks=blocks))
    assert not Command.objects.exists()


def test_links_pictures_and_blocks_are_judged_as_they_would_be_sent(call, case):
    jump = {"url": "https://example.com/help", "text": "查看进度"}
    assert "links_not_allowed" in lint(call, case, text=WORDS, jump=jump)
    assert "links_not_allowed" not in lint(call, case, text=WORDS)
    wrong = call("post", f"/complaints/{case.complaint_id}/lint", {"blocks": [{"type": "TEXT"}]})
    assert wrong.status_code == 422


def test_a_code_in_a_picture_is_told_beforehand_with_the_picture_it_is_in(call, case):
    plain, code = (upload(call, case, written(picture)).told["id"] for picture in (scene(300, 200), small()))
    answer = call("post", f"/complaints/{case.complaint_id}/lint", {"text": WORDS, "pictures": [plain, code]})
    [found] = [one for one in answer.told if one["code"] == "redline.qr_code"]
    assert (found["level"], found["picture"]) == ("block", code)
    assert "redline.qr_code" not in lint(call, case, text=WORDS, pictures=[plain])
    assert not Command.objects.exists()


def test_quick_replies_come_filled_in_for_the_case_and_for_whoever_asks(call, case, now):
    QuickReply.objects.all().delete()
    QuickReply.objects.create(
        name="致歉", text="您好, 我是{agent}, 您支付的{amount}正在核实", position=1, changed_at=now
    )
    [one] = call("get", f"/complaints/{case.complaint_id}/quick-replies").told
    assert one["name"] == "致歉"
    assert f"¥{case.amount // 100}.{case.amount % 100:02d}" in one["text"]
    assert "api-owner" in one["text"]
    assert "{" not in one["text"]


def test_a_part_of_the_money_is_judged_as_a_part(call, case):
    order = case.orders.get()
    address = f"/complaints/{case.complaint_id}/concerns?verb=refund"
    assert "partial_refund" not in codes(call("get", address))
    assert "partial_refund" in codes(call("get", f"{address}&amount=1"))
    assert "partial_refund" in codes(call("get", f"{address}&amount=1&transaction_id={order.transaction_id}"))
    assert "amount_over_left" in codes(call("get", f"{address}&amount={order.amount + 1}"))
    assert "order_unknown" in codes(call("get", f"{address}&amount=1&transaction_id=4200009999"))


def test_a_phone_number_is_told_to_whoever_may_know_it_and_written_down(call, token, case):
    Complaint.objects.filter(pk=case.pk).update(payer_phone="13800000000")
    address = f"/complaints/{case.complaint_id}/phone"
    assert call("post", address, secret=token("viewer")).status_code == 403
    assert call("post", address, secret=token("manager", ("read",))).status_code == 403
    assert not AuditEntry.objects.filter(action="phone_revealed").exists()
    told = call("post", address, secret=token("manager"))
    assert (told.status_code, told.told) == (200, {"phone": "13800000000"})
    entry = AuditEntry.objects.get(action="phone_revealed")
    assert (entry.username, entry.via, entry.details["token"]) == ("api-manager", "api", "test")
    assert "13800000000" not in str(entry.details)
