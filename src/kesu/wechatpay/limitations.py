"""查询子商户管控情况: what a sub-merchant may no longer do, why, and how it gets out of it. For service providers.

Source: https://pay.weixin.qq.com/doc/v3/partner/4012803072 (2025-09-26).
"""

from __future__ import annotations

from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import Limitations
from kesu.wechatpay.wire import segment

PATH = "/v3/mch-operation-manage/merchant-limitations/sub-mchid"


class LimitationCalls(Connection):
    """The limitations part of `Client`."""

    async def get_limitations(self, sub_mchid: str) -> Limitations:
        """The limitations in force; both lists are empty for a merchant that is free.

        Raises InvalidRequest when the two numbers have no relation, NoAuth for anyone but a service provider.
        """
        answer = await self.call(Call(Endpoint.LIMITATIONS, "GET", f"{PATH}/{segment(sub_mchid)}"))
        return Limitations.from_wire(answer.json(), answered_at=answer.answered_at)
