"""Replying, completing, deciding on a refund ticket, answering an immediate-service complaint."""

import pytest

pytestmark = pytest.mark.anyio
LIST = "/v3/merchant-service/complaints-v2"
WRONG_STATE = 268440133


async def state_of(story, complaint):
    return (await story.truth(complaint))["complaint_state"]


async def test_the_first_reply_moves_to_processing_and_answers_the_payer(story):
    complaint = await story.complain()
    assert (await story.merchant.reply(complaint, "您好")).status_code == 204
    detail = await story.merchant.detail(complaint)
    assert (detail["complaint_state"], detail["incoming_user_response"]) == ("PROCESSING", False)
    entry = (await story.merchant.history(complaint))[-1]
    assert (entry["operate_type"], entry["operate_details"]) == ("MERCHANT_RESPONSE", "您好")


async def test_a_reply_sent_twice_is_two_messages(story):
    complaint = await story.complain()
    await story.merchant.reply(complaint, "您好")
    await story.merchant.reply(complaint, "您好")
    kinds = [entry["operate_type"] for entry in await story.merchant.history(complaint)]
    assert kinds.count("MERCHANT_RESPONSE") == 2


@pytest.mark.parametrize("limit", [200, 500])
async def test_a_reply_is_counted_in_characters(tell, refused, limit):
    story = tell(reply_limit=limit)
    complaint = await story.complain()
    assert (await story.merchant.reply(complaint, "字" * limit)).status_code == 204
    refused(await story.merchant.reply(complaint, "字" * (limit + 1)), 400, "PARAM_ERROR")
    refused(await story.merchant.reply(complaint, ""), 400, "PARAM_ERROR")


async def test_a_reply_needs_its_fields(story, refused):
    complaint = await story.complain()
    for body in ({"response_content": "x"}, {"complainted_mchid": story.shop}, {}):
        refused(await story.merchant.post(f"{LIST}/{complaint}/response", body), 400, "PARAM_ERROR")
    refused(await story.merchant.reply(complaint, 5), 400, "PARAM_ERROR")


async def test_a_merchant_cannot_reply_for_another(story, refused):
    complaint = await story.complain(story.subs[0])
    refused(await story.merchant.reply(complaint), 403, "NO_AUTH", 270701078, says="您暂无权限为该投诉单提交商户回复")
    own_number = {"complainted_mchid": story.partner.account.mchid, "response_content": "您好"}
    refused(await story.partner.post(f"{LIST}/{complaint}/response", own_number), 403, "NO_AUTH")


async def test_a_partner_replies_for_its_sub_merchant(story):
    complaint = await story.complain(story.subs[0])
    assert (await story.partner.reply(complaint)).status_code == 204
    assert await state_of(story, complaint) == "PROCESSING"


async def test_links_are_for_merchants_on_the_white_list(story, tell, refused):
    complaint = await story.complain()
    link = {"jump_url": "https://shop.test/o", "jump_url_text": "查看订单"}
    refused(await story.merchant.reply(complaint, **link), 403, "NO_AUTH", says="外部链接")
    listed = tell(links_allowed=True)
    complaint = await listed.complain()
    assert (await listed.merchant.reply(complaint, **link)).status_code == 204


@pytest.mark.parametrize(
    "link",
    [
        {"jump_url": "https://shop.test/o"},
        {"jump_url_text": "查看订单"},
        {"jump_url": "http://shop.test/o", "jump_url_text": "查看订单"},
        {"jump_url": "https://shop.test/o", "jump_url_text": "一二三四五六七八九十一"},
        {"mini_program_jump_info": {"appid": "wx1", "path": "p"}},
    ],
)
async def test_a_malformed_link_is_a_parameter_error(tell, refused, link):
    story = tell(links_allowed=True)
    complaint = await story.complain()
    refused(await story.merchant.reply(complaint, **link), 400, "PARAM_ERROR")


async def test_completing_closes_the_complaint(story):
    complaint = await story.complain()
    await story.merchant.reply(complaint)
    assert (await story.merchant.complete(complaint)).status_code == 204
    assert await state_of(story, complaint) == "PROCESSED"
    assert (await story.merchant.history(complaint))[-1]["operate_type"] == "MERCHANT_CONFIRM_COMPLETE"


async def test_a_second_complete_is_an_error(story, refused):
    complaint = await story.complain()
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    refused(await story.merchant.complete(complaint), 400, "INVALID_REQUEST", WRONG_STATE)


async def test_completing_before_any_reply_is_refused_unless_allowed(story, tell, refused):
    complaint = await story.complain()
    refused(await story.merchant.complete(complaint), 400, "INVALID_REQUEST", WRONG_STATE)
    lenient = tell(complete_from_pending=True)
    complaint = await lenient.complain()
    assert (await lenient.merchant.complete(complaint)).status_code == 204


