"""What owners fill in on the admin pages of ladders, rotas, quiet hours and channels, checked as the commands check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from kesu.accounts.models import User
from kesu.alerts import ladders
from kesu.alerts.models import Channel, Ladder, LadderRule, PersonHours, Rota
from kesu.rules import quiet
from kesu.rules.ladder_steps import LadderError
from kesu.rules.ladders import LadderFormatError, parse

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Any]
else:  # subscriptable for the type checker only
    _ModelForm = forms.ModelForm


class LadderForm(_ModelForm):
    """Steps as JSON, as ``kesu ladders show`` prints them."""

    class Meta:
        model = Ladder
        fields = ("name", "steps")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "name" in found and "steps" in found:
            try:
                problems = ladders.unknown_names(parse(found["name"], found["steps"]))
            except LadderFormatError as error:
                problems = list(error.problems)
            except LadderError as error:
                problems = [str(error)]
            if problems:
                raise forms.ValidationError(problems)
        return found


class LadderRuleForm(_ModelForm):
    ladder = forms.ChoiceField(label=_("Ladder"))

    class Meta:
        model = LadderRule
        fields = ("position", "ladder", "mchids", "kinds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ladder"].choices = [(name, name) for name in sorted(ladders.book().ladders)]  # type: ignore[attr-defined]
        for name in ("mchids", "kinds"):
            self.fields[name].required = False

    def clean_mchids(self) -> list[str]:
        return self._words("mchids")

    def clean_kinds(self) -> list[str]:
        return self._words("kinds")

    def _words(self, name: str) -> list[str]:
        found = self.cleaned_data[name] or []
        if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
            raise forms.ValidationError(_('A list of words, such as ["REFUND"]; [] for all.'))
        return found


class RotaForm(_ModelForm):
    """Members join and leave one at a time, so that nobody's present turn is lost."""

    weekday = forms.IntegerField(
        label=_("Weekday"), min_value=1, max_value=7, help_text=_("Turns start on this day, 1 for Monday.")
    )
    hour = forms.IntegerField(
        label=_("Hour of the day"), min_value=0, max_value=23, help_text=_("And at this hour in Beijing.")
    )
    joins = forms.ModelChoiceField(User.objects.none(), label=_("Joins"), required=False)
    leaves = forms.ModelChoiceField(User.objects.none(), label=_("Leaves"), required=False)

    class Meta:
        model = Rota
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        from kesu.clock import BEIJING

        members = User.objects.filter(rotamember__rota=self.instance) if self.instance.pk else User.objects.none()
        active = User.objects.filter(is_active=True).exclude(pk__in=members.values("pk"))
        self.fields["joins"].queryset = active.order_by("username")  # type: ignore[attr-defined]
        self.fields["leaves"].queryset = members.order_by("username")  # type: ignore[attr-defined]
        anchor = self.instance.anchor.astimezone(BEIJING) if self.instance.pk else None
        self.initial["weekday"], self.initial["hour"] = (anchor.isoweekday(), anchor.hour) if anchor else (1, 9)

    def clean_name(self) -> str:
        """Ladders know a rota by its name."""
        name: str = self.cleaned_data["name"]
        if self.instance.pk and name != self.initial["name"] and ladders.naming(f"rota:{self.initial['name']}"):
            raise forms.ValidationError(_("A ladder names this rota: set it without it first."))
        return name


def _quiet_hours(given: str) -> str:
    try:
        quiet.parse(given)
    except ValueError:
        raise forms.ValidationError(_("Quiet hours are written 22:00-08:00.")) from None
    return given


class PersonHoursForm(_ModelForm):
    class Meta:
        model = PersonHours
        fields = ("user", "quiet_hours")

    def clean_quiet_hours(self) -> str:
        return _quiet_hours(self.cleaned_data["quiet_hours"])


class ChannelForm(_ModelForm):
    """What is no secret. Addresses and keys are changed with ``kesu channels change``."""

    class Meta:
        model = Channel
        fields = (
            "mentions",
            "second_mentions",
            "accounts",
            "language",
            "quiet_hours",
            "fallback",
            "standby",
            "enabled",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("mentions", "second_mentions"):
            if name in self.fields:
                self.fields[name].required = False
        if "fallback" in self.fields:
            others = Channel.objects.exclude(pk=self.instance.pk)
            self.fields["fallback"].queryset = others  # type: ignore[attr-defined]

    def clean_quiet_hours(self) -> str:
        return _quiet_hours(self.cleaned_data["quiet_hours"])

    def clean_mentions(self) -> list[str]:
        return self._ids("mentions")

    def clean_second_mentions(self) -> list[str]:
        return self._ids("second_mentions")

    def _ids(self, name: str) -> list[str]:
        found = self.cleaned_data[name] or []
        if not isinstance(found, list) or not all(isinstance(word, str) and word for word in found):
            raise forms.ValidationError(_('A list of account ids, such as ["ZhangSan"].'))
        return found
