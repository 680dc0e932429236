"""Signing in and out. Signals are right here and nowhere else: sign-in belongs to Django and allauth, a password, a
passkey, an invitation and WeCom each come in by their own way, and the signals are the one place that all of them
pass."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from kesu import clock
from kesu.accounts.actor import Actor, Via, address_of
from kesu.accounts.models import User
from kesu.audit.actions import Action
from kesu.audit.services import record, write


def listen() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="kesu.audit.signed_in")
    user_logged_out.connect(_signed_out, dispatch_uid="kesu.audit.signed_out")
    user_login_failed.connect(_failed, dispatch_uid="kesu.audit.failed")


def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **more: Any) -> None:
    actor = Actor(user, Via.PAGE, address_of(request))
    record(actor, Action.SIGN_IN, f"user:{user.username}", now=clock.now())


def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **more: Any) -> None:
    if isinstance(user, User):
        record(Actor(user, Via.PAGE, address_of(request)), Action.SIGN_OUT, f"user:{user.username}", now=clock.now())


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **more: Any) -> None:
    """A name that nobody has is not written down: people type passwords where a name belongs."""
    name = str(credentials.get("username") or "").replace("\0", "")
    user = User.objects.filter(username=name).first()
    write(
        user_id=user.pk if user else None,
        username=user.username if user else "",
        via=Via.PAGE,
        address=address_of(request),
        action=Action.SIGN_IN_FAILED,
        subject=f"user:{user.username}" if user else "",
        details={"known": user is not None},
        now=clock.now(),
    )