async def test_a_continuation_starts_a_new_round(story):
    complaint = await story.complain()
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    assert (await story.payer(complaint, "continue", "没有解决")).status_code == 200
    detail = await story.merchant.detail(complaint)
    assert (detail["complaint_state"], detail["user_complaint_times"]) == ("PENDING", 2)
    assert detail["incoming_user_response"] is True
    kinds = [entry["operate_type"] for entry in await story.merchant.history(complaint)]
    assert kinds[-2:] == ["USER_CONTINUE_COMPLAINT", "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE"]
    await story.merchant.reply(complaint)
    assert (await story.merchant.complete(complaint)).status_code == 204


async def test_approving_moves_no_money_and_completes_nothing(story):
    complaint = await story.complain(problem_type="REFUND")
    assert (await story.merchant.progress(complaint, "APPROVE", launch_refund_day=0)).status_code == 204
    await story.pass_time(days=5)
    truth = await story.truth(complaint)
    assert (truth["complaint_state"], truth["refunded"]) == ("PROCESSING", 0)
    assert truth["history"][-1]["operate_type"] == "MERCHANT_APPROVE_REFUND"


async def test_rejecting_completes_at_once(story):
    complaint = await story.complain(problem_type="REFUND")
    assert (await story.merchant.progress(complaint, "REJECT", reject_reason="已使用")).status_code == 204
    entry = (await story.merchant.history(complaint))[-1]
    assert (entry["operate_type"], entry["operate_details"]) == ("MERCHANT_REFUSE_RERUND", "已使用")
    assert await state_of(story, complaint) == "PROCESSED"


async def test_a_rejection_shows_its_pictures_and_only_its_own_uploads(story, refused):
    complaint = await story.complain(problem_type="REFUND")
    pictures = [(await story.merchant.upload(b"BM proof")).json()["media_id"] for _ in range(4)]
    theirs = (await story.partner.upload(b"BM proof")).json()["media_id"]
    more = {"reject_reason": "已使用"}
    refused(await story.merchant.progress(complaint, "REJECT", **more, reject_media_list=[theirs]), 400, "PARAM_ERROR")
    five = [*pictures, pictures[0]]
    refused(await story.merchant.progress(complaint, "REJECT", **more, reject_media_list=five), 400, "PARAM_ERROR")
    assert (await story.merchant.progress(complaint, "REJECT", **more, reject_media_list=pictures)).status_code == 204
    assert len((await story.merchant.history(complaint))[-1]["image_list"]) == 4


async def test_a_rejection_has_no_refund_day(story, refused):
    complaint = await story.complain(problem_type="REFUND")
    answer = await story.merchant.progress(complaint, "REJECT", reject_reason="x", launch_refund_day=0)
    refused(answer, 400, "PARAM_ERROR")
    assert await state_of(story, complaint) == "PENDING"


@pytest.mark.parametrize("first", ["APPROVE", "REJECT"])
async def test_a_decision_is_made_once(story, refused, first):
    complaint = await story.complain(problem_type="REFUND")
    await story.merchant.progress(complaint, first)
    answer = await story.merchant.progress(complaint, "APPROVE")
    refused(answer, 400, "INVALID_REQUEST", WRONG_STATE, says="当前单据状态不支持操作")


async def test_only_refund_tickets_have_a_decision(story, refused):
    complaint = await story.complain(problem_type="OTHERS")
    refused(await story.merchant.progress(complaint, "APPROVE"), 400, "PARAM_ERROR", says="非极速退款单据")


@pytest.mark.parametrize(
    "body",
    [
        {"action": "MAYBE"},
        {"action": "REJECT", "reject_reason": "字" * 201},
        {"action": "APPROVE", "launch_refund_day": -1},
        {"action": "APPROVE", "launch_refund_day": "0"},
        {"action": "APPROVE", "reject_reason": "x"},
        {"action": "APPROVE", "complainted_mchid": "1900010001"},
        {"action": "REJECT", "reject_media_list": ["a"] * 5},
        {"action": "REJECT", "reject_media_list": ["not-uploaded"]},
    ],
)
async def test_a_malformed_decision_is_a_parameter_error(story, refused, body):
    complaint = await story.complain(problem_type="REFUND")
    refused(await story.merchant.post(f"{LIST}/{complaint}/update-refund-progress", body), 400, "PARAM_ERROR")


def immediate(story, identifier="id-1", **message):
    blocks = [{"type": "TEXT", "text": {"text": "您好, 马上处理"}}]
    message = {"blocks": blocks, "sender_identity": "MANUAL", **message}
    return {"complainted_mchid": story.shop, "message": message, "idempotent_id": identifier}


