"""People: who works here, what each may do, which merchants they see. There is always an owner."""

from __future__ import annotations

import secrets
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts import invitations, people
from kesu.accounts.models import Invitation, Role, User
from kesu.accounts.roles import Permission, refund_limit, sees_all_merchants
from kesu.audit.actions import Action
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.noting import note
from kesu.merchants import grants

ROLE_WORDS = {
    Role.OWNER: gettext_lazy("runs the desk itself: settings, people, everything below"),
    Role.MANAGER: gettext_lazy("assigns, overrides guards with a reason, approves large refunds, edits templates"),
    Role.AGENT: gettext_lazy("replies, refunds up to a limit, completes"),
    Role.VIEWER: gettext_lazy("reads complaints, changes nothing"),
    Role.AUDITOR: gettext_lazy("reads everything and the audit, changes nothing"),
}


class InviteForm(forms.Form):
    """For a link by which somebody joins."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.AGENT)
    display_name = forms.CharField(label=gettext_lazy("Name for colleagues"), max_length=60, required=False)
    every_merchant = forms.BooleanField(
        label=gettext_lazy("Sees every merchant"),
        required=False,
        initial=True,
        help_text=gettext_lazy("Otherwise nothing, until you name merchants on their page."),
    )


class AddForm(InviteForm):
    """Somebody who gets a password from whoever adds them."""

    username = forms.CharField(label=gettext_lazy("User name"), max_length=150, validators=[User.username_validator])
    field_order = ("username",)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError(_("This name is taken already. Please choose another one."))
        return name


@require_GET
@never_cache
@needs(Permission.PEOPLE)
def people_page(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@needs(Permission.PEOPLE)
def invite(request: HttpRequest) -> HttpResponse:
    """Make a link. It is on the page that answers and nowhere else."""
    form = InviteForm(request.POST, prefix="invite")
    if not form.is_valid():
        return _page(request, invite_form=form, status=422)
    given, now = form.cleaned_data, clock.now()
    assert isinstance(request.user, User)
    with transaction.atomic():
        made, token = invitations.invite(
            request.user,
            given["role"],
            all_merchants=given["every_merchant"],
            display_name=given["display_name"],
            now=now,
        )
        note(request, "invitation", Action.PERSON_CHANGED, id=made.pk, invited_as=made.role)
    link = (settings.KESU_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")) + reverse("join", args=[token])
    return _page(request, once={"link": link, "invitation": made})


@require_POST
@needs(Permission.PEOPLE)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Invitation, pk=pk)
    assert isinstance(request.user, User)
    with transaction.atomic():
        invitations.revoke(request.user, row, now=clock.now())
        note(request, "invitation", Action.PERSON_CHANGED, id=row.pk, withdrawn=True)
    messages.success(request, _("The invitation was withdrawn. Its link opens nothing any more."))
    return redirect("desk:settings_people")


@require_POST
@needs(Permission.PEOPLE)
def add(request: HttpRequest) -> HttpResponse:
    """Add somebody with a password that is made here and shown once."""
    form = AddForm(request.POST, prefix="add")
    if not form.is_valid():
        return _page(request, add_form=form, status=422)
    given, password = form.cleaned_data, secrets.token_urlsafe(12)
    with transaction.atomic():
        user = User(username=given["username"], display_name=given["display_name"], role=given["role"])
        user.all_merchants = given["every_merchant"]
        user.set_password(password)
        user.save()
        note(request, f"user:{user.username}", Action.PERSON_CHANGED, added=True, role=user.role)
    return _page(request, once={"password": password, "user": user})


@require_POST
@needs(Permission.PEOPLE)
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """``active`` 1 lets somebody in, 0 does not any more. Nobody shuts themselves or the last owner out."""
    user, active = get_object_or_404(User, pk=pk), request.POST.get("active") == "1"
    if user == request.user and not active:
        messages.error(request, _("You cannot switch yourself off. Another owner can."))
        return redirect("desk:settings_person", pk=pk)
    try:
        with transaction.atomic():
            people.switch(user, active=active)
            note(request, f"user:{user.username}", Action.PERSON_CHANGED, active=active)
    except people.LastOwnerError:
        messages.error(request, _("This is the only owner. Make somebody else an owner first."))
    else:
        if not active:
            _end_sessions(user)
        messages.success(request, (_("%s can sign in.") if active else _("%s can sign in no more.")) % user)
    return redirect("desk:settings_person", pk=pk)


@require_POST
@needs(Permission.PEOPLE)
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign somebody out everywhere; one's own session stays."""
    user = get_object_or_404(User, pk=pk)
    with transaction.atomic():
        number = _end_sessions(user, but=request.session.session_key or "")
        note(request, f"user:{user.username}", Action.PERSON_CHANGED, sessions_ended=number)
    messages.success(request, _("Sessions ended: %s") % number)
    return redirect("desk:settings_person", pk=pk)


@require_POST
@needs(Permission.PEOPLE)
def reset_second_step(request: HttpRequest, pk: int) -> HttpResponse:
    """For a lost phone without recovery codes: app, passkeys and codes go, and every session ends."""
    user = get_object_or_404(User, pk=pk)
    if user == request.user:
        messages.error(request, _("Your own second step is on your account page."))
        return redirect("desk:settings_person", pk=pk)
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        _end_sessions(user)
        note(request, f"user:{user.username}", Action.PERSON_CHANGED, second_step_reset=True)
    messages.success(request, _("The second step was removed. The password alone opens the desk now."))
    return redirect("desk:settings_person", pk=pk)


def _end_sessions(user: User, but: str = "") -> int:
    rows = list(UserSession.objects.filter(user=user).exclude(session_key=but))
    for row in rows:
        row.end()
    return len(rows)


def _page(
    request: HttpRequest,
    *,
    invite_form: InviteForm | None = None,
    add_form: AddForm | None = None,
    once: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    guarded = set(Authenticator.objects.exclude(type="recovery_codes").values_list("user_id", flat=True))
    rows = [
        {
            "user": user,
            "limit": refund_limit(user),
            "merchants": None if sees_all_merchants(user) else grants.scope(user),
            "second_step": user.pk in guarded,
        }
        for user in User.objects.order_by("-is_active", "username")
    ]
    context = {
        "rows": rows,
        "waiting": invitations.waiting(now=now),
        "roles": [(role.label, ROLE_WORDS[role]) for role in Role],
        "invite_form": invite_form or InviteForm(prefix="invite"),
        "add_form": add_form or AddForm(prefix="add"),
        "once": once,
        "now": now,
    }
    return private(render(request, "desk/settings/people.html", context, status=status))
