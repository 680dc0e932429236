"""投诉通知回调地址: where complaints are pushed (create, query, update, delete).

Sources: https://pay.weixin.qq.com/docs/partner/apis/consumer-complaint/complaint-notifications/ and its pages.
"""

from __future__ import annotations

from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.errors import NotFound, PlatformError
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import NotifyUrl
from kesu.wechatpay.wire import json_body

PATH = "/v3/merchant-service/complaint-notifications"


class NotifyUrlCalls(Connection):
    """The notify-URL part of `Client`. One URL an account; a provider's URL serves all its sub-merchants.
    The URL is HTTPS, without a query, at most 255 characters."""

    async def get_notify_url(self) -> NotifyUrl | None:
        """The URL that is set, None when there is none."""
        try:
            answer = await self.call(Call(Endpoint.NOTIFY_URL, "GET", PATH))
        except NotFound:
            return None
        except PlatformError as error:
            # Seen in place of RESOURCE_NOT_EXISTS: PARAM_ERROR 操作的数据项不存在.
            if error.code == "PARAM_ERROR" and "不存在" in error.message:
                return None
            raise
        return NotifyUrl.from_wire(answer.json(), answered_at=answer.answered_at)

    async def create_notify_url(self, url: str) -> NotifyUrl:
        """Set the URL for the first time. Raises AlreadyExists (or another PlatformError) when one is set."""
        return await self._put_notify_url("POST", url)

    async def update_notify_url(self, url: str) -> NotifyUrl:
        """Replace the URL that is set."""
        return await self._put_notify_url("PUT", url)

    async def delete_notify_url(self) -> None:
        """Stop all pushes to this account."""
        await self.call(Call(Endpoint.NOTIFY_URL, "DELETE", PATH))

    async def _put_notify_url(self, method: str, url: str) -> NotifyUrl:
        answer = await self.call(Call(Endpoint.NOTIFY_URL, method, PATH, json_body({"url": url})))
        return NotifyUrl.from_wire(answer.json(), answered_at=answer.answered_at)
