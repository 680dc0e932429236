"""What people do with a merchant number's line to the platform: connect it, ask, register the callback, look after it.

Each verb asks for the permission, is written down without a secret, and makes real calls in a loop of its own: not to
be used from an event loop's thread. ``now`` is a clock, since calls take their time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.clock import beijing_day
from kesu.merchants.calls import Failure, call, explained
from kesu.merchants.entering import entered
from kesu.merchants.models import Account
from kesu.merchants.services import NewAccount, callback_url, register_callback, remember_callback, save_account
from kesu.merchants.trial import Trial, try_out
from kesu.merchants.verbs import note
from kesu.merchants.watch import start_watching
from kesu.sync import watching
from kesu.sync.gateway import Gateway
from kesu.sync.polling import start_polling
from kesu.wechatpay import Client, WeChatPayError

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Connected:
    """``account`` is None where nothing was kept. ``complaints`` of today, as the platform answered; ``failure``: why
    the keys are not proved."""

    account: Account | None
    complaints: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """Today's complaints as the platform lists them, and the number of the ``first``, "" where there is none."""

    complaints: int
    first: str


class ForeignCallback(Exception):
    """Another address is registered at the platform; it was left alone."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


def connect(actor: Actor, given: Mapping[str, Any], *, anyway: bool = False, now: Now) -> Connected:
    """Keep a merchant number's keys (as ``entering.entered`` takes them) once a real call proved them. ``anyway``:
    also where the platform did not answer just now; a refusal is never passed over. Raises Unusable, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    new = entered(given, now=now())
    try:
        trial = asyncio.run(try_out(new, now=now))
    except WeChatPayError as error:
        failure = explained(error)
        kept = _keep(actor, new, None, now()) if anyway and failure.passing else None
        return Connected(kept, failure=failure)
    new = replace(new, platform_keys=trial.platform_keys)
    return Connected(_keep(actor, new, trial, now()), trial.complaints)


def ask(actor: Actor, account: Account, *, now: Now) -> Asked:
    """List today's complaints: the keys work, and the platform lets them. Raises NoCredentials, WeChatPayError,
    Forbidden."""
    require(actor.user, Permission.SETTINGS)

    async def steps(client: Client) -> Asked:
        day = beijing_day(now())
        page = await client.list_complaints(day, day, limit=1)
        number = page.total_count if page.total_count is not None else len(page.complaints)
        return Asked(number, page.complaints[0].complaint_id if page.complaints else "")

    asked = call(account, steps, now=now)
    note(actor, account, {"asked": True}, now())
    return asked


def set_callback(actor: Actor, account: Account, public_url: str, *, replaces: bool = False, now: Now) -> bool:
    """Register this desk's address and read it back; whether that is what was set. ``KESU_PUBLIC_URL`` stands before
    ``public_url``. ``replaces`` takes it over from another system.

    Raises AccountError, ForeignCallback, NoCredentials, WeChatPayError, Forbidden.
    """
    require(actor.user, Permission.SETTINGS)
    public_url = settings.KESU_PUBLIC_URL or public_url
    wanted = callback_url(account, public_url)
    found = call(account, lambda client: _registered(account, client, public_url, wanted, replaces), now=now)
    with transaction.atomic():
        remember_callback(account, wanted)
        note(actor, account, {"callback_set": True, "replaced": replaces}, now())
    return found == wanted


def look(actor: Actor, account: Account, *, now: Now) -> str:
    """What the watch does twice an hour, now: callback address, keys, certificates, clock. What kept the platform from
    answering, or "". Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    with transaction.atomic():
        start_watching(account, now=now())
        note(actor, account, {"looked": True}, now())
    return asyncio.run(_look(account.pk, now))


@transaction.atomic
def _keep(actor: Actor, new: NewAccount, trial: Trial | None, now: datetime) -> Account:
    account = save_account(new, now=now)
    start_polling(account, now=now)
    note(actor, account, {"saved": True, "role": new.role, "proved": trial is not None}, now)
    return account


async def _registered(account: Account, client: Client, public_url: str, wanted: str, replaces: bool) -> str:
    """What the platform has now."""
    before = await client.get_notify_url()
    ours = before is None or before.url in (wanted, account.notify_url) or before.url.endswith(account.token)
    if before is not None and not ours and not replaces:
        raise ForeignCallback(before.url)
    await register_callback(account, client, public_url, replace=True)
    after = await client.get_notify_url()
    return after.url if after else ""


async def _look(account_pk: int, now: Now) -> str:
    gateway = Gateway(now)
    try:
        return await watching.look_now(gateway, account_pk)
    finally:
        await gateway.close()
