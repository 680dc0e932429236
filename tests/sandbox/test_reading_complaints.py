"""The list, the detail and the negotiation history, as the pages document them."""

from datetime import datetime, timedelta

import pytest

from kesu.wechatpay.ciphers import decrypt_sensitive

pytestmark = pytest.mark.anyio
LIST = "/v3/merchant-service/complaints-v2"


def days(first="2026-03-01", last="2026-03-02", **more):
    query = "&".join(f"{name}={value}" for name, value in more.items())
    return f"{LIST}?begin_date={first}&end_date={last}" + (f"&{query}" if query else "")


async def test_the_detail_has_every_required_field(story):
    complaint = await story.complain(detail="没有收到货", problem_type="REFUND", user_tag_list=["HIGH_RISK"])
    detail = await story.merchant.detail(complaint)
    assert detail["complaint_id"] == complaint
    assert len(complaint) == 27
    assert detail["complaint_detail"] == "没有收到货"
    assert (detail["complaint_state"], detail["user_complaint_times"]) == ("PENDING", 1)
    assert detail["incoming_user_response"] is True
    assert detail["complaint_full_refunded"] is False
    assert detail["complainted_mchid"] == story.shop
    assert detail["complaint_order_info"][0]["amount"] == 19900
    assert detail["apply_refund_amount"] == 19900
    assert detail["user_tag_list"] == ["HIGH_RISK"]
    assert detail["problem_description"] == "申请退款"
    assert datetime.fromisoformat(detail["complaint_time"]) == story.sandbox.clock.now()
    assert detail["complaint_time"] == "2026-03-02T09:00:00.000+08:00"


async def test_the_phone_is_sealed_to_the_callers_certificate(story):
    complaint = await story.complain(story.subs[0], phone="13800001234")
    sealed = (await story.partner.detail(complaint))["payer_phone"]
    assert decrypt_sensitive([story.partner.account.keys.private_key], sealed) == "13800001234"


async def test_a_payer_may_leave_no_phone(story):
    complaint = await story.complain(phone="")
    assert "payer_phone" not in await story.merchant.detail(complaint)


async def test_only_the_detail_knows_the_openid(story):
    complaint = await story.complain()
    item = (await story.merchant.get(days())).json()["data"][0]
    detail = await story.merchant.detail(complaint)
    assert "payer_openid" not in item
    assert set(detail) - set(item) == {"payer_openid"}


async def test_the_total_is_told_only_at_offset_zero(story):
    for _ in range(3):
        await story.complain()
    first = (await story.merchant.get(days(limit=2, offset=0))).json()
    second = (await story.merchant.get(days(limit=2, offset=2))).json()
    assert (first["total_count"], first["limit"], first["offset"], len(first["data"])) == (3, 2, 0, 2)
    assert "total_count" not in second
    assert len(second["data"]) == 1
    assert not {one["complaint_id"] for one in first["data"]} & {one["complaint_id"] for one in second["data"]}


async def test_a_page_has_ten_by_default_and_fifty_at_most(story, refused):
    await story.control("POST", "/complaints", {"mchid": story.shop, "count": 60})
    assert len((await story.merchant.get(days())).json()["data"]) == 10
    assert len((await story.merchant.get(days(limit=50))).json()["data"]) == 50
    for bad in ("0", "51", "x", "-1", "1.5"):
        refused(await story.merchant.get(days(limit=bad)), 400, "PARAM_ERROR")
    refused(await story.merchant.get(days(offset="-1")), 400, "PARAM_ERROR")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?begin_date=2026-03-01",
        "?end_date=2026-03-01",
        "?begin_date=2026-3-1&end_date=2026-03-02",
        "?begin_date=20260301&end_date=20260302",
        "?begin_date=2026-02-30&end_date=2026-03-02",
        "?begin_date=2026-03-02&end_date=2026-03-01",
        "?begin_date=2026-01-31&end_date=2026-03-03",
    ],
)
async def test_bad_dates_are_parameter_errors(story, refused, query):
    refused(await story.merchant.get(LIST + query), 400, "PARAM_ERROR")


async def test_thirty_days_are_allowed(story):
    assert (await story.merchant.get(days("2026-01-31", "2026-03-02"))).status_code == 200


