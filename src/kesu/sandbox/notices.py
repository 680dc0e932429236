"""Pushing notices: which history entries are pushed, to whom, how often, and what counts as acknowledged.

Sources: 投诉通知回调 (NTF-23/25), 回调通知处理. A complaint's notice holds complaint_id and action_type and
nothing else; the merchant's own acts are never pushed (FAQ-C Q2).
"""

from __future__ import annotations

import asyncio
import heapq
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import httpx2

from kesu.sandbox.faults import Fault, Faults
from kesu.sandbox.identity import Account
from kesu.sandbox.platform import Platform
from kesu.sandbox.policy import RetrySchedule
from kesu.sandbox.state import Complaint, Entry, Notice
from kesu.wechatpay.notice import seal_notice
from kesu.wechatpay.signing import PROBE_PREFIX, signed_headers

PUSHED = {
    "USER_CREATE_COMPLAINT": "CREATE_COMPLAINT",
    "USER_CONTINUE_COMPLAINT": "CONTINUE_COMPLAINT",
    "USER_RESPONSE": "USER_RESPONSE",
    "USER_CLICK_RESPONSE": "USER_RESPONSE",
    "PLATFORM_RESPONSE": "RESPONSE_BY_PLATFORM",
    "PLATFORM_HELP_APPLICATION": "RESPONSE_BY_PLATFORM",
    "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE": "SELLER_REFUND",
    "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE": "REFUND_SUCCESS",
    "USER_APPLY_PLATFORM_SERVICE": "USER_APPLY_PLATFORM_SERVICE",
    "USER_CANCEL_PLATFORM_SERVICE": "USER_CANCEL_PLATFORM_SERVICE",
    "PLATFORM_SERVICE_FINISHED": "PLATFORM_SERVICE_FINISHED",
}
"""history operate_type -> action_type of the notice. What is not in here is not pushed. No page says how a press is
told; it is a new message of the payer (assumption)."""

ACKNOWLEDGED = (200, 204)
ANSWER_WITHIN = 5.0
"""Real seconds."""

_GENERAL = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
_COMPLAINT_TRIES, _COMPLAINT_SPAN = 1000, timedelta(days=7)
KEPT_NOTICES = 20_000


def retry_after(schedule: RetrySchedule, attempts: int, age: timedelta) -> timedelta | None:
    """When to push again after `attempts` failures; None: never.

    general: 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h (NTF-21).
    complaint: 5 s, then 1 min ten times, then every 5 min, at most 1000 tries or one week (NTF-23).
    """
    if schedule == "general":
        return timedelta(seconds=_GENERAL[attempts - 1]) if attempts <= len(_GENERAL) else None
    if attempts >= _COMPLAINT_TRIES or age >= _COMPLAINT_SPAN:
        return None
    return timedelta(seconds=5 if attempts == 1 else 60 if attempts <= 11 else 300)


