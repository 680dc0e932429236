"""One push to a DingTalk robot. HTTP says 200 to every refusal: only ``errcode == 0`` is success."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2

from kesu.alerts.channels.answers import receipt_of
from kesu.alerts.channels.base import Budget, Push, Receipt, parse_settings, post, sha256_hex
from kesu.alerts.channels.dingtalk_robot.render import encoded
from kesu.alerts.channels.dingtalk_robot.settings import DingtalkRobotSettings
from kesu.rules.classify import ErrorClass

ERRCODES: dict[int, ErrorClass] = {
    0: ErrorClass.SENT,
    -1: ErrorClass.TRANSIENT,  # busy
    130101: ErrorClass.RATE,  # more than 20 a minute: ten minutes of silence
    410100: ErrorClass.RATE,
    460101: ErrorClass.PAYLOAD,  # longer than 20000 bytes
    40035: ErrorClass.PAYLOAD,  # a parameter
    400105: ErrorClass.PAYLOAD,  # message type
    430101: ErrorClass.PAYLOAD,  # a link it does not like
    430102: ErrorClass.PAYLOAD,  # words, a picture, a content it does not like
    430103: ErrorClass.PAYLOAD,
    430104: ErrorClass.PAYLOAD,
    300005: ErrorClass.CHANNEL_DEAD,  # no such token
    310000: ErrorClass.CHANNEL_DEAD,  # signature, keyword or address not accepted
    90030: ErrorClass.CHANNEL_DEAD,  # the month's quota is used up
    400013: ErrorClass.CHANNEL_DEAD,  # the group is gone
    400101: ErrorClass.CHANNEL_DEAD,  # no such token
    400102: ErrorClass.CHANNEL_DEAD,  # the robot is switched off
    400106: ErrorClass.CHANNEL_DEAD,  # no such robot
}
"""By `errcode` (自定义机器人接入, 错误码). An unknown one is tried again a bounded number of times."""


class DingtalkRobot:
    """A custom robot (自定义机器人) in a DingTalk group. Twenty messages a minute, or ten minutes of none."""

    name = "dingtalk_robot"
    budget = Budget(limit=18, pause=timedelta(minutes=10))

    def parse(self, raw: Mapping[str, Any]) -> DingtalkRobotSettings:
        return parse_settings(DingtalkRobotSettings, raw)

    def budget_secret(self, settings: DingtalkRobotSettings) -> str:
        return settings.token

    def address(self, settings: DingtalkRobotSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: DingtalkRobotSettings, client: httpx2.AsyncClient) -> Receipt:
        body = encoded(push, settings)
        headers = {"Content-Type": "application/json"}
        status, answer = await post(client, signed_url(settings, now=push.now), body, headers)
        return receipt_of(
            status,
            answer,
            sha256_hex(body),
            code="errcode",
            message="errmsg",
            classify=_classify,
            secret=settings.token,
        )


def signature(secret: str, milliseconds: int) -> str:
    """Base64 of HMAC-SHA256 with the secret as key, over ``milliseconds\\nsecret``; not yet encoded for an address."""
    message = f"{milliseconds}\n{secret}".encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def signed_url(settings: DingtalkRobotSettings, *, now: datetime) -> str:
    """The address with timestamp and signature, encoded once; the bare address for a robot without a secret."""
    if not settings.secret:
        return settings.webhook_url
    milliseconds = int(now.timestamp() * 1000)
    found = {"timestamp": str(milliseconds), "sign": signature(settings.secret, milliseconds)}
    return f"{settings.webhook_url}&{urlencode(found)}"


def _classify(errcode: object, _errmsg: str) -> ErrorClass:
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        return ErrorClass.TRANSIENT
    return ERRCODES.get(errcode, ErrorClass.TRANSIENT)


KIND = DingtalkRobot()
