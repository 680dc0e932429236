"""A merchant's program that takes webhooks, with a verification of its own making, by the specification's words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx2

TOLERANCE_SECONDS = 300


class Unverified(Exception):
    """The signature is not ours."""


def verify(secret: str, headers: Any, body: bytes, *, seconds: float) -> dict[str, Any]:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, symmetric."""
    message, stamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(seconds - int(stamp)) > TOLERANCE_SECONDS:
        raise Unverified("too old or too new")
    key = base64.b64decode(secret[len("whsec_") :])
    expected = hmac.digest(key, b".".join([message.encode(), stamp.encode(), body]), hashlib.sha256)
    for signature in headers["webhook-signature"].split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(base64.b64decode(value), expected):
            told = json.loads(body)
            assert told["id"] == message
            return dict(told)
    raise Unverified("no signature fits")


class Receiver(httpx2.AsyncBaseTransport):
    """Keeps what was posted to it; ``answer`` says what each path answers, 204 by default."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.answers: dict[str, Callable[[], httpx2.Response]] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self.requests.append(request)
        answer = self.answers.get(request.url.path)
        return answer() if answer else httpx2.Response(204)

    def answer(self, status: int, path: str = "/hook", **more: Any) -> None:
        self.answers[path] = lambda: httpx2.Response(status, **more)

    def at(self, path: str = "/hook") -> list[httpx2.Request]:
        return [request for request in self.requests if request.url.path == path]

    def told(self, path: str = "/hook") -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.at(path)]

    def types(self, path: str = "/hook") -> list[str]:
        return [told["type"].removeprefix("complaint.") for told in self.told(path)]
