"""To WeCom and back."""

from __future__ import annotations

import structlog
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from kesu.accounts.wecom.application import WecomError, application
from kesu.accounts.wecom.provider import WecomProvider

log = structlog.get_logger(__name__)


@login_not_required
@require_POST
@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """A press, not a link: no other page can start it in somebody's browser. 404 where WeCom is not set up."""
    response: HttpResponse = _provider(request).redirect_from_request(request)
    return response


@login_not_required
@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """``?code=&state=``. The state must be one that this session was given, and is good once."""
    provider = _provider(request)
    try:
        state = provider.unstash_redirect_state(request, request.GET.get("state", ""))
    except PermissionDenied:
        return _back(request, _("This sign-in was not begun in this browser, or too long ago. Please begin again."))
    try:
        userid = provider.application.userid_of(request.GET.get("code", ""))
    except WecomError as error:
        log.warning("wecom.sign_in_failed", reason=str(error))
        return _back(request, _("WeCom did not confirm who you are. Please begin again, or use your password."))
    login = provider.sociallogin_from_response(request, {"userid": userid})
    login.state = state
    response: HttpResponse = complete_social_login(request, login)
    return response


def _provider(request: HttpRequest) -> WecomProvider:
    if application() is None:
        raise Http404
    found = get_adapter().get_provider(request, WecomProvider.id)
    assert isinstance(found, WecomProvider)
    return found


def _back(request: HttpRequest, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("account_login")
