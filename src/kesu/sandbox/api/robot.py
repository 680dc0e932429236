"""POST /cgi-bin/webhook/send?key=...: always HTTP 200, unless a fault was ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kesu.sandbox.api.broken import broken_answer, late_answer
from kesu.sandbox.api.gate import target
from kesu.sandbox.api.halves import lie

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox


def routes(sandbox: Sandbox) -> list[Route]:
    async def send(request: Request) -> Response:
        sandbox.let_time_pass()
        key, raw = request.query_params.get("key", ""), await request.body()
        fault = sandbox.faults.strike("wecom", target(request))
        if fault is not None:
            sandbox.state.count(f"faults_wecom_{fault.kind}")
            if fault.kind == "status":
                return Response("<html>Bad Gateway</html>", int(fault.number(502)), media_type="text/html")
            if fault.kind == "drop" and not fault.comes_after:
                return broken_answer(sandbox)
            if fault.kind == "lie":
                return lie(fault.word())
        refuse = int(fault.number(45009)) if fault and fault.kind == "errcode" else None
        answer = JSONResponse(sandbox.robots.send(key, raw, now=sandbox.clock.now(), refuse=refuse))
        sandbox.touch()
        if fault is not None and fault.kind == "drop":
            return broken_answer(sandbox)
        if fault is not None and fault.kind == "timeout":
            return await late_answer(sandbox, answer, fault.number(60))
        return answer

    return [Route("/cgi-bin/webhook/send", send, methods=["POST"])]
