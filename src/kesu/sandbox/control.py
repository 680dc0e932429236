"""The control API: what a script, a test or the page does to this sandbox. Bad input gets 400 and a sentence.

POST complaints {mchid, amount?, detail?, problem_type?, user_tag_list?, need_immediate_service?, count?,
                 pictures?, phone?, temperament?, complaint_time?} -> {complaint_ids}
GET  complaints?limit=N, GET complaints/{id}
POST complaints/{id}/refunds {status: ABNORMAL or CLOSED}: what is on its way fails
POST complaints/{id}/payer {do, text?}, POST complaints/{id}/merchant {do, text?, amount?, day?}
GET  wecom/messages?after=N, POST robots -> {key, webhook_url}, DELETE robots/{key}
GET, POST keys {rotate, mchid?, ...}; POST violations {sub_mchid, ...}; POST limitations {sub_mchid, ...}
Channels other than WeCom's robots: see control_channels.py.
GET, POST, DELETE faults; GET, POST clock {advance?, speed?}; GET state; GET notices; POST payers {quiet}
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kesu.sandbox import console, control_channels, control_keys, payer_acts, refunds, report, violations
from kesu.sandbox.control_input import Input
from kesu.sandbox.errors import PlatformError, ScriptError
from kesu.sandbox.faults import Fault
from kesu.sandbox.payer_acts import Wish
from kesu.sandbox.payers import TEMPERAMENTS, VERBS
from kesu.sandbox.shops import PROBLEMS
from kesu.sandbox.state import Complaint, Notice
from kesu.sandbox.virtual_clock import MAXIMUM_SPEED, parse_duration

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

MOST_AT_ONCE = 100_000
TAGS = ("TRUSTED", "HIGH_RISK")

_NOTICES = TypeAdapter(list[Notice])

Answer = dict[str, Any] | list[Any] | None
Handler = Callable[["Sandbox", Request], Awaitable[Answer]]


def routes(sandbox: Sandbox) -> list[Route]:
    """The routes below the control address."""

    def route(method: str, path: str, handler: Handler) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                sandbox.let_time_pass()
                answer = await handler(sandbox, request)
            except ScriptError as error:
                return JSONResponse({"error": error.message}, error.status)
            except PlatformError as error:
                return JSONResponse({"error": f"{error.code}: {error.message}"}, 409)
            if method != "GET":
                sandbox.touch()
            return Response(status_code=204) if answer is None else _json(answer)

        return Route(path, endpoint, methods=[method])

    return [
        route("POST", "/complaints", create_complaints),
        route("GET", "/complaints", list_complaints),
        route("GET", "/complaints/{complaint_id}", show_complaint),
        route("POST", "/complaints/{complaint_id}/payer", payer_does),
        route("POST", "/complaints/{complaint_id}/merchant", merchant_does),
        route("POST", "/complaints/{complaint_id}/refunds", refunds_fail),
        route("GET", "/wecom/messages", list_messages),
        route("POST", "/robots", create_robot),
        route("DELETE", "/robots/{key}", remove_robot),
        route("GET", "/faults", list_faults),
        route("POST", "/faults", order_fault),
        route("DELETE", "/faults", clear_faults),
        route("GET", "/clock", show_clock),
        route("POST", "/clock", set_clock),
        route("GET", "/state", show_state),
        route("GET", "/notices", list_notices),
        route("POST", "/payers", set_payers),
        *(route(*one) for one in control_channels.ROUTES),
        route("GET", "/keys", control_keys.show),
        route("POST", "/keys", control_keys.rotate),
        route("POST", "/violations", violations.punish),
        route("POST", "/limitations", violations.limit),
    ]


async def create_complaints(sandbox: Sandbox, request: Request) -> Answer:
    """Many at once are made in one go, so that a storm is a storm."""
    given = await Input.read(request)
    mchid = given.text("mchid", required=True)
    if mchid not in sandbox.identity.shops:
        raise ScriptError(f"mchid {mchid} cannot be complained about; use {', '.join(sandbox.identity.shops)}")
    temperament = given.choice("temperament", (*TEMPERAMENTS, "none"))
    wish = Wish(
        mchid=mchid,
        amount=given.integer("amount", least=1, most=10**9),
        detail=given.text("detail", longest=300),
        problem_type=given.choice("problem_type", tuple(PROBLEMS)),
        user_tag_list=given.choices("user_tag_list", TAGS),
        need_immediate_service=given.flag("need_immediate_service"),
        pictures=given.integer("pictures", least=0, most=9),
        phone=given.text("phone", longest=40),
    )
    count = given.integer("count", least=1, most=MOST_AT_ONCE) or 1
    when = given.moment("complaint_time") or sandbox.clock.now()
    if when > sandbox.clock.now():
        raise ScriptError("complaint_time lies in the future")
    given.finish()
    made = []
    for _ in range(count):
        wish.temperament = _temperament(sandbox, temperament)
        made.append(payer_acts.open_complaint(sandbox.platform, wish, now=when).complaint_id)
    return {"complaint_ids": made}


async def list_complaints(sandbox: Sandbox, request: Request) -> Answer:
    """The newest ones, with their history."""
    limit = Input.query_number(request, "limit", default=50, least=1, most=1000)
    return [report.complaint(sandbox, one) for one in sandbox.platform.newest_complaints(limit)]


async def show_complaint(sandbox: Sandbox, request: Request) -> Answer:
    return report.complaint(sandbox, _complaint(sandbox, request))


async def payer_does(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    verb = given.choice("do", tuple(VERBS), required=True)
    text = given.text("text", longest=500)
    given.finish()
    complaint = _complaint(sandbox, request)
    VERBS[verb or ""](sandbox.platform, complaint, text or "", sandbox.clock.now())
    return report.complaint(sandbox, complaint)


async def merchant_does(sandbox: Sandbox, request: Request) -> Answer:
    """What somebody does in the official console, outside the desk. Not pushed, as the real ones."""
    given = await Input.read(request)
    verb = given.choice("do", tuple(console.VERBS), required=True)
    deed = console.Deed(
        text=given.text("text", longest=500),
        amount=given.integer("amount", least=1, most=10**9),
        day=given.integer("day", least=0, most=365),
    )
    given.finish()
    complaint = _complaint(sandbox, request)
    console.VERBS[verb or ""](sandbox.platform, complaint, deed, sandbox.clock.now())
    return report.complaint(sandbox, complaint)


async def refunds_fail(sandbox: Sandbox, request: Request) -> Answer:
    """The refunds of its order that are on their way do not arrive: the payer's card is closed, or funds lack."""
    given = await Input.read(request)
    status = given.choice("status", ("ABNORMAL", "CLOSED"), required=True)
    given.finish()
    complaint = _complaint(sandbox, request)
    running = [one for one in sandbox.platform.refunds_of(complaint.transaction_id) if one.status == "PROCESSING"]
    if not running:
        raise ScriptError("no refund of this order is on its way", status=409)
    for refund in running:
        refunds.fail(refund, "CLOSED" if status == "CLOSED" else "ABNORMAL")
    return {"out_refund_nos": [refund.out_refund_no for refund in running]}


