"""What a person fills in for an Apprise address."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from kesu.alerts.channels.base import ChannelSettings

# Apprise tells success for these whatever they answer: an error there is HTTP 200 with an errcode.
UNRELIABLE = frozenset({"wecombot", "wechat", "dingtalk", "feishu", "lark"})
# These reach this machine and its network instead of people.
LOCAL = frozenset(
    {
        "json",
        "jsons",
        "xml",
        "xmls",
        "form",
        "forms",
        "dbus",
        "kde",
        "qt",
        "glib",
        "gnome",
        "macosx",
        "windows",
        "syslog",
    }
)


class AppriseSettings(ChannelSettings):
    """``url`` as Apprise writes it: ``mailtos://user:password@example.com``, ``slack://...``, ``tgram://...``."""

    url: str

    @field_validator("url")
    @classmethod
    def _can_be_trusted(cls, value: str) -> str:
        target = _instantiated(value)
        if target is None:
            raise ValueError("is not an address Apprise knows")
        schemes = schemes_of(target)
        if schemes & UNRELIABLE:
            raise ValueError(
                "Apprise reports success here even when nothing arrives: use a channel of that kind instead"
            )
        if schemes & LOCAL:
            raise ValueError("does not reach people: use the signed webhook instead")
        return value

    @property
    def address(self) -> str:
        """The address with every secret masked, as Apprise masks it."""
        target = _instantiated(self.url)
        shown: str = target.url(privacy=True) if target else ""
        return shown.partition("?")[0] or "****"


def _instantiated(url: str) -> Any:
    import apprise  # a fifth of a second, and only where there is such a channel

    return apprise.Apprise.instantiate(url)


def schemes_of(target: object) -> set[str]:
    """Every scheme of the plugin that ``target`` belongs to; native addresses (https://...) lead to plugins too."""
    found: set[str] = set()
    for name in ("protocol", "secure_protocol"):
        value = getattr(target, name, None)
        found |= {value} if isinstance(value, str) else set(value or ())
    return found


def hosts_of(target: object) -> tuple[str, ...]:
    """The hosts as they stand in the address that ``target`` was made from; some plugins keep a token there."""
    return tuple(host for name in ("host", "smtp_host") if isinstance(host := getattr(target, name, None), str))
