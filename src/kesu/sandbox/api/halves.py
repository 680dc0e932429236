"""Answers of which only a part arrives, or something else in their place."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from kesu.sandbox.api.broken import ConnectionDropped

PAGE = b"<html><title>502</title>the proxy's own page</html>"
LIES = {
    "page": PAGE,
    "empty": b"",
    "no_code": b'{"errmsg":"ok","msg":"ok"}',
    "text_code": b'{"errcode":"0","code":"0","errmsg":"ok","msg":"ok"}',
    "null_code": b'{"errcode":null,"code":null,"errmsg":"ok","msg":"ok"}',
    "list": b"[0]",
}
"""What a robot says with HTTP 200 that is no receipt, by the fault's value."""


class _CutInTheMiddle(Response):
    """Head and half of the body; then the server has to cut the connection."""

    def __init__(self, whole: Response) -> None:
        self.raw_headers = whole.raw_headers
        self.whole = whole
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytes(self.whole.body)
        await send({"type": "http.response.start", "status": self.whole.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        raise ConnectionDropped


def before_signing(answer: Response, value: str) -> Response:
    """``signed``: half of the body, rightly signed; ``empty``: no body, rightly signed."""
    body = bytes(answer.body)
    part = {"signed": body[: len(body) // 2], "empty": b""}.get(value, body)
    return _with_body(answer, part)


def after_signing(answer: Response, value: str, *, served: bool) -> Response:
    """``cut``: the connection breaks in the middle of the body; ``short``: half of the body under the signature of the
    whole; ``page``: a proxy's page instead.
    """
    if value == "page":
        return Response(PAGE, 200, media_type="text/html")
    if value == "short":
        return _with_body(answer, bytes(answer.body)[: len(answer.body) // 2])
    if value == "cut":
        if not served:
            raise ConnectionDropped
        return _CutInTheMiddle(answer)
    return answer


def lie(value: str) -> Response:
    """HTTP 200 and no receipt."""
    if value == "page":
        return Response(PAGE, media_type="text/html")
    return Response(LIES[value], media_type=JSONResponse.media_type)


def _with_body(answer: Response, body: bytes) -> Response:
    headers = {name: text for name, text in answer.headers.items() if name != "content-length"}
    return Response(body, answer.status_code, headers)
