"""In a storm the platform's rate makes histories wait: a new complaint is told from its detail, its history follows."""

from __future__ import annotations

from collections.abc import Callable

from kesu.alerts.models import Clock, Message
from kesu.alerts.services import add_channel
from kesu.complaints.models import Complaint, TimelineEntry
from kesu.sandbox import console, payer_acts
from kesu.sync.refreshing import BACKGROUND, FOREGROUND, refresh_due
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import in_thread
from kesu.wechatpay import Endpoint
from tests.sync.conftest import Office

ROBOT = "http://127.0.0.1/cgi-bin/webhook/send?key=a-robot-of-tests"


async def hear(office: Office, complaint_id: str) -> None:
    await in_thread(
        request_refresh, {(office.account.pk, complaint_id): "heard"}, priority=Priority.HEARD, now=office.now()
    )


async def in_a_storm(office: Office) -> None:
    """The next history is more than a second away."""
    _account, client = await office.gateway.client(office.account.pk)
    for _ in range(3):
        client.pacer.throttled(Endpoint.HISTORY)
        office.wait(seconds=1)
        client.pacer.throttled(Endpoint.HISTORY)
    assert client.pacer.waiting_time(Endpoint.HISTORY) > 1


async def told() -> list[str]:
    return await in_thread(lambda: sorted(Message.objects.values_list("kind", flat=True)))


def with_robot(office: Office) -> Callable[[], object]:
    return lambda: add_channel("群", "wecom_robot", {"webhook_url": ROBOT}, now=office.now())


def test_a_new_complaint_is_told_from_its_detail_and_its_history_follows(play):
    async def steps(office: Office) -> None:
        await in_thread(with_robot(office))
        (made,) = office.complain()
        await in_a_storm(office)
        await hear(office, made)
        assert await refresh_due(office.gateway, lane=FOREGROUND) == 1
        assert (office.requests("detail"), office.requests("history")) == (1, 0)
        assert await told() == ["new"]
        assert [row.priority for row in (await office.wanted()).values()] == [Priority.FOLLOWING]
        assert await refresh_due(office.gateway, lane=BACKGROUND) == 1
        assert await in_thread(TimelineEntry.objects.count) == 2
        assert await told() == ["new"]
        assert await office.wanted() == {}

    play(steps)


def test_one_that_the_payer_complained_about_before_is_not_told_without_its_history(play):
    async def steps(office: Office) -> None:
        await in_thread(with_robot(office))
        platform = office.sandbox.platform
        (made,) = office.complain(1, days_ago=2)
        complaint = platform.complaint(made)
        for verb in ("reply", "complete"):
            console.VERBS[verb](platform, complaint, console.Deed(), office.now())
        payer_acts.continue_complaint(platform, complaint, "没有解决", now=office.now())
        continued_at = office.now()
        await in_a_storm(office)
        await hear(office, made)
        assert await refresh_due(office.gateway, lane=FOREGROUND) == 1
        deadlines = await in_thread(lambda: dict(Clock.objects.values_list("kind", "deadline_at")))
        hours = {kind: (at - continued_at).total_seconds() / 3600 for kind, at in deadlines.items()}
        assert hours == {"reply": 24, "complete": 72}
        facts = await in_thread(lambda: Message.objects.get(kind="continued").facts)
        continuation = next(entry for entry in complaint.history if entry.operate_type == "USER_CONTINUE_COMPLAINT")
        assert facts["log_id"] == continuation.log_id

    play(steps)


def test_what_happens_in_a_known_case_is_told_with_its_words_and_once(play):
    async def steps(office: Office) -> None:
        await in_thread(with_robot(office))
        platform = office.sandbox.platform
        helped, written = office.complain(2)
        for made in (helped, written):
            await hear(office, made)
        await refresh_due(office.gateway)
        payer_acts.apply_platform_service(platform, platform.complaint(helped), "请平台介入", now=office.now())
        payer_acts.message(platform, platform.complaint(written), "有人吗", now=office.now())
        await in_a_storm(office)
        for made in (helped, written):
            await hear(office, made)
        assert await refresh_due(office.gateway, lane=FOREGROUND) == 2
        assert await told() == ["new", "new"]  # they wait for their turn in the other lane
        while await refresh_due(office.gateway):
            pass
        assert await told() == ["new", "new", "platform_service", "user_message"]
        assert await in_thread(Complaint.objects.count) == 2

    play(steps)


def test_a_new_complaint_that_is_with_the_platform_already_is_told_once(play):
    async def steps(office: Office) -> None:
        await in_thread(with_robot(office))
        platform = office.sandbox.platform
        (made,) = office.complain()
        payer_acts.apply_platform_service(platform, platform.complaint(made), "请平台介入", now=office.now())
        await in_a_storm(office)
        await hear(office, made)
        while await refresh_due(office.gateway):
            pass
        assert await told() == ["new", "platform_service"]

    play(steps)
