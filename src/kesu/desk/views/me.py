"""A person's own page: language, password, second step, passkeys, where they are signed in."""

from __future__ import annotations

from typing import Any

from allauth.account.views import PasswordChangeView
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.adapters import remember_language
from kesu.accounts.models import User
from kesu.commands import people
from kesu.desk import browsers
from kesu.desk.security import private


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    UserSession.objects.create_from_request(request)
    found: dict[str, list[Any]] = {kind: [] for kind in Authenticator.Type.values}
    for one in Authenticator.objects.filter(user=user).order_by("created_at"):
        found[one.type].append(one.wrap())
    codes = found[Authenticator.Type.RECOVERY_CODES]
    context = {
        "now": clock.now(),
        "totp": next(iter(found[Authenticator.Type.TOTP]), None),
        "passkeys": found[Authenticator.Type.WEBAUTHN],
        "recovery_codes": codes[0] if codes else None,
        "codes_left": len(codes[0].get_unused_codes()) if codes else 0,
        "sessions": [
            {"row": row, "current": row.is_current(), "browser": browsers.name(row.user_agent)}
            for row in _sessions(user)
        ],
    }
    return private(render(request, "desk/me.html", context))


class ChangePassword(PasswordChangeView):  # type: ignore[misc]
    """Whoever has no password, because an import or another program made them, is told who can give them one."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _user(request).has_usable_password():
            messages.error(request, _("You have no password. Whoever runs this desk can give you one: kesu users add"))
            return redirect("desk:me")
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response


change_password = ChangePassword.as_view()


@require_POST
def choose_my_language(request: HttpRequest) -> HttpResponse:
    """``language``: a code of ``settings.LANGUAGES``. It follows the person to every browser."""
    user, language = _user(request), request.POST.get("language", "")
    response = redirect("desk:me")
    if language in dict(settings.LANGUAGES):
        user.language = language
        user.save(update_fields=["language"])
        remember_language(response, user)
        with override(language):
            messages.success(request, _("Your language was kept. It is used wherever you sign in."))
    return response


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own other sessions."""
    row = get_object_or_404(UserSession, pk=pk, user=_user(request))
    if not row.is_current():
        people.end_session(Actor.of(request), row, now=clock.now())
        messages.success(request, _("That session was ended."))
    return redirect("desk:me")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    here = request.session.session_key or ""
    people.end_sessions(Actor.of(request), _user(request), but=here, now=clock.now())
    messages.success(request, _("All other sessions were ended."))
    return redirect("desk:me")


def _sessions(user: User) -> list[UserSession]:
    """The living ones, this one first, then the latest."""
    living = UserSession.objects.purge_and_list(user)
    return sorted(living, key=lambda row: (row.is_current(), row.created_at), reverse=True)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