async def list_messages(sandbox: Sandbox, request: Request) -> Answer:
    after = Input.query_number(request, "after", default=0, least=0)
    return [report.message(one) for one in sandbox.robots.messages_after(after)]


async def create_robot(sandbox: Sandbox, request: Request) -> Answer:
    key = sandbox.robots.create()
    return {"key": key, "webhook_url": f"{sandbox.base_url}/cgi-bin/webhook/send?key={key}"}


async def remove_robot(sandbox: Sandbox, request: Request) -> Answer:
    """Take a robot out of the group; its key answers 93000 afterwards."""
    if not sandbox.robots.remove(request.path_params["key"]):
        raise ScriptError("there is no robot with this key", status=404)
    return None


async def list_faults(sandbox: Sandbox, request: Request) -> Answer:
    return [report.fault(one) for one in sandbox.faults.active]


async def order_fault(sandbox: Sandbox, request: Request) -> Answer:
    given = await Input.read(request)
    fault = Fault(
        target=given.text("target", required=True) or "",
        kind=given.text("kind", required=True) or "",
        value=given.anything("value"),
        rate=given.decimal("rate", default=1.0),
        count=given.integer("count", least=1, most=10**9),
        path=given.text("path"),
    )
    given.finish()
    sandbox.faults.order(fault)
    return report.fault(fault)


async def clear_faults(sandbox: Sandbox, request: Request) -> Answer:
    sandbox.faults.clear()
    return None


async def show_clock(sandbox: Sandbox, request: Request) -> Answer:
    return report.clock(sandbox)


async def set_clock(sandbox: Sandbox, request: Request) -> Answer:
    """Jump, or change the speed, or both. What falls due in between has happened when this answers."""
    given = await Input.read(request)
    advance, speed = given.text("advance"), given.decimal("speed", default=None)
    given.finish()
    if advance is None and speed is None:
        raise ScriptError('give "advance" (such as "23h50m") or "speed" (such as 60), or both')
    try:
        delta = parse_duration(advance) if advance is not None else timedelta(0)
        if speed is not None and not 0 <= speed <= MAXIMUM_SPEED:
            raise ValueError(f"speed must be between 0 and {MAXIMUM_SPEED:.0f}")
        if delta:
            sandbox.clock.advance(delta)
        if speed is not None:
            sandbox.clock.set_speed(speed)
    except ValueError as error:
        raise ScriptError(str(error)) from None
    sandbox.let_time_pass()
    return report.clock(sandbox)


async def show_state(sandbox: Sandbox, request: Request) -> Answer:
    return report.state(sandbox)


async def list_notices(sandbox: Sandbox, request: Request) -> Answer:
    """The newest notices and what became of them."""
    limit = Input.query_number(request, "limit", default=100, least=1, most=10_000)
    newest = list(sandbox.state.notices.values())[-limit:]
    notices: list[Any] = _NOTICES.dump_python(newest, mode="json")
    return notices


async def set_payers(sandbox: Sandbox, request: Request) -> Answer:
    """Whether payers act by themselves."""
    given = await Input.read(request)
    quiet = given.flag("quiet", required=True)
    given.finish()
    sandbox.payers.quiet = quiet
    if not quiet:
        sandbox.payers.start_opening(sandbox.clock.now())
    return {"quiet": quiet}


def _complaint(sandbox: Sandbox, request: Request) -> Complaint:
    try:
        return sandbox.platform.complaint(request.path_params["complaint_id"])
    except PlatformError:
        raise ScriptError("there is no such complaint", status=404) from None


def _temperament(sandbox: Sandbox, asked: str | None) -> str | None:
    """Without an order, payers of a lively sandbox get one by chance."""
    if asked is not None:
        return None if asked == "none" else asked
    return None if sandbox.payers.quiet else sandbox.payers.some_temperament()


def _json(content: Any) -> Response:
    raw = json.dumps(content, ensure_ascii=False, default=_moment)
    return Response(raw, media_type="application/json", headers={"Cache-Control": "no-store"})


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"not for JSON: {type(value).__name__}")
