"""Deliveries: tried again, given up, delivered by hand; one endpoint's trouble is its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from kesu.audit.models import AuditEntry
from kesu.rules.hooks import RETRY_AFTER
from kesu.webhooks import claims, endpoints, queries
from kesu.webhooks.endpoints import EndpointError, Wanted
from kesu.webhooks.models import Delivery, DeliveryAttempt, Endpoint
from kesu.webhooks.sending import Sender
from tests.webhooks.receiver import Receiver, Unverified, verify

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
EVENTS = ["complaint.created"]


class Bench:
    """An hour of the desk's own, and a program that listens."""

    def __init__(self) -> None:
        self.now, self.receiver = NOW, Receiver()

    def add(self, path: str = "/hook", url: str = "") -> tuple[Endpoint, str]:
        wanted = Wanted(f"程序{path}", url or f"http://127.0.0.1{path}", EVENTS)
        return endpoints.add(wanted, created_by=None, now=self.now)

    def owe(self, endpoint: Endpoint) -> Delivery:
        return endpoints.send_test(endpoint, now=self.now)

    def send(self) -> int:
        async def once() -> int:
            sender = Sender(lambda: self.now, transport=self.receiver, jitter=lambda: 0.0)
            try:
                return await sender.send_due()
            finally:
                await sender.close()

        return asyncio.run(once())

    def pass_on(self, delivery: Delivery) -> None:
        delivery.refresh_from_db()
        self.now = max(self.now, delivery.due_at)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_it_is_tried_again_for_most_of_a_day_and_then_fails(bench: Bench) -> None:
    bench.receiver.answer(500, text="down")
    delivery = bench.owe(bench.add()[0])
    waits = []
    while bench.send():
        before = bench.now
        bench.pass_on(delivery)
        waits.append((bench.now - before).total_seconds())
    assert tuple(waits[:-1]) == RETRY_AFTER
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error, delivery.attempts) == ("failed", "HTTP 500", 9)
    assert {request.headers["webhook-id"] for request in bench.receiver.requests} == {str(delivery.event.event_id)}
    assert set(delivery.log.values_list("outcome", "status", "response")) == {("failed", 500, "down")}


def test_each_try_is_signed_at_its_own_time(bench: Bench) -> None:
    endpoint, secret = bench.add()
    delivery = bench.owe(endpoint)
    bench.receiver.answer(503)
    bench.send()
    bench.pass_on(delivery)
    bench.receiver.answer(204)
    bench.send()
    first, second = bench.receiver.requests
    assert first.content == second.content
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5
    assert verify(secret, second.headers, second.content, seconds=bench.now.timestamp())["type"] == "webhook.test"
    with pytest.raises(Unverified):
        verify(secret, second.headers, second.content + b" ", seconds=bench.now.timestamp())


def test_410_switches_the_endpoint_off_at_once_and_says_so(bench: Bench) -> None:
    endpoint, _secret = bench.add()
    bench.receiver.answer(410)
    delivery, other = bench.owe(endpoint), bench.owe(endpoint)
    bench.send()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason) == (False, claims.NOT_WANTED)
    assert queries.state(endpoint) == "off"
    for row in (delivery, other):
        row.refresh_from_db()
        assert row.state == "failed"
    entry = AuditEntry.objects.get()
    assert (entry.subject, entry.details) == ("webhook:程序/hook", {"disabled": claims.NOT_WANTED})
    with pytest.raises(EndpointError):
        endpoints.send_test(endpoint, now=bench.now)


def test_an_endpoint_that_takes_nothing_for_three_days_is_switched_off(bench: Bench) -> None:
    endpoint, _secret = bench.add()
    bench.receiver.answer(500)
    for _day in range(4):
        delivery = bench.owe(endpoint)
        while bench.send():
            bench.pass_on(delivery)
        endpoint.refresh_from_db()
        if not endpoint.enabled:
            break
        assert queries.state(endpoint) == "failing"
        bench.now += timedelta(hours=2)
    assert endpoint.disabled_reason == claims.REFUSED_TOO_LONG
    assert timedelta(days=3) <= bench.now - NOW <= timedelta(days=4)


