"""Coming in: password, second step, passkey, invitation. allauth does the work, the pages are the desk's."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.stagekit import clear_login
from allauth.account.utils import perform_login
from allauth.account.views import LoginView
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from kesu import clock
from kesu.accounts import invitations
from kesu.accounts.actor import Actor, Via, address_of
from kesu.accounts.wecom.application import INSIDE_HOST, SCAN_HOST, application
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.desk.forms import JoinForm
from kesu.desk.security import CONTENT_POLICY

WECOM_CONTENT_POLICY = CONTENT_POLICY.replace("form-action 'self'", f"form-action 'self' {SCAN_HOST} {INSIDE_HOST}")
"""A browser also holds a form to the policy that is answered with a way to another place."""


class SignIn(LoginView):  # type: ignore[misc]
    """``next`` leads on within this host only."""

    template_name = "desk/sign_in.html"

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**more)
        return context | {"wecom": application() is not None}

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        if application() is not None:
            response.headers["Content-Security-Policy"] = WECOM_CONTENT_POLICY
        return response


sign_in = SignIn.as_view()


@login_not_required
@require_POST
def start_over(request: HttpRequest) -> HttpResponse:
    """Leave a sign-in between its steps."""
    clear_login(request)
    return redirect("account_login")


@login_not_required
@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page of an invitation. Whoever has the link chooses a name and a password, once."""
    now = clock.now()
    try:
        invitation = invitations.find(token, now=now)
    except invitations.InvitationError:
        return render(request, "desk/bad_invitation.html", status=410)
    if request.user.is_authenticated:
        return render(request, "desk/join_occupied.html", status=409)
    form = JoinForm(request.POST or None, initial={"display_name": invitation.display_name})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                user = invitations.accept(token, **form.choices(), now=now)
                actor = Actor(user, Via.PAGE, address_of(request))
                record(actor, Action.PERSON_CHANGED, f"user:{user.username}", {"joined_as": user.role}, now=now)
        except invitations.NameTakenError:
            form.name_is_taken()
        except invitations.InvitationError:
            return render(request, "desk/bad_invitation.html", status=410)
        else:
            response: HttpResponse = perform_login(request, user)
            return response
    return render(request, "desk/join.html", {"form": form, "invitation": invitation})
