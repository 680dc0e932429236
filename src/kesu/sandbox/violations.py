"""What a script makes the platform do to a provider's sub-merchants: punish, and limit.

Sources: 商户平台处置通知 (2025-02-19), 查询子商户管控情况 (2025-09-26).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from kesu.sandbox.control_input import Input
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.identity import Account
from kesu.sandbox.virtual_clock import BEIJING

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

EVENTS = ("PUNISH", "INTERCEPT", "APPEAL")
FUNCTIONS = (
    "NO_TRANSACTION_AND_RECHARGE",
    "NO_PAYMENT",
    "NO_WITHDRAWAL",
    "NO_REFUND",
    "NO_TRANSACTION",
    "NO_PROFIT_SHARING",
    "NO_PAYMENT_POINT_COMPLETE_ORDER",
)


async def punish(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """A violation notice to the provider of `sub_mchid`. The same record_id twice is the same punishment again."""
    given = await Input.read(request)
    provider, sub_mchid = _provider(sandbox, given)
    event = given.choice("event", EVENTS) or "PUNISH"
    now = sandbox.clock.now()
    payload = {
        "sub_mchid": sub_mchid,
        "company_name": given.text("company_name", longest=64) or "沙箱百货有限公司",
        "record_id": given.text("record_id", longest=128) or sandbox.platform.number("10000000", now),
        "punish_plan": given.text("punish_plan", longest=2048) or "关闭支付权限",
        # The page's own sample is written so, and not as RFC 3339.
        "punish_time": f"{now.astimezone(BEIJING):%Y%m%d%H%M%S}",
        "punish_description": given.text("punish_description", longest=128) or "商户涉嫌交易纠纷",
        "risk_type": given.text("risk_type", longest=64) or "TRANSACTION_DISPUTE",
        "risk_description": given.text("risk_description", longest=128) or "涉嫌交易纠纷",
    }
    given.finish()
    url = sandbox.state.violation_urls.get(provider.mchid)
    if url is None:
        sandbox.state.count("notices_without_url")
    else:
        sandbox.courier.push_violation(provider, url, f"VIOLATION.{event}", payload, now)
    return {"record_id": payload["record_id"], "pushed": url is not None}


async def limit(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """What the sub-merchant may not do from now on; no function and no other one: it is free again."""
    given = await Input.read(request)
    _, sub_mchid = _provider(sandbox, given)
    functions = given.choices("limited_functions", FUNCTIONS)
    other = given.text("other_limited_functions", longest=200)
    reason = given.text("limitation_reason", longest=200) or "涉嫌交易纠纷"
    recover_way = given.text("recover_way", longest=64) or "RESOLVE_TRANSACTION_DISPUTES"
    given.finish()
    if not functions and not other:
        sandbox.state.limitations.pop(sub_mchid, None)
        return {"mchid": sub_mchid}
    now = sandbox.clock.now()
    limitation = {
        "limited_functions": functions,
        **({"other_limited_functions": other} if other else {}),
        "recovery_specifications": [
            {
                "limitation_case_id": sandbox.platform.number("20000000", now),
                "limitation_reason_type": "TRANSACTION_DISPUTE",
                "limitation_reason": reason,
                "relate_limitations": functions,
                "recover_way": recover_way,
                "recover_help_url": "https://kf.qq.com",
                "limitation_action_type": "LIMIT_ACTION_TYPE_IMMEDIATE_CONTROL",
                "limitation_start_date": f"{now.astimezone(BEIJING):%Y-%m-%d}",
            }
        ],
    }
    sandbox.state.limitations[sub_mchid] = limitation
    return {"mchid": sub_mchid, **limitation}


def _provider(sandbox: Sandbox, given: Input) -> tuple[Account, str]:
    sub_mchid = given.text("sub_mchid", required=True) or ""
    account = sandbox.identity.owner_of(sub_mchid)
    if account is None or account.role != "partner":
        raise ScriptError("sub_mchid must be a sub-merchant of the partner")
    return account, sub_mchid
