"""What only service providers may ask: the address of violation notices, the limitations of a sub-merchant."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kesu.wechatpay import Client, InvalidRequest, NoAuth, RateLimited, Violation

pytestmark = pytest.mark.anyio
URL = "https://desk.example/notify/wechatpay/t"


async def test_the_violation_url_is_created_read_replaced_and_deleted(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({"notify_url": URL})]
    assert (await client.create_violation_url(URL)).notify_url == URL
    read = await client.get_violation_url()
    assert read is not None
    assert read.notify_url == URL
    await client.update_violation_url(URL)
    stranger.steps = [stranger.ok(status=204)]
    await client.delete_violation_url()
    assert [request.method for request in stranger.requests] == ["POST", "GET", "PUT", "DELETE"]
    assert json.loads(stranger.requests[0].content) == {"notify_url": URL}
    assert {request.url.path for request in stranger.requests} == {"/v3/merchant-risk-manage/violation-notifications"}


async def test_no_violation_url_is_none(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(404, "NOT_FOUND", "回调地址不存在")]
    assert await client.get_violation_url() is None


async def test_a_direct_merchant_is_offered_no_violation_notices(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(403, "NO_AUTH", "商户无权限")]
    with pytest.raises(NoAuth):
        await client.get_violation_url()


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("20180225112233", datetime(2018, 2, 25, 3, 22, 33, tzinfo=UTC)),
        ("2018-02-25T11:22:33+08:00", datetime(2018, 2, 25, 3, 22, 33, tzinfo=UTC)),
        ("20181399112233", None),
        ("昨天", None),
        (None, None),
    ],
)
def test_the_time_of_a_punishment_is_read_in_every_form_the_page_shows(written: Any, at: datetime | None) -> None:
    violation = Violation.from_wire({"record_id": "1", "punish_time": written, "punish_plan": ["关闭支付", 3]})
    assert violation.at == at
    assert violation.punish_plan == '["关闭支付", 3]'


async def test_limitations_are_read_with_their_reasons(client: Client, stranger: Any) -> None:
    stranger.steps = [
        stranger.ok(
            {
                "mchid": "1900009999",
                "limited_functions": ["NO_WITHDRAWAL", "NO_SOMETHING_NEW"],
                "other_limited_functions": "转账",
                "recovery_specifications": {
                    "limitation_case_id": "case-1",
                    "recover_way": "RESOLVE_TRANSACTION_DISPUTES",
                    "relate_limitations": "NO_WITHDRAWAL",
                },
            }
        )
    ]
    found = await client.get_limitations("1900009999")
    assert stranger.last.url.path == "/v3/mch-operation-manage/merchant-limitations/sub-mchid/1900009999"
    assert found.limited_functions == ["NO_WITHDRAWAL", "NO_SOMETHING_NEW"]
    (recovery,) = found.recovery_specifications
    assert (recovery.recover_way, recovery.relate_limitations) == ("RESOLVE_TRANSACTION_DISPUTES", ["NO_WITHDRAWAL"])


async def test_a_merchant_that_is_free_has_none(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({"mchid": "1900009999"})]
    found = await client.get_limitations("1900009999")
    assert (found.limited_functions, found.recovery_specifications) == ([], [])


async def test_limitations_of_a_stranger_are_refused(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(400, "INVALID_REQUEST", "商户号与服务商无关系")]
    with pytest.raises(InvalidRequest):
        await client.get_limitations("1900009999")
    stranger.steps = [stranger.error(429, "RATELIMIT_EXCEEDED")]
    with pytest.raises(RateLimited):
        await client.get_limitations("1900009999")


async def test_the_clock_skew_is_known_from_a_verified_answer(client: Client, stranger: Any, clock: Any) -> None:
    assert client.clock_skew is None
    answer = stranger.ok({"mchid": "1900009999"})
    stranger.steps = [answer]
    clock.advance(90)
    await client.get_limitations("1900009999")
    assert client.clock_skew == -90


async def test_the_clock_skew_is_known_from_an_answer_refused_for_it(client: Client, stranger: Any, clock: Any) -> None:
    stranger.steps = [stranger.ok({"mchid": "1900009999"})]
    clock.advance(-3600)
    with pytest.raises(Exception, match="not to be believed"):
        await client.get_limitations("1900009999")
    assert client.clock_skew == 3600


async def test_an_unsigned_answer_says_nothing_about_the_clock(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(401, "SIGN_ERROR")]
    with pytest.raises(Exception, match="SIGN_ERROR"):
        await client.get_limitations("1900009999")
    assert client.clock_skew is None
