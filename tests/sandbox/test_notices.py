"""What is pushed, to whom, how it is sealed, and how often it is tried."""

from datetime import timedelta
from itertools import pairwise

import httpx2
import pytest

from kesu.sandbox.notices import retry_after

pytestmark = pytest.mark.anyio


def seconds(schedule, attempts):
    delay = retry_after(schedule, attempts, timedelta(0))
    return None if delay is None else int(delay.total_seconds())


def test_the_general_schedule_is_fifteen_retries_in_a_day():
    waits = [seconds("general", n) for n in range(1, 16)]
    assert waits[:4] == [15, 15, 30, 180]
    assert sum(waits) == 24 * 3600 + 4 * 60
    assert seconds("general", 16) is None


def test_the_complaint_schedule_goes_on_every_five_minutes():
    assert [seconds("complaint", n) for n in (1, 2, 11, 12, 999)] == [5, 60, 60, 300, 300]
    assert seconds("complaint", 1000) is None
    assert retry_after("complaint", 5, timedelta(days=7)) is None


async def test_a_new_complaint_is_pushed_with_id_and_action_only(story):
    await story.hook()
    complaint = await story.complain()
    await story.sandbox.run_due()
    (notice,) = story.opened()
    assert notice.event_type == "COMPLAINT.CREATE"
    assert notice.resource == {"complaint_id": complaint, "action_type": "CREATE_COMPLAINT"}
    assert notice.original_type == "complaint"
    request = story.receiver.requests[0]
    assert request.headers["wechatpay-serial"].startswith("PUB_KEY_ID_")
    assert request.headers["request-id"]
    for mchid in (story.shop, story.partner.account.mchid):
        assert mchid.encode() not in request.content


async def test_without_an_address_nothing_is_pushed(story):
    await story.complain()
    await story.sandbox.run_due()
    assert story.receiver.requests == []
    assert (await story.state())["notices"]["without_url"] == 1


async def test_a_partners_address_gets_all_its_sub_merchants(story):
    await story.hook(story.partner)
    mine = [await story.complain(sub) for sub in story.subs]
    await story.complain(story.shop)
    await story.sandbox.run_due()
    assert [notice.complaint_id for notice in story.opened(story.partner)] == mine


async def test_the_merchants_own_acts_are_never_pushed(story):
    await story.hook()
    complaint = await story.complain(problem_type="REFUND")
    await story.sandbox.run_due()
    await story.merchant.reply(complaint)
    await story.merchant.progress(complaint, "APPROVE")
    await story.merchant.complete(complaint)
    rejected = await story.complain(problem_type="REFUND")
    await story.merchant.progress(rejected, "REJECT")
    await story.control("POST", f"/complaints/{complaint}/merchant", {"do": "reply"})
    await story.sandbox.run_due()
    assert [notice.action_type for notice in story.opened()] == ["CREATE_COMPLAINT", "CREATE_COMPLAINT"]


async def test_what_payers_and_the_platform_do_is_pushed(story):
    await story.hook()
    complaint = await story.complain()
    for do in ("message", "apply_platform_service", "platform_message", "platform_urge", "finish_platform_service"):
        assert (await story.payer(complaint, do)).status_code == 200
    await story.merchant.reply(complaint)
    await story.merchant.complete(complaint)
    await story.payer(complaint, "dissatisfied")
    await story.payer(complaint, "continue")
    await story.sandbox.run_due()
    assert [notice.action_type for notice in story.opened()] == [
        "CREATE_COMPLAINT",
        "USER_RESPONSE",
        "USER_APPLY_PLATFORM_SERVICE",
        "RESPONSE_BY_PLATFORM",
        "RESPONSE_BY_PLATFORM",
        "PLATFORM_SERVICE_FINISHED",
        "CONTINUE_COMPLAINT",
    ]
    assert {notice.event_type for notice in story.opened()[1:]} == {"COMPLAINT.STATE_CHANGE"}
    assert len({notice.id for notice in story.opened()}) == 7


async def test_the_arrival_of_money_is_pushed(story):
    await story.hook()
    complaint = await story.complain(problem_type="REFUND", amount=5000)
    await story.merchant.refund(complaint, "R1", 5000)
    await story.pass_time(minutes=3)
    actions = [notice.action_type for notice in story.opened()]
    assert actions == ["CREATE_COMPLAINT", "SELLER_REFUND", "REFUND_SUCCESS"]


async def test_a_refund_with_an_address_gets_its_own_notice(story):
    complaint = await story.complain(amount=5000)
    await story.merchant.refund(complaint, "R1", 5000, notify_url="https://desk.test/refund")
    await story.pass_time(minutes=3)
    (notice,) = story.opened()
    assert (notice.event_type, notice.original_type) == ("REFUND.SUCCESS", "refund")
    assert (notice.resource["refund_status"], notice.resource["mchid"]) == ("SUCCESS", story.shop)
    assert str(story.receiver.requests[0].url) == "https://desk.test/refund"


@pytest.mark.parametrize("status", [200, 204])
async def test_200_and_204_acknowledge(story, status):
    await story.hook()
    story.receiver.status = status
    await story.complain()
    await story.pass_time(days=8)
    assert len(story.receiver.requests) == 1
    assert (await story.state())["notices"]["acked"] == 1


@pytest.mark.parametrize(
    ("schedule", "waits"),
    [("general", [15, 15, 30, 180, 600]), ("complaint", [5, 60, 60, 60, 60])],
)
@pytest.mark.parametrize("status", [500, 404, 302, 201, httpx2.ConnectError("refused")])
async def test_anything_else_is_tried_again_with_the_same_id(tell, schedule, waits, status):
    story = tell(retry_schedule=schedule)
    await story.hook()
    story.receiver.status = status
    await story.complain()
    await story.sandbox.run_due()
    for n, wait in enumerate(waits, start=1):
        assert len(story.receiver.requests) == n
        due = story.sandbox.next_due()
        assert due - story.sandbox.clock.now() == timedelta(seconds=wait)
        await story.pass_time(seconds=wait)
    assert len({notice.id for notice in story.opened()}) == 1
    times = [int(request.headers["wechatpay-timestamp"]) for request in story.receiver.requests]
    assert [later - earlier for earlier, later in pairwise(times)] == waits


@pytest.mark.parametrize(("schedule", "attempts"), [("general", 16), ("complaint", 1000)])
async def test_it_gives_up_in_the_end(tell, schedule, attempts):
    story = tell(retry_schedule=schedule)
    await story.hook()
    story.receiver.status = 500
    await story.complain()
    await story.play_until(story.sandbox.clock.now() + timedelta(days=8))
    assert len(story.receiver.requests) == attempts
    state = await story.state()
    assert (state["notices"]["given_up"], state["notices"]["pending"]) == (1, 0)


async def test_a_receiver_that_recovers_gets_it(story):
    await story.hook()
    story.receiver.status = 500
    complaint = await story.complain()
    await story.pass_time(seconds=1)
    story.receiver.status = 204
    await story.pass_time(seconds=15)
    assert {notice.complaint_id for notice in story.opened()} == {complaint}
    assert (await story.state())["notices"]["acked"] == 1


async def test_an_old_account_gets_notices_signed_with_the_certificate(tell):
    story = tell(signing="certificate")
    await story.hook()
    await story.complain()
    await story.sandbox.run_due()
    assert len(story.opened()) == 1
    assert story.receiver.requests[0].headers["wechatpay-serial"] == story.sandbox.identity.platform.serial_no
