"""What connecting a merchant number asks for, and what can be said of each answer by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu import clock
from kesu.merchants.models import Account
from kesu.merchants.services import APIV3_KEY_LENGTH, AccountError, NewAccount, check_key_pair
from kesu.wechatpay.keys import PUBLIC_KEY_PREFIX, load_certificate, load_private_key, load_public_key

PLATFORM = "https://api.mch.weixin.qq.com"
BACKUP = "https://api2.mch.weixin.qq.com"
LARGEST_FILE = 64 * 1024
SOON = timedelta(days=30)
STEPS = ("number", "pair", "apiv3", "platform")


@dataclass(frozen=True)
class Said:
    """A sentence about what was entered; ``level`` is good, warn or bad, ``field`` whom it concerns."""

    level: str
    text: str
    field: str = ""


class UnshownTextarea(forms.Textarea):
    """What was entered is never written back into a page."""

    def format_value(self, value: Any) -> str:
        return ""


class ConnectForm(forms.Form):
    """A file stands before a pasted text. Nothing secret is written back into the page."""

    mchid = forms.CharField(
        label=gettext_lazy("Merchant number"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        help_text=gettext_lazy("Of whoever signs: a service provider enters its own number."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Account.Role.choices)
    name = forms.CharField(label=gettext_lazy("What staff call it"), max_length=80, required=False)
    certificate = forms.CharField(
        label="apiclient_cert.pem",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=gettext_lazy("Paste it, or choose the file. Begins with -----BEGIN CERTIFICATE-----"),
    )
    certificate_file = forms.FileField(label=gettext_lazy("or the file apiclient_cert.pem"), required=False)
    private_key = forms.CharField(
        label="apiclient_key.pem",
        required=False,
        widget=UnshownTextarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text=gettext_lazy("Kept encrypted and never shown again. Begins with -----BEGIN PRIVATE KEY-----"),
    )
    private_key_file = forms.FileField(label=gettext_lazy("or the file apiclient_key.pem"), required=False)
    apiv3_key = forms.CharField(
        label=gettext_lazy("APIv3 key"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("32 characters that you chose yourself at the Merchant Platform, under API Security."),
    )
    public_key_id = forms.CharField(
        label=gettext_lazy("Id of the WeChat Pay public key"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("PUB_KEY_ID_…; both empty: the platform's certificates are downloaded."),
    )
    public_key = forms.CharField(
        label=gettext_lazy("WeChat Pay public key (pub_key.pem)"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )
    public_key_file = forms.FileField(label=gettext_lazy("or the file pub_key.pem"), required=False)
    base_url = forms.CharField(
        label=gettext_lazy("Address of the platform"),
        required=False,
        initial=PLATFORM,
        help_text=gettext_lazy("Another one only for a sandbox on this machine (http://127.0.0.1:…)."),
    )

    def clean(self) -> dict[str, Any]:
        """Every step's own check; a file's text takes the place of the pasted one."""
        given = super().clean() or {}
        for name in ("certificate", "private_key", "public_key"):
            given[name] = self._text(given, name)
        for step in STEPS:
            for said in checked(step, given):
                if said.level == "bad":
                    self.add_error(said.field, said.text)
        return given

    def new_account(self) -> NewAccount:
        given = self.cleaned_data
        real = given["base_url"].rstrip("/") in ("", PLATFORM)
        return NewAccount(
            mchid=given["mchid"],
            role=given["role"],
            name=given["name"],
            serial_no="",
            certificate_pem=given["certificate"],
            private_key_pem=given["private_key"],
            apiv3_key=given["apiv3_key"],
            platform_keys={given["public_key_id"]: given["public_key"]} if given["public_key_id"] else {},
            base_url=PLATFORM if real else given["base_url"].rstrip("/"),
            backup_base_url=BACKUP if real else "",
        )

    def _text(self, given: dict[str, Any], name: str) -> str:
        file = given.get(f"{name}_file")
        if not isinstance(file, UploadedFile):
            return str(given.get(name) or "")
        try:
            return str(file.read(LARGEST_FILE).decode("ascii")).strip()
        except UnicodeDecodeError:
            return "-"  # no PEM: the step's check says so


def checked(step: str, given: dict[str, Any]) -> list[Said]:
    """What can be said of one step's answers before anybody else is asked."""
    checks = {"number": _number, "pair": _pair, "apiv3": _apiv3, "platform": _platform}
    return checks[step](given, clock.now()) if step in checks else []


def _number(given: dict[str, Any], now: datetime) -> list[Said]:
    mchid, base_url = str(given.get("mchid") or ""), str(given.get("base_url") or PLATFORM).rstrip("/")
    found = []
    if not (mchid.isascii() and mchid.isdigit() and len(mchid) <= 32):
        found.append(Said("bad", _("A merchant number consists of digits only."), "mchid"))
    elif Account.objects.filter(mchid=mchid).exists():
        found.append(Said("warn", _("This number is connected already: its keys will be replaced, nothing is lost.")))
    loopback = urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")
    if base_url != PLATFORM and not loopback:
        found.append(
            Said("bad", _("The platform is at %s; only a sandbox on this machine may differ.") % PLATFORM, "base_url")
        )
    elif clock.is_virtual() and not loopback:
        text = _("This desk follows a sandbox's clock. Connect real merchant numbers to a desk of their own.")
        found.append(Said("bad", text, "mchid"))
    return found


def _pair(given: dict[str, Any], now: datetime) -> list[Said]:
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


def _apiv3(given: dict[str, Any], now: datetime) -> list[Said]:
    length = len(str(given.get("apiv3_key") or "").encode())
    if length == APIV3_KEY_LENGTH:
        return [Said("good", _("32 characters, as it must be."))]
    return [Said("bad", _("The APIv3 key has exactly 32 characters; this one has %s.") % length, "apiv3_key")]


def _platform(given: dict[str, Any], now: datetime) -> list[Said]:
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
