"""The HTTP face: the platform's endpoints (one file a group), the robot, the control API, the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Mount

from kesu.sandbox import control, page
from kesu.sandbox.api import (
    certificates,
    chat_robots,
    complaints,
    images,
    notify_urls,
    orders,
    providers,
    refunds,
    robot,
    wecom_app,
)
from kesu.sandbox.api.gate import Gate

if TYPE_CHECKING:
    from starlette.requests import Request

    from kesu.sandbox.sandbox import Sandbox


def build_app(sandbox: Sandbox) -> Starlette:
    """Everything on one port. An unknown platform path answers as the platform does, in JSON."""
    gate = Gate(sandbox)
    routes: list[BaseRoute] = []
    for group in (complaints, notify_urls, images, refunds, orders, certificates, providers):
        routes += group.routes(gate)
    for channel in (robot, chat_robots, wecom_app):
        routes += channel.routes(sandbox)
    routes.append(Mount("/control", routes=control.routes(sandbox), name="control"))
    routes += page.routes(sandbox)
    return Starlette(routes=routes, exception_handlers={404: _nowhere, 405: _nowhere})


async def _nowhere(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 404)
    if request.url.path.startswith("/control"):
        return JSONResponse({"error": f"there is nothing at {request.method} {request.url.path}"}, status)
    return JSONResponse({"code": "RESOURCE_NOT_EXISTS", "message": "请求的资源不存在"}, status)
