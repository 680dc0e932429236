"""The line itself: what is signed, what is believed, what is tried again and what never is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kesu.wechatpay import (
    Client,
    ConnectFailed,
    Endpoint,
    MerchantCredentials,
    NoAuth,
    PlatformError,
    PlatformFailure,
    PlatformKeys,
    RateLimited,
    ResponseNotVerified,
    TimedOut,
    UnexpectedAnswer,
    WeChatPayError,
)
from kesu.wechatpay.signing import parse_authorization, signed_headers

pytestmark = pytest.mark.anyio

PUBLIC_KEY_ID = "PUB_KEY_ID_0000000000000024101100397200000006"
DETAIL = {"complaint_id": "200201820200101080076610000", "complaint_state": "PENDING"}
READ_FAILURES = [
    httpx2.ReadTimeout("x"),
    httpx2.ReadError("x"),
    httpx2.RemoteProtocolError("x"),
    httpx2.WriteError("x"),
]
CONNECT_FAILURES = [
    httpx2.ConnectError("x"),
    httpx2.ConnectTimeout("x"),
    httpx2.PoolTimeout("x"),
    httpx2.ProxyError("x"),
]

# Everything that moves money, speaks to a payer or changes something at the platform.
COMMANDS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "reply": lambda c: c.reply("1", mchid="2", content="您好"),
    "complete": lambda c: c.complete("1", mchid="2"),
    "approve": lambda c: c.approve_refund("1", launch_refund_day=0),
    "reject": lambda c: c.reject_refund("1", reason="已发货"),
    "immediate": lambda c: c.reply_immediate_service("1", mchid="2", blocks=[], idempotent_id="u"),
    "upload": lambda c: c.upload_image("a.jpg", b"\xff\xd8\xff"),
    "create_url": lambda c: c.create_notify_url("https://x.example/n"),
    "update_url": lambda c: c.update_notify_url("https://x.example/n"),
    "delete_url": lambda c: c.delete_notify_url(),
    "refund": lambda c: c.create_refund(out_refund_no="R1", refund=1, total=1, transaction_id="4200"),
    "abnormal": lambda c: c.apply_abnormal_refund("5", out_refund_no="R1", type="MERCHANT_BANK_CARD"),
}
READS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "list": lambda c: c.list_complaints(date(2026, 3, 1), date(2026, 3, 2)),
    "detail": lambda c: c.get_complaint("1"),
    "history": lambda c: c.get_history("1"),
    "url": lambda c: c.get_notify_url(),
    "image": lambda c: c.download_image("/v3/merchant-service/images/x"),
    "refund": lambda c: c.query_refund("R1"),
    "order": lambda c: c.query_order(transaction_id="4200"),
    "certificates": lambda c: c.download_certificates(),
    "bill": lambda c: c.get_trade_bill(date(2026, 3, 1)),
}
every_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS)


async def test_a_read_is_signed_over_its_exact_path_and_query(client: Client, stranger: Any, clock: Any) -> None:
    stranger.steps = [stranger.ok({"data": []})]
    await client.list_complaints(date(2026, 3, 1), date(2026, 3, 2), mchid="1900012181", limit=5)
    request = stranger.last
    assert request.url.raw_path == (
        b"/v3/merchant-service/complaints-v2?limit=5&offset=0&begin_date=2026-03-01&end_date=2026-03-02"
        b"&complainted_mchid=1900012181"
    )
    assert stranger.signature_holds(request)
    parts = parse_authorization(request.headers["authorization"])
    assert (parts.mchid, parts.serial_no) == (client.credentials.mchid, client.credentials.serial_no)
    assert parts.timestamp == int(clock().timestamp())
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"] == "kesu-wechatpay"
    assert request.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    assert "content-type" not in request.headers
    assert request.content == b""


@every_command
async def test_every_command_is_signed_over_exactly_the_bytes_sent(
    client: Client, stranger: Any, command: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [stranger.ok({"media_id": "m", "log_id": "l"})]
    await command(client)
    request = stranger.last
    if request.headers.get("content-type", "").startswith("multipart/"):
        meta = request.content.split(b"\r\n\r\n", 1)[1].split(b"\r\n--", 1)[0]
        assert json.loads(meta)["filename"] == "a.jpg"
        assert stranger.signature_holds(request, meta)
    else:
        assert stranger.signature_holds(request)
        assert request.method == "DELETE" or request.headers["content-type"] == "application/json"


async def test_an_identifier_cannot_leave_its_place_in_the_path(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(DETAIL)]
    await client.get_complaint("../x?y=1#z 投")
    assert stranger.last.url.raw_path == (b"/v3/merchant-service/complaints-v2/..%2Fx%3Fy%3D1%23z%20%E6%8A%95")
    assert stranger.signature_holds(stranger.last)
    for bad in ("", ".", ".."):
        with pytest.raises(ValueError, match="identifier"):
            await client.get_complaint(bad)


async def test_a_nonce_is_never_used_twice(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(DETAIL)]
    for _ in range(3):
        await client.get_complaint("1")
    nonces = {parse_authorization(r.headers["authorization"]).nonce_str for r in stranger.requests}
    assert len(nonces) == 3


async def test_with_certificates_no_serial_is_sent_where_nothing_is_sealed(
    new_client: Any, platform_key: rsa.RSAPrivateKey, stranger: Any
) -> None:
    stranger.serial = "AB12"
    stranger.steps = [stranger.ok(DETAIL)]
    async with new_client(platform_keys=PlatformKeys({"AB12": platform_key.public_key()})) as client:
        await client.get_complaint("1")
    assert "wechatpay-serial" not in stranger.last.headers


async def test_the_platforms_own_clock_comes_with_the_answer(client: Client, stranger: Any, clock: Any) -> None:
    stranger.steps = [stranger.ok(DETAIL)]
    clock.advance(120.7)
    complaint = await client.get_complaint("1")
    assert complaint.answered_at == datetime(2026, 3, 20, 6, 0, tzinfo=UTC)
    assert complaint.raw == DETAIL


def forged(change: Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]) -> Callable[[Any], httpx2.Response]:
    def make(stranger: Any) -> httpx2.Response:
        body = json.dumps(DETAIL).encode()
        headers, body = change(signed_headers(stranger.platform, stranger.serial, body, now=stranger.clock()), body)
        return httpx2.Response(200, headers=headers, content=body)

    return make


FORGERIES = {
    "missing_headers": forged(lambda h, b: ({}, b)),
    "stale_timestamp": forged(lambda h, b: ({**h, "Wechatpay-Timestamp": "1700000000"}, b)),
    "unknown_serial": forged(lambda h, b: ({**h, "Wechatpay-Serial": "DEADBEEF"}, b)),
    "bad_signature": forged(lambda h, b: (h, b.replace(b"PENDING", b"PROCESSED"))),
    "signature_probe": forged(lambda h, b: ({**h, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}, b)),
    "malformed_headers": forged(lambda h, b: ({**h, "Wechatpay-Timestamp": "now"}, b)),
}


@pytest.mark.parametrize("reason", FORGERIES)
async def test_an_answer_that_is_not_the_platforms_is_not_believed(client: Client, stranger: Any, reason: str) -> None:
    stranger.steps = [FORGERIES[reason](stranger)]
    with pytest.raises(ResponseNotVerified) as caught:
        await client.get_complaint("1")
    assert caught.value.reason == reason
    assert caught.value.outcome_unknown is False


@every_command
async def test_a_command_whose_answer_is_not_believed_may_have_been_carried_out(
    client: Client, stranger: Any, command: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [FORGERIES["bad_signature"](stranger)]
    with pytest.raises(ResponseNotVerified) as caught:
        await command(client)
    assert caught.value.outcome_unknown is True
    assert len(stranger.requests) == 1


async def test_a_probe_in_an_answer_is_asked_again(client: Client, stranger: Any) -> None:
    stranger.steps = [FORGERIES["signature_probe"](stranger), stranger.ok(DETAIL)]
    assert (await client.get_complaint("1")).complaint_id == DETAIL["complaint_id"]
    assert len(stranger.requests) == 2


async def test_an_unknown_serial_is_asked_for_once_and_then_known(
    new_client: Any, platform_key: rsa.RSAPrivateKey, stranger: Any
) -> None:
    asked: list[str] = []

    async def refresh(serial: str) -> PlatformKeys:
        asked.append(serial)
        return PlatformKeys({PUBLIC_KEY_ID: platform_key.public_key()})

    stranger.steps = [stranger.ok(DETAIL)]
    async with new_client(platform_keys=PlatformKeys(), on_unknown_serial=refresh) as client:
        await asyncio.gather(*(client.get_complaint("1") for _ in range(5)))
        await client.get_complaint("1")
    assert asked == [PUBLIC_KEY_ID]


@pytest.mark.parametrize("found", [None, PlatformKeys()])
async def test_a_serial_that_stays_unknown_is_refused(
    new_client: Any, stranger: Any, found: PlatformKeys | None
) -> None:
    asked: list[str] = []

    async def refresh(serial: str) -> PlatformKeys | None:
        asked.append(serial)
        return found

    stranger.steps = [stranger.ok(DETAIL)]
    async with new_client(platform_keys=PlatformKeys(), on_unknown_serial=refresh) as client:
        with pytest.raises(ResponseNotVerified) as caught:
            await client.get_complaint("1")
    assert caught.value.reason == "unknown_serial"
    assert len(asked) == 1


@pytest.mark.parametrize("failure", CONNECT_FAILURES, ids=lambda f: type(f).__name__)
@every_command
async def test_without_a_connection_a_command_goes_to_the_backup_host_once(
    client: Client, stranger: Any, failure: Exception, command: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [failure, stranger.ok({"media_id": "m", "log_id": "l"})]
    await command(client)
    assert [request.url.host for request in stranger.requests] == ["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"]

    stranger.requests.clear()
    stranger.steps = [failure]
    with pytest.raises(ConnectFailed) as caught:
        await command(client)
    assert caught.value.outcome_unknown is False
    assert caught.value.retryable
    assert len(stranger.requests) == 2


@pytest.mark.parametrize("failure", READ_FAILURES, ids=lambda f: type(f).__name__)
@every_command
async def test_a_command_that_was_sent_is_never_sent_again(
    client: Client, stranger: Any, failure: Exception, command: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [failure, stranger.ok({})]
    with pytest.raises(TimedOut) as caught:
        await command(client)
    assert caught.value.outcome_unknown is True
    assert len(stranger.requests) == 1


@pytest.mark.parametrize(("status", "code"), [(500, "SYSTEM_ERROR"), (502, ""), (503, "SYSTEM_ERROR")])
@every_command
async def test_a_command_that_met_a_server_error_is_never_sent_again(
    client: Client, stranger: Any, status: int, code: str, command: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [stranger.error(status, code), stranger.ok({})]
    with pytest.raises(PlatformFailure) as caught:
        await command(client)
    assert caught.value.outcome_unknown is True
    assert len(stranger.requests) == 1


@pytest.mark.parametrize("name", COMMANDS)
async def test_a_429_means_not_done_except_for_refunds(client: Client, stranger: Any, name: str) -> None:
    stranger.steps = [stranger.error(429, "FREQUENCY_LIMITED"), stranger.ok({})]
    with pytest.raises(RateLimited) as caught:
        await COMMANDS[name](client)
    assert caught.value.outcome_unknown is (name in ("refund", "abnormal"))
    assert len(stranger.requests) == 1


@every_read
async def test_a_read_is_tried_three_times_and_changes_hosts(
    client: Client, stranger: Any, read: Callable[[Client], Awaitable[object]]
) -> None:
    stranger.steps = [httpx2.ReadTimeout("x")]
    with pytest.raises(TimedOut) as caught:
        await read(client)
    assert caught.value.outcome_unknown is False
    hosts = [request.url.host for request in stranger.requests]
    assert hosts == ["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com", "api.mch.weixin.qq.com"]


@pytest.mark.parametrize(("status", "code"), [(500, "SYSTEM_ERROR"), (429, "RATELIMIT_EXCEEDED")])
async def test_a_read_that_met_trouble_waits_and_tries_the_same_host(
    client: Client, stranger: Any, clock: Any, status: int, code: str
) -> None:
    stranger.steps = [stranger.error(status, code), stranger.error(status, code), stranger.ok(DETAIL)]
    assert (await client.get_complaint("1")).complaint_state == "PENDING"
    assert {request.url.host for request in stranger.requests} == {"api.mch.weixin.qq.com"}
    assert clock.slept[0] == pytest.approx(0.5)
    assert len(stranger.requests) == 3


async def test_a_429_slows_the_endpoint_down(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(429, "FREQUENCY_LIMITED"), stranger.ok(DETAIL)]
    await client.get_complaint("1")
    assert client.pacer.rate(Endpoint.DETAIL) == pytest.approx(300)
    assert client.pacer.rate(Endpoint.HISTORY) == pytest.approx(200)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
async def test_a_plain_refusal_is_not_tried_again(client: Client, stranger: Any, status: int) -> None:
    stranger.steps = [stranger.error(status, "WHATEVER")]
    with pytest.raises(PlatformError) as caught:
        await client.get_complaint("1")
    assert caught.value.status == status
    assert caught.value.retryable is False
    assert len(stranger.requests) == 1


async def test_an_error_carries_what_support_asks_for(client: Client, stranger: Any) -> None:
    stranger.steps = [
        stranger.error(403, "NO_AUTH", "您暂无权限", request_id="08F9-270701078", detail={"field": "mchid"})
    ]
    with pytest.raises(NoAuth) as caught:
        await client.complete("1", mchid="2")
    error = caught.value
    assert (error.status, error.code, error.message) == (403, "NO_AUTH", "您暂无权限")
    assert (error.request_id, error.numeric_code) == ("08F9-270701078", 270701078)
    assert error.detail == {"field": "mchid"}
    assert error.outcome_unknown is False


async def test_an_error_page_that_is_not_json_is_an_error_all_the_same(client: Client, stranger: Any) -> None:
    stranger.steps = [httpx2.Response(403, content=b"<html>\xff waf</html>")]
    with pytest.raises(PlatformError) as caught:
        await client.get_complaint("1")
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (403, "", "")


@pytest.mark.parametrize("value", [[1], "text", {"no": "id"}])
async def test_a_genuine_answer_that_makes_no_sense_is_unexpected(client: Client, stranger: Any, value: Any) -> None:
    stranger.steps = [stranger.ok(value)]
    with pytest.raises(UnexpectedAnswer) as caught:
        await client.get_complaint("1")
    assert caught.value.outcome_unknown is False


async def test_a_refund_whose_answer_makes_no_sense_may_have_been_made(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok([1])]
    with pytest.raises(UnexpectedAnswer) as caught:
        await COMMANDS["refund"](client)
    assert caught.value.outcome_unknown is True


async def test_an_endless_answer_is_cut_off(client: Client, stranger: Any) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 1_000_000

    stranger.steps = [lambda request: httpx2.Response(200, content=endless())]
    with pytest.raises(UnexpectedAnswer, match="too large"):
        await client.get_complaint("1")


async def test_a_look_alikes_requests_never_reach_the_real_backup_host(new_client: Any, stranger: Any) -> None:
    stranger.steps = [httpx2.ConnectError("x")]
    async with new_client(base_url="http://127.0.0.1:9000") as client:
        with pytest.raises(ConnectFailed):
            await client.get_complaint("1")
        with pytest.raises(ConnectFailed):
            await client.complete("1", mchid="2")
    assert {request.url.host for request in stranger.requests} == {"127.0.0.1"}


async def test_a_look_alike_may_have_a_backup_of_its_own(new_client: Any, stranger: Any) -> None:
    stranger.steps = [httpx2.ConnectError("x"), stranger.ok()]
    async with new_client(base_url="http://127.0.0.1:9000", backup_base_url="http://127.0.0.2:9000") as client:
        await client.complete("1", mchid="2")
    assert [request.url.host for request in stranger.requests] == ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize("base_url", ["http://127.0.0.1/api", "/v3", "http://127.0.0.1/?x=1"])
def test_a_base_url_with_a_path_is_refused(credentials: MerchantCredentials, clock: Any, base_url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        Client(credentials, PlatformKeys(), now=clock, base_url=base_url)


async def test_an_answer_may_be_ever_so_old_if_the_caller_allows_it(new_client: Any, stranger: Any, clock: Any) -> None:
    stranger.steps = [stranger.ok(DETAIL)]
    clock.advance(3600)
    async with new_client(tolerance_seconds=7200) as client:
        answered_at = (await client.get_complaint("1")).answered_at
    assert answered_at == clock() - timedelta(hours=1)


async def test_cancelling_a_call_leaves_the_client_usable(client: Client, stranger: Any) -> None:
    started = asyncio.Event()

    async def hanging() -> Any:
        started.set()
        await asyncio.Event().wait()
        yield b""

    stranger.steps = [lambda request: httpx2.Response(200, content=hanging()), stranger.ok(DETAIL)]
    task = asyncio.create_task(client.get_complaint("1"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await client.get_complaint("1")).complaint_state == "PENDING"


async def test_every_error_of_a_call_is_of_the_one_tree(client: Client, stranger: Any) -> None:
    for step in (*READ_FAILURES, *CONNECT_FAILURES, httpx2.DecodingError("x"), httpx2.LocalProtocolError("x")):
        stranger.steps = [step]
        with pytest.raises(WeChatPayError):
            await client.get_complaint("1")
