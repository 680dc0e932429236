"""Proofs of a connected merchant number: a real call, the callback address set and read back, the watch's look."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.views.settings.merchant import merchant_page
from kesu.merchants.calls import Failure, explained
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.models import Account
from kesu.merchants.services import AccountError
from kesu.sync import account_verbs
from kesu.sync.account_verbs import ForeignCallback
from kesu.wechatpay import WeChatPayError


@require_POST
@needs(Permission.SETTINGS)
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """List today's complaints: the keys work, and the platform lets them."""
    account = get_object_or_404(Account, pk=pk)
    try:
        asked = account_verbs.ask(Actor.of(request), account, now=clock.now)
    except (WeChatPayError, NoCredentials) as error:
        return merchant_page(request, account, failure=explained(error), status=422)
    return merchant_page(request, account, asked={"number": asked.complaints, "first": asked.first})


@require_POST
@needs(Permission.SETTINGS)
def set_callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Register this desk's address and read it back. ``replace`` 1 takes it over from another system."""
    account, typed = get_object_or_404(Account, pk=pk), request.POST.get("public_url", "").strip()
    replaces = request.POST.get("replace") == "1"
    try:
        as_set = account_verbs.set_callback(Actor.of(request), account, typed, replaces=replaces, now=clock.now)
    except AccountError as error:
        return merchant_page(request, account, callback_refused=str(error), status=422)
    except ForeignCallback as foreign:
        return merchant_page(request, account, foreign=foreign.url, typed_url=typed, status=409)
    except (WeChatPayError, NoCredentials) as error:
        return merchant_page(request, account, callback_failure=explained(error), status=422)
    if not as_set:
        failure = Failure(_("The platform took the address, but reads back another one."), _("Set it once more."))
        return merchant_page(request, account, callback_failure=failure, status=422)
    messages.success(request, _("The callback address is set, and the platform reads it back as it should be."))
    return redirect("desk:settings_merchant", pk=pk)


@require_POST
@needs(Permission.SETTINGS)
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """What the watch does twice an hour, now: callback address, keys, certificates, clock."""
    account = get_object_or_404(Account, pk=pk)
    error = account_verbs.look(Actor.of(request), account, now=clock.now)
    if error:
        messages.error(request, _("The platform could not be asked: %s") % error)
    else:
        messages.success(request, _("Looked at callback address, keys and clock."))
    return redirect("desk:settings_merchant", pk=pk)
