"""What a person fills in for e-mail."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings

PORTS = {"starttls": 587, "ssl": 465, "none": 25}
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


class EmailSettings(ChannelSettings):
    """``host`` is the SMTP server; it may be inside the own network.

    ``security`` is ``starttls`` (port 587), ``ssl`` (465) or ``none`` (25; without a password, or on this machine).
    """

    shown: ClassVar[frozenset[str]] = frozenset({"host", "port", "security", "user", "sender", "recipients"})

    host: str
    port: int = Field(0, ge=0, le=65535, description="0: the usual port of the security chosen.")
    security: Literal["starttls", "ssl", "none"] = "starttls"
    user: str = ""
    password: str = ""
    sender: str
    recipients: tuple[str, ...] = Field(min_length=1, max_length=20)

    @field_validator("recipients", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """A list, or the same with commas between, as a person types it."""
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("must be a server's name, such as smtp.example.com")
        return value

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not _ADDRESS.fullmatch(value):
            raise ValueError("must be an address, such as desk@example.com")
        return value

    @field_validator("recipients")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_ADDRESS.fullmatch(address) for address in value):
            raise ValueError("must be addresses, such as team@example.com")
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _keeps_the_password_to_itself(self) -> EmailSettings:
        if self.password and self.security == "none" and not is_loopback_host(self.host):
            raise ValueError("a password is sent only over starttls or ssl")
        if bool(self.user) != bool(self.password):
            raise ValueError("user and password belong together")
        return self

    @property
    def actual_port(self) -> int:
        return self.port or PORTS[self.security]

    @property
    def address(self) -> str:
        """Server and recipients' domains; whom exactly is nobody's business."""
        domains = dict.fromkeys(address.partition("@")[2] for address in self.recipients)
        return f"{self.host}:{self.actual_port} → {', '.join(f'…@{domain}' for domain in domains)}"
