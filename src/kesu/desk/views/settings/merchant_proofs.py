"""Proofs of a connected merchant number: a real call, the callback address set and read back, the watch's look."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.clock import beijing_day
from kesu.desk.gate import needs
from kesu.desk.views.settings.merchant import merchant_page
from kesu.desk.views.settings.noting import note
from kesu.desk.views.settings.platform_calls import Failure, call, explained
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.models import Account
from kesu.merchants.services import AccountError, callback_url, register_callback, remember_callback
from kesu.merchants.watch import start_watching
from kesu.sync import watching
from kesu.sync.gateway import Gateway
from kesu.wechatpay import Client, WeChatPayError


@dataclass(frozen=True)
class Foreign:
    """Another address is registered at the platform; it was left alone."""

    url: str


@require_POST
@needs(Permission.SETTINGS)
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """List today's complaints: the keys work, and the platform lets them."""
    account = get_object_or_404(Account, pk=pk)

    async def steps(client: Client) -> tuple[int, str]:
        day = beijing_day(clock.now())
        page = await client.list_complaints(day, day, limit=1)
        number = page.total_count if page.total_count is not None else len(page.complaints)
        return number, page.complaints[0].complaint_id if page.complaints else ""

    try:
        number, first = call(account, steps)
    except (WeChatPayError, NoCredentials) as error:
        return merchant_page(request, account, failure=_failure(error), status=422)
    note(request, f"merchant:{account.mchid}", asked=True)
    return merchant_page(request, account, asked={"number": number, "first": first})


@require_POST
@needs(Permission.SETTINGS)
def set_callback(request: HttpRequest, pk: int) -> HttpResponse:
    """Register this desk's address and read it back. ``replace`` 1 takes it over from another system."""
    account = get_object_or_404(Account, pk=pk)
    public_url = settings.KESU_PUBLIC_URL or request.POST.get("public_url", "").strip()
    replace = request.POST.get("replace") == "1"
    try:
        wanted = callback_url(account, public_url)
        found = call(account, lambda client: _registered(account, client, public_url, wanted, replace=replace))
    except AccountError as error:
        return merchant_page(request, account, callback_refused=str(error), status=422)
    except (WeChatPayError, NoCredentials) as error:
        return merchant_page(request, account, callback_failure=_failure(error), status=422)
    if isinstance(found, Foreign):
        return merchant_page(request, account, foreign=found.url, typed_url=public_url, status=409)
    remember_callback(account, wanted)
    note(request, f"merchant:{account.mchid}", callback_set=True, replaced=replace)
    if found != wanted:
        failure = Failure(_("The platform took the address, but reads back another one."), _("Set it once more."))
        return merchant_page(request, account, callback_failure=failure, status=422)
    messages.success(request, _("The callback address is set, and the platform reads it back as it should be."))
    return redirect("desk:settings_merchant", pk=pk)


@require_POST
@needs(Permission.SETTINGS)
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """What the watch does twice an hour, now: callback address, keys, certificates, clock."""
    account = get_object_or_404(Account, pk=pk)
    start_watching(account, now=clock.now())
    error = asyncio.run(_look(account.pk))
    if error:
        messages.error(request, _("The platform could not be asked: %s") % error)
    else:
        messages.success(request, _("Looked at callback address, keys and clock."))
    return redirect("desk:settings_merchant", pk=pk)


async def _registered(
    account: Account, client: Client, public_url: str, wanted: str, *, replace: bool
) -> str | Foreign:
    """What the platform has now."""
    before = await client.get_notify_url()
    ours = before is None or before.url in (wanted, account.notify_url) or before.url.endswith(account.token)
    if before is not None and not ours and not replace:
        return Foreign(before.url)
    await register_callback(account, client, public_url, replace=True)
    after = await client.get_notify_url()
    return after.url if after else ""


async def _look(account_pk: int) -> str:
    gateway = Gateway(clock.now)
    try:
        return await watching.look_now(gateway, account_pk)
    finally:
        await gateway.close()


def _failure(error: WeChatPayError | NoCredentials) -> Failure:
    if isinstance(error, NoCredentials):
        return Failure(_("There is no merchant certificate in use."), _("Connect the number again with its keys."))
    return explained(error)
