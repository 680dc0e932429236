"""What a person fills in for a DingTalk robot."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit, urlunsplit

from pydantic import field_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings, masked

HOST = "oapi.dingtalk.com"
PATH = "/robot/send"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,128}")


class DingtalkRobotSettings(ChannelSettings):
    """``webhook_url`` is the address DingTalk shows for a robot; ``secret`` (SEC...) belongs to its 加签 setting.

    ``keyword`` is written into every message for a robot that is secured by one. ``everyone`` calls the whole group
    where people are to be called.
    """

    shown: ClassVar[frozenset[str]] = frozenset({"keyword", "everyone"})

    webhook_url: str
    secret: str = ""
    keyword: str = ""
    everyone: bool = False

    @field_validator("webhook_url")
    @classmethod
    def _is_a_robot(cls, value: str) -> str:
        parts = urlsplit(value)
        local = is_loopback_host(parts.hostname or "")
        if not local and (parts.scheme, parts.netloc, parts.path) != ("https", HOST, PATH):
            raise ValueError(f"must be the robot's address: https://{HOST}{PATH}?access_token=...")
        if local and (parts.scheme not in ("http", "https") or not parts.path.endswith(PATH)):
            raise ValueError(f"a robot on this machine (the sandbox) must end in {PATH}?access_token=...")
        tokens = parse_qs(parts.query).get("access_token", [])
        if len(tokens) != 1 or not _TOKEN.fullmatch(tokens[0]):
            raise ValueError("must carry the robot's token: ...?access_token=...")
        return value

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.webhook_url).query)["access_token"][0]

    @property
    def address(self) -> str:
        """The address with its token masked."""
        return urlunsplit(urlsplit(self.webhook_url)._replace(query=f"access_token={masked(self.token)}"))
