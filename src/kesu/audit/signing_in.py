"""Signing in and out, and changing what one signs in with. Signals are right here and nowhere else: this belongs to
Django and allauth, a password, a passkey, an invitation and WeCom each come in by their own way, and the signals are
the one place that all of them pass."""

from __future__ import annotations

from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.signals import password_changed, password_set
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from kesu import clock
from kesu.accounts.actor import Actor, Via, address_of
from kesu.accounts.models import User
from kesu.audit.actions import Action
from kesu.audit.services import record, write


def listen() -> None:
    for signal, receiver in (
        (user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (user_login_failed, _failed),
        (authentication_failed, _second_step_failed),
        (password_changed, _password_changed),
        (password_set, _password_changed),
        (authenticator_added, _authenticator_added),
        (authenticator_removed, _authenticator_removed),
        (authenticator_reset, _authenticator_reset),
    ):
        signal.connect(receiver, dispatch_uid=f"kesu.audit.{receiver.__name__}")


def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **more: Any) -> None:
    session = getattr(request, "session", {})
    steps = [str(step.get("method", "")) for step in session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])]
    _record(request, user, Action.SIGN_IN, by=steps)


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **more: Any) -> None:
    if isinstance(user, User):  # also sent where nobody was signed in
        _record(request, user, Action.SIGN_OUT)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any) -> None:
    """A name that nobody has is not written down: people type passwords where a name belongs."""
    name = str(credentials.get("username") or "").replace("\0", "")
    user = User.objects.filter(username=name).first()
    if user is not None:
        _record(request, user, Action.SIGN_IN_FAILED, by=["password"])
        return
    write(
        user_id=None,
        username="",
        via=Via.PAGE,
        address=address_of(request),
        action=Action.SIGN_IN_FAILED,
        subject="",
        details={"by": ["password"], "known": False},
        now=clock.now(),
    )


def _second_step_failed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **more: Any) -> None:
    _record(request, user, Action.SIGN_IN_FAILED, by=["mfa"], authenticator=str(authenticator.type))


def _password_changed(sender: Any, request: HttpRequest, user: Any, **more: Any) -> None:
    _record(request, user, Action.PERSON_CHANGED, password_set=True)


def _authenticator_added(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **more: Any) -> None:
    _record(request, user, Action.PERSON_CHANGED, authenticator_added=str(authenticator.type))


def _authenticator_removed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **more: Any) -> None:
    _record(request, user, Action.PERSON_CHANGED, authenticator_removed=str(authenticator.type))


def _authenticator_reset(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **more: Any) -> None:
    _record(request, user, Action.PERSON_CHANGED, authenticator_reset=str(authenticator.type))


def _record(request: HttpRequest | None, user: User, action: Action, **details: Any) -> None:
    record(Actor(user, Via.PAGE, address_of(request)), action, f"user:{user.username}", details, now=clock.now())