def test_one_that_works_in_between_is_not_switched_off(bench: Bench) -> None:
    endpoint, _secret = bench.add()
    for _day in range(5):
        bench.receiver.answer(500)
        delivery = bench.owe(endpoint)
        while bench.send():
            bench.pass_on(delivery)
        bench.receiver.answer(200)
        bench.owe(endpoint)
        bench.send()
    endpoint.refresh_from_db()
    assert endpoint.enabled
    assert endpoint.failing_since is None


def test_delivered_by_hand_it_has_the_same_id_and_all_tries_anew(bench: Bench) -> None:
    delivery = bench.owe(bench.add()[0])
    bench.send()
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    endpoints.redeliver(delivery, now=bench.now)
    bench.receiver.answer(500)
    bench.send()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.failures, delivery.attempts) == ("pending", 1, 2)
    assert len({request.headers["webhook-id"] for request in bench.receiver.requests}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(bench: Bench, status: int) -> None:
    bench.receiver.answer(status, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    delivery = bench.owe(bench.add()[0])
    bench.send()
    assert len(bench.receiver.requests) == 1
    delivery.refresh_from_db()
    assert delivery.error == "redirects are not followed"


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "0x7f.1", "100.64.0.1"])
def test_the_inside_of_a_network_is_never_asked(bench: Bench, host: str) -> None:
    delivery = bench.owe(bench.add(url=f"https://{host}/hook")[0])
    bench.send()
    assert bench.receiver.requests == []
    delivery.refresh_from_db()
    assert delivery.state == "pending"
    assert delivery.error


def test_an_installation_may_allow_its_own_network(bench: Bench, settings: Any) -> None:
    settings.KESU_WEBHOOK_ALLOW_PRIVATE = True
    bench.owe(bench.add(url="https://10.0.0.1/hook")[0])
    bench.send()
    assert bench.receiver.requests[0].url.host == "10.0.0.1"


def test_of_a_long_answer_only_the_beginning_is_kept(bench: Bench) -> None:
    bench.receiver.answer(500, content=b"\x00\xff" + "坏".encode() * 10_000)
    delivery = bench.owe(bench.add()[0])
    bench.send()
    kept = delivery.log.get().response
    assert 400 < len(kept) <= 500
    assert "\x00" not in kept


def test_a_worker_that_died_after_sending_leaves_it_to_another_with_the_same_id(bench: Bench) -> None:
    """At least once: nobody knows whether the first arrived."""
    endpoint, _secret = bench.add()
    delivery = bench.owe(endpoint)

    class Died(BaseException):
        pass

    def die() -> httpx2.Response:
        raise Died

    bench.receiver.answers["/hook"] = die
    with pytest.raises(Died):
        bench.send()
    assert bench.send() == 0  # leased
    bench.now += claims.LEASE
    bench.receiver.answer(204)
    assert bench.send() == 1
    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    first, second = bench.receiver.requests
    assert (first.headers["webhook-id"], first.content) == (second.headers["webhook-id"], second.content)
    assert list(delivery.log.order_by("number").values_list("outcome", flat=True)) == ["interrupted", "delivered"]


