"""What connecting a merchant number takes, and what can be said of each answer before anybody else is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from kesu import clock
from kesu.merchants.models import Account
from kesu.merchants.services import APIV3_KEY_LENGTH, AccountError, NewAccount, check_key_pair
from kesu.wechatpay.keys import PUBLIC_KEY_PREFIX, load_certificate, load_private_key, load_public_key

PLATFORM = "https://api.mch.weixin.qq.com"
BACKUP = "https://api2.mch.weixin.qq.com"
SOON = timedelta(days=30)
STEPS = ("number", "pair", "apiv3", "platform")


@dataclass(frozen=True)
class Said:
    """A sentence about what was entered; ``level`` is good, warn or bad, ``field`` whom it concerns."""

    level: str
    text: str
    field: str = ""


class Unusable(AccountError):
    """``problems``: what is wrong with each field, in words that repeat no secret."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


def entered(given: Mapping[str, Any], *, now: datetime) -> NewAccount:
    """What was entered, as an account to be. ``given``: mchid, role, name, certificate, private_key, apiv3_key,
    public_key_id, public_key, base_url; PEM texts. Raises Unusable."""
    bad = [said for step in STEPS for said in checked(step, given, now=now) if said.level == "bad"]
    if bad:
        raise Unusable({said.field: said.text for said in reversed(bad)})
    base_url = str(given.get("base_url") or "").rstrip("/")
    real = base_url in ("", PLATFORM)
    return NewAccount(
        mchid=given["mchid"],
        role=given["role"],
        name=given.get("name", ""),
        serial_no="",
        certificate_pem=given["certificate"],
        private_key_pem=given["private_key"],
        apiv3_key=given["apiv3_key"],
        platform_keys={given["public_key_id"]: given["public_key"]} if given.get("public_key_id") else {},
        base_url=PLATFORM if real else base_url,
        backup_base_url=BACKUP if real else "",
    )


def checked(step: str, given: Mapping[str, Any], *, now: datetime) -> list[Said]:
    """What can be said of one step's answers before anybody else is asked."""
    checks = {"number": _number, "pair": _pair, "apiv3": _apiv3, "platform": _platform}
    return checks[step](given, now) if step in checks else []


def _number(given: Mapping[str, Any], now: datetime) -> list[Said]:
    mchid, base_url = str(given.get("mchid") or ""), str(given.get("base_url") or PLATFORM).rstrip("/")
    found = []
    if not (mchid.isascii() and mchid.isdigit() and len(mchid) <= 32):
        found.append(Said("bad", _("A merchant number consists of digits only."), "mchid"))
    elif Account.objects.filter(mchid=mchid).exists():
        found.append(Said("warn", _("This number is connected already: its keys will be replaced, nothing is lost.")))
    loopback = _host(base_url) in ("127.0.0.1", "localhost", "::1")
    if base_url != PLATFORM and not loopback:
        found.append(
            Said("bad", _("The platform is at %s; only a sandbox on this machine may differ.") % PLATFORM, "base_url")
        )
    elif clock.is_virtual() and not loopback:
        text = _("This desk follows a sandbox's clock. Connect real merchant numbers to a desk of their own.")
        found.append(Said("bad", text, "mchid"))
    return found


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _pair(given: Mapping[str, Any], now: datetime) -> list[Said]:
    certificate, key = str(given.get("certificate") or ""), str(given.get("private_key") or "")
    found = [_certificate(certificate, now), _private_key(key)]
    if all(said.level != "bad" for said in found):
        try:
            check_key_pair(key, certificate)
            found.append(Said("good", _("Certificate and key belong together.")))
        except AccountError:
            text = _("This key is not the certificate's. Take both files from the same download.")
            found.append(Said("bad", text, "private_key"))
    return found


def _certificate(pem: str, now: datetime) -> Said:
    if not pem:
        return Said("bad", _("The certificate is missing."), "certificate")
    if "PRIVATE KEY" in pem:
        return Said("bad", _("This is the private key. The certificate is in apiclient_cert.pem."), "certificate")
    try:
        found = load_certificate(pem)
    except ValueError:
        return Said("bad", _("This is no certificate. Open apiclient_cert.pem and copy all of it."), "certificate")
    facts = {"serial": found.serial_no, "day": f"{found.not_after:%Y-%m-%d}"}
    if found.not_after <= now:
        return Said("bad", _("Certificate %(serial)s expired on %(day)s.") % facts, "certificate")
    level = "warn" if found.not_after - now < SOON else "good"
    return Said(level, _("Certificate %(serial)s, valid until %(day)s.") % facts)


def _private_key(pem: str) -> Said:
    if not pem:
        return Said("bad", _("The private key is missing."), "private_key")
    if "BEGIN CERTIFICATE" in pem:
        return Said("bad", _("This is the certificate. The private key is in apiclient_key.pem."), "private_key")
    try:
        load_private_key(pem)
    except ValueError:
        return Said("bad", _("This is no private key. Open apiclient_key.pem and copy all of it."), "private_key")
    return Said("good", _("The private key can be read."))


def _apiv3(given: Mapping[str, Any], now: datetime) -> list[Said]:
    length = len(str(given.get("apiv3_key") or "").encode())
    if length == APIV3_KEY_LENGTH:
        return [Said("good", _("32 characters, as it must be."))]
    return [Said("bad", _("The APIv3 key has exactly 32 characters; this one has %s.") % length, "apiv3_key")]


def _platform(given: Mapping[str, Any], now: datetime) -> list[Said]:
    key_id, pem = str(given.get("public_key_id") or ""), str(given.get("public_key") or "")
    if not key_id and not pem:
        return [Said("good", _("The platform's certificates will be downloaded."))]
    if not key_id.startswith(PUBLIC_KEY_PREFIX):
        text = _("The id begins with PUB_KEY_ID_ and stands beside the key in the console.")
        return [Said("bad", text, "public_key_id")]
    try:
        load_public_key(pem)
    except ValueError:
        return [Said("bad", _("This is no public key. Open pub_key.pem and copy all of it."), "public_key")]
    return [Said("good", _("The public key can be read. Whether it is the right one shows in the call."))]
