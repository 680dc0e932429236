"""Endpoints as rows: added, changed, tried, removed. Who may do it is asked in ``services``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from kesu.accounts.models import User
from kesu.alerts.channels.base import SettingsError, parse_settings
from kesu.alerts.channels.webhook.settings import WebhookSettings
from kesu.merchants.models import Account
from kesu.rules.hooks import SUBSCRIBABLE, HookEvent
from kesu.webhooks.claims import switch_off
from kesu.webhooks.models import Delivery, Endpoint, Event
from kesu.webhooks.payloads import sealed
from kesu.webhooks.signing import new_secret

ROTATION = timedelta(hours=24)
"""How long the previous secret signs too."""
ERASED = "the payer's data was erased"
BY_HAND = "switched off by hand"


class EndpointError(ValueError):
    """An endpoint cannot be as given. ``field`` is the field at fault, "" for none; the text repeats no address."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says of an endpoint. ``account`` None: every account. None for ``url`` keeps what stands."""

    name: str
    url: str | None
    events: Sequence[str]
    account: Account | None = None
    sub_mchid: str = ""


@transaction.atomic
def add(wanted: Wanted, *, created_by: User | None, now: datetime) -> tuple[Endpoint, str]:
    """The endpoint and its secret, which nobody is shown again. Raises EndpointError."""
    secret = new_secret()
    endpoint = Endpoint(secret=secret, created_by=created_by, created_at=now)
    _fill(endpoint, wanted)
    return endpoint, secret


@transaction.atomic
def change(endpoint: Endpoint, wanted: Wanted) -> Endpoint:
    """Raises EndpointError."""
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    _fill(endpoint, wanted)
    return endpoint


@transaction.atomic
def switch(endpoint: Endpoint, *, enabled: bool) -> None:
    """Off: what it is owed is failed. On: it starts afresh; what failed meanwhile is delivered by hand."""
    if not enabled:
        switch_off(endpoint, BY_HAND)
        return
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=True, disabled_reason="", failing_since=None)


@transaction.atomic
def rotate(endpoint: Endpoint, *, now: datetime) -> str:
    """A new secret, shown only now; the one before signs too for a day."""
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, now + ROTATION
    secret = new_secret()
    endpoint.secret = secret
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    return secret


@transaction.atomic
def remove(endpoint: Endpoint) -> None:
    """With everything it was owed and its log."""
    Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    Endpoint.objects.filter(pk=endpoint.pk).delete()


@transaction.atomic
def send_test(endpoint: Endpoint, *, now: datetime, due_at: datetime | None = None) -> Delivery:
    """Owe it an event that means nothing. Raises EndpointError when it is switched off."""
    _needs_to_be_on(endpoint)
    event_id = uuid4()
    event = Event.objects.create(
        event_id=event_id,
        type=HookEvent.TEST,
        cause=event_id.hex,
        data=sealed({"endpoint": endpoint.name}),
        created_at=now,
    )
    return Delivery.objects.create(endpoint=endpoint, event=event, due_at=due_at or now, created_at=now)


@transaction.atomic
def redeliver(delivery: Delivery, *, now: datetime) -> Delivery:
    """Owe it once more from the beginning, with the same id. Raises EndpointError."""
    rows = Delivery.objects.select_for_update(no_key=True, of=("self",)).select_related("event", "endpoint")
    delivery = rows.get(pk=delivery.pk)
    _needs_to_be_on(delivery.endpoint)
    if delivery.event.data is None:
        raise EndpointError("", _("The payer's data was erased: there is nothing left to deliver."))
    delivery.state, delivery.delivered_at = Delivery.State.PENDING, None
    delivery.failures, delivery.error, delivery.due_at = 0, "", now
    delivery.save(update_fields=["state", "delivered_at", "failures", "error", "due_at"])
    return delivery


def forget(complaints: Sequence[int]) -> None:
    """Take the payer's words from what was told of complaints (primary keys). What was not delivered yet never is."""
    Event.objects.filter(complaint__in=complaints).update(data=None)
    waiting = Delivery.objects.filter(event__complaint__in=complaints, state=Delivery.State.PENDING)
    waiting.update(state=Delivery.State.FAILED, error=ERASED)


def _needs_to_be_on(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise EndpointError("", _("The endpoint is switched off. Switch it on first."))


def _fill(endpoint: Endpoint, wanted: Wanted) -> None:
    endpoint.name = wanted.name.strip()
    if not endpoint.name or len(endpoint.name) > 60:
        raise EndpointError("name", _("Give it a name of at most 60 characters."))
    if wanted.url is not None:
        endpoint.url = _checked(wanted.url, endpoint.secret)
    events = [str(event) for event in SUBSCRIBABLE if str(event) in wanted.events]
    if not events or set(wanted.events) - set(events):
        raise EndpointError("events", _("Choose at least one of: %s.") % ", ".join(map(str, SUBSCRIBABLE)))
    sub_mchid = wanted.sub_mchid.strip()
    if sub_mchid and (wanted.account is None or not sub_mchid.isascii() or len(sub_mchid) > 64):
        raise EndpointError("sub_mchid", _("A sub-merchant needs its account."))
    endpoint.events, endpoint.account, endpoint.sub_mchid = events, wanted.account, sub_mchid
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError:
        raise EndpointError("name", _("This name is taken already. Please choose another one.")) from None


def _checked(url: str, secret: str) -> str:
    try:
        return parse_settings(WebhookSettings, {"url": url, "secret": secret}).url
    except SettingsError:
        text = _("The address must begin with https:// (http:// on this machine only) and hold no user name.")
        raise EndpointError("url", text) from None