async def test_days_are_beijing_days(story):
    late_evening = await story.complain(complaint_time="2026-02-28T15:59:59+00:00")
    after_midnight = await story.complain(complaint_time="2026-02-28T16:00:00+00:00")
    ids = [c["complaint_id"] for c in (await story.merchant.get(days("2026-02-28", "2026-02-28"))).json()["data"]]
    assert ids == [late_evening]
    ids = [c["complaint_id"] for c in (await story.merchant.get(days("2026-03-01", "2026-03-01"))).json()["data"]]
    assert ids == [after_midnight]


async def test_a_partner_sees_all_its_sub_merchants_or_one(story, refused):
    mine = [await story.complain(sub) for sub in story.subs]
    await story.complain(story.shop)
    everything = (await story.partner.get(days())).json()
    assert {one["complaint_id"] for one in everything["data"]} == set(mine)
    one = (await story.partner.get(days(complainted_mchid=story.subs[1]))).json()
    assert [c["complainted_mchid"] for c in one["data"]] == [story.subs[1]]
    refused(await story.partner.get(days(complainted_mchid=story.shop)), 403, "NO_AUTH")


async def test_nobody_reads_another_merchants_complaint(story, refused):
    complaint = await story.complain(story.subs[0])
    for path in (f"{LIST}/{complaint}", f"{LIST}/{complaint}/negotiation-historys"):
        refused(await story.merchant.get(path), 403, "NO_AUTH", 270701078)


async def test_an_unknown_complaint_does_not_exist(story, refused):
    refused(await story.merchant.get(f"{LIST}/200201820260302000000000000"), 404, "RESOURCE_NOT_EXISTS")


async def test_a_page_too_large_is_refused_until_the_limit_shrinks(tell, refused):
    story = tell(list_bytes_limit=20_000)
    await story.control("POST", "/complaints", {"mchid": story.shop, "count": 50})
    refused(await story.merchant.get(days(limit=50)), 400, "INVALID_REQUEST", says="数据量过大")
    assert (await story.merchant.get(days(limit=12))).status_code == 200


async def test_the_history_has_the_platforms_odd_shapes(story):
    complaint = await story.complain(pictures=2)
    detail, history = await story.merchant.detail(complaint), await story.merchant.history(complaint)
    assert [entry["operate_type"] for entry in history] == [
        "USER_CREATE_COMPLAINT",
        "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE",
    ]
    assert isinstance(detail["complaint_media_list"], list)
    assert isinstance(history[0]["complaint_media_list"], dict)
    assert history[0]["complaint_media_list"]["media_url"] == detail["complaint_media_list"][0]["media_url"]
    assert history[0]["operate_time"] == "2026-03-02T09:00:00+08:00"
    assert len({entry["log_id"] for entry in history}) == 2


async def test_the_history_is_paged(story, refused):
    complaint = await story.complain()
    for n in range(5):
        await story.payer(complaint, "message", f"消息{n}")
    path = f"{LIST}/{complaint}/negotiation-historys"
    first = (await story.merchant.get(f"{path}?limit=4&offset=0")).json()
    second = (await story.merchant.get(f"{path}?limit=4&offset=4")).json()
    assert (first["total_count"], len(first["data"]), len(second["data"])) == (7, 4, 3)
    assert "total_count" not in second
    assert second["data"][-1]["operate_details"] == "消息4"
    refused(await story.merchant.get(f"{path}?limit=301"), 400, "PARAM_ERROR")
    refused(await story.merchant.get(f"{path}?limit=0"), 400, "PARAM_ERROR")


async def test_platform_service_shows_in_detail_and_history(story):
    complaint = await story.complain()
    await story.payer(complaint, "apply_platform_service", "商家不理我")
    assert (await story.merchant.detail(complaint))["in_platform_service"] is True
    entry = (await story.merchant.history(complaint))[-1]
    assert entry["operate_type"] == "USER_APPLY_PLATFORM_SERVICE"
    assert entry["user_appy_platform_service_reason_description"] == "商家不理我"
    await story.payer(complaint, "finish_platform_service")
    assert (await story.merchant.detail(complaint))["in_platform_service"] is False


async def test_no_text_of_a_history_is_longer_than_five_hundred_characters(story):
    complaint = await story.complain()
    await story.payer(complaint, "message", "长" * 500)
    assert len((await story.merchant.history(complaint))[-1]["operate_details"]) == 500


async def test_a_complaint_of_the_past_is_listed_on_its_day(story):
    when = story.sandbox.clock.now() - timedelta(days=20)
    complaint = await story.complain(complaint_time=when.isoformat())
    found = (await story.merchant.get(days("2026-02-10", "2026-02-10"))).json()["data"]
    assert [one["complaint_id"] for one in found] == [complaint]
