"""POST /robot/send?access_token=... (DingTalk) and POST /open-apis/bot/v2/hook/{token} (Feishu)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kesu.sandbox.api.striking import answer

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    async def dingtalk(request: Request) -> Response:
        sandbox.let_time_pass()
        query, raw, now = dict(request.query_params), await request.body(), sandbox.clock.now()
        token = query.get("access_token", "")
        return await answer(
            sandbox,
            request,
            "dingtalk",
            130101,
            lambda refuse: sandbox.chat_robots.dingtalk(token, query, raw, now=now, refuse=refuse),
        )

    async def feishu(request: Request) -> Response:
        sandbox.let_time_pass()
        token, raw, now = request.path_params["token"], await request.body(), sandbox.clock.now()
        return await answer(
            sandbox,
            request,
            "feishu",
            11232,
            lambda refuse: sandbox.chat_robots.feishu(token, raw, now=now, refuse=refuse),
        )

    return [
        Route("/robot/send", dingtalk, methods=["POST"]),
        Route("/open-apis/bot/v2/hook/{token}", feishu, methods=["POST"]),
    ]
