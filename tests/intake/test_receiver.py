"""Notices come in: what is genuine is durable before it is acknowledged, everything else is refused with a reason."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx2
import psycopg
import pytest
from django.db import connection

from kesu.intake import rejections
from kesu.intake.directory import Directory
from kesu.intake.models import Notice, Rejection
from kesu.intake.receiver import Receiver
from kesu.intake.writer import InboxWriter, connection_parameters
from kesu.merchants import services
from kesu.threads import in_thread
from kesu.wechatpay import seal_notice
from tests.factories import NOW, make_account
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, private_key, public_pem

pytestmark = pytest.mark.django_db(transaction=True)


class Desk:
    """A receiver over the test database, spoken to as the platform would."""

    def __init__(self) -> None:
        self.account = make_account()
        self.rejections = rejections.RejectionLog()
        self.asked_for_keys: list[int] = []
        self.now = NOW
        self.connect = lambda: psycopg.AsyncConnection.connect(**connection_parameters())

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[httpx2.AsyncClient]:
        async def fetch_keys(account_id: int) -> None:
            self.asked_for_keys.append(account_id)

        writer = InboxWriter(lambda: self.connect())
        receiver = Receiver(
            writer,
            Directory(),
            self.rejections,
            now=lambda: self.now,
            in_thread=in_thread,
            on_unknown_serial=fetch_keys,
        )
        transport = httpx2.ASGITransport(receiver)
        async with httpx2.AsyncClient(transport=transport, base_url="http://desk") as client:
            yield client
        await writer.close()

    def notice(self, **changes: object) -> tuple[dict[str, str], bytes]:
        values: dict[str, object] = {
            "private_key": private_key("platform"),
            "serial": PUBLIC_KEY_ID,
            "apiv3_key": APIV3_KEY,
            "payload": {"complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT"},
            "now": NOW,
            "id": "7c1f9a2e-0000-4000-8000-000000000001",
            "event_type": "COMPLAINT.CREATE",
        }
        return seal_notice(**(values | changes))  # type: ignore[arg-type]

    @property
    def path(self) -> str:
        return f"/notify/wechatpay/{self.account.token}"

    def deliver(
        self, *requests: tuple[dict[str, str], bytes], method: str = "POST", path: str = ""
    ) -> list[httpx2.Response]:
        """Send all at once; the answers in order."""

        async def run() -> list[httpx2.Response]:
            async with self.serving() as client:
                calls = [
                    client.request(method, path or self.path, headers=headers, content=body)
                    for headers, body in requests
                ]
                return await asyncio.gather(*calls)

        return asyncio.run(run())

    def refused(self) -> list[str]:
        return [row.reason for row in self.rejections.take()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_genuine_notice_is_stored_and_acknowledged_with_an_empty_204(desk: Desk):
    [answer] = desk.deliver(desk.notice())
    assert (answer.status_code, answer.content) == (204, b"")
    notice = Notice.objects.get()
    assert (notice.complaint_id, notice.action_type, notice.state) == (
        "200201820200101080076610000",
        "CREATE_COMPLAINT",
        "received",
    )
    assert notice.account == desk.account


def test_a_notice_signed_with_the_platform_certificate_is_accepted_beside_the_public_key(desk: Desk):
    answers = desk.deliver(desk.notice(), desk.notice(serial="7e57", id="another"))
    assert [answer.status_code for answer in answers] == [204, 204]
    assert Notice.objects.count() == 2


def test_the_same_notice_sent_again_is_acknowledged_and_stored_once(desk: Desk):
    answers = desk.deliver(*[desk.notice()] * 5)
    assert {answer.status_code for answer in answers} == {204}
    assert Notice.objects.count() == 1


def test_equal_acts_with_different_envelopes_are_different_notices(desk: Desk):
    desk.deliver(desk.notice(id="one"), desk.notice(id="two"))
    assert Notice.objects.count() == 2


def test_many_notices_at_once_are_all_durable(desk: Desk):
    answers = desk.deliver(*[desk.notice(id=f"n{number}") for number in range(700)])
    assert {answer.status_code for answer in answers} == {204}
    assert Notice.objects.count() == 700


def test_an_unknown_action_type_is_kept(desk: Desk):
    [answer] = desk.deliver(desk.notice(payload={"complaint_id": "1", "action_type": "SOMETHING_NEW"}))
    assert answer.status_code == 204
    assert Notice.objects.get().action_type == "SOMETHING_NEW"


def tampered(desk: Desk) -> tuple[dict[str, str], bytes]:
    headers, body = desk.notice()
    return headers, body.replace(b"COMPLAINT.CREATE", b"COMPLAINT.UPDATE")


def probe(desk: Desk) -> tuple[dict[str, str], bytes]:
    headers, body = desk.notice()
    return headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc/def"}, body


def unsigned(desk: Desk) -> tuple[dict[str, str], bytes]:
    headers, body = desk.notice()
    return {name: value for name, value in headers.items() if name != "Wechatpay-Signature"}, body


@pytest.mark.parametrize(
    ("make", "status", "reason"),
    [
        (tampered, 401, "bad_signature"),
        (probe, 401, "signature_probe"),
        (unsigned, 401, "missing_headers"),
        (lambda desk: desk.notice(private_key=private_key("stranger")), 401, "bad_signature"),
        (lambda desk: desk.notice(now=NOW - timedelta(minutes=6)), 401, "stale_timestamp"),
        (lambda desk: desk.notice(now=NOW + timedelta(minutes=6)), 401, "stale_timestamp"),
        (lambda desk: desk.notice(apiv3_key="another-apiv3-key-of-32-letters!"), 400, "not_decryptable"),
        (lambda desk: desk.notice(serial="PUB_KEY_ID_9"), 401, "unknown_serial"),
    ],
)
def test_what_is_not_genuine_is_refused_with_its_reason(desk: Desk, make, status: int, reason: str):
    [answer] = desk.deliver(make(desk))
    assert answer.status_code == status
    assert answer.json()["code"] == "FAIL"
    assert desk.refused() == [reason]
    assert not Notice.objects.exists()


def test_something_signed_that_is_no_json_is_refused(desk: Desk):
    from kesu.wechatpay import signed_headers

    nested = b'{"a":' * 50_000
    requests = [
        (signed_headers(private_key("platform"), PUBLIC_KEY_ID, body, now=NOW), body)
        for body in (b"hello", nested, "投诉".encode("gbk"), b"[]", b"")
    ]
    answers = desk.deliver(*requests)
    assert {answer.status_code for answer in answers} == {400}


def test_more_than_a_megabyte_is_refused(desk: Desk):
    headers, body = desk.notice()
    [answer] = desk.deliver((headers, body + b" " * (1024 * 1024)))
    assert answer.status_code == 413
    assert desk.refused() == ["too_large"]


def test_another_method_and_an_unknown_address_are_refused(desk: Desk):
    assert desk.deliver(desk.notice(), method="GET")[0].status_code == 405
    assert desk.deliver(desk.notice(), path="/notify/wechatpay/guess")[0].status_code == 404
    assert desk.refused() == ["wrong_method", "unknown_token"]


def test_a_notice_at_another_accounts_address_is_refused(desk: Desk):
    other = make_account("1900000002", apiv3_key="the-other-accounts-apiv3-key-32c")
    [answer] = desk.deliver(desk.notice(), path=f"/notify/wechatpay/{other.token}")
    assert answer.status_code == 400
    assert desk.refused() == ["not_decryptable"]


def test_the_previous_apiv3_key_is_accepted_during_its_grace_time_only(desk: Desk):
    services.set_apiv3_key(
        desk.account, "the-new-apiv3-key-of-32-letters!", accept_previous_until=NOW + timedelta(hours=1), now=NOW
    )
    assert desk.deliver(desk.notice())[0].status_code == 204
    desk.now = NOW + timedelta(hours=2)
    assert desk.deliver(desk.notice(now=desk.now, id="late"))[0].status_code == 400


def test_a_key_added_after_the_start_is_found_when_its_serial_is_met(desk: Desk):
    async def run() -> list[int]:
        async with desk.serving() as client:
            headers, body = desk.notice(serial="PUB_KEY_ID_2", private_key=private_key("second"))
            statuses = [(await client.post(desk.path, headers=headers, content=body)).status_code]
            await in_thread(services.add_platform_key, desk.account, "PUB_KEY_ID_2", public_pem("second"), now=NOW)
            while statuses[-1] == 401:  # rereading is rate-limited: the platform simply sends again
                statuses.append((await client.post(desk.path, headers=headers, content=body)).status_code)
                await asyncio.sleep(0.05)
            return statuses

    statuses = asyncio.run(run())
    assert statuses[0] == 401
    assert statuses[-1] == 204
    assert desk.asked_for_keys


def test_nothing_is_acknowledged_while_the_database_refuses(desk: Desk):
    async def refuse() -> psycopg.AsyncConnection:
        raise psycopg.OperationalError("disk full")

    desk.connect = refuse
    [answer] = desk.deliver(desk.notice())
    assert answer.status_code == 503
    assert not Notice.objects.exists()


def test_the_writer_gets_a_new_connection_when_the_old_one_was_cut(desk: Desk):
    opened: list[psycopg.AsyncConnection] = []

    async def connect() -> psycopg.AsyncConnection:
        opened.append(await psycopg.AsyncConnection.connect(**connection_parameters()))
        return opened[-1]

    async def run() -> list[int]:
        async with desk.serving() as client:
            statuses = []
            for number in range(2):
                headers, body = desk.notice(id=f"n{number}")
                statuses.append((await client.post(desk.path, headers=headers, content=body)).status_code)
                await in_thread(cut, opened[0].info.backend_pid)
            return statuses

    desk.connect = connect
    assert asyncio.run(run()) == [204, 204]
    assert len(opened) == 2


def cut(backend: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [backend])


def test_the_reject_log_is_bounded_and_counts_repetitions(desk: Desk):
    log = rejections.RejectionLog()
    for number in range(5000):
        log.add(NOW, None, "unknown_token", "", f"10.0.{number % 300 // 250}.{number % 250}", 0)
    waiting = log.take()
    assert len(waiting) == rejections.BUFFERED
    assert sum(row.count for row in waiting) + log.dropped == 5000
    for _ in range(7):
        rejections.store([Rejection(at=NOW, reason="probe") for _ in range(200)])
    assert Rejection.objects.count() == rejections.KEPT


def test_no_secret_of_a_notice_reaches_the_reject_log(desk: Desk):
    desk.deliver(desk.notice(apiv3_key="another-apiv3-key-of-32-letters!"))
    [row] = desk.rejections.take()
    assert APIV3_KEY not in row.detail
    assert desk.account.token not in json.dumps(row.detail)
    assert isinstance(row.at, datetime)
