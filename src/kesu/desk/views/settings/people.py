"""People: who works here, what each may do, which merchants they see. There is always an owner."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts import invitations
from kesu.accounts.actor import Actor
from kesu.accounts.models import Invitation, Role, User
from kesu.accounts.roles import Permission, refund_limit, sees_all_merchants
from kesu.commands import people
from kesu.commands.people_wording import PersonError
from kesu.desk.gate import needs
from kesu.desk.security import private
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
    made, token = people.invite(
        Actor.of(request),
        given["role"],
        all_merchants=given["every_merchant"],
        display_name=given["display_name"],
        now=now,
    )
    link = (settings.KESU_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")) + reverse("join", args=[token])
    return _page(request, once={"link": link, "invitation": made})


@require_POST
@needs(Permission.PEOPLE)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    people.withdraw_invitation(Actor.of(request), get_object_or_404(Invitation, pk=pk), now=clock.now())
    messages.success(request, _("The invitation was withdrawn. Its link opens nothing any more."))
    return redirect("desk:settings_people")


@require_POST
@needs(Permission.PEOPLE)
def add(request: HttpRequest) -> HttpResponse:
    """Add somebody with a password that is made here and shown once."""
    form = AddForm(request.POST, prefix="add")
    if not form.is_valid():
        return _page(request, add_form=form, status=422)
    given = form.cleaned_data
    try:
        user, password = people.add(
            Actor.of(request),
            given["username"],
            given["role"],
            all_merchants=given["every_merchant"],
            display_name=given["display_name"],
            now=clock.now(),
        )
    except PersonError as wrong:
        form.add_error("username", str(wrong))
        return _page(request, add_form=form, status=422)
    return _page(request, once={"password": password, "user": user})


@require_POST
@needs(Permission.PEOPLE)
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """``active`` 1 lets somebody in, 0 does not any more. Nobody shuts themselves or the last owner out."""
    user, active = get_object_or_404(User, pk=pk), request.POST.get("active") == "1"
    try:
        people.switch(Actor.of(request), user, active=active, now=clock.now())
    except PersonError as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, (_("%s can sign in.") if active else _("%s can sign in no more.")) % user)
    return redirect("desk:settings_person", pk=pk)


@require_POST
@needs(Permission.PEOPLE)
def end_sessions(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign somebody out everywhere; one's own session stays."""
    user = get_object_or_404(User, pk=pk)
    number = people.end_sessions(Actor.of(request), user, but=request.session.session_key or "", now=clock.now())
    messages.success(request, _("Sessions ended: %s") % number)
    return redirect("desk:settings_person", pk=pk)


@require_POST
@needs(Permission.PEOPLE)
def reset_second_step(request: HttpRequest, pk: int) -> HttpResponse:
    """For a lost phone without recovery codes: app, passkeys and codes go, and every session ends."""
    user = get_object_or_404(User, pk=pk)
    try:
        people.reset_second_step(Actor.of(request), user, now=clock.now())
    except PersonError as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, _("The second step was removed. The password alone opens the desk now."))
    return redirect("desk:settings_person", pk=pk)


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
