"""Acting from the case page: what is done, what is refused and why, what happened meanwhile, by whom it may be done."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from kesu.audit.models import AuditEntry
from kesu.commands.models import Agreement, Allowance, CaseView, Command, QuickReply, Refund, RefundRequest
from kesu.complaints.models import Complaint
from kesu.sync.models import Refresh
from tests.desk_seeds import make_complaint, make_user, say

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"
BAD = "您是职业投诉人吧? 加微信 wx_shop_8899 谈"


def page_of(client: Client, case: Complaint, query: str = "") -> str:
    answer = client.get(f"/cases/{case.pk}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, case: Complaint, act: str, *, htmx: bool = False, **fields: Any) -> Any:
    """A press on the page as it stands now, with its mark of what was seen."""
    seen = re.search(r'name="seen" value="([\d.]+)"', page_of(client, case))
    data = {"seen": seen[1] if seen else "", "key": "k1", **fields}
    return client.post(f"/cases/{case.pk}/{act}", data, headers={"HX-Request": "true"} if htmx else {})


def signed_in(role: str, **fields: Any) -> Client:
    client = Client()
    client.force_login(make_user(f"{role}-1", role=role, **fields))
    return client


def ticked(answer: Any) -> list[str]:
    """The codes of all that the refused form asks to confirm."""
    return re.findall(r'name="acknowledged" value="([\w.]+)"', answer.content.decode())


@pytest.fixture
def quiet_case(day: dict[str, Any], now: Any) -> Complaint:
    """Nothing special about it: an open case with one order and no words of ours yet."""
    case = make_complaint(day["account"], 77, now=now, amount=19900, detail="漏发了一件")
    say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "漏发了一件", "投诉人")
    return case


def test_a_reply_is_planned_and_the_page_says_so(desk, quiet_case):
    answer = press(desk, quiet_case, "reply", text=WORDS + "\r\n谢谢", do="send")
    assert answer.status_code == 302
    command = Command.objects.get()
    assert (command.kind, command.state, command.actor.username) == ("reply", "planned", "wang")
    assert "\r" not in command.payload
    page = page_of(desk, quiet_case)
    assert f'id="command-{command.pk}"' in page
    assert "撤回" in page


def test_pressing_twice_acts_once(desk, quiet_case):
    seen = re.search(r'name="seen" value="([\d.]+)"', page_of(desk, quiet_case))[1]
    for _ in range(2):
        answer = desk.post(f"/cases/{quiet_case.pk}/reply", {"text": WORDS, "seen": seen, "key": "same"})
        assert answer.status_code == 302
    assert Command.objects.count() == 1
    for _ in range(2):
        press(desk, quiet_case, "note", text="仓库说周五补发")
    assert quiet_case.notes.count() == 1


def test_every_form_of_the_page_has_a_key_of_its_own(desk, quiet_case):
    keys = re.findall(r'name="key" value="(\w+)"', page_of(desk, quiet_case))
    assert len(keys) >= 3
    assert len(set(keys)) == len(keys)


def test_with_htmx_the_parts_of_the_page_are_sent(desk, quiet_case):
    answer = press(desk, quiet_case, "reply", htmx=True, text=WORDS)
    said = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in said
    assert 'id="case-said"' in said
    assert said.count('hx-swap-oob="true"') == 13


def test_a_refused_reply_keeps_the_text_and_says_what_stands_in_the_way(desk, quiet_case):
    answer = press(desk, quiet_case, "reply", text=BAD)
    said = answer.content.decode()
    assert answer.status_code == 422
    assert Command.objects.count() == 0
    assert BAD in said
    assert 'data-code="redline.wechat_id"' in said
    assert "<q>加微信 wx_shop_8899</q>" in said
    assert "https://kf.qq.com/" in said


def test_the_suggested_words_can_be_taken_without_javascript(desk, quiet_case):
    start = BAD.index("加微信")
    answer = press(desk, quiet_case, "reply", text=BAD, rewrite=str(start))
    box = re.search(r'id="reply"[^>]*>\n(.*?)</textarea>', answer.content.decode(), re.S)[1]
    assert box.startswith("您是职业投诉人吧? ")
    assert "wx_shop_8899" not in box
    assert Command.objects.count() == 0


def test_whoever_may_sets_a_block_aside_with_a_reason_that_is_kept(desk, quiet_case):
    page = page_of(desk, quiet_case)
    assert 'name="override_reason"' in page[page.index('id="act-complete"') :]
    refused = press(desk, quiet_case, "complete")
    assert refused.status_code == 422
    answer = press(
        desk, quiet_case, "complete", acknowledged=ticked(refused), override_reason="付款人已在电话里确认", key="k2"
    )
    assert answer.status_code == 302, answer.content.decode()
    assert Command.objects.get().override_reason == "付款人已在电话里确认"
    assert AuditEntry.objects.filter(action="overridden").exists()


def test_an_agent_is_not_asked_for_a_reason_and_cannot_give_one(day, quiet_case):
    agent = signed_in("agent")
    assert 'name="override_reason"' not in page_of(agent, quiet_case)
    answer = press(agent, quiet_case, "complete", override_reason="我想结案")
    assert answer.status_code == 422
    assert Command.objects.count() == 0


def test_what_is_to_be_known_stands_beside_the_button_before_it_is_pressed(desk, quiet_case):
    page = page_of(desk, quiet_case)
    complete = page[page.index('id="act-complete"') : page.index('id="case-notes"')]
    assert 'data-code="no_reply_in_round"' in complete
    assert 'href="#reply"' in complete


def test_a_case_that_changed_is_shown_with_the_text_kept(desk, quiet_case, now):
    seen = re.search(r'name="seen" value="([\d.]+)"', page_of(desk, quiet_case))[1]
    say(quiet_case, "USER_RESPONSE", now, "算了, 我不要了", "投诉人")
    answer = desk.post(f"/cases/{quiet_case.pk}/reply", {"text": WORDS, "seen": seen, "key": "k"})
    said = answer.content.decode()
    assert answer.status_code == 409
    assert "算了, 我不要了" in said[said.index("data-standing") :]
    assert WORDS in said
    fresh = re.search(r'name="seen" value="([\d.]+)"', said)[1]
    assert fresh != seen
    again = desk.post(f"/cases/{quiet_case.pk}/reply", {"text": WORDS, "seen": fresh, "key": "k"})
    assert again.status_code == 302, again.content.decode()


def test_what_was_not_sent_yet_can_be_taken_back_and_written_again(desk, quiet_case):
    press(desk, quiet_case, "reply", text=WORDS)
    command = Command.objects.get()
    answer = desk.post(f"/cases/{quiet_case.pk}/commands/{command.pk}/withdraw")
    assert answer.headers["Location"] == f"/cases/{quiet_case.pk}?again={command.pk}"
    assert WORDS in desk.get(answer.headers["Location"]).content.decode()
    command.refresh_from_db()
    assert command.failure == "withdrawn"


def test_an_unknown_outcome_is_settled_by_hand_beside_the_command(desk, quiet_case, now):
    press(desk, quiet_case, "reply", text=WORDS)
    Command.objects.update(state="unknown", sent_at=now)
    command = Command.objects.get()
    address = f"/cases/{quiet_case.pk}/commands/{command.pk}/settle"
    assert address in desk.get(f"/cases/{quiet_case.pk}").content.decode()
    assert desk.post(address, {"do": "not_carried_out", "reason": " "}).status_code == 422
    assert desk.post(address, {"do": "not_carried_out", "reason": "平台查无此回复"}).status_code == 302
    page = desk.get(f"/cases/{quiet_case.pk}").content.decode()
    assert "平台查无此回复" in page
    assert address not in page


def test_a_template_is_filled_in_and_stays_editable(desk, quiet_case, now):
    template = QuickReply.objects.create(
        name="致歉", text="您好, 订单 {order} 正在核对, {agent} 为您处理", changed_at=now
    )
    answer = press(desk, quiet_case, "reply", do="template", template=str(template.pk), text="补充一句")
    box = re.search(r'id="reply"[^>]*>\n(.*?)</textarea>', answer.content.decode(), re.S)[1]
    assert box == "补充一句\n您好, 订单 BK0000000077 正在核对, 小王 为您处理"
    assert Command.objects.count() == 0


def test_pictures_are_kept_shown_and_sent_with_the_reply(desk, quiet_case, day):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(file, "PNG")
    upload = SimpleUploadedFile("proof.png", file.getvalue(), "image/png")
    said = press(desk, quiet_case, "reply", do="pictures", text=WORDS, files=[upload]).content.decode()
    assert WORDS in said
    token = re.search(r'name="picture" value="([^"]+)"', said)[1]
    shown = desk.get(re.search(r'<img src="(/cases/\d+/outgoing/[^"]+)"', said)[1])
    assert shown.headers["Content-Type"] == "image/png"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    # The token is for this case alone.
    assert desk.get(f"/cases/{day['case'].pk}/outgoing/{token}").status_code == 404
    press(desk, quiet_case, "reply", text=WORDS, picture=[token])
    assert len(json.loads(Command.objects.get().payload)["pictures"]) == 1


def test_what_is_no_picture_is_refused_and_the_text_stays(desk, quiet_case):
    upload = SimpleUploadedFile("proof.png", b"<script>alert(1)</script>", "image/png")
    answer = press(desk, quiet_case, "reply", text=WORDS, files=[upload])
    assert answer.status_code == 422
    assert WORDS in answer.content.decode()
    assert Command.objects.count() == 0


def test_a_payer_who_waits_is_answered_at_once_with_answers_to_press(desk, day):
    case = Complaint.objects.get(need_immediate_service=True)
    answer = press(desk, case, "reply", do="immediate", text=WORDS, button_1="补发", button_2="退款")
    if answer.status_code == 422:
        answer = press(
            desk,
            case,
            "reply",
            do="immediate",
            text=WORDS,
            button_1="补发",
            button_2="退款",
            acknowledged=ticked(answer),
        )
    assert answer.status_code == 302, answer.content.decode()
    payload = json.loads(Command.objects.get().payload)
    assert [block["type"] for block in payload["blocks"]] == ["TEXT", "BUTTON_GROUP"]
    assert [button["text"] for button in payload["blocks"][1]["button_group"]["buttons"]] == ["补发", "退款"]


def test_questions_and_links_go_with_an_immediate_reply_and_what_was_typed_stays(desk, day):
    case = Complaint.objects.get(need_immediate_service=True)
    type(case.account).objects.update(jumps_allowed=True)
    Allowance.objects.create(account=case.account, kind="domain", value="shop.example", created_at=case.first_seen_at)
    typed = {"do": "immediate", "text": WORDS, "faq_1": "什么时候发货", "link": "查看订单", "until": "2099-01-01T09:00"}
    refused = press(desk, case, "reply", **typed, link_to="http://shop.example")
    assert refused.status_code == 422
    assert 'value="什么时候发货"' in refused.content.decode()
    assert 'value="http://shop.example"' in refused.content.decode()
    assert Command.objects.count() == 0
    sent = press(desk, case, "reply", **typed, link_to="https://shop.example/o", acknowledged=ticked(refused))
    assert sent.status_code == 302, sent.content.decode()
    blocks = json.loads(Command.objects.get().payload)["blocks"]
    assert [block["type"] for block in blocks] == ["TEXT", "FAQ_LIST", "LINK"]
    assert blocks[1]["faq_list"]["faqs"][0]["action"]["message_info"] == {"content": "什么时候发货"}
    assert blocks[2]["link"]["action"]["jump_url"] == "https://shop.example/o"
    assert blocks[2]["link"]["invalid_info"] == {"expired_time": "2099-01-01T09:00:00+08:00"}


def test_a_usual_reply_drops_no_buttons_silently(desk, day):
    case = Complaint.objects.get(need_immediate_service=True)
    answer = press(desk, case, "reply", do="send", text=WORDS, button_1="补发")
    assert answer.status_code == 422
    assert "按钮和问题" in answer.content.decode()


def test_red_lines_in_what_can_be_pressed_stand_beside_the_button_too(desk, day):
    case = Complaint.objects.get(need_immediate_service=True)
    said = desk.post(f"/cases/{case.pk}/lint", {"text": WORDS, "button_1": "加微信 wx_shop_8899"}).content.decode()
    assert 'data-code="redline.wechat_id"' in said
    assert 'name="rewrite"' not in said


def test_a_press_of_the_payer_is_shown_as_their_words(desk, quiet_case, now):
    click = {"message_content": {"content": "请补发"}, "clicked_log_id": "1"}
    say(quiet_case, "USER_CLICK_RESPONSE", now, "", "投诉人", click_message=click)
    assert "请补发" in page_of(desk, quiet_case)


def test_a_mini_program_goes_with_a_usual_reply_where_it_is_allowed(desk, quiet_case):
    type(quiet_case.account).objects.update(jumps_allowed=True)
    refused = press(desk, quiet_case, "reply", text=WORDS, link="打开订单", link_to="wx12/pages/order?id=1")
    assert refused.status_code == 422
    assert "wx12 不在" in refused.content.decode()
    Allowance.objects.create(
        account=quiet_case.account, kind="mini_program", value="wx12", created_at=quiet_case.first_seen_at
    )
    sent = press(desk, quiet_case, "reply", text=WORDS, link="打开订单", link_to="wx12/pages/order?id=1")
    assert sent.status_code == 302, sent.content.decode()
    program = {"appid": "wx12", "path": "pages/order?id=1", "text": "打开订单"}
    assert json.loads(Command.objects.get().payload)["mini_program"] == program


def test_links_are_offered_only_where_the_platform_opened_them(desk, quiet_case):
    assert 'name="link_to"' not in page_of(desk, quiet_case)
    quiet_case.account.jumps_allowed = True
    quiet_case.account.save(update_fields=["jumps_allowed"])
    assert 'name="link_to"' in page_of(desk, quiet_case)


def test_the_linter_answers_while_one_writes_and_keeps_nothing(desk, quiet_case):
    said = desk.post(f"/cases/{quiet_case.pk}/lint", {"text": BAD}).content.decode()
    assert said.strip().startswith('<div class="found" id="found-reply"')
    assert 'data-suggestion="' in said
    assert f'name="rewrite" value="{BAD.index("加微信")}"' in said
    assert Command.objects.count() == 0


def test_the_whole_refund_names_its_amount_and_is_planned(desk, quiet_case):
    page = page_of(desk, quiet_case)
    assert "退款 ¥199.00 给付款人" in page
    answer = press(desk, quiet_case, "refund", fen="19900", order=str(quiet_case.orders.get().pk))
    assert answer.status_code == 302, answer.content.decode()
    assert Refund.objects.get().amount == 19900


def test_a_part_is_looked_at_first_and_its_button_names_it(desk, quiet_case):
    order = str(quiet_case.orders.get().pk)
    said = press(desk, quiet_case, "refund", do="look", amount="¥ 19.9", order=order).content.decode()
    assert "退款 ¥19.90 给付款人" in said
    assert 'data-code="partial_refund"' in said
    assert Refund.objects.count() == 0
    wrong = press(desk, quiet_case, "refund", do="look", amount="nineteen", order=order)
    assert wrong.status_code == 422


def test_an_amount_above_the_limit_waits_for_somebody_else(day, quiet_case, desk):
    agent = signed_in("agent", refund_limit=100)
    assert press(agent, quiet_case, "refund", fen="19900").status_code == 302
    wanted = RefundRequest.objects.get()
    assert Command.objects.count() == 0
    assert "须由另一人决定" in page_of(agent, quiet_case)
    assert agent.post(f"/cases/{quiet_case.pk}/requests/{wanted.pk}", {"do": "grant"}).status_code == 403
    assert "同意: 退款 ¥199.00 给付款人" in page_of(desk, quiet_case)
    answer = press(desk, quiet_case, f"requests/{wanted.pk}", do="grant", request=str(wanted.pk))
    assert answer.status_code == 302, answer.content.decode()
    assert (Refund.objects.get().amount, Command.objects.get().actor.username) == (19900, "wang")
    assert "由 小王 复核" in page_of(agent, quiet_case)


def test_a_stuck_refund_above_the_limit_is_put_to_somebody_else_who_sees_what_it_is(desk, quiet_case, now):
    press(desk, quiet_case, "refund", fen="19900")
    Refund.objects.update(state="abnormal")
    Command.objects.update(state="confirmed", settled_at=now, due_at=None, sent_at=now)
    agent = signed_in("agent", refund_limit=100)
    assert "还须另一人决定" in page_of(agent, quiet_case)
    refund, yes = Refund.objects.get(), {"acknowledged": "resend_to_merchant"}
    assert press(agent, quiet_case, f"refunds/{refund.pk}/resend", to="merchant", key="k2", **yes).status_code == 302
    wanted = RefundRequest.objects.get()
    page = page_of(desk, quiet_case)
    assert "申请把异常退款 ¥199.00 退回我方银行账户" in page
    assert "同意: 把 ¥199.00 退回我方账户" in page
    answer = press(desk, quiet_case, f"requests/{wanted.pk}", do="decline", request=str(wanted.pk), reason="先查原因")
    assert answer.status_code == 302
    page = page_of(agent, quiet_case)
    assert "已驳回" in page
    assert "先查原因" in page


def test_approving_refunds_what_was_asked_for(desk, day):
    case = Complaint.objects.get(user_tags__contains=["TRUSTED"])
    assert "同意并退款 ¥19.90 给付款人" in page_of(desk, case)
    answer = press(desk, case, "approve", fen="1990", do="both")
    assert answer.status_code == 302, answer.content.decode()
    assert Command.objects.get().kind == "approve_refund"


def test_rejecting_needs_a_reason_and_is_told_to_close_the_case(desk, day):
    case = Complaint.objects.get(user_tags__contains=["TRUSTED"])
    answer = press(desk, case, "reject", text="")
    assert answer.status_code == 422
    answer = press(desk, case, "reject", text="商品已按约定发出, 物流显示本人签收, 因此无法退款")
    assert 'data-code="reject_closes"' in answer.content.decode()


def test_an_abnormal_refund_is_red_and_says_what_to_do(desk, quiet_case, now):
    press(desk, quiet_case, "refund", fen="19900")
    Refund.objects.update(state="abnormal")
    Command.objects.update(state="confirmed", settled_at=now, due_at=None, sent_at=now)
    page = page_of(desk, quiet_case)
    assert "refund-wrong" in page
    assert Refund.objects.get().out_refund_no in page
    assert "请不要重新退款" in page


def test_a_case_is_given_to_somebody_who_can_see_it(desk, quiet_case, day):
    far = make_user("far", "远方", role="agent", all_merchants=False)
    page = page_of(desk, quiet_case)
    assert "小李" in page
    assert "远方" not in page
    press(desk, quiet_case, "assign", to=str(day["other_user"].pk))
    quiet_case.refresh_from_db()
    assert quiet_case.claimed_by == day["other_user"]
    assert press(desk, quiet_case, "assign", to=str(far.pk)).status_code == 422


def test_taking_a_case_from_a_colleague_needs_a_yes_that_the_page_asks_for_beforehand(desk, quiet_case, day):
    assert 'data-code="claimed_by_other"' not in page_of(desk, quiet_case)
    Complaint.objects.filter(pk=quiet_case.pk).update(claimed_by=day["other_user"])
    assert "小李 正在处理这笔投诉" in page_of(desk, quiet_case)
    me = str(day["user"].pk)
    refused = press(desk, quiet_case, "assign", to=me)
    assert (refused.status_code, ticked(refused).count("claimed_by_other")) == (422, 1)
    assert press(desk, quiet_case, "assign", to=me, acknowledged="claimed_by_other").status_code == 302
    quiet_case.refresh_from_db()
    assert quiet_case.claimed_by == day["user"]


def test_ones_own_case_is_given_away_without_a_yes(desk, quiet_case, day):
    Complaint.objects.filter(pk=quiet_case.pk).update(claimed_by=day["user"])
    assert press(desk, quiet_case, "assign", to=str(day["other_user"].pk)).status_code == 302


def test_nobody_who_cannot_sign_in_is_given_a_case_and_the_page_says_why(desk, quiet_case):
    gone = make_user("gone", "小赵", is_active=False)
    refused = press(desk, quiet_case, "assign", to=str(gone.pk))
    assert refused.status_code == 422
    assert 'data-code="assignee_inactive"' in refused.content.decode()
    quiet_case.refresh_from_db()
    assert quiet_case.claimed_by is None


def test_the_page_says_when_the_order_was_paid_and_asks_for_that_once(desk, quiet_case, now):
    page_of(desk, quiet_case)
    order = quiet_case.orders.get()
    assert order.payment_due_at is not None
    quiet_case.orders.update(paid_at=now - timedelta(days=400), payment_due_at=None, payment_tries=1)
    page = page_of(desk, quiet_case)
    assert " 支付</dd>" in page
    assert 'data-code="order_too_old"' in page
    assert quiet_case.orders.get().payment_due_at is None


def test_claiming_and_noting_say_beforehand_what_they_do_not_do(desk, quiet_case):
    page = page_of(desk, quiet_case)
    assert 'data-code="claim_stops_no_clock"' in page
    assert 'data-code="note_stays_here"' in page
    assert 'data-code="note_empty"' not in page


def test_a_message_is_marked_as_agreement_and_the_mark_taken_away(desk, quiet_case, now):
    log_id = say(quiet_case, "USER_RESPONSE", now, "好的, 我同意", "投诉人")
    press(desk, quiet_case, "agreement", log_id=log_id)
    assert Agreement.objects.get().log_id == log_id
    assert "已标记为同意" in page_of(desk, quiet_case)
    assert AuditEntry.objects.get(action="agreement_marked").details["log_id"] == log_id
    press(desk, quiet_case, "agreement", log_id=log_id, do="unmark")
    assert not Agreement.objects.exists()
    assert press(desk, quiet_case, "agreement", log_id="not-there").status_code == 422


def test_a_phone_number_is_revealed_once_and_that_is_written_down(desk, day):
    case = day["case"]
    assert "13800005678" not in page_of(desk, case)
    answer = press(desk, case, "phone")
    assert "13800005678" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="phone_revealed")
    assert (entry.username, entry.subject) == ("wang", f"complaint:{case.complaint_id}")
    assert "13800005678" not in page_of(desk, case)


def test_an_old_mirror_is_read_again_when_its_page_is_opened(desk, quiet_case, now):
    page_of(desk, quiet_case)
    assert not Refresh.objects.filter(complaint_id=quiet_case.complaint_id).exists()
    Complaint.objects.filter(pk=quiet_case.pk).update(history_read_at=now - timedelta(minutes=2))
    page_of(desk, quiet_case)
    assert Refresh.objects.get(complaint_id=quiet_case.complaint_id).reason == "opened"


def test_colleagues_see_who_looks_and_the_next_case_is_offered(desk, quiet_case, day):
    other = Client()
    other.force_login(day["other_user"])
    page_of(other, quiet_case)
    page = page_of(desk, quiet_case)
    assert "正在看" in page
    assert f'id="next-case" href="/cases/{day["overdue"].pk}"' in page


def test_only_those_who_answer_count_as_having_read_a_message(day, quiet_case):
    page_of(signed_in("auditor"), quiet_case)
    assert not CaseView.objects.exists()
    page_of(signed_in("agent"), quiet_case)
    assert CaseView.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_only_looks_finds_no_buttons_and_the_server_refuses(day, quiet_case, role):
    client = signed_in(role)
    page = page_of(client, quiet_case)
    for name in ("reply-form", "act-complete", "act-refund", 'name="override_reason"', "/phone", "/note", "/assign"):
        assert name not in page, name
    for act in ("reply", "complete", "approve", "reject", "refund", "note", "assign", "agreement", "phone"):
        assert client.post(f"/cases/{quiet_case.pk}/{act}", {"text": WORDS}).status_code == 403, act
    assert Command.objects.count() == 0


def test_everybody_who_sees_a_case_sees_who_did_what_about_it(day, quiet_case, desk):
    press(desk, quiet_case, "note", text="仓库说周五补发")
    for reader in (desk, signed_in("agent"), signed_in("viewer")):
        page = page_of(reader, quiet_case)
        assert 'class="trail"' in page
        assert "203.0.113" not in page


def test_every_button_needs_the_token_of_the_page(quiet_case, day):
    client = Client(enforce_csrf_checks=True)
    client.force_login(day["user"])
    for act in ("reply", "complete", "approve", "reject", "refund", "note", "assign", "agreement", "phone", "lint"):
        assert client.post(f"/cases/{quiet_case.pk}/{act}", {"text": WORDS}).status_code == 403, act


def test_hostile_words_stay_words(desk, quiet_case, now):
    evil = '</textarea><script>alert(1)</script><img src=x onerror="alert(2)">'
    say(quiet_case, "USER_RESPONSE", now, evil, evil[:64])
    Complaint.objects.filter(pk=quiet_case.pk).update(problem_description=evil, detail=evil)
    message = {"blocks": [{"type": "BUTTON", "button": {"text": evil}}, "no block", {"faq_list": {"faqs": [{}]}}]}
    say(quiet_case, "MERCHANT_RESPONSE", now, evil, "店", normal_message=message)
    for said in (
        page_of(desk, quiet_case),
        press(desk, quiet_case, "reply", text=f"加微信 wx_shop_8899 {evil}").content.decode(),
        press(desk, quiet_case, "note", text=evil, htmx=True).content.decode(),
        page_of(desk, quiet_case, "?together=1"),
    ):
        assert "<script>alert" not in said
        assert "<img src=x" not in said


def test_all_complaints_of_a_payer_read_as_one_conversation(desk, day, now):
    case = day["case"]
    other = Complaint.objects.get(state="PROCESSED")
    say(other, "USER_CREATE_COMPLAINT", other.complaint_time, "上一单也没退", "投诉人")
    assert "上一单也没退" not in page_of(desk, case)
    page = page_of(desk, case, "?together=1")
    assert "上一单也没退" in page
    assert f'href="/cases/{other.pk}"' in page
    assert "together=1" in re.search(r'hx-get="([^"]+)"', page[page.index('id="live"') :])[1]


def test_the_page_asks_the_same_number_of_queries_however_long_the_history(desk, quiet_case, now):
    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page_of(desk, quiet_case)
        return len(queries)

    say(quiet_case, "USER_RESPONSE", now, "1", "投诉人")
    page_of(desk, quiet_case)
    few = asked()
    for number in range(200):
        say(quiet_case, "USER_RESPONSE", now + timedelta(seconds=number), f"第 {number} 句", "投诉人")
    assert asked() == few
    assert few <= 31