def test_a_late_answer_of_a_lost_lease_does_not_undo_what_was_delivered(bench: Bench) -> None:
    delivery = bench.owe(bench.add()[0])
    [lost] = claims.claim(delivery.endpoint_id, now=bench.now, limit=1)
    bench.now += claims.LEASE
    bench.send()
    claims.settle(lost, claims.Answer(500, "HTTP 500"), now=bench.now, milliseconds=1, jitter=0.0)
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_a_slow_endpoint_holds_up_no_other(bench: Bench) -> None:
    slow, fast = bench.add("/slow")[0], bench.add("/fast")[0]
    bench.owe(slow)
    quick = bench.owe(fast)

    async def story() -> None:
        release = asyncio.Event()
        answer = bench.receiver.handle_async_request

        async def hold(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/slow":
                await release.wait()
            return await answer(request)

        bench.receiver.handle_async_request = hold  # type: ignore[method-assign]
        sender = Sender(lambda: bench.now, transport=bench.receiver)
        assert await sender.start_due() == 2
        while not await asyncio.to_thread(_is_delivered, quick.pk):
            await asyncio.sleep(0.01)
        assert bench.receiver.at("/slow") == []
        release.set()
        await sender.close()

    asyncio.run(story())
    assert len(bench.receiver.at("/slow")) == 1


def _is_delivered(pk: int) -> bool:
    from django.db import connection

    try:
        return Delivery.objects.filter(pk=pk, state="delivered").exists()
    finally:
        connection.close()


def test_while_a_secret_is_replaced_both_sign_for_a_day(bench: Bench) -> None:
    endpoint, old = bench.add()
    new = endpoints.rotate(endpoint, now=bench.now)
    assert new != old
    for hours, valid in ((0, [old, new]), (23, [old, new]), (25, [new])):
        bench.now = NOW + timedelta(hours=hours)
        bench.owe(endpoint)
        bench.send()
        request = bench.receiver.requests[-1]
        assert [secret for secret in (old, new) if _fits(secret, request, bench.now)] == valid


def _fits(secret: str, request: httpx2.Request, now: datetime) -> bool:
    try:
        verify(secret, request.headers, request.content, seconds=now.timestamp())
    except Unverified:
        return False
    return True


def test_neither_secret_nor_address_is_in_a_log_line_or_stored_in_the_clear(bench: Bench, capsys: Any) -> None:
    from django.db import connection

    endpoint, secret = bench.add("/token-5ecret")
    bench.receiver.answer(500, "/token-5ecret")
    bench.owe(endpoint)
    bench.send()
    said = "".join(capsys.readouterr())
    with connection.cursor() as cursor:
        cursor.execute(
            "select e::text || d::text || a::text from webhooks_endpoint e, webhooks_delivery d,"
            " webhooks_deliveryattempt a"
        )
        said += str(cursor.fetchall())
    assert secret not in said
    assert "token-5ecret" not in said.replace("程序/token-5ecret", "")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted("", "https://example.com/", EVENTS), "name"),
        (Wanted("程序", "http://example.com/", EVENTS), "url"),
        (Wanted("程序", "https://a:b@example.com/", EVENTS), "url"),
        (Wanted("程序", "file:///etc/passwd", EVENTS), "url"),
        (Wanted("程序", "https://example.com/", []), "events"),
        (Wanted("程序", "https://example.com/", ["complaint.exploded"]), "events"),
        (Wanted("程序", "https://example.com/", ["webhook.test"]), "events"),
        (Wanted("程序", "https://example.com/", EVENTS, None, "1900000211"), "sub_mchid"),
    ],
)
def test_what_cannot_be_right_is_refused(wanted: Wanted, field: str) -> None:
    with pytest.raises(EndpointError) as caught:
        endpoints.add(wanted, created_by=None, now=NOW)
    assert caught.value.field == field
    assert not Endpoint.objects.exists()


def test_a_name_is_given_once(bench: Bench) -> None:
    bench.add()
    with pytest.raises(EndpointError):
        bench.add()


def test_every_try_is_in_the_log(bench: Bench) -> None:
    endpoint, _secret = bench.add()
    bench.owe(endpoint)
    bench.send()
    [row] = queries.log(endpoint)
    [attempt] = row.log.all()
    assert (attempt.outcome, attempt.status) == (DeliveryAttempt.Outcome.DELIVERED, 204)
    assert queries.log(endpoint, before=row.pk) == []
