"""Who may come in through WeCom: people of the desk, as their own row says at this moment, and nobody else."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from kesu.accounts.models import User

UNKNOWN = _("WeCom knows you, this desk does not yet. Ask whoever runs it to enter your WeCom account id.")


def person(userid: str) -> User | None:
    """Who has this account id, if exactly one active person has; WeCom does not tell upper from lower case in it."""
    found = list(User.objects.filter(is_active=True, wecom_userid__iexact=userid)[:2]) if userid else []
    return found[0] if len(found) == 1 else None


class WecomAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """``SOCIALACCOUNT_ADAPTER``. Nothing is stored about the account at WeCom, so nothing outlives a change here."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        found = person(sociallogin.account.uid)
        if found is None:
            messages.error(request, UNKNOWN)
            raise ImmediateHttpResponse(redirect("account_login"))
        sociallogin.user = found

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Nobody needs an e-mail address here."""
