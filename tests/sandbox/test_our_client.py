"""Kesu's own client uses every endpoint of the sandbox: what one sends, the other understands."""

from datetime import date

import httpx2
import pytest

from kesu.wechatpay import (
    AlreadyExists,
    Client,
    MerchantCredentials,
    NoAuth,
    NotFound,
    RateLimited,
    ResponseNotVerified,
    WrongState,
    decrypt_sensitive,
    text_block,
)

pytestmark = pytest.mark.anyio
DAYS = (date(2026, 3, 1), date(2026, 3, 2))


def client_of(story, caller):
    account = caller.account
    credentials = MerchantCredentials(
        account.mchid, account.keys.serial_no, account.keys.private_key, apiv3_keys=(account.apiv3_key,)
    )
    return Client(
        credentials,
        story.platform_keys,
        now=story.sandbox.clock.now,
        transport=httpx2.ASGITransport(story.sandbox.app),
        base_url=story.sandbox.base_url,
    )


async def test_every_row_is_listed_even_when_pages_are_too_large(tell):
    story = tell(list_bytes_limit=15_000)
    await story.control("POST", "/complaints", {"mchid": story.shop, "count": 60})
    async with client_of(story, story.merchant) as client:
        found = [c.complaint_id async for page in client.iterate_complaints(*DAYS) for c in page.complaints]
    assert sorted(found) == sorted(story.sandbox.state.complaints)


async def test_a_complaint_from_reading_to_completion(story):
    complaint_id = await story.complain(phone="13800001234", pictures=1)
    async with client_of(story, story.merchant) as client:
        complaint = await client.get_complaint(complaint_id)
        assert complaint.complaint_time == story.sandbox.clock.now()
        keys = client.credentials.private_keys
        assert decrypt_sensitive(keys, complaint.payer_phone or "") == "13800001234"
        image = await client.download_image(complaint.complaint_media_list[0].media_url[0])
        assert image.content_type == "image/png"
        media_id = await client.upload_image("proof.png", image.content)
        await client.reply(complaint_id, mchid=story.shop, content="您好", images=[media_id])
        entry = (await client.whole_history(complaint_id)).entries[-1]
        assert (entry.operate_type, entry.operate_details) == ("MERCHANT_RESPONSE", "您好")
        assert (await client.download_image(entry.image_list[0])).content == image.content
        await client.complete(complaint_id, mchid=story.shop)
        with pytest.raises(WrongState):
            await client.complete(complaint_id, mchid=story.shop)


async def test_the_callback_address(story):
    async with client_of(story, story.merchant) as client:
        assert await client.get_notify_url() is None
        await client.create_notify_url("https://desk.test/n")
        with pytest.raises(AlreadyExists):
            await client.create_notify_url("https://desk.test/n")
        assert (await client.update_notify_url("https://desk.test/m")).url == "https://desk.test/m"
        await client.delete_notify_url()
        assert await client.get_notify_url() is None


async def test_a_partners_refund_ticket(story):
    sub = story.subs[1]
    complaint_id = await story.complain(sub, problem_type="REFUND", amount=5000)
    async with client_of(story, story.partner) as client:
        order = (await client.get_complaint(complaint_id)).complaint_order_info[0]
        await client.approve_refund(complaint_id, launch_refund_day=0)
        with pytest.raises(WrongState):
            await client.approve_refund(complaint_id, launch_refund_day=0)
        refund = await client.create_refund(
            out_refund_no="R1", refund=5000, total=5000, transaction_id=order.transaction_id, sub_mchid=sub
        )
        assert refund.status == "PROCESSING"
        await story.pass_time(minutes=3)
        assert (await client.query_refund("R1", sub_mchid=sub)).status == "SUCCESS"
        assert (await client.query_order(transaction_id=order.transaction_id, sub_mchid=sub)).trade_state == "REFUND"
        complaint = await client.get_complaint(complaint_id)
        assert (complaint.complaint_state, complaint.complaint_full_refunded) == ("PROCESSED", True)
        with pytest.raises(NotFound):
            await client.query_refund("R2", sub_mchid=sub)


async def test_an_immediate_reply_and_a_rejection(story):
    urgent = await story.complain(need_immediate_service=True, problem_type="REFUND")
    async with client_of(story, story.merchant) as client:
        sent = [
            await client.reply_immediate_service(
                urgent, mchid=story.shop, blocks=[text_block("您好")], idempotent_id="one"
            )
            for _ in range(2)
        ]
        assert sent[0] == sent[1]
        await client.reject_refund(urgent, reason="已使用")
        assert (await client.get_complaint(urgent)).complaint_state == "PROCESSED"


async def test_certificates_and_their_absence(story, tell):
    async with client_of(story, story.merchant) as client:
        (certificate,) = (await client.download_certificates()).certificates
        assert certificate.serial_no == story.sandbox.identity.platform.serial_no
    new = tell(signing="public_key")
    async with client_of(new, new.merchant) as client:
        assert (await client.download_certificates()).certificates == ()


async def test_refusals_are_understood(story):
    foreign = await story.complain(story.subs[0])
    async with client_of(story, story.merchant) as client:
        with pytest.raises(NoAuth):
            await client.get_complaint(foreign)
        own = await story.complain()
        await story.fault("wechatpay", "errcode", value="FREQUENCY_LIMITED", path="/response", count=1)
        with pytest.raises(RateLimited):
            await client.reply(own, mchid=story.shop, content="您好")
        await story.fault("wechatpay", "forge", count=1, path="/response")
        with pytest.raises(ResponseNotVerified):
            await client.reply(own, mchid=story.shop, content="您好")
