"""Refunds, orders and bills."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kesu.wechatpay import (
    BillLink,
    Client,
    NotFound,
    UnexpectedAnswer,
    decrypt_sensitive,
)

pytestmark = pytest.mark.anyio

PUBLIC_KEY_ID = "PUB_KEY_ID_0000000000000024101100397200000006"


async def test_a_direct_merchants_refund(client: Client, stranger: Any) -> None:
    stranger.steps = [
        stranger.ok({"refund_id": "50000", "out_refund_no": "R1", "status": "PROCESSING", "amount": {"refund": 5}})
    ]
    refund = await client.create_refund(
        out_refund_no="R1",
        refund=5,
        total=10,
        transaction_id="4200",
        reason="协商一致",
        notify_url="https://d.example/n",
    )
    assert (refund.status, refund.refund_id) == ("PROCESSING", "50000")
    assert stranger.last.url.path == "/v3/refund/domestic/refunds"
    assert stranger.json() == {
        "transaction_id": "4200",
        "out_refund_no": "R1",
        "reason": "协商一致",
        "notify_url": "https://d.example/n",
        "amount": {"refund": 5, "total": 10, "currency": "CNY"},
    }


async def test_a_providers_refund_names_the_sub_merchant(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({})]
    await client.create_refund(out_refund_no="R1", refund=5, total=5, out_trade_no="T1", sub_mchid="1900012181")
    assert stranger.json()["sub_mchid"] == "1900012181"
    await client.query_refund("R1", sub_mchid="1900012181")
    assert stranger.last.url.raw_path == b"/v3/refund/domestic/refunds/R1?sub_mchid=1900012181"


@pytest.mark.parametrize(
    "arguments",
    [
        {"transaction_id": None},
        {"out_trade_no": "T1"},
        {"refund": 0},
        {"refund": -1},
        {"refund": 11},
        {"reason": "字" * 27},
    ],
)
async def test_a_refund_that_makes_no_sense_is_not_sent(
    client: Client, stranger: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        await client.create_refund(
            **{"out_refund_no": "R1", "refund": 5, "total": 10, "transaction_id": "4200", **arguments}
        )
    assert stranger.requests == []


async def test_a_refund_number_with_all_its_allowed_characters_is_found(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({"status": "SUCCESS"})]
    assert (await client.query_refund("A_-|*@9")).status == "SUCCESS"
    assert stranger.last.url.raw_path == b"/v3/refund/domestic/refunds/A_-%7C%2A%409"
    assert stranger.signature_holds(stranger.last)


async def test_a_refund_that_never_was_is_not_found(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(404, "RESOURCE_NOT_EXISTS")]
    with pytest.raises(NotFound):
        await client.query_refund("R1")


async def test_an_abnormal_refund_seals_the_payers_account(
    client: Client, stranger: Any, platform_key: rsa.RSAPrivateKey
) -> None:
    stranger.steps = [stranger.ok({"status": "PROCESSING"})]
    await client.apply_abnormal_refund(
        "50000",
        out_refund_no="R1",
        type="USER_BANK_CARD",
        bank_type="ICBC_DEBIT",
        bank_account="6222000000000000",
        real_name="张三",
    )
    sent = stranger.json()
    assert stranger.last.url.path == "/v3/refund/domestic/refunds/50000/apply-abnormal-refund"
    assert stranger.last.headers["wechatpay-serial"] == PUBLIC_KEY_ID
    assert decrypt_sensitive([platform_key], sent["bank_account"]) == "6222000000000000"
    assert decrypt_sensitive([platform_key], sent["real_name"]) == "张三"
    with pytest.raises(ValueError, match="USER_BANK_CARD"):
        await client.apply_abnormal_refund("50000", out_refund_no="R1", type="USER_BANK_CARD")


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"transaction_id": "4200"}, b"/v3/pay/transactions/id/4200?mchid=1900000001"),
        ({"out_trade_no": "T/1"}, b"/v3/pay/transactions/out-trade-no/T%2F1?mchid=1900000001"),
        (
            {"transaction_id": "4200", "sub_mchid": "2"},
            b"/v3/pay/partner/transactions/id/4200?sp_mchid=1900000001&sub_mchid=2",
        ),
        (
            {"out_trade_no": "T1", "sub_mchid": "2"},
            b"/v3/pay/partner/transactions/out-trade-no/T1?sp_mchid=1900000001&sub_mchid=2",
        ),
    ],
)
async def test_an_order_is_found_by_either_number_in_either_role(
    client: Client, stranger: Any, arguments: dict[str, str], path: bytes
) -> None:
    stranger.steps = [stranger.ok({"trade_state": "REFUND", "amount": {"total": 100, "payer_total": 90}})]
    order = await client.query_order(**arguments)
    assert stranger.last.url.raw_path == path
    assert stranger.signature_holds(stranger.last)
    assert order.trade_state == "REFUND"
    assert order.amount is not None
    assert order.amount.total == 100


async def test_an_order_needs_exactly_one_number(client: Client) -> None:
    with pytest.raises(ValueError, match="name the order"):
        await client.query_order()


async def test_a_bill_is_checked_against_its_hash(client: Client, stranger: Any) -> None:
    bill = "交易时间,公众账号ID\n".encode()
    url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=a%2Bb%3D"
    link = {"hash_type": "SHA1", "hash_value": hashlib.sha1(bill).hexdigest(), "download_url": url}
    stranger.steps = [stranger.ok(link), httpx2.Response(200, content=bill)]
    found = await client.get_trade_bill(date(2026, 3, 19), sub_mchid="2")
    assert stranger.last.url.raw_path == b"/v3/bill/tradebill?bill_date=2026-03-19&bill_type=ALL&sub_mchid=2"
    assert await client.download_bill(found) == bill
    assert stranger.last.url.raw_path == b"/v3/billdownload/file?token=a%2Bb%3D"
    stranger.steps = [httpx2.Response(200, content=b"another bill")]
    with pytest.raises(UnexpectedAnswer):
        await client.download_bill(found)


async def test_a_bill_elsewhere_is_not_fetched(client: Client, stranger: Any) -> None:
    with pytest.raises(ValueError, match="not one of the platform's"):
        await client.download_bill(BillLink.from_wire({"download_url": "https://evil.example/v3/refund"}))
    assert stranger.requests == []
