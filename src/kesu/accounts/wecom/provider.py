"""The provider as allauth's registry finds it."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.providers.base import AuthProcess, Provider, ProviderAccount
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import get_language

from kesu.accounts.wecom.application import Application, WecomError, application

INSIDE = "wxwork"
"""Part of the user agent of the browser inside WeCom."""


class WecomAccount(ProviderAccount):  # type: ignore[misc]
    """Never stored: who a person is at WeCom stands in their own row (``User.wecom_userid``)."""


class WecomProvider(Provider):  # type: ignore[misc]
    id = "wecom"
    name = "WeCom"
    account_class = WecomAccount
    uses_apps = False
    supports_redirect = True

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Signing in is all there is: no account is ever connected, whatever the browser asks for."""
        found: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        return found | {"process": AuthProcess.LOGIN}

    def redirect(
        self, request: HttpRequest, process: Any, next_url: Any = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Send the browser to WeCom. What comes back must carry the state that this very session was given."""
        state = self.stash_redirect_state(request, process, next_url, data, **kwargs)
        address = self.application.address(
            redirect_uri=callback_address(request),
            state=state,
            inside=INSIDE in request.headers.get("User-Agent", "").lower(),
            language="en" if get_language() == "en" else "zh",
        )
        return HttpResponseRedirect(address)

    def extract_uid(self, data: dict[str, str]) -> str:
        return data["userid"]

    def extract_extra_data(self, data: dict[str, str]) -> dict[str, str]:
        return {}

    @property
    def application(self) -> Application:
        """Raises WecomError where none is set up."""
        found = application()
        if found is None:
            raise WecomError("not set up")
        return found


def callback_address(request: HttpRequest) -> str:
    """Where WeCom sends the browser back to: on the public address, whose host it has on file as trusted."""
    path = reverse("wecom_callback")
    return f"{settings.KESU_PUBLIC_URL}{path}" if settings.KESU_PUBLIC_URL else request.build_absolute_uri(path)


provider_classes = [WecomProvider]
