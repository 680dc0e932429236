"""A desk that receives: the real receiver and writer over the test database, spoken to by somebody else's notices."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import httpx2
import psycopg

from kesu.intake.directory import Directory
from kesu.intake.receiver import Receiver
from kesu.intake.rejections import RejectionLog
from kesu.intake.writer import InboxWriter, connection_parameters
from kesu.threads import in_thread
from tests.factories import make_account

Request = tuple[Mapping[str, str], bytes]


class Desk:
    """One account whose platform keys are those of ``tests.keys``; its clock is the machine's, as the SDKs' is."""

    def __init__(self) -> None:
        self.account = make_account(now=datetime.now(UTC))
        self.rejections = RejectionLog()

    def receive(self, requests: Sequence[Request]) -> list[int]:
        """The statuses, in order."""
        return asyncio.run(self._receive(requests))

    def reasons(self) -> list[str]:
        """Why notices were refused, since the last question."""
        return [row.reason for row in self.rejections.take()]

    async def _receive(self, requests: Sequence[Request]) -> list[int]:
        async def no_more_keys(account_id: int) -> None:
            return

        writer = InboxWriter(lambda: psycopg.AsyncConnection.connect(**connection_parameters()))  # type: ignore[arg-type]
        receiver = Receiver(
            writer,
            Directory(),
            self.rejections,
            now=lambda: datetime.now(UTC),
            in_thread=in_thread,
            on_unknown_serial=no_more_keys,
        )
        path = f"/notify/wechatpay/{self.account.token}"
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(receiver), base_url="http://desk") as client:
            answers = [await client.post(path, headers=dict(headers), content=body) for headers, body in requests]
        await writer.close()
        return [answer.status_code for answer in answers]
