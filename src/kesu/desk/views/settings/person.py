"""One person: role, limit, merchants, how channels call them, when they sleep, their API tokens."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kesu import clock
from kesu.accounts import tokens
from kesu.accounts.actor import Actor
from kesu.accounts.models import ApiToken, Role, User
from kesu.accounts.roles import REFUND_LIMITS, Permission
from kesu.commands import keys, people
from kesu.commands.people_wording import PersonError
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.rules import quiet

SCOPES = {
    tokens.Scope.READ: gettext_lazy("Read"),
    tokens.Scope.ACT: gettext_lazy("Act"),
    tokens.Scope.ADMIN: gettext_lazy("Administer"),
}


FIELDS = {"own_role": "role", "last_owner": "role", "unknown_merchant": "merchants", "quiet_hours": "quiet_hours"}
"""Which field a refusal belongs to."""


class PersonForm(forms.Form):
    """Everything about a person that an owner decides."""

    display_name = forms.CharField(label=gettext_lazy("Name for colleagues"), max_length=60, required=False)
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    refund_limit = forms.DecimalField(
        label=gettext_lazy("Refunds alone up to (yuan)"),
        min_value=0,
        max_value=10_000_000,
        decimal_places=2,
        required=False,
        help_text=gettext_lazy("Empty: the role's own limit. Above it a second person decides."),
    )
    every_merchant = forms.BooleanField(label=gettext_lazy("Sees every merchant"), required=False)
    merchants = forms.CharField(
        label=gettext_lazy("Only these merchants"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("One a line: 1900000109, or with sub-merchants 1900000109,1900000211,1900000212."),
    )
    wecom_userid = forms.CharField(
        label=gettext_lazy("WeCom account id"),
        max_length=64,
        required=False,
        help_text=gettext_lazy("As the WeCom directory shows it, not the name. Mentions need it."),
    )
    dingtalk_robot = forms.CharField(
        label=gettext_lazy("Mobile number or user id in DingTalk"), max_length=64, required=False
    )
    feishu_robot = forms.CharField(label=gettext_lazy("Open id in Feishu"), max_length=64, required=False)
    quiet_hours = forms.CharField(
        label=gettext_lazy("Not to be disturbed"),
        max_length=11,
        required=False,
        help_text=gettext_lazy("22:00-08:00 in Beijing; empty for never. What is urgent does not wait."),
    )

    def clean_quiet_hours(self) -> str:
        hours: str = self.cleaned_data["quiet_hours"]
        try:
            quiet.parse(hours)
        except ValueError:
            raise forms.ValidationError(_("Quiet hours are written 22:00-08:00.")) from None
        return hours

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        narrowed = not given.get("every_merchant") and given.get("role") not in ("owner", "auditor")
        if narrowed and not given.get("merchants", "").strip():
            self.add_error("merchants", _("Name at least one merchant, or let them see every one."))
        return given


class TokenForm(forms.Form):
    """A key to the API."""

    name = forms.CharField(label=gettext_lazy("What it is for"), max_length=60)
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("May"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple, initial=["read"]
    )
    days = forms.IntegerField(
        label=gettext_lazy("Ends after days"),
        min_value=0,
        max_value=3650,
        initial=365,
        help_text=gettext_lazy("0: never."),
    )


@require_http_methods(["GET", "POST"])
@never_cache
@needs(Permission.PEOPLE)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    user = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, initial=_initial(user))
    if request.method == "POST" and form.is_valid() and _changed(request, user, form):
        messages.success(request, _("Saved. It counts from the next page they open."))
        return redirect("desk:settings_person", pk=pk)
    return _page(request, user, form=form, status=422 if form.errors else 200)


@require_POST
@needs(Permission.PEOPLE)
def create_token(request: HttpRequest, pk: int) -> HttpResponse:
    """The secret is on the page that answers and nowhere else."""
    user, form, now = get_object_or_404(User, pk=pk), TokenForm(request.POST, prefix="token"), clock.now()
    if not form.is_valid():
        return _page(request, user, token_form=form, status=422)
    given = form.cleaned_data
    ends = now + timedelta(days=given["days"]) if given["days"] else None
    _token, secret = keys.create(Actor.of(request), user, given["name"], given["scopes"], expires_at=ends, now=now)
    return _page(request, user, secret=secret)


@require_POST
@needs(Permission.PEOPLE)
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.objects.select_related("user"), pk=pk)
    keys.revoke(Actor.of(request), token, now=clock.now())
    messages.success(request, _("The token was revoked. It is refused from the next call on."))
    return redirect("desk:settings_person", pk=token.user.pk)


def _initial(user: User) -> dict[str, Any]:
    now = people.as_changes(user)
    limit = now["refund_limit"]
    return {
        **now,
        "refund_limit": None if limit is None else (Decimal(limit) / 100).quantize(Decimal("0.01")),
        "every_merchant": user.all_merchants,
        "merchants": "\n".join(now["merchants"] or []),
    }


def _changed(request: HttpRequest, user: User, form: PersonForm) -> bool:
    """Do all of it or nothing; what stands against it is added to the form."""
    try:
        people.change(Actor.of(request), user, _wanted(form.cleaned_data), now=clock.now())
    except PersonError as wrong:
        form.add_error(FIELDS.get(wrong.reason), str(wrong))
    return form.is_valid()


def _wanted(given: dict[str, Any]) -> people.Changes:
    limit = given["refund_limit"]
    lines = [line.strip() for line in given["merchants"].splitlines() if line.strip()]
    every = given["every_merchant"] or not lines  # only roles that see every one come here without lines
    return people.Changes(
        display_name=given["display_name"],
        role=given["role"],
        refund_limit=None if limit is None else int(limit * 100),
        merchants=None if every else lines,
        wecom_userid=given["wecom_userid"].strip(),
        dingtalk_robot=given["dingtalk_robot"].strip(),
        feishu_robot=given["feishu_robot"].strip(),
        quiet_hours=given["quiet_hours"],
    )


def _page(
    request: HttpRequest,
    user: User,
    *,
    form: PersonForm | None = None,
    token_form: TokenForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "person": user,
        "is_me": user == request.user,
        "form": form or PersonForm(initial=_initial(user)),
        "role_limit": REFUND_LIMITS.get(Role(user.role)) if user.role in Role.values else 0,
        "sessions": UserSession.objects.filter(user=user).count(),
        "second_step": Authenticator.objects.filter(user=user).exclude(type="recovery_codes").exists(),
        "tokens": user.api_tokens.order_by("revoked_at", "-pk"),
        "token_form": token_form or TokenForm(prefix="token"),
        "secret": secret,
        "now": clock.now(),
    }
    return private(render(request, "desk/settings/person.html", context, status=status))
