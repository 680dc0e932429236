"""Ordered troubles of a robot or application: the same ones for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kesu.sandbox.api.broken import broken_answer, late_answer
from kesu.sandbox.api.gate import target as address
from kesu.sandbox.api.halves import lie

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox


async def answer(
    sandbox: Sandbox, request: Request, target: str, refusal: int, act: Callable[[int | None], dict[str, Any]]
) -> Response:
    """`act` with the number it is to refuse with (`refusal` unless the fault names one), or nothing at all."""
    fault = sandbox.faults.strike(target, address(request))
    if fault is not None:
        sandbox.state.count(f"faults_{target}_{fault.kind}")
        if fault.kind == "status":
            return Response("<html>Bad Gateway</html>", int(fault.number(502)), media_type="text/html")
        if fault.kind == "drop" and not fault.comes_after:
            return broken_answer(sandbox)
        if fault.kind == "lie":
            return lie(fault.word())
    refuse = int(fault.number(refusal)) if fault and fault.kind == "errcode" else None
    found = JSONResponse(act(refuse))
    sandbox.touch()
    if fault is not None and fault.kind == "drop":
        return broken_answer(sandbox)
    if fault is not None and fault.kind == "timeout":
        return await late_answer(sandbox, found, fault.number(60))
    return found
