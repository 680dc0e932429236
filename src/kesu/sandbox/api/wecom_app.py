"""GET /cgi-bin/gettoken and auth/getuserinfo, POST /cgi-bin/message/send and message/update_template_card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kesu.sandbox.api.striking import answer

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

REFUSAL = 45009


def routes(sandbox: Sandbox) -> list[Route]:
    apps = sandbox.wecom_apps

    async def gettoken(request: Request) -> Response:
        sandbox.let_time_pass()
        query, now = request.query_params, sandbox.clock.now()
        corpid, secret = query.get("corpid", ""), query.get("corpsecret", "")
        return await answer(
            sandbox,
            request,
            "wecom_app",
            REFUSAL,
            lambda refuse: apps.gettoken(corpid, secret, now=now, refuse=refuse),
        )

    async def send(request: Request) -> Response:
        sandbox.let_time_pass()
        token, raw, now = request.query_params.get("access_token", ""), await request.body(), sandbox.clock.now()
        return await answer(
            sandbox, request, "wecom_app", REFUSAL, lambda refuse: apps.send(token, raw, now=now, refuse=refuse)
        )

    async def update(request: Request) -> Response:
        sandbox.let_time_pass()
        token, raw, now = request.query_params.get("access_token", ""), await request.body(), sandbox.clock.now()
        return await answer(
            sandbox, request, "wecom_app", REFUSAL, lambda refuse: apps.update_card(token, raw, now=now, refuse=refuse)
        )

    async def getuserinfo(request: Request) -> Response:
        sandbox.let_time_pass()
        query, now = request.query_params, sandbox.clock.now()
        token, code = query.get("access_token", ""), query.get("code", "")
        return await answer(
            sandbox, request, "wecom_app", REFUSAL, lambda refuse: apps.getuserinfo(token, code, now=now, refuse=refuse)
        )

    return [
        Route("/cgi-bin/auth/getuserinfo", getuserinfo, methods=["GET"]),
        Route("/cgi-bin/gettoken", gettoken, methods=["GET"]),
        Route("/cgi-bin/message/send", send, methods=["POST"]),
        Route("/cgi-bin/message/update_template_card", update, methods=["POST"]),
    ]
