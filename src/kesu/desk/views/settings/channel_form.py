"""The form of a channel, made for its kind."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu.alerts.channels.base import SettingsError
from kesu.alerts.models import Channel
from kesu.desk.views.settings.channel_fields import FIELDS, Setting
from kesu.merchants.models import Account
from kesu.rules import quiet

NAME_TAKEN = gettext_lazy("Another channel has this name.")


class ChannelForm(forms.Form):
    """A channel's common part; ``kind`` adds its own settings, ``channel`` is there when one is changed."""

    def __init__(self, kind: str, channel: Channel | None, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.kind, self.own = kind, FIELDS[kind]
        stored = json.loads(channel.settings) if channel else {}
        if channel is None:
            self.fields["name"] = forms.CharField(label=gettext_lazy("Channel name"), max_length=60)
        for setting in self.own:
            self.fields[setting.name] = setting.field(stored=bool(stored.get(setting.name)))
            if not setting.secret and setting.name in stored:
                self.initial.setdefault(setting.name, _written(stored[setting.name]))
        self._common(channel)

    def _common(self, channel: Channel | None) -> None:
        names = gettext_lazy("Account ids or names, with commas between.")
        self.fields["mentions"] = forms.CharField(label=gettext_lazy("Who is on duty"), required=False, help_text=names)
        self.fields["second_mentions"] = forms.CharField(
            label=gettext_lazy("Who is called when a deadline is missed"), required=False, help_text=names
        )
        self.fields["quiet_hours"] = forms.CharField(
            label=gettext_lazy("Quiet hours"),
            max_length=11,
            required=False,
            help_text=gettext_lazy("22:00-08:00 in Beijing; empty for never. What is urgent does not wait."),
        )
        self.fields["language"] = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
        self.fields["accounts"] = forms.ModelMultipleChoiceField(
            Account.objects.order_by("mchid"),
            label=gettext_lazy("Only for these merchants"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=gettext_lazy("None ticked: for every merchant."),
        )
        others = Channel.objects.exclude(pk=channel.pk if channel else 0).order_by("name")
        self.fields["fallback"] = forms.ModelChoiceField(
            others,
            label=gettext_lazy("Takes over when this one is gone"),
            required=False,
            empty_label=gettext_lazy("None"),
        )
        self.fields["standby"] = forms.BooleanField(
            label=gettext_lazy("Used only to take over for another"), required=False
        )

    def clean_quiet_hours(self) -> str:
        hours: str = self.cleaned_data["quiet_hours"]
        try:
            quiet.parse(hours)
        except ValueError:
            raise forms.ValidationError(_("Quiet hours are written 22:00-08:00.")) from None
        return hours

    def settings(self) -> dict[str, Any]:
        """The kind's own; a secret that was left empty is not among them, nor what is empty in a new channel."""
        given = {setting.name: self.cleaned_data.get(setting.name) for setting in self.own}
        hidden = {setting.name for setting in self.own if setting.secret}
        kept = {name: "" if value is None else value for name, value in given.items()}
        return {name: value for name, value in kept.items() if not (name in hidden and value == "")}

    def refuse(self, error: SettingsError) -> None:
        """Say in the reader's language what the kind did not take."""
        by_name: dict[str, Setting] = {setting.name: setting for setting in self.own}
        for place, problem in error.problems.items():
            name = place.partition(".")[0]
            if name == "name":
                self.add_error("name", NAME_TAKEN)
            elif name in by_name:
                self.add_error(name, str(by_name[name].wrong) or problem)
            else:
                self.add_error(None, _("These settings do not fit together: %s") % problem)


def _written(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
