"""What only the partner is offered: violation notices and the limitations of its sub-merchants."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio
PATH = "/v3/merchant-risk-manage/violation-notifications"
URL = "https://desk.example.test/notify/wechatpay/abc"
LIMITS = "/v3/mch-operation-manage/merchant-limitations/sub-mchid"


async def test_the_violation_address_is_created_read_updated_and_deleted(story: Any, refused: Any) -> None:
    refused(await story.partner.get(PATH), 404, "NOT_FOUND")
    refused(await story.partner.put(PATH, {"notify_url": URL}), 404, "NOT_FOUND")
    created = await story.partner.post(PATH, {"notify_url": URL})
    assert (created.status_code, created.json()) == (200, {"notify_url": URL})
    refused(await story.partner.post(PATH, {"notify_url": URL}), 400, "INVALID_REQUEST", 268435484)
    await story.partner.put(PATH, {"notify_url": URL + "2"})
    assert (await story.partner.get(PATH)).json() == {"notify_url": URL + "2"}
    assert (await story.partner.delete(PATH)).status_code == 204
    refused(await story.partner.get(PATH), 404, "NOT_FOUND")


@pytest.mark.parametrize("url", ["http://desk.example.test/n", "https://desk.example.test/n?a=1", "ftp://x/y"])
async def test_a_violation_address_that_cannot_be_called_is_refused(story: Any, refused: Any, url: str) -> None:
    refused(await story.partner.post(PATH, {"notify_url": url}), 400, "PARAM_ERROR")


async def test_direct_merchants_are_offered_neither(story: Any, refused: Any) -> None:
    refused(await story.merchant.get(PATH), 403, "NO_AUTH")
    refused(await story.merchant.post(PATH, {"notify_url": URL}), 403, "NO_AUTH")
    refused(await story.merchant.get(f"{LIMITS}/{story.subs[0]}"), 403, "NO_AUTH")


async def test_a_punishment_is_pushed_to_the_provider_sealed_and_signed(story: Any) -> None:
    quiet = await story.control("POST", "/violations", {"sub_mchid": story.subs[0]})
    assert quiet.json()["pushed"] is False
    await story.partner.post(PATH, {"notify_url": URL})
    made = await story.control(
        "POST", "/violations", {"sub_mchid": story.subs[0], "event": "APPEAL", "record_id": "r-1", "risk_type": "FRAUD"}
    )
    assert made.json() == {"record_id": "r-1", "pushed": True}
    await story.pass_time(seconds=1)
    (notice,) = story.opened(story.partner)
    assert (notice.event_type, notice.original_type, notice.complaint_id) == ("VIOLATION.APPEAL", "violation", None)
    assert (notice.resource["sub_mchid"], notice.resource["risk_type"]) == (story.subs[0], "FRAUD")
    assert notice.resource["punish_time"] == "20260302090000"


async def test_limitations_are_what_was_ordered_until_they_are_lifted(story: Any, refused: Any) -> None:
    sub = story.subs[1]
    assert (await story.partner.get(f"{LIMITS}/{sub}")).json() == {"mchid": sub}
    await story.control("POST", "/limitations", {"sub_mchid": sub, "limited_functions": ["NO_WITHDRAWAL"]})
    shown = (await story.partner.get(f"{LIMITS}/{sub}")).json()
    assert shown["limited_functions"] == ["NO_WITHDRAWAL"]
    assert shown["recovery_specifications"][0]["recover_way"] == "RESOLVE_TRANSACTION_DISPUTES"
    await story.control("POST", "/limitations", {"sub_mchid": sub})
    assert (await story.partner.get(f"{LIMITS}/{sub}")).json() == {"mchid": sub}
    refused(await story.partner.get(f"{LIMITS}/1900099999"), 400, "INVALID_REQUEST")


async def test_only_sub_merchants_can_be_punished(story: Any) -> None:
    for path in ("/violations", "/limitations"):
        answer = await story.control("POST", path, {"sub_mchid": story.shop})
        assert (answer.status_code, "sub-merchant" in answer.json()["error"]) == (400, True)