class Courier:
    """Turns history entries into notices and delivers those that are due, at most `concurrency` at once."""

    def __init__(
        self,
        platform: Platform,
        faults: Faults,
        random: Random,
        *,
        serial_for: Callable[[Account], str],
        transport: httpx2.AsyncBaseTransport | None = None,
        concurrency: int = 1,
    ) -> None:
        self._platform = platform
        self._state = platform.state
        self._faults = faults
        self._random = random
        self._serial_for = serial_for
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None
        self._gate = asyncio.Semaphore(concurrency)
        self._sealed: dict[str, bytes] = {}
        pending = [n for n in self._state.notices.values() if n.status == "pending"]
        self._due = [(n.due_at, order, n) for order, n in enumerate(pending)]
        self._order = len(pending)
        heapq.heapify(self._due)
        platform.listeners.append(self.hear)

    def hear(self, complaint: Complaint, entry: Entry) -> None:
        """Make the notice of a new history entry, if it is one that is pushed and there is an address."""
        action_type = PUSHED.get(entry.operate_type)
        account = self._platform.identity.owner_of(complaint.mchid)
        if action_type is None or account is None:
            return
        if account.mchid not in self._state.notify_urls:
            self._state.count("notices_without_url")
            return
        event = "COMPLAINT.CREATE" if action_type == "CREATE_COMPLAINT" else "COMPLAINT.STATE_CHANGE"
        payload = {"complaint_id": complaint.complaint_id, "action_type": action_type}
        self._add(account, event, payload, entry.operated_at)

    def push_refund(self, account: Account, url: str, status: str, payload: dict[str, Any], now: datetime) -> None:
        """The notice of a refund's result, to the address that came with the refund."""
        self._add(account, f"REFUND.{status}", payload, now, original_type="refund", url=url)

    def push_violation(
        self, account: Account, url: str, event_type: str, payload: dict[str, Any], now: datetime
    ) -> None:
        """商户平台处置通知: what was done to a sub-merchant, to the address of the provider's violation notices."""
        self._add(account, event_type, payload, now, original_type="violation", url=url)

    def next_due(self) -> datetime | None:
        return self._due[0][0] if self._due else None

    def start_due(self, now: Callable[[], datetime]) -> list[asyncio.Task[None]]:
        """Begin to deliver what is due. `now` is asked again for each push, because pushing takes time."""
        tasks = []
        while self._due and self._due[0][0] <= now():
            notice = heapq.heappop(self._due)[2]
            tasks.append(asyncio.create_task(self._deliver(notice, now)))
        return tasks

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _deliver(self, notice: Notice, now: Callable[[], datetime]) -> None:
        async with self._gate:
            fault = self._faults.strike("notice")
            if fault and fault.kind == "drop":
                self._finish(notice, "lost", "dropped on request")
            elif fault and fault.kind == "reorder" and not notice.held:
                notice.held = True
                self._schedule(notice, now() + timedelta(seconds=fault.number(30)))
            else:
                await self._attempt(notice, fault, now)

    async def _attempt(self, notice: Notice, fault: Fault | None, now: Callable[[], datetime]) -> None:
        account = self._platform.identity.account(notice.account)
        url = notice.url or self._state.notify_urls.get(notice.account)
        if url is None or account is None:
            self._finish(notice, "no_url", "the notify URL was deleted")
            return
        if fault and fault.kind in ("forge", "signtest"):
            await self._push_a_wrong_one(notice, account, url, fault.kind, now())
        notice.attempts += 1
        status = await self._push(notice, account, url, now())
        if fault and fault.kind == "duplicate":
            for _ in range(int(fault.number(1))):
                self._state.count("notices_duplicated")
                await self._push(notice, account, url, now())
        if fault and fault.kind == "status":
            status = int(fault.number(500))
        elif fault and fault.kind == "timeout":
            status = None
        notice.last_answer = "no answer" if status is None else str(status)
        if status in ACKNOWLEDGED:
            self._finish(notice, "acked", notice.last_answer)
        else:
            self._try_again(notice, now())

    def _try_again(self, notice: Notice, now: datetime) -> None:
        self._state.count("notice_attempts_failed")
        schedule = self._platform.policy.retry_schedule
        delay = retry_after(schedule, notice.attempts, now - notice.created_at)
        if delay is None:
            self._finish(notice, "given_up", notice.last_answer)
        else:
            self._schedule(notice, now + delay)

    async def _push(
        self, notice: Notice, account: Account, url: str, now: datetime, *, spoil: str | None = None
    ) -> int | None:
        """One POST; the HTTP status, or None when nothing came back in time."""
        body = self._body(notice, account)
        serial = self._serial_for(account)
        headers = signed_headers(self._platform.identity.signing_key(serial), serial, body, now=now)
        if spoil == "signtest":
            headers["Wechatpay-Signature"] = PROBE_PREFIX + headers["Wechatpay-Signature"]
        elif spoil == "forge":
            body = body.replace(notice.id.encode(), str(self._uuid()).encode())
        headers |= {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "User-Agent": "Mozilla/4.0",
            "Request-ID": f"{self._uuid().hex.upper()}-0",
        }
        self._state.count("notices_pushed")
        if self._client is None:
            self._client = httpx2.AsyncClient(
                transport=self._transport, timeout=ANSWER_WITHIN, trust_env=False, follow_redirects=False
            )
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx2.HTTPError:
            return None
        return answer.status_code

    async def _push_a_wrong_one(self, notice: Notice, account: Account, url: str, kind: str, now: datetime) -> None:
        """Something a receiver must refuse. If it does not, the state says so."""
        status = await self._push(notice, account, url, now, spoil=kind)
        self._state.count(f"notices_{kind}")
        if status is not None and status < 400:
            self._state.count(f"notices_{kind}_accepted")

    def _body(self, notice: Notice, account: Account) -> bytes:
        """Sealed once: every push of a notice has the same bytes and the same id."""
        if notice.id not in self._sealed:
            self._sealed[notice.id] = seal_notice(
                private_key=self._platform.identity.platform.private_key,
                serial=self._serial_for(account),
                apiv3_key=account.apiv3_key,
                payload=notice.payload,
                now=notice.created_at,
                id=notice.id,
                event_type=notice.event_type,
                original_type=notice.original_type,
                associated_data=notice.original_type,
                summary=_SUMMARIES.get(notice.event_type, "投诉状态变更"),
            )[1]
        return self._sealed[notice.id]

    def _add(
        self,
        account: Account,
        event_type: str,
        payload: dict[str, Any],
        now: datetime,
        *,
        original_type: str = "complaint",
        url: str | None = None,
    ) -> None:
        notice = Notice(
            id=str(self._uuid()),
            account=account.mchid,
            event_type=event_type,
            payload=payload,
            created_at=now,
            due_at=now,
            original_type=original_type,
            url=url,
        )
        self._state.notices[notice.id] = notice
        self._state.count("notices_created")
        self._schedule(notice, now)

    def _schedule(self, notice: Notice, due_at: datetime) -> None:
        notice.due_at = due_at
        self._order += 1
        heapq.heappush(self._due, (due_at, self._order, notice))

    def _finish(self, notice: Notice, status: str, answer: str) -> None:
        notice.status = status  # type: ignore[assignment]
        notice.last_answer = answer
        self._sealed.pop(notice.id, None)
        self._state.count(f"notices_{status}")
        while len(self._state.notices) > KEPT_NOTICES:
            oldest = next(iter(self._state.notices))
            if self._state.notices[oldest].status == "pending":
                break
            del self._state.notices[oldest]

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._random.getrandbits(128), version=4)


_SUMMARIES = {
    "COMPLAINT.CREATE": "产生新投诉",
    "COMPLAINT.STATE_CHANGE": "投诉状态变化",
    "VIOLATION.PUNISH": "商户平台处置记录",
    "VIOLATION.INTERCEPT": "商户平台拦截记录",
    "VIOLATION.APPEAL": "商户平台申诉记录",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
