"""Refunds: one number refunds once, never more than was paid; arrival completes a REFUND ticket."""

import json
from datetime import timedelta

import pytest

from kesu.sandbox import refunds as refund_rules
from kesu.wechatpay.ciphers import encrypt_sensitive

pytestmark = pytest.mark.anyio
PATH = "/v3/refund/domestic/refunds"


async def test_a_refund_is_accepted_and_arrives_later(story):
    complaint = await story.complain(amount=5000)
    answer = await story.merchant.refund(complaint, "R1", 5000)
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["amount"]["refund"]) == ("PROCESSING", 5000)
    await story.pass_time(minutes=3)
    found = (await story.merchant.get(f"{PATH}/R1")).json()
    assert found["status"] == "SUCCESS"
    assert found["success_time"] == "2026-03-02T09:02:00+08:00"
    assert found["refund_id"] == answer.json()["refund_id"]


async def test_the_same_number_refunds_once(story):
    complaint = await story.complain(amount=5000)
    answers = [await story.merchant.refund(complaint, "R1", 2000) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refund_id"] for answer in answers}) == 1
    await story.pass_time(minutes=3)
    assert (await story.truth(complaint))["refunded"] == 2000


async def test_the_same_number_with_other_content_is_refused(story, refused):
    complaint = await story.complain(amount=5000)
    await story.merchant.refund(complaint, "R1", 2000)
    refused(await story.merchant.refund(complaint, "R1", 2001), 400, "INVALID_REQUEST")


async def test_an_order_is_never_refunded_beyond_its_amount(story, refused):
    complaint = await story.complain(amount=5000)
    refused(await story.merchant.refund(complaint, "R0", 5001), 400, "INVALID_REQUEST", says="可退金额")
    await story.merchant.refund(complaint, "R1", 3000)
    await story.pass_time(minutes=2)
    refused(await story.merchant.refund(complaint, "R2", 2001), 400, "INVALID_REQUEST")
    assert (await story.merchant.refund(complaint, "R3", 2000)).status_code == 200
    await story.pass_time(minutes=5)
    refused(await story.merchant.refund(complaint, "R4", 1), 400, "INVALID_REQUEST")


async def test_partial_refunds_are_a_minute_apart_and_at_most_fifty(story, refused):
    complaint = await story.complain(amount=5000)
    assert (await story.merchant.refund(complaint, "R0", 1)).status_code == 200
    refused(await story.merchant.refund(complaint, "R-soon", 1), 400, "INVALID_REQUEST", says="1分钟")
    for n in range(1, refund_rules.MAXIMUM_PARTIAL_REFUNDS):
        await story.pass_time(minutes=1)
        assert (await story.merchant.refund(complaint, f"R{n}", 1)).status_code == 200
    await story.pass_time(minutes=1)
    refused(await story.merchant.refund(complaint, "R50", 1), 400, "INVALID_REQUEST", says="50次")


async def test_a_refund_is_possible_for_a_year(story, refused):
    complaint = await story.complain()
    await story.pass_time(days=366)
    refused(await story.merchant.refund(complaint, "R1", 1), 400, "INVALID_REQUEST", says="一年")


async def test_arrival_completes_a_refund_ticket(story):
    complaint = await story.complain(problem_type="REFUND", amount=5000)
    await story.merchant.progress(complaint, "APPROVE", launch_refund_day=0)
    await story.merchant.refund(complaint, "R1", 5000)
    assert (await story.truth(complaint))["complaint_state"] == "PROCESSING"
    await story.pass_time(minutes=3)
    detail = await story.merchant.detail(complaint)
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PROCESSED", True)
    kinds = [entry["operate_type"] for entry in await story.merchant.history(complaint)]
    assert kinds[-2:] == ["COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE", "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE"]


async def test_arrival_of_a_part_does_not_complete_an_undecided_ticket(story):
    complaint = await story.complain(problem_type="REFUND", amount=5000)
    await story.merchant.refund(complaint, "R1", 100)
    await story.pass_time(minutes=3)
    detail = await story.merchant.detail(complaint)
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PENDING", False)
    kinds = [entry["operate_type"] for entry in await story.merchant.history(complaint)]
    assert "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE" in kinds


async def test_a_full_refund_leaves_another_kind_of_complaint_open(story):
    complaint = await story.complain(problem_type="OTHERS", amount=5000)
    await story.merchant.refund(complaint, "R1", 5000)
    await story.pass_time(minutes=3)
    detail = await story.merchant.detail(complaint)
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PENDING", True)


async def test_no_decision_after_the_money_arrived(story, refused):
    complaint = await story.complain(problem_type="REFUND", amount=5000)
    await story.merchant.refund(complaint, "R1", 5000)
    await story.pass_time(minutes=3)
    refused(await story.merchant.progress(complaint, "APPROVE"), 400, "INVALID_REQUEST", says="当前单据状态")


async def test_a_partner_refunds_for_its_sub_merchant(story, refused):
    complaint = await story.complain(story.subs[2], amount=5000)
    answer = await story.partner.refund(complaint, "R1", 5000)
    assert answer.status_code == 200
    found = await story.partner.get(f"{PATH}/R1?sub_mchid={story.subs[2]}")
    assert found.json()["refund_id"] == answer.json()["refund_id"]
    refused(await story.partner.get(f"{PATH}/R1"), 400, "PARAM_ERROR")
    refused(await story.partner.get(f"{PATH}/R1?sub_mchid={story.subs[0]}"), 404, "RESOURCE_NOT_EXISTS")


async def test_nobody_refunds_another_merchants_order(story, refused):
    complaint = await story.complain(story.subs[0])
    refused(await story.merchant.refund(complaint, "R1", 1), 404, "RESOURCE_NOT_EXISTS")
    refused(await story.merchant.refund(complaint, "R1", 1, sub_mchid=story.subs[0]), 400, "PARAM_ERROR")


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": {"refund": 0, "total": 19900, "currency": "CNY"}},
        {"amount": {"refund": 1, "total": 19900, "currency": "USD"}},
        {"amount": {"refund": 1, "total": 19900}},
        {"amount": {"refund": "1", "total": 19900, "currency": "CNY"}},
        {"amount": {"refund": True, "total": 19900, "currency": "CNY"}},
        {"out_refund_no": "含中文"},
        {"out_refund_no": "x" * 65},
        {"reason": "字" * 27},
        {"out_trade_no": "both"},
        {"operator": "x"},
    ],
)
async def test_a_malformed_refund_is_a_parameter_error(story, refused, wrong):
    complaint = await story.complain()
    refused(await story.merchant.refund(complaint, "R1", 1, **wrong), 400, "PARAM_ERROR")


