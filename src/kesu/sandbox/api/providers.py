"""What only providers are offered: the address of violation notices, and the limitations of a sub-merchant.

Sources: 创建商户违规通知回调地址 (2025-08-28), 查询子商户管控情况 (2025-09-26).
"""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from kesu.sandbox import notify_urls, schemas
from kesu.sandbox.api.gate import Call, Gate
from kesu.sandbox.errors import ALREADY_EXISTS, invalid_request, no_authority, not_found

VIOLATIONS = "/v3/merchant-risk-manage/violation-notifications"
LIMITATIONS = "/v3/mch-operation-manage/merchant-limitations/sub-mchid/{sub_mchid}"


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("POST", VIOLATIONS, "violation_url_create", create),
        gate.route("GET", VIOLATIONS, "violation_url_query", read),
        gate.route("PUT", VIOLATIONS, "violation_url_update", update),
        gate.route("DELETE", VIOLATIONS, "violation_url_delete", delete),
        gate.route("GET", LIMITATIONS, "limitations", limitations),
    ]


async def create(call: Call) -> dict[str, Any]:
    url = _url(call)
    if call.account.mchid in _urls(call):
        raise invalid_request("数据已存在", ALREADY_EXISTS)
    _urls(call)[call.account.mchid] = url
    return {"notify_url": url}


async def read(call: Call) -> dict[str, Any]:
    return {"notify_url": _known(call)}


async def update(call: Call) -> dict[str, Any]:
    url = _url(call)
    _known(call)
    _urls(call)[call.account.mchid] = url
    return {"notify_url": url}


async def delete(call: Call) -> None:
    _known(call)
    del _urls(call)[call.account.mchid]


async def limitations(call: Call) -> dict[str, Any]:
    """Both lists are left out for a merchant that is free."""
    _providers_only(call)
    sub_mchid = call.part("sub_mchid")
    if sub_mchid not in call.account.sub_mchids:
        raise invalid_request("子商户号与服务商号无受理关系")
    return {"mchid": sub_mchid, **call.platform.state.limitations.get(sub_mchid, {})}


def _url(call: Call) -> str:
    _providers_only(call)
    url: str = call.json(schemas.VIOLATION_URL)["notify_url"]
    notify_urls.check(url, https_only=call.platform.policy.https_only)
    return url


def _known(call: Call) -> str:
    """Raises PlatformError 404 NOT_FOUND."""
    _providers_only(call)
    url = _urls(call).get(call.account.mchid)
    if url is None:
        raise not_found("回调地址不存在", "NOT_FOUND")
    return url


def _urls(call: Call) -> dict[str, str]:
    return call.platform.state.violation_urls


def _providers_only(call: Call) -> None:
    if call.account.role != "partner":
        raise no_authority("商户无权限")
