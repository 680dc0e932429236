"""Forms of signing in, where allauth's own do not suffice."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from django.core.cache import cache

CODE_SECONDS = app_settings.TOTP_PERIOD * (2 * app_settings.TOTP_TOLERANCE + 1)
"""How long a code of an authenticator app is accepted in all."""


class SignInForm(LoginForm):  # type: ignore[misc]
    """allauth calls its field ``login``; password managers and scripts know the desk's as ``username``."""

    def add_prefix(self, field_name: str) -> str:
        return "username" if field_name == "login" else super().add_prefix(field_name)


class _EachCodeOnce:
    """allauth remembers a used code for one period only, although clocks may be off by one in either direction."""

    cleaned_data: dict[str, Any]
    authenticator: Authenticator
    user: Any

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        if self.authenticator.type == Authenticator.Type.TOTP:
            key = f"accounts.totp.used?user={self.user.pk}&code={''.join(code.split())}"
            if not cache.add(key, "used", timeout=CODE_SECONDS):
                raise get_adapter().validation_error("incorrect_code")
        return code


class SecondStepForm(_EachCodeOnce, AuthenticateForm):  # type: ignore[misc]
    """A code after the password."""


class ConfirmByCodeForm(_EachCodeOnce, ReauthenticateForm):  # type: ignore[misc]
    """A code before something delicate."""
