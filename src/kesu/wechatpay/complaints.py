"""消费者投诉2.0: list, detail, history, and what a merchant can say and do (facts of each interface in its
docstring; pages of https://pay.weixin.qq.com/doc/v3/merchant and .../partner)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from kesu.wechatpay.connection import Answer, Call, Connection
from kesu.wechatpay.errors import TooMuchData, UnexpectedAnswer
from kesu.wechatpay.lenient import Resource, to_integer
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import Complaint, ComplaintPage, HistoryEntry, HistoryPage
from kesu.wechatpay.wire import json_body, segment, with_query

PATH = "/v3/merchant-service/complaints-v2"
LONGEST_SPAN_DAYS = 30
LARGEST_PAGE = 50
LARGEST_HISTORY_PAGE = 300
MOST_IMAGES = 4
LONGEST_REPLY = 500
"""Characters. The partner page says 500 (2025-09), the merchant page said 200 (2024-09): ask for less to be safe."""
LONGEST_REASON = 200
LONGEST_JUMP_TEXT = 10

AnyResource = TypeVar("AnyResource", bound=Resource)


@dataclass(frozen=True, slots=True)
class MiniProgramJump:
    """A link into a mini program under a reply (a feature the platform opens on request)."""

    appid: str
    path: str
    text: str


class ComplaintCalls(Connection):
    """The complaint part of `Client`."""

    async def list_complaints(
        self,
        begin: date,
        end: date,
        *,
        mchid: str | None = None,
        limit: int = LARGEST_PAGE,
        offset: int = 0,
    ) -> ComplaintPage:
        """One page of the complaints raised on the Beijing days `begin .. end` (at most 30 days apart).

        mchid: only this merchant's; a provider that leaves it out gets all its sub-merchants'. limit: 1..50.
        Raises TooMuchData when the page would be too large: ask for fewer rows, or use `iterate_complaints`.
        """
        _check_span(begin, end)
        _check_range("limit", limit, 1, LARGEST_PAGE)
        target = with_query(
            PATH,
            {
                "limit": limit,
                "offset": offset,
                "begin_date": begin.isoformat(),
                "end_date": end.isoformat(),
                "complainted_mchid": mchid,
            },
        )
        answer = await self.call(Call(Endpoint.LIST, "GET", target))
        raw = answer.json()
        complaints, malformed = _rows(raw, Complaint, answer)
        total = to_integer(raw.get("total_count"))
        return ComplaintPage(complaints, limit, offset, total, answer.answered_at, malformed, raw)

    async def iterate_complaints(
        self, begin: date, end: date, *, mchid: str | None = None, limit: int = LARGEST_PAGE, offset: int = 0
    ) -> AsyncIterator[ComplaintPage]:
        """Every page from row `offset` on. Where a page is too large (数据量过大) the limit is halved, down to
        one row; the offset counts rows, so nothing is skipped. The platform documents no order: complaints
        that arrive meanwhile may shift rows, so overlap your windows. To resume, continue at
        `page.offset + page.rows`."""
        total: int | None = None
        while True:
            try:
                page = await self.list_complaints(begin, end, mchid=mchid, limit=limit, offset=offset)
            except TooMuchData:
                if limit == 1:
                    raise
                limit = max(1, limit // 2)
                continue
            total = page.total_count if page.total_count is not None else total
            yield page
            offset += page.rows
            # The list may have grown at its front since the total was told: what it pushed back is still to come.
            if _is_last(page.rows, limit, offset, total) and page.rows < limit:
                return

    async def get_complaint(self, complaint_id: str) -> Complaint:
        """The detail. `answered_at` tells when the platform said so."""
        answer = await self.call(Call(Endpoint.DETAIL, "GET", f"{PATH}/{segment(complaint_id)}"))
        try:
            return Complaint.from_wire(answer.json(), answered_at=answer.answered_at)
        except ValueError:
            raise UnexpectedAnswer("the detail has no complaint_id") from None

    async def get_history(
        self, complaint_id: str, *, limit: int = LARGEST_HISTORY_PAGE, offset: int = 0
    ) -> HistoryPage:
        """One page of the negotiation history. limit: 1..300. Raises TooMuchData like the list."""
        _check_range("limit", limit, 1, LARGEST_HISTORY_PAGE)
        path = f"{PATH}/{segment(complaint_id)}/negotiation-historys"
        answer = await self.call(Call(Endpoint.HISTORY, "GET", with_query(path, {"limit": limit, "offset": offset})))
        raw = answer.json()
        entries, malformed = _rows(raw, HistoryEntry, answer)
        total = to_integer(raw.get("total_count"))
        return HistoryPage(entries, limit, offset, total, answer.answered_at, malformed, raw)

    async def whole_history(self, complaint_id: str, *, limit: int = LARGEST_HISTORY_PAGE) -> HistoryPage:
        """The whole negotiation history, each log_id once, as one page. `raw` is the first page's."""
        first: HistoryPage | None = None
        entries: dict[str, HistoryEntry] = {}
        malformed: list[Any] = []
        offset, total = 0, None
        while True:
            try:
                page = await self.get_history(complaint_id, limit=limit, offset=offset)
            except TooMuchData:
                if limit == 1:
                    raise
                limit = max(1, limit // 2)
                continue
            first = first or page
            total = page.total_count if page.total_count is not None else total
            entries.update((entry.log_id, entry) for entry in page.entries)
            malformed += page.malformed
            offset += page.rows
            if _is_last(page.rows, limit, offset, total):
                return HistoryPage(list(entries.values()), limit, 0, total, first.answered_at, malformed, first.raw)

    async def reply(
        self,
        complaint_id: str,
        *,
        mchid: str,
        content: str,
        images: Sequence[str] = (),
        jump_url: str | None = None,
        jump_url_text: str | None = None,
        mini_program: MiniProgramJump | None = None,
    ) -> None:
        """Write to the payer (回复用户). The first reply moves the complaint to PROCESSING.

        mchid: the merchant complained about. images: up to four media_ids. There is no idempotency key: after
        an error with `outcome_unknown` read the history before repeating. Raises ValueError for lengths.
        """
        _check_range("the reply's length", len(content), 1, LONGEST_REPLY)
        _check_range("the number of images", len(images), 0, MOST_IMAGES)
        if (jump_url is None) != (jump_url_text is None):
            raise ValueError("jump_url and jump_url_text go together")
        if jump_url is not None and not jump_url.startswith("https://"):
            raise ValueError("jump_url must be HTTPS")
        _check_range("the length of jump_url_text", len(jump_url_text or ""), 0, LONGEST_JUMP_TEXT)
        jump = mini_program and {
            "appid": mini_program.appid,
            "path": mini_program.path,
            "text": mini_program.text,
        }
        body = json_body(
            {
                "complainted_mchid": mchid,
                "response_content": content,
                "response_images": list(images) or None,
                "jump_url": jump_url,
                "jump_url_text": jump_url_text,
                "mini_program_jump_info": jump,
            }
        )
        await self._command(Endpoint.REPLY, complaint_id, "response", body)

    async def complete(self, complaint_id: str, *, mchid: str) -> None:
        """Report that the case is done (反馈处理完成); the payer is then asked how content they are.
        A second call is an error (WrongState)."""
        await self._command(Endpoint.COMPLETE, complaint_id, "complete", json_body({"complainted_mchid": mchid}))

    async def approve_refund(self, complaint_id: str, *, launch_refund_day: int, remark: str | None = None) -> None:
        """Tell the payer of a REFUND complaint that the refund is coming (更新退款审批结果, APPROVE).

        It moves no money: create the refund as well. launch_refund_day: working days until it starts, 0: today.
        """
        _check_range("launch_refund_day", launch_refund_day, 0, 365)
        _check_range("the remark's length", len(remark or ""), 0, LONGEST_REASON)
        body = json_body({"action": "APPROVE", "launch_refund_day": launch_refund_day, "remark": remark})
        await self._command(Endpoint.REFUND_PROGRESS, complaint_id, "update-refund-progress", body)

    async def reject_refund(
        self,
        complaint_id: str,
        *,
        reason: str,
        media: Sequence[str] = (),
        remark: str | None = None,
    ) -> None:
        """Refuse the refund of a REFUND complaint (更新退款审批结果, REJECT). The complaint is PROCESSED at once,
        so talk to the payer first. media: up to four media_ids."""
        _check_range("the reason's length", len(reason), 1, LONGEST_REASON)
        _check_range("the remark's length", len(remark or ""), 0, LONGEST_REASON)
        _check_range("the number of images", len(media), 0, MOST_IMAGES)
        body = json_body(
            {
                "action": "REJECT",
                "reject_reason": reason,
                "reject_media_list": list(media) or None,
                "remark": remark,
            }
        )
        await self._command(Endpoint.REFUND_PROGRESS, complaint_id, "update-refund-progress", body)

    async def reply_immediate_service(
        self,
        complaint_id: str,
        *,
        mchid: str,
        blocks: Sequence[Mapping[str, Any]],
        idempotent_id: str,
        sender_identity: str = "MANUAL",
        custom_data: str | None = None,
    ) -> str:
        """Write to a payer who waits for immediate service (4017151596): the entry's log_id.

        blocks: as documented, e.g. from `text_block`. sender_identity: `MANUAL` or `MACHINE`. idempotent_id:
        up to 128 characters; the platform acts on one id once, so repeating with the *same* id is safe.
        """
        _check_range("the idempotent_id's length", len(idempotent_id), 1, 128)
        message = {
            "blocks": [dict(block) for block in blocks],
            "sender_identity": sender_identity,
            **({"custom_data": custom_data} if custom_data is not None else {}),
        }
        body = json_body({"complainted_mchid": mchid, "message": message, "idempotent_id": idempotent_id})
        answer = await self._command(Endpoint.IMMEDIATE_SERVICE, complaint_id, "response-immediate-service", body)
        return str(answer.json().get("log_id") or "")

    async def _command(self, endpoint: Endpoint, complaint_id: str, verb: str, body: bytes) -> Answer:
        return await self.call(Call(endpoint, "POST", f"{PATH}/{segment(complaint_id)}/{verb}", body))


def text_block(text: str, *, color: str = "DEFAULT", is_bold: bool = False) -> dict[str, Any]:
    """A paragraph for `reply_immediate_service`. color: `DEFAULT` or `SECONDARY`."""
    return {"type": "TEXT", "text": {"text": text, "color": color, "is_bold": is_bold}}


def image_block(media_id: str, *, wide: bool = False) -> dict[str, Any]:
    """A picture (from `upload_image`) for `reply_immediate_service`."""
    style = "IMAGE_STYLE_TYPE_WIDE" if wide else "IMAGE_STYLE_TYPE_NARROW"
    return {"type": "IMAGE", "image": {"media_id": media_id, "image_style_type": style}}


def _rows(raw: Mapping[str, Any], kind: type[AnyResource], answer: Answer) -> tuple[list[AnyResource], list[Any]]:
    """The rows of an answer's `data` (absent, null or a single object included) and those unreadable."""
    data = raw.get("data")
    items = data if isinstance(data, list) else [] if data is None else [data]
    good: list[AnyResource] = []
    malformed: list[Any] = []
    for item in items:
        try:
            good.append(kind.from_wire(item, answered_at=answer.answered_at))
        except (ValueError, TypeError):
            malformed.append(item)
    return good, malformed


def _is_last(rows: int, limit: int, offset: int, total: int | None) -> bool:
    """Whether the page that brought us to `offset` was the last. The total is only told at offset 0."""
    if rows == 0:
        return True
    return offset >= total if total is not None else rows < limit


def _check_span(begin: date, end: date) -> None:
    if not 0 <= (end - begin).days <= LONGEST_SPAN_DAYS:
        raise ValueError(f"the list covers at most {LONGEST_SPAN_DAYS} days, the first day first")


def _check_range(what: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{what} is {value}; it must be {least} to {most}")
