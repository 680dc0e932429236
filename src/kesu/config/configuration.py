"""Every setting of an installation, read from the environment (``KESU_*``), each with what it is for."""

from __future__ import annotations

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_data_directory() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "kesu"


class Configuration(BaseSettings):
    """The environment's settings. Docstrings of the fields are the reference in ``docs/settings.md``."""

    model_config = SettingsConfigDict(env_prefix="KESU_", extra="ignore")

    data: Path = Field(
        default_factory=default_data_directory,
        description="Directory of everything Kesu keeps: embedded database, keys, locks.",
    )
    database_url: str = Field(
        "",
        description="A PostgreSQL >= 15 to use instead of the embedded one: postgresql://user:password@host:5432/name",
    )
    public_url: str = Field(
        "",
        description="Address at which staff and the platform reach Kesu (https://...). Links in messages use it.",
    )
    hsts_days: int = Field(
        30,
        ge=0,
        le=730,
        description="Days for which browsers keep to HTTPS once they came by it (HSTS). Only with a public https:// "
        "address. 0: they are not told.",
    )
    language: Literal["zh-hans", "en"] = Field(
        "zh-hans", description="Language of messages and of pages until a person chooses."
    )
    allowed_hosts: str = Field(
        "", description="Comma-separated host names to answer to besides the public URL's and loopback."
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="Comma-separated addresses whose X-Forwarded-* headers are believed."
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people or for machines.")
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        "info", description="Least severe log line that is written."
    )
    web_threads: int = Field(8, ge=1, le=64, description="Threads that serve pages.")
    poll_newest_seconds: int = Field(60, ge=10, description="How often the newest days are polled at the platform.")
    poll_recent_seconds: int = Field(600, ge=60, description="How often the last eight days are polled.")
    poll_month_seconds: int = Field(86_400, ge=3_600, description="How often the last 30 days are polled.")
    reread_open_seconds: int = Field(
        600, ge=60, description="How often an open complaint is read again although nothing was heard of it."
    )
    watch_seconds: int = Field(
        1_500, ge=60, description="How often each account's callback address, keys and clock are looked at."
    )
    reply_limit: int = Field(
        200,
        ge=1,
        le=500,
        description="Longest reply in characters. Official pages say 200 (merchants, 2024) and 500 (providers, 2025).",
    )
    link_days: int = Field(7, ge=1, le=90, description="How many days the link of a push opens its case.")
    webhook_allow_private: bool = Field(
        False,
        description="Let signed webhooks and Apprise go to private network addresses. "
        "Off: they could be made to probe yours.",
    )
    webhook_due_soon_hours: str = Field(
        "6,1",
        pattern=r"^\s*[1-9][0-9]?\s*(,\s*[1-9][0-9]?\s*){0,3}$",
        description="How many hours before a deadline a signed webhook warns, comma-separated, at most four.",
    )
    metrics_allow: str = Field(
        "127.0.0.1,::1",
        description="Comma-separated addresses and networks that may read /metrics when they ask directly, "
        "not through a proxy. Empty: nobody without the token.",
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Who sends it as bearer token may read /metrics from anywhere. Empty: nobody."
    )
    keep_notices_days: int = Field(
        30, ge=0, description="Days for which processed notices are kept as they came. 0: for ever."
    )
    keep_messages_days: int = Field(
        180, ge=0, description="Days for which settled pushes and their tries are kept. 0: for ever."
    )
    keep_pictures_days: int = Field(
        180, ge=0, description="Days for which pictures of closed complaints are kept. 0: for ever."
    )
    keep_personal_days: int = Field(
        400,
        ge=0,
        description="Days after which phone, openid and raw answers are erased from closed complaints. 0: never.",
    )
    keep_complaints_days: int = Field(
        0,
        ge=0,
        description="Days after which closed complaints are deleted whole, at least 90. 0: never, which rates need.",
    )
    database_warn_gb: int = Field(20, ge=1, description="Size in GB above which kesu doctor warns of the database.")
    deadman_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address asked for every minute while all is well (healthchecks): silence means trouble.",
    )
    wecom_login_corp_id: str = Field(
        "", description="Company id (企业ID) whose members may sign in through WeCom. Empty: that way does not exist."
    )
    wecom_login_agent_id: str = Field("", description="AgentId of the company's own application that asks them.")
    wecom_login_secret: SecretStr = Field(SecretStr(""), description="Secret of that application.")
    wecom_login_api_url: str = Field(
        "https://qyapi.weixin.qq.com",
        pattern=r"^https?://\S+$",
        description="Where WeCom's interface is asked: itself, or a proxy with an address that it trusts.",
    )
    debug: bool = Field(False, description="Error pages with details. Never in production.")

    @field_validator("metrics_allow")
    @classmethod
    def _only_networks(cls, text: str) -> str:
        """ValueError for what is neither an address nor a network."""
        for part in text.split(","):
            ip_network(part.strip() or "::1")
        return text

    @field_validator("keep_complaints_days")
    @classmethod
    def _not_while_the_platform_lists_them(cls, days: int) -> int:
        """ValueError below 90 days: rates look back 33 days, and what polls list again would come back as new."""
        if 0 < days < 90:
            raise ValueError("must be 0 (never) or at least 90")
        return days

    @model_validator(mode="after")
    def _wecom_login_is_whole(self) -> Configuration:
        """ValueError when company, application and secret are not given together."""
        if len({bool(value) for value in self._wecom_login()}) > 1:
            raise ValueError("KESU_WECOM_LOGIN_CORP_ID, _AGENT_ID and _SECRET belong together: give all or none")
        return self

    def _wecom_login(self) -> tuple[str, str, str]:
        return self.wecom_login_corp_id, self.wecom_login_agent_id, self.wecom_login_secret.get_secret_value()

    def wecom_login(self) -> dict[str, str] | None:
        """What sign-in through WeCom needs; None where it is not set up."""
        corp_id, agent_id, secret = self._wecom_login()
        if not corp_id:
            return None
        api_url = self.wecom_login_api_url.rstrip("/")
        return {"corp_id": corp_id, "agent_id": agent_id, "secret": secret, "api_url": api_url}

    @property
    def due_soon_leads(self) -> tuple[timedelta, ...]:
        """The shortest first."""
        return tuple(
            timedelta(hours=hours) for hours in sorted({int(one) for one in self.webhook_due_soon_hours.split(",")})
        )

    @property
    def data_directory(self) -> Path:
        return self.data.expanduser().absolute()
