"""One push to a WeCom robot. HTTP says 200 to every refusal: only ``errcode == 0`` is success."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from kesu.alerts.channels.base import (
    ERRORS,
    Budget,
    Push,
    Receipt,
    TransientError,
    parse_settings,
    post,
    sha256_hex,
)
from kesu.alerts.channels.wecom_robot.render import payload
from kesu.alerts.channels.wecom_robot.settings import WecomRobotSettings
from kesu.rules.budget import LIMIT, WINDOW
from kesu.rules.classify import ErrorClass, classify_wecom


class WecomRobot:
    """A robot (消息推送, formerly 群机器人) in a WeCom group."""

    name = "wecom_robot"
    budget = Budget(LIMIT, WINDOW)

    def parse(self, raw: Mapping[str, Any]) -> WecomRobotSettings:
        return parse_settings(WecomRobotSettings, raw)

    def budget_secret(self, settings: WecomRobotSettings) -> str:
        return settings.key

    def more_budget_secrets(self, settings: WecomRobotSettings) -> tuple[str, ...]:
        return settings.keys[1:]

    def address(self, settings: WecomRobotSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: WecomRobotSettings, client: httpx2.AsyncClient) -> Receipt:
        # Raw UTF-8: the platform refuses \uXXXX forms (errcode 40033) and counts bytes.
        body = json.dumps(payload(push, settings), ensure_ascii=False).encode()
        status, answer = await post(client, settings.urls[push.robot], body, {"Content-Type": "application/json"})
        return _read(status, answer, sha256_hex(body), settings.keys[push.robot])


def _read(status: int, answer: bytes, digest: str, key: str) -> Receipt:
    """The receipt, or the error that ``errcode`` means. An answer without one proves nothing and is tried again."""
    try:
        found = json.loads(answer)
        errcode, errmsg = found["errcode"], str(found.get("errmsg", ""))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise TransientError("the answer was not the robot's", http_status=status, payload_sha256=digest) from None
    error_class = classify_wecom(errcode)
    message = errmsg.replace(key, "****")[:300]
    code = str(errcode)[:20]
    if status != httpx2.codes.OK and error_class is ErrorClass.SENT:
        raise TransientError(message, http_status=status, code=code, payload_sha256=digest)
    if error_class is ErrorClass.SENT:
        return Receipt(status, code, message, digest)
    raise ERRORS[error_class](message, http_status=status, code=code, payload_sha256=digest)


KIND = WecomRobot()
