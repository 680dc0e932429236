"""What connecting a merchant number asks for on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy

from kesu import clock
from kesu.merchants.entering import PLATFORM, STEPS, checked
from kesu.merchants.models import Account

LARGEST_FILE = 64 * 1024


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
            for said in checked(step, given, now=clock.now()):
                if said.level == "bad":
                    self.add_error(said.field, said.text)
        return given

    def _text(self, given: dict[str, Any], name: str) -> str:
        file = given.get(f"{name}_file")
        if not isinstance(file, UploadedFile):
            return str(given.get(name) or "")
        try:
            return str(file.read(LARGEST_FILE).decode("ascii")).strip()
        except UnicodeDecodeError:
            return "-"  # no PEM: the step's check says so
