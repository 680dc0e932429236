"""What a person fills in for each kind of channel. ``wrong`` is said when the kind refuses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = "str | Promise"


@dataclass(frozen=True)
class Setting:
    """One of a kind's own settings. A ``secret`` is never shown again: left empty, it stays as it is."""

    name: str
    label: str | Promise
    wrong: str | Promise
    help: str | Promise = ""
    secret: bool = False
    required: bool = False
    tick: bool = False
    number: bool = False
    choices: tuple[tuple[str, str | Promise], ...] = ()

    def field(self, *, stored: bool) -> forms.Field:
        """The form's field; ``stored``: there is a value already."""
        shown: dict[str, Any] = {"label": self.label, "help_text": self.help, "required": self.required}
        if self.tick:
            return forms.BooleanField(**shown | {"required": False})
        if self.choices:
            return forms.ChoiceField(choices=self.choices, **shown)
        if self.number:
            return forms.IntegerField(**shown)
        if self.secret:
            shown["required"] = self.required and not stored
            if stored:
                shown["help_text"] = _("Kept, and not shown again. Fill in only to change it.")
            return forms.CharField(max_length=1000, widget=forms.TextInput(attrs={"autocomplete": "off"}), **shown)
        return forms.CharField(max_length=1000, **shown)


_SIGNED = Setting("secret", _("Secret for signing"), _("This is not the robot's secret."), secret=True)
_KEYWORD = Setting("keyword", _("Keyword"), _("This keyword cannot be used."), _("If the robot is secured by one."))
_EVERYONE = Setting("everyone", _("Call the whole group"), "", tick=True)

FIELDS: dict[str, tuple[Setting, ...]] = {
    "wecom_robot": (
        Setting(
            "webhook_url",
            _("Webhook address of the robot"),
            _(
                "This is not the address of a WeCom robot. It looks like https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
            ),
            _("WeCom group > message push (robot) > add > copy the webhook address."),
            secret=True,
            required=True,
        ),
        Setting(
            "more_webhook_urls",
            _("Further robots of the same group"),
            _("Each must be the address of another robot of this group, with commas between."),
            _("Addresses with commas between. Each adds 20 messages a minute."),
            secret=True,
        ),
        Setting(
            "mobiles",
            _("Mobile numbers to call"),
            _("Numbers consist of digits, with commas between."),
            _("For people whose account id is not known; such a push has no colours."),
        ),
        _EVERYONE,
    ),
    "dingtalk_robot": (
        Setting(
            "webhook_url",
            _("Webhook address of the robot"),
            _(
                "This is not the address of a DingTalk robot. It looks like https://oapi.dingtalk.com/robot/send?access_token=…"
            ),
            secret=True,
            required=True,
        ),
        _SIGNED,
        _KEYWORD,
        _EVERYONE,
    ),
    "feishu_robot": (
        Setting(
            "webhook_url",
            _("Webhook address of the robot"),
            _(
                "This is not the address of a Feishu robot. It looks like https://open.feishu.cn/open-apis/bot/v2/hook/…"
            ),
            secret=True,
            required=True,
        ),
        _SIGNED,
        _KEYWORD,
        _EVERYONE,
    ),
    "wecom_app": (
        Setting("corpid", _("Company id"), _("It looks like ww1234567890abcdef."), required=True),
        Setting(
            "agentid",
            _("AgentId of the application"),
            _("A number, as the console shows it."),
            required=True,
            number=True,
        ),
        Setting("secret", _("Secret of the application"), _("8 to 128 characters."), secret=True, required=True),
        Setting(
            "receivers",
            _("Receivers"),
            _("Account ids with commas between, or @all alone."),
            _("Account ids with commas between, or @all alone."),
            required=True,
        ),
        Setting(
            "style",
            _("Looks like"),
            "",
            choices=(("card", _("Card with buttons")), ("markdown", _("Markdown")), ("text", _("Plain text"))),
        ),
        Setting(
            "callback_token",
            _("Token of message receiving"),
            _("3 to 32 letters and digits, together with the EncodingAESKey."),
            _("Without it the buttons of cards do not answer."),
            secret=True,
        ),
        Setting(
            "callback_key",
            _("EncodingAESKey of message receiving"),
            _("43 characters, as the console makes them, together with the token."),
            secret=True,
        ),
        Setting(
            "proxy",
            _("Proxy"),
            _("It looks like http://proxy.example.com:3128."),
            _("WeCom takes calls from trusted addresses only."),
            secret=True,
        ),
    ),
    "email": (
        Setting("host", _("SMTP server"), _("A server's name, such as smtp.example.com."), required=True),
        Setting("port", _("Port"), _("0 to 65535; 0 is the usual one."), _("0: the usual one."), number=True),
        Setting(
            "security",
            _("Protected by"),
            _("A password is sent only over STARTTLS or TLS."),
            choices=(("starttls", "STARTTLS"), ("ssl", "TLS"), ("none", _("nothing"))),
        ),
        Setting("user", _("User"), _("User and password belong together.")),
        Setting("password", _("Password"), _("User and password belong together."), secret=True),
        Setting("sender", _("Sender"), _("An address, such as desk@example.com."), required=True),
        Setting(
            "recipients",
            _("Recipients"),
            _("Addresses, with commas between."),
            _("Addresses, with commas between."),
            required=True,
        ),
    ),
    "webhook": (
        Setting(
            "url",
            _("Address"),
            _("It must begin with https:// and hold no user name."),
            secret=True,
            required=True,
        ),
        Setting(
            "secret",
            _("Secret for signing"),
            _("whsec_ and the base64 of 24 to 64 random bytes; left empty, one is made."),
            _("Left empty, one is made and shown once."),
            secret=True,
        ),
    ),
    "apprise": (
        Setting(
            "url",
            _("Apprise address"),
            _("Apprise does not know this address, or it cannot be trusted to tell whether a push arrived."),
            _("slack://…, tgram://… and the like. For WeCom, DingTalk and Feishu use their own kinds."),
            secret=True,
            required=True,
        ),
    ),
}
