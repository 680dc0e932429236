"""投诉通知回调地址: create, query, update, delete."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from kesu.sandbox import notify_urls, schemas
from kesu.sandbox.api.gate import Call, Gate

PATH = "/v3/merchant-service/complaint-notifications"


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("POST", PATH, "notify_url_create", create),
        gate.route("GET", PATH, "notify_url_query", read),
        gate.route("PUT", PATH, "notify_url_update", update),
        gate.route("DELETE", PATH, "notify_url_delete", delete),
    ]


async def create(call: Call) -> dict[str, Any]:
    return _answer(call, notify_urls.create(call.platform, call.account, _url(call)))


async def read(call: Call) -> dict[str, Any]:
    return _answer(call, notify_urls.read(call.platform, call.account))


async def update(call: Call) -> dict[str, Any]:
    return _answer(call, notify_urls.update(call.platform, call.account, _url(call)))


async def delete(call: Call) -> None:
    notify_urls.delete(call.platform, call.account)


def _url(call: Call) -> str:
    url: str = call.json(schemas.NOTIFY_URL)["url"]
    return url


def _answer(call: Call, url: str) -> dict[str, Any]:
    return {"mchid": call.account.mchid, "url": url}