SAYS = {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": "我要退款"}, "action_id": "a1"}


def button(text, action, **bounds):
    return {"type": "BUTTON", "button": {"text": text, "action": action, "invalid_info": bounds}}


async def test_what_the_payer_presses_comes_back_into_the_history(story):
    complaint = await story.complain(need_immediate_service=True)
    path = f"{LIST}/{complaint}/response-immediate-service"
    assert (await story.payer(complaint, "press")).status_code == 409
    blocks = [button("退款", SAYS, multi_clickable=False, expired_time="2036-01-01T00:00:00+08:00")]
    sent = await story.merchant.post(path, immediate(story, blocks=blocks))
    assert (await story.payer(complaint, "press", "退货")).status_code == 409
    assert (await story.payer(complaint, "press", "退款")).status_code == 200
    pressed = (await story.merchant.history(complaint))[-1]
    assert pressed["operate_type"] == "USER_CLICK_RESPONSE"
    told = {"message_content": "我要退款", "action_id": "a1", "clicked_log_id": sent.json()["log_id"]}
    assert pressed["click_message"] == told
    assert (await story.payer(complaint, "press", "退款")).status_code == 409


async def test_what_is_over_cannot_be_pressed(story):
    complaint = await story.complain(need_immediate_service=True)
    blocks = [button("退款", SAYS, expired_time="2020-01-01T00:00:00+08:00")]
    path = f"{LIST}/{complaint}/response-immediate-service"
    await story.merchant.post(path, immediate(story, blocks=blocks))
    assert (await story.payer(complaint, "press")).status_code == 409


async def test_an_immediate_reply_is_processed_once(story):
    complaint = await story.complain(need_immediate_service=True)
    path = f"{LIST}/{complaint}/response-immediate-service"
    first = await story.merchant.post(path, immediate(story))
    again = await story.merchant.post(path, immediate(story))
    other = await story.merchant.post(path, immediate(story, "id-2"))
    assert first.status_code == 200
    assert first.json() == again.json() != other.json()
    history = await story.merchant.history(complaint)
    replies = [entry for entry in history if entry["operate_type"] == "MERCHANT_RESPONSE"]
    assert [entry["log_id"] for entry in replies] == [first.json()["log_id"], other.json()["log_id"]]
    assert replies[0]["normal_message"]["sender_identity"] == "MANUAL"
    assert await state_of(story, complaint) == "PROCESSING"


async def test_an_immediate_reply_is_only_for_immediate_service(story, refused):
    complaint = await story.complain()
    answer = await story.merchant.post(f"{LIST}/{complaint}/response-immediate-service", immediate(story))
    refused(answer, 400, "INVALID_REQUEST")


async def test_a_malformed_immediate_reply_is_a_parameter_error(story, refused):
    complaint = await story.complain(need_immediate_service=True)
    path = f"{LIST}/{complaint}/response-immediate-service"
    for message in (
        {"blocks": [{"type": "TEXT"}]},
        {"blocks": [{"type": "VIDEO"}]},
        {"blocks": [{"type": "IMAGE", "image": {"media_id": "not-uploaded"}}]},
        {"blocks": [{"type": "LINK", "link": {"text": "看"}}]},
        {"blocks": [button("看", {"action_type": "ACTION_TYPE_JUMP_URL"})]},
        {"blocks": [button("看", {"action_type": "ACTION_TYPE_JUMP_URL", "jump_url": "http://shop.test"})]},
        {"blocks": [button("看", {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {}})]},
        {"blocks": [button("", SAYS)]},
        {"blocks": [button("好", SAYS, expired_time="明天")]},
        {"sender_identity": "ROBOT"},
        {"custom_data": "x" * 4097},
    ):
        refused(await story.merchant.post(path, immediate(story, **message)), 400, "PARAM_ERROR")
    refused(await story.merchant.reply(complaint, message={}), 400, "PARAM_ERROR", 270924358)
    refused(await story.merchant.post(path, immediate(story, "x" * 129)), 400, "PARAM_ERROR")


@pytest.mark.parametrize(("times", "act"), [(60, "reply"), (200, "detail_list"), (200, "history")])
async def test_published_frequencies_are_enforced_in_virtual_time(story, refused, times, act):
    complaint = await story.complain()
    calls = {
        "reply": lambda: story.merchant.reply(complaint),
        "detail_list": lambda: story.merchant.get(f"{LIST}?begin_date=2026-03-01&end_date=2026-03-02"),
        "history": lambda: story.merchant.get(f"{LIST}/{complaint}/negotiation-historys"),
    }
    for _ in range(times):
        assert (await calls[act]()).status_code < 300
    refused(await calls[act](), 429, "FREQUENCY_LIMITED", 268447840)
    await story.pass_time(seconds=61)
    assert (await calls[act]()).status_code < 300


async def test_frequencies_can_be_switched_off(tell):
    story = tell(rate_limits=False)
    complaint = await story.complain()
    answers = [await story.merchant.reply(complaint) for _ in range(61)]
    assert {answer.status_code for answer in answers} == {204}
