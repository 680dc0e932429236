"""What a person fills in for a WeCom robot."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit, urlunsplit

from pydantic import Field, field_validator, model_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings, masked

HOST = "qyapi.weixin.qq.com"
PATH = "/cgi-bin/webhook/send"
_KEY = re.compile(r"[A-Za-z0-9_-]{8,80}")
_MOBILE = re.compile(r"\+?[0-9]{6,15}")


class WecomRobotSettings(ChannelSettings):
    """``webhook_url`` is the address WeCom shows when a robot (消息推送, formerly 群机器人) is added to a group.

    ``more_webhook_urls`` are further robots of the same group: they take turns, and each adds its 20 messages a minute.
    ``mobiles`` and ``everyone`` ring people whose account ids are not known; WeCom allows both in plain text only, so
    such a push is sent without colours.
    """

    shown: ClassVar[frozenset[str]] = frozenset({"everyone"})

    webhook_url: str
    more_webhook_urls: tuple[str, ...] = Field((), max_length=9)
    mobiles: tuple[str, ...] = Field((), max_length=20)
    everyone: bool = False

    @field_validator("webhook_url")
    @classmethod
    def _is_a_robot(cls, value: str) -> str:
        return _checked(value)

    @field_validator("more_webhook_urls", "mobiles", mode="before")
    @classmethod
    def _may_be_one_text(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("more_webhook_urls")
    @classmethod
    def _are_robots(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_checked(one.strip()) for one in value)

    @model_validator(mode="after")
    def _are_different(self) -> WecomRobotSettings:
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("a robot is named twice")
        return self

    @field_validator("mobiles")
    @classmethod
    def _are_numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_MOBILE.fullmatch(number) for number in value):
            raise ValueError("must be mobile numbers, digits only")
        return value

    @property
    def urls(self) -> tuple[str, ...]:
        return (self.webhook_url, *self.more_webhook_urls)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(parse_qs(urlsplit(url).query)["key"][0] for url in self.urls)

    @property
    def key(self) -> str:
        return self.keys[0]

    @property
    def address(self) -> str:
        """The address with its key masked."""
        more = f" +{len(self.more_webhook_urls)}" if self.more_webhook_urls else ""
        return urlunsplit(urlsplit(self.webhook_url)._replace(query=f"key={masked(self.key)}")) + more


def _checked(value: str) -> str:
    parts = urlsplit(value)
    local = is_loopback_host(parts.hostname or "")
    if not local and (parts.scheme, parts.netloc, parts.path) != ("https", HOST, PATH):
        raise ValueError(f"must be the robot's address: https://{HOST}{PATH}?key=...")
    if local and (parts.scheme not in ("http", "https") or not parts.path.endswith(PATH)):
        raise ValueError(f"a robot on this machine (the sandbox) must end in {PATH}?key=...")
    keys = parse_qs(parts.query).get("key", [])
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise ValueError("must carry the robot's key: ...?key=...")
    return value
