"""One push to a Feishu robot. HTTP says 200 to most refusals: only ``code == 0`` is success."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2

from kesu.alerts.channels.answers import receipt_of
from kesu.alerts.channels.base import Budget, Push, Receipt, parse_settings, post, sha256_hex
from kesu.alerts.channels.feishu_robot.render import encoded
from kesu.alerts.channels.feishu_robot.settings import FeishuRobotSettings
from kesu.rules.classify import ErrorClass

BAD_OR_TOO_MANY = 9499
CODES: dict[int, ErrorClass] = {
    0: ErrorClass.SENT,
    11232: ErrorClass.RATE,  # the whole platform is busy (on the hour and half hour), or this robot too fast
    19001: ErrorClass.CHANNEL_DEAD,  # no such robot
    19021: ErrorClass.CHANNEL_DEAD,  # signature or time not accepted
    19022: ErrorClass.CHANNEL_DEAD,  # address not accepted
    19024: ErrorClass.CHANNEL_DEAD,  # keyword missing
}
"""By `code` (自定义机器人使用指南, 错误码). An unknown one is tried again a bounded number of times."""


class FeishuRobot:
    """A custom robot (自定义机器人) in a Feishu or Lark group: 100 messages a minute and 5 a second."""

    name = "feishu_robot"
    budget = Budget(limit=90, also=((4, timedelta(seconds=1)),))

    def parse(self, raw: Mapping[str, Any]) -> FeishuRobotSettings:
        return parse_settings(FeishuRobotSettings, raw)

    def budget_secret(self, settings: FeishuRobotSettings) -> str:
        return settings.token

    def address(self, settings: FeishuRobotSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: FeishuRobotSettings, client: httpx2.AsyncClient) -> Receipt:
        body = encoded(push, settings, signed_fields(settings, now=push.now))
        headers = {"Content-Type": "application/json"}
        status, answer = await post(client, settings.webhook_url, body, headers)
        return receipt_of(
            status, answer, sha256_hex(body), code="code", message="msg", classify=_classify, secret=settings.token
        )


def signature(secret: str, seconds: int) -> str:
    """Base64 of HMAC-SHA256 over nothing, with ``seconds\\nsecret`` as the key: the reverse of DingTalk's."""
    key = f"{seconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def signed_fields(settings: FeishuRobotSettings, *, now: datetime) -> dict[str, str]:
    """``timestamp`` (unix seconds) and ``sign`` of the body; nothing for a robot without a secret."""
    if not settings.secret:
        return {}
    seconds = int(now.timestamp())
    return {"timestamp": str(seconds), "sign": signature(settings.secret, seconds)}


def _classify(code: object, message: str) -> ErrorClass:
    if not isinstance(code, int) or isinstance(code, bool):
        return ErrorClass.TRANSIENT
    if code == BAD_OR_TOO_MANY:  # one number for two things; only the words tell them apart
        return ErrorClass.RATE if "too many" in message.lower() else ErrorClass.PAYLOAD
    return CODES.get(code, ErrorClass.TRANSIENT)


KIND = FeishuRobot()
