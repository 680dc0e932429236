"""商户平台处置通知: where a provider hears that the platform punished one of its sub-merchants (create, query, update,
delete). Not offered to direct merchants.

Source: https://pay.weixin.qq.com/docs/partner/apis/violation-notice/violation-notifications/
create-violation-notification.html (2025-08-28).
"""

from __future__ import annotations

from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.errors import NotFound
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import ViolationUrl
from kesu.wechatpay.wire import json_body

PATH = "/v3/merchant-risk-manage/violation-notifications"


class ViolationCalls(Connection):
    """The violation-notice part of `Client`. One URL a provider, HTTPS, at most 256 characters."""

    async def get_violation_url(self) -> ViolationUrl | None:
        """The URL that is set, None when there is none. Raises NoAuth for a direct merchant."""
        try:
            answer = await self.call(Call(Endpoint.VIOLATION_URL, "GET", PATH))
        except NotFound:
            return None
        return ViolationUrl.from_wire(answer.json(), answered_at=answer.answered_at)

    async def create_violation_url(self, url: str) -> ViolationUrl:
        """Set the URL for the first time. Raises AlreadyExists (or another PlatformError) when one is set."""
        return await self._put_violation_url("POST", url)

    async def update_violation_url(self, url: str) -> ViolationUrl:
        """Replace the URL that is set."""
        return await self._put_violation_url("PUT", url)

    async def delete_violation_url(self) -> None:
        """Stop the violation notices to this provider."""
        await self.call(Call(Endpoint.VIOLATION_URL, "DELETE", PATH))

    async def _put_violation_url(self, method: str, url: str) -> ViolationUrl:
        answer = await self.call(Call(Endpoint.VIOLATION_URL, method, PATH, json_body({"notify_url": url})))
        return ViolationUrl.from_wire(answer.json(), answered_at=answer.answered_at)
