"""How allauth behaves here: people sign in by name, nobody signs up, failures are counted, secrets are sealed."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal.httpkit import get_client_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from kesu import clock
from kesu.accounts import attempts
from kesu.accounts.models import User
from kesu.vault import keyring

WRONG = _("Name or password is not right. Nothing was changed; please try again.")
WRONG_CODE = _("This code is not right, or it was used before. Please wait for the next one.")
TOO_MANY_CODES = _("Too many wrong codes. For safety, please wait 15 minutes before the next try.")
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here: the client came through a socket without addresses
SEALED_AS = "mfa_authenticator.data"
SAID: dict[str, Any] = {
    "account/messages/password_changed.txt": _(
        "Your password was changed. Everywhere else you were signed in, you have been signed out."
    ),
    "mfa/messages/totp_activated.txt": _("The authenticator app is set up."),
    "mfa/messages/totp_deactivated.txt": _("The authenticator app is no longer asked for."),
    "mfa/messages/recovery_codes_generated.txt": _("New recovery codes were made. The old ones no longer work."),
    "mfa/messages/webauthn_added.txt": _("The passkey was added."),
    "mfa/messages/webauthn_removed.txt": _("The passkey was removed."),
}
"""What is said after a step, by allauth's name for it. Whatever is not here is not said."""


class DeskAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """``ACCOUNT_ADAPTER``."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "enter_current_password": _("This is not your present password."),
        "incorrect_password": _("This is not your password."),
        "incorrect_code": WRONG_CODE,
        "invalid_login": WRONG,
        "username_password_mismatch": WRONG,
        "too_many_login_attempts": TOO_MANY_CODES,
        "rate_limited": TOO_MANY_CODES,
    }

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """None for a wrong name or password and for whoever may no longer sign in, after the same amount of work.

        Raises ValidationError while this name or this address has to wait.
        """
        now = clock.now()
        try:
            attempt = attempts.begin(credentials.get("username", ""), self.get_client_ip(request), now=now)
        except attempts.LockedOutError as locked:
            raise too_many_failures(locked.until, now=now) from None
        user = authenticate(request, **credentials)
        if user is not None:
            attempts.succeeded(attempt)
        return user

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that uvicorn names, which believes the proxies of ``KESU_TRUSTED_PROXIES`` and nobody else."""
        return get_client_ip(request) or NO_ADDRESS

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only this very host: other names that the desk answers to are not where a person wanted to go."""
        request = context.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        messages.error(request, WRONG)
        return redirect("account_login")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("desk:me")

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nobody needs an e-mail address here."""

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        said = message or SAID.get(message_template or "")
        if said:
            messages.add_message(request, level, said, extra_tags=extra_tags)

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **more: Any) -> HttpResponse:
        """The language a person chose follows them to every browser they sign in with."""
        response: HttpResponse = super().post_login(request, user, **more)
        remember_language(response, user)
        return response


class DeskMfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """``MFA_ADAPTER``."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_generate_recovery_codes": _("Recovery codes belong to an authenticator app or a passkey: set one up."),
        "incorrect_code": WRONG_CODE,
    }

    def encrypt(self, text: str) -> str:
        return base64.b64encode(keyring().seal(text.encode(), SEALED_AS)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return keyring().open(base64.b64decode(encrypted_text), SEALED_AS).decode()

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        """With the host: somebody may work at two desks."""
        return f"Kesu {context.request.get_host()}"

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Any) -> str:
        return str(_("Passkey"))

    def _get_site_name(self) -> str:
        return "Kesu 客诉"

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nobody needs an e-mail address here."""


def too_many_failures(until: datetime, *, now: datetime) -> ValidationError:
    """How long sign-in waits, in whole minutes, the started one included."""
    minutes = max(1, -int(-(until - now).total_seconds() // 60))
    said = ngettext(
        "Too many failed tries. For safety, please wait %(minutes)d minute and try again.",
        "Too many failed tries. For safety, please wait %(minutes)d minutes and try again.",
        minutes,
    )
    return ValidationError(said % {"minutes": minutes}, code="locked_out")


def remember_language(response: HttpResponse, user: AbstractBaseUser) -> None:
    """Put a person's language, if they chose one, into the cookie that pages read."""
    if isinstance(user, User) and user.language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