async def test_the_total_must_be_the_orders(story, refused):
    complaint = await story.complain(amount=5000)
    amount = {"refund": 1, "total": 4999, "currency": "CNY"}
    refused(await story.merchant.refund(complaint, "R1", 1, amount=amount), 400, "INVALID_REQUEST")


async def test_a_reason_is_counted_in_bytes(story):
    complaint = await story.complain()
    assert (await story.merchant.refund(complaint, "R1", 1, reason="字" * 26)).status_code == 200


async def test_failing_refunds_have_a_frequency_of_their_own(story, refused):
    complaint = await story.complain()
    for n in range(6):
        refused(await story.merchant.refund(complaint, f"R{n}", 99999), 400, "INVALID_REQUEST")
    refused(await story.merchant.refund(complaint, "R6", 99999), 429, "FREQUENCY_LIMITED")


async def test_an_abnormal_refund_can_be_sent_again(story, refused):
    complaint = await story.complain(amount=5000)
    refund_id = (await story.merchant.refund(complaint, "R1", 5000)).json()["refund_id"]
    again = {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}
    path = f"{PATH}/{refund_id}/apply-abnormal-refund"
    refused(await story.merchant.post(path, again), 400, "INVALID_REQUEST")
    refund_rules.fail(next(iter(story.sandbox.state.refunds.values())))
    await story.pass_time(minutes=3)
    assert (await story.merchant.get(f"{PATH}/R1")).json()["status"] == "ABNORMAL"
    assert (await story.merchant.post(path, again)).json()["status"] == "PROCESSING"
    await story.pass_time(minutes=3)
    assert (await story.merchant.get(f"{PATH}/R1")).json()["status"] == "SUCCESS"


async def stuck(story):
    """A refund that got stuck; the address that sends it elsewhere."""
    complaint = await story.complain(amount=5000)
    refund_id = (await story.merchant.refund(complaint, "R1", 5000)).json()["refund_id"]
    refund_rules.fail(next(iter(story.sandbox.state.refunds.values())))
    return f"{PATH}/{refund_id}/apply-abnormal-refund"


