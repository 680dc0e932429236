"""What a person fills in for a Feishu or Lark robot."""

from __future__ import annotations

import re
from typing import ClassVar
from urllib.parse import urlsplit, urlunsplit

from pydantic import field_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings, masked

HOSTS = ("open.feishu.cn", "open.larksuite.com")
_PATH = re.compile(r"/open-apis/bot/v2/hook/([A-Za-z0-9_-]{8,80})")


class FeishuRobotSettings(ChannelSettings):
    """``webhook_url`` is the address Feishu shows for a robot; ``secret`` belongs to its 签名校验 setting.

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
        if is_loopback_host(parts.hostname or ""):
            known = parts.scheme in ("http", "https")
        else:
            known = parts.scheme == "https" and parts.netloc in HOSTS
        if not known or not _PATH.fullmatch(parts.path) or parts.query:
            raise ValueError(f"must be the robot's address: https://{HOSTS[0]}/open-apis/bot/v2/hook/...")
        return value

    @property
    def token(self) -> str:
        return urlsplit(self.webhook_url).path.rpartition("/")[2]

    @property
    def address(self) -> str:
        """The address with its token masked."""
        parts = urlsplit(self.webhook_url)
        return urlunsplit(parts._replace(path=parts.path.replace(self.token, masked(self.token))))
