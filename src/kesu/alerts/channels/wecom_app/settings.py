"""What a person fills in for a WeCom application."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings
from kesu.alerts.channels.wecom_app.crypto import CallbackCrypto

API = "https://qyapi.weixin.qq.com"
RECEIVERS_AT_MOST = 40
_CORPID = re.compile(r"[A-Za-z0-9_-]{4,64}")
_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


class WecomAppSettings(ChannelSettings):
    """``corpid``, ``agentid`` and ``secret`` as the admin console shows them; ``receivers`` are account ids, or @all.

    ``callback_token`` and ``callback_key`` (EncodingAESKey) are those of 接收消息; without them cards have no buttons
    that answer. ``style``: ``card``, ``markdown``, or ``text`` for staff who read in WeChat, which shows no markdown.
    ``proxy`` (http://user:password@host:port) is used for this interface only: WeCom takes calls from trusted addresses
    (企业可信IP), and not every line has a fixed one.
    """

    shown: ClassVar[frozenset[str]] = frozenset({"corpid", "agentid", "receivers", "style", "api_url"})

    corpid: str
    agentid: int = Field(ge=1)
    secret: str = Field(min_length=8, max_length=128)
    receivers: tuple[str, ...] = Field(min_length=1, max_length=RECEIVERS_AT_MOST)
    style: Literal["card", "markdown", "text"] = "card"
    callback_token: str = ""
    callback_key: str = ""
    proxy: str = ""
    api_url: str = API

    @field_validator("receivers", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A list, or the same with commas between, as a person types it."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("corpid")
    @classmethod
    def _is_a_corpid(cls, value: str) -> str:
        if not _CORPID.fullmatch(value):
            raise ValueError("must be the company's id (企业ID), such as ww1234567890abcdef")
        return value

    @field_validator("receivers")
    @classmethod
    def _are_userids(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value != ("@all",) and not all(USERID.fullmatch(name) for name in value):
            raise ValueError("must be account ids (账号), or @all alone")
        return tuple(dict.fromkeys(value))

    @field_validator("callback_token")
    @classmethod
    def _is_a_token(cls, value: str) -> str:
        if value and not _TOKEN.fullmatch(value):
            raise ValueError("must be 3 to 32 letters and digits")
        return value

    @field_validator("callback_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value:
            CallbackCrypto("", value, "")
        return value

    @field_validator("api_url")
    @classmethod
    def _is_wecom(cls, value: str) -> str:
        parts = urlsplit(value)
        if value != API and not (parts.scheme in ("http", "https") and is_loopback_host(parts.hostname or "")):
            raise ValueError(f"must be {API}, or a sandbox on this machine")
        return value.rstrip("/")

    @field_validator("proxy")
    @classmethod
    def _is_a_proxy(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if value and not usable:
            raise ValueError("must be an address like http://proxy.example.com:3128")
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> WecomAppSettings:
        if bool(self.callback_token) != bool(self.callback_key):
            raise ValueError("callback_token and callback_key belong together")
        return self

    @property
    def can_be_clicked(self) -> bool:
        return self.style == "card" and bool(self.callback_token)

    @property
    def crypto(self) -> CallbackCrypto:
        """Opens and seals callbacks. Only where ``callback_token`` is set."""
        return CallbackCrypto(self.callback_token, self.callback_key, self.corpid)

    @property
    def address(self) -> str:
        """Company and application; neither is a secret."""
        through = f" through {urlsplit(self.proxy).hostname}" if self.proxy else ""
        return f"{self.corpid}/{self.agentid}{through}"