def to_a_card(story, **more):
    """The body that names a payer's card, sealed to the platform's key."""
    key = story.sandbox.identity.platform.public_key
    sealed = {"bank_account": encrypt_sensitive(key, "6222021234567890"), "real_name": encrypt_sensitive(key, "张三")}
    return {"out_refund_no": "R1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT", **sealed, **more}


async def posted(story, path, body, serial=None):
    headers = {"Wechatpay-Serial": serial or story.sandbox.identity.public_key_id}
    return await story.merchant.send("POST", path, json.dumps(body).encode(), headers=headers)


async def test_a_stuck_refund_goes_to_a_card_that_only_the_platform_can_read(story):
    path = await stuck(story)
    assert (await posted(story, path, to_a_card(story))).json()["status"] == "PROCESSING"
    (refund,) = story.sandbox.state.refunds.values()
    card = {"type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT", "tail": "7890", "name": "张三"}
    assert refund.resent == [card]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"bank_type": "ICBC_CREDIT"}, "bank_type"),
        ({"bank_type": ""}, "bank_type"),
        ({"bank_account": ""}, "bank_account"),
        ({"bank_account": "6222021234567890"}, "解密失败"),
        ({"real_name": "张三"}, "解密失败"),
        ({"type": "ALIPAY"}, "type"),
    ],
)
async def test_a_card_is_checked_like_the_real_one(story, refused, more, says):
    path = await stuck(story)
    refused(await posted(story, path, to_a_card(story, **more)), 400, "PARAM_ERROR", says=says)
    (refund,) = story.sandbox.state.refunds.values()
    assert (refund.status, refund.resent) == ("ABNORMAL", [])


async def test_the_key_of_a_sealed_card_is_named(story, refused):
    path = await stuck(story)
    refused(await posted(story, path, to_a_card(story), "ABC"), 400, "PARAM_ERROR", says="Wechatpay-Serial")


async def test_nobody_sends_somebody_elses_refund(story, refused):
    path = await stuck(story)
    refused(await posted(story, path, to_a_card(story, out_refund_no="R2")), 404, "RESOURCE_NOT_EXISTS")
    body = {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD", "sub_mchid": story.partner.account.sub_mchids[0]}
    refused(await story.partner.post(path, body), 404, "RESOURCE_NOT_EXISTS")


async def test_the_delay_is_a_policy(tell):
    story = tell(refund_delay=timedelta(hours=30))
    complaint = await story.complain(amount=5000)
    await story.merchant.refund(complaint, "R1", 5000)
    await story.pass_time(hours=29)
    assert (await story.truth(complaint))["refunded"] == 0
    await story.pass_time(hours=1)
    assert (await story.truth(complaint))["refunded"] == 5000


async def test_an_order_is_found_by_either_number(story, refused):
    complaint = await story.complain(amount=5000)
    order = (await story.merchant.detail(complaint))["complaint_order_info"][0]
    by_id = await story.merchant.get(f"/v3/pay/transactions/id/{order['transaction_id']}?mchid={story.shop}")
    by_number = await story.merchant.get(
        f"/v3/pay/transactions/out-trade-no/{order['out_trade_no']}?mchid={story.shop}"
    )
    assert by_id.json() == by_number.json()
    assert (by_id.json()["trade_state"], by_id.json()["amount"]["total"]) == ("SUCCESS", 5000)
    await story.merchant.refund(complaint, "R1", 1)
    again = await story.merchant.get(f"/v3/pay/transactions/id/{order['transaction_id']}?mchid={story.shop}")
    assert again.json()["trade_state"] == "REFUND"
    refused(await story.merchant.get(f"/v3/pay/transactions/id/1?mchid={story.shop}"), 404, "ORDER_NOT_EXIST")
    refused(await story.merchant.get("/v3/pay/transactions/id/1?mchid=1"), 400, "PARAM_ERROR")


async def test_a_partner_names_itself_and_its_sub_merchant(story, refused):
    complaint = await story.complain(story.subs[0])
    number = (await story.partner.detail(complaint))["complaint_order_info"][0]["transaction_id"]
    path = f"/v3/pay/partner/transactions/id/{number}?sp_mchid={story.partner.account.mchid}&sub_mchid="
    assert (await story.partner.get(path + story.subs[0])).json()["sub_mchid"] == story.subs[0]
    refused(await story.partner.get(path + story.subs[1]), 404, "ORDER_NOT_EXIST")
    refused(await story.partner.get(path + story.shop), 403, "NO_AUTH")
