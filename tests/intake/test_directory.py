"""Whose address it is, is known from memory: read once for all who wait, and kept while the database is away."""

from __future__ import annotations

import asyncio
from datetime import datetime

import django.db
import httpx2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kesu.intake import directory
from kesu.intake.receiver import Receiver
from kesu.intake.rejections import RejectionLog
from kesu.intake.writer import Arrival, InboxWriter
from kesu.merchants.models import Account
from kesu.threads import in_thread
from kesu.wechatpay import seal_notice
from tests.factories import NOW, make_account
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, private_key

pytestmark = pytest.mark.django_db(transaction=True)


class Accounts(directory.Directory):
    """Counts its readings; the database can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.readings, self.database_is_away = 0, False

    def reread(self, now: datetime) -> None:
        self.readings += 1
        if self.database_is_away:
            self.is_current = False
            raise django.db.OperationalError("away")
        super().reread(now)


class Inbox(InboxWriter):
    """Takes everything; what is stored is not the matter here."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    def write(self, arrival: Arrival) -> asyncio.Future[None]:
        self.arrivals.append(arrival)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def post(accounts: Accounts, token: str, count: int = 1) -> list[int]:
    """Send ``count`` genuine notices at once; the statuses."""

    async def fetch_keys(account_id: int) -> None:
        raise AssertionError("every key is known")

    async def run() -> list[int]:
        receiver = Receiver(
            Inbox(), accounts, RejectionLog(), now=lambda: NOW, in_thread=in_thread, on_unknown_serial=fetch_keys
        )
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(receiver), base_url="http://desk") as client:
            calls = [
                client.post(f"/notify/wechatpay/{token}", headers=headers, content=body)
                for headers, body in (notice(str(number)) for number in range(count))
            ]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    return asyncio.run(run())


def notice(id: str) -> tuple[dict[str, str], bytes]:
    return seal_notice(
        private_key=private_key("platform"),
        serial=PUBLIC_KEY_ID,
        apiv3_key=APIV3_KEY,
        payload={"complaint_id": "1", "action_type": "CREATE_COMPLAINT"},
        now=NOW,
        id=id,
        event_type="COMPLAINT.CREATE",
    )


def test_a_crowd_at_the_start_makes_one_reading():
    accounts = Accounts()
    assert set(post(accounts, make_account().token, count=50)) == {204}
    assert accounts.readings == 1


def test_known_accounts_are_served_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch):
    accounts, token = Accounts(), make_account().token
    post(accounts, token)
    accounts.database_is_away = True
    monkeypatch.setattr(directory, "REREAD_SECONDS", 0)
    assert post(accounts, token) == [204]
    assert accounts.readings == 2


def test_an_address_is_not_called_unknown_while_the_database_is_away():
    accounts, token = Accounts(), make_account().token
    accounts.database_is_away = True
    assert post(accounts, token) == [503]
    accounts.database_is_away = False
    assert post(accounts, token) == [204]


def test_a_reading_asks_the_database_as_often_for_ten_accounts_as_for_one() -> None:
    accounts = directory.Directory()
    for number in range(10):
        make_account(f"19000001{number:02}")
        if not number:
            with CaptureQueriesContext(connection) as for_one:
                accounts.reread(NOW)
    with CaptureQueriesContext(connection) as for_ten:
        accounts.reread(NOW)
    assert (len(for_one), len(for_ten)) == (3, 3)
    found = accounts.find(Account.objects.first().token)
    assert found.apiv3_keys == (APIV3_KEY,)
