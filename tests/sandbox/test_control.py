"""The control API: what it accepts, and that every mistake gets 400 and a sentence."""

import pytest

pytestmark = pytest.mark.anyio


async def test_many_complaints_come_at_once(story):
    answer = await story.control("POST", "/complaints", {"mchid": story.subs[0], "count": 1000})
    assert len(set(answer.json()["complaint_ids"])) == 1000
    assert (await story.state())["complaints"]["by_mchid"] == {story.subs[0]: 1000}


async def test_a_wish_is_granted(story):
    wish = {
        "mchid": story.shop,
        "amount": 1,
        "detail": "<b>退钱</b>",
        "problem_type": "SERVICE_NOT_WORK",
        "user_tag_list": ["TRUSTED", "HIGH_RISK"],
        "need_immediate_service": True,
    }
    (complaint,) = (await story.control("POST", "/complaints", wish)).json()["complaint_ids"]
    truth = await story.truth(complaint)
    assert truth["complaint_detail"] == "<b>退钱</b>"
    assert (truth["amount"], truth["problem_type"]) == (1, "SERVICE_NOT_WORK")
    assert truth["user_tag_list"] == ["TRUSTED", "HIGH_RISK"]
    assert truth["need_immediate_service"] is True
    assert truth["complaint_state"] == "PENDING"


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"mchid": 5},
        {"mchid": "1999999999"},
        {"amount": 0},
        {"amount": "5"},
        {"amount": 1.5},
        {"amount": True},
        {"detail": "x" * 301},
        {"problem_type": "ANGER"},
        {"user_tag_list": ["NICE"]},
        {"user_tag_list": "TRUSTED"},
        {"need_immediate_service": "yes"},
        {"count": 0},
        {"count": 100_001},
        {"temperament": "happy"},
        {"complaint_time": "yesterday"},
        {"complaint_time": "2026-03-01T00:00:00"},
        {"complaint_time": "2027-03-01T00:00:00+08:00"},
        {"colour": "red"},
        [],
        "text",
    ],
)
async def test_a_bad_wish_gets_a_sentence(story, wish):
    if isinstance(wish, dict) and wish:
        wish = {"mchid": story.shop, **wish}
    answer = await story.control("POST", "/complaints", wish)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await story.state())["complaints"]["total"] == 0


