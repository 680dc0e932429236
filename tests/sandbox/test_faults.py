"""Troubles that a script orders."""

import httpx2
import pytest

from kesu.wechatpay.rejections import BadSignature, SignatureProbe

pytestmark = pytest.mark.anyio
LIST = "/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-02"


async def test_a_status_replaces_the_answer_a_number_of_times(story):
    await story.fault("wechatpay", "status", value=502, count=2)
    assert [(await story.merchant.get(LIST)).status_code for _ in range(3)] == [502, 502, 200]


async def test_an_errcode_is_a_platform_code(story, refused):
    complaint = await story.complain()
    await story.fault("wechatpay", "errcode", value="FREQUENCY_LIMITED", count=1)
    refused(await story.merchant.reply(complaint), 429, "FREQUENCY_LIMITED")
    assert len(await story.merchant.history(complaint)) == 2


async def test_a_fault_can_be_for_one_path_only(story):
    complaint = await story.complain()
    await story.fault("wechatpay", "status", path="/response")
    assert (await story.merchant.get(LIST)).status_code == 200
    assert (await story.merchant.reply(complaint)).status_code == 500


@pytest.mark.parametrize(("value", "was_done"), [(None, False), ("before", False), ("after", True)])
async def test_a_dropped_connection_comes_before_or_after_the_deed(story, value, was_done):
    complaint = await story.complain()
    await story.fault("wechatpay", "drop", value=value, count=1)
    with pytest.raises(httpx2.TransportError):
        await story.merchant.reply(complaint)
    kinds = [entry["operate_type"] for entry in await story.merchant.history(complaint)]
    assert ("MERCHANT_RESPONSE" in kinds) is was_done


async def test_after_a_timeout_the_deed_is_done(story):
    complaint = await story.complain()
    await story.fault("wechatpay", "timeout", count=1)
    with pytest.raises(httpx2.TimeoutException):
        await story.merchant.reply(complaint)
    assert (await story.truth(complaint))["complaint_state"] == "PROCESSING"


@pytest.mark.parametrize("kind", ["forge", "signtest"])
async def test_an_answer_can_carry_a_wrong_signature(story, kind):
    await story.fault("wechatpay", kind, count=1)
    answer = await story.merchant.get(LIST)
    assert answer.status_code == 200
    assert not story.is_signed(answer)
    assert story.is_signed(await story.merchant.get(LIST))


async def test_a_rate_is_a_chance(story):
    await story.fault("wechatpay", "status", rate=0.5)
    statuses = [(await story.merchant.get(LIST)).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50


async def test_a_rate_of_zero_never_strikes(story):
    await story.fault("wechatpay", "status", rate=0)
    assert (await story.merchant.get(LIST)).status_code == 200


async def test_clearing_ends_all_trouble(story):
    await story.fault("wechatpay", "status")
    await story.fault("wecom", "errcode")
    assert len((await story.control("GET", "/faults")).json()) == 2
    assert (await story.control("DELETE", "/faults")).status_code == 204
    assert (await story.merchant.get(LIST)).status_code == 200
    assert (await story.control("GET", "/faults")).json() == []


async def pushed(story, kind, **more):
    await story.hook()
    await story.fault("notice", kind, count=1, **more)
    complaint = await story.complain()
    await story.sandbox.run_due()
    return complaint


async def test_a_dropped_notice_never_comes(story):
    await pushed(story, "drop")
    await story.pass_time(days=8)
    assert story.receiver.requests == []
    assert (await story.state())["notices"]["lost"] == 1


@pytest.mark.parametrize("kind", ["timeout", "status"])
async def test_an_answer_not_taken_for_one_is_tried_again(story, kind):
    await pushed(story, kind)
    assert len(story.receiver.requests) == 1
    await story.pass_time(seconds=15)
    first, second = story.opened()
    assert first.id == second.id
    assert (await story.state())["notices"]["acked"] == 1


async def test_a_duplicate_has_the_same_id(story):
    await pushed(story, "duplicate", value=3)
    notices = story.opened()
    assert len(notices) == 4
    assert len({notice.id for notice in notices}) == 1


async def test_a_reordered_notice_comes_after_later_ones(story):
    first = await pushed(story, "reorder", value=60)
    second = await story.complain()
    await story.sandbox.run_due()
    await story.pass_time(seconds=60)
    assert [notice.complaint_id for notice in story.opened()] == [second, first]


@pytest.mark.parametrize(("kind", "rejection"), [("forge", BadSignature), ("signtest", SignatureProbe)])
async def test_a_wrong_notice_comes_before_the_true_one(story, kind, rejection):
    await pushed(story, kind)
    wrong = story.receiver.requests[0]
    with pytest.raises(rejection):
        story.opened()
    story.receiver.requests.remove(wrong)
    assert len(story.opened()) == 1
    assert (await story.state())["wrongly_accepted"] == 1


async def test_a_receiver_that_refuses_forgeries_is_not_blamed(story):
    story.receiver.status = 401
    await pushed(story, "forge")
    assert (await story.state())["wrongly_accepted"] == 0


async def robot(story):
    url = f"/cgi-bin/webhook/send?key={story.sandbox.identity.robot_key}"
    return await story.http.post(url, json={"msgtype": "text", "text": {"content": "x"}})


async def shown(story):
    return [one["accepted"] for one in (await story.control("GET", "/wecom/messages")).json()]


async def test_a_robot_can_refuse_with_an_errcode(story):
    await story.fault("wecom", "errcode", value=93000, count=1)
    answer = await robot(story)
    assert (answer.status_code, answer.json()["errcode"]) == (200, 93000)
    assert (await robot(story)).json()["errcode"] == 0
    assert await shown(story) == [False, True]


async def test_a_robot_can_fail_at_http(story):
    await story.fault("wecom", "status", value=503, count=1)
    assert (await robot(story)).status_code == 503
    assert await shown(story) == []


@pytest.mark.parametrize(
    ("kind", "value", "expected"), [("drop", None, []), ("drop", "after", [True]), ("timeout", None, [True])]
)
async def test_a_robot_can_leave_one_in_doubt(story, kind, value, expected):
    await story.fault("wecom", kind, value=value, count=1)
    with pytest.raises(httpx2.TransportError):
        await robot(story)
    assert await shown(story) == expected