async def test_a_body_that_is_not_json_gets_a_sentence(story):
    answer = await story.http.post("/control/complaints", content=b"\xff{")
    assert (answer.status_code, answer.json()) == (400, {"error": "the body is not JSON"})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"target": "moon", "kind": "status"}),
        ("/faults", {"target": "notice", "kind": "errcode"}),
        ("/faults", {"target": "wechatpay"}),
        ("/faults", {"target": "wechatpay", "kind": "status", "value": 99}),
        ("/faults", {"target": "wechatpay", "kind": "status", "value": "500"}),
        ("/faults", {"target": "wechatpay", "kind": "errcode", "value": 5}),
        ("/faults", {"target": "wechatpay", "kind": "drop", "value": "during"}),
        ("/faults", {"target": "wechatpay", "kind": "status", "rate": 1.1}),
        ("/faults", {"target": "wechatpay", "kind": "status", "rate": "often"}),
        ("/faults", {"target": "wechatpay", "kind": "status", "count": 0}),
        ("/clock", {}),
        ("/clock", {"advance": "soon"}),
        ("/clock", {"advance": 5}),
        ("/clock", {"advance": "9000d"}),
        ("/clock", {"speed": -1}),
        ("/clock", {"speed": "fast"}),
        ("/clock", {"speed": 1e9}),
        ("/payers", {}),
    ],
)
async def test_bad_input_gets_a_sentence(story, path, body):
    before = story.sandbox.clock.now()
    answer = await story.control("POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert story.sandbox.clock.now() == before


@pytest.mark.parametrize("after", ["x", "-1", "1e3", "9" * 40])
async def test_a_bad_number_in_a_query_gets_a_sentence(story, after):
    assert (await story.control("GET", f"/wecom/messages?after={after}")).status_code == 400


async def test_refunds_on_their_way_fail_on_demand(story):
    complaint = await story.complain(amount=5000)
    path = f"/complaints/{complaint}/refunds"
    assert (await story.control("POST", path, {"status": "ABNORMAL"})).status_code == 409
    await story.merchant.refund(complaint, "R1", 5000)
    assert (await story.control("POST", path, {"status": "LOST"})).status_code == 400
    assert (await story.control("POST", path, {"status": "CLOSED"})).json() == {"out_refund_nos": ["R1"]}
    await story.pass_time(minutes=5)
    assert (await story.merchant.get("/v3/refund/domestic/refunds/R1")).json()["status"] == "CLOSED"


async def test_an_unknown_complaint_is_404(story):
    assert (await story.control("GET", "/complaints/1")).status_code == 404
    assert (await story.payer("1", "message")).status_code == 404
    assert (await story.control("GET", "/nothing")).json()["error"]


async def test_a_payer_verb_must_fit_the_state(story):
    complaint = await story.complain()
    assert (await story.payer(complaint, "sing")).status_code == 400
    for do in ("continue", "satisfied", "dissatisfied", "finish_platform_service"):
        answer = await story.payer(complaint, do)
        assert answer.status_code == 409
        assert answer.json()["error"]
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    for do in ("message", "apply_platform_service"):
        assert (await story.payer(complaint, do)).status_code == 409


async def test_a_survey_is_answered_once_a_round(story):
    complaint = await story.complain()
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    assert (await story.payer(complaint, "satisfied", "很快")).status_code == 200
    assert (await story.payer(complaint, "dissatisfied")).status_code == 409
    entry = (await story.truth(complaint))["history"][-1]
    assert (entry["operate_type"], entry["operate_details"]) == ("USER_SUBMIT_SATISFACTION", "满意: 很快")
    await story.payer(complaint, "continue")
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    assert (await story.payer(complaint, "dissatisfied")).status_code == 200


async def test_the_console_acts_beside_the_desk(story):
    complaint = await story.complain(story.subs[0], problem_type="REFUND", amount=5000)
    for body in ({"do": "reply", "text": "已退款"}, {"do": "approve", "day": 0}, {"do": "refund"}):
        answer = await story.control("POST", f"/complaints/{complaint}/merchant", body)
        assert answer.status_code == 200, answer.text
    await story.pass_time(minutes=3)
    detail = await story.partner.detail(complaint)
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PROCESSED", True)
    again = await story.control("POST", f"/complaints/{complaint}/merchant", {"do": "complete"})
    assert again.status_code == 409


async def test_the_clock_is_told_and_set(story):
    assert (await story.control("POST", "/clock", {"advance": "23h50m"})).status_code == 200
    clock = (await story.control("GET", "/clock")).json()
    assert (clock["now"], clock["speed"]) == ("2026-03-03T08:50:00.000+08:00", 0)
    assert (await story.control("POST", "/clock", {"speed": 60})).json()["speed"] == 60


async def test_when_the_clock_answers_what_fell_due_has_happened(story):
    complaint = await story.complain(amount=5000)
    await story.merchant.refund(complaint, "R1", 5000)
    await story.control("POST", "/clock", {"advance": "1h"})
    assert story.sandbox.platform.refunded(story.sandbox.platform.complaint(complaint).transaction_id) == 5000


async def test_the_state_counts_everything(story):
    await story.hook()
    complaint = await story.complain()
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    await story.merchant.complete(complaint)
    await story.sandbox.run_due()
    state = await story.state()
    assert state["complaints"]["by_state"] == {"PROCESSED": 1}
    assert state["requests"] == {"notify_url_create": 1, "response": 1, "complete": 2}
    assert state["errors"] == {"INVALID_REQUEST": 1}
    assert state["notices"]["acked"] == state["notices"]["pushed"] == 1
    assert state["notify_urls"][story.shop].startswith("http://")


async def test_the_newest_complaints_are_listed(story):
    old = await story.complain(complaint_time="2026-02-20T09:00:00+08:00")
    new = await story.complain()
    listed = (await story.control("GET", "/complaints?limit=5")).json()
    assert [one["complaint_id"] for one in listed] == [new, old]
    assert listed[0]["history"]
