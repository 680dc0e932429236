"""What people do with endpoints: each verb asks for the permission and is written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import EndpointError, Wanted
from kesu.webhooks.models import Delivery, Endpoint

__all__ = [
    "EndpointError",
    "Wanted",
    "add_endpoint",
    "change_endpoint",
    "facts",
    "redeliver",
    "remove_endpoint",
    "rotate_secret",
    "send_test",
    "switch_endpoint",
]


@transaction.atomic
def add_endpoint(actor: Actor, wanted: Wanted, *, now: datetime) -> tuple[Endpoint, str]:
    """The endpoint and its secret, shown only now. Raises EndpointError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    endpoint, secret = endpoints.add(wanted, created_by=actor.user, now=now)
    _note(actor, endpoint, {"added": True, **facts(endpoint)}, now)
    return endpoint, secret


@transaction.atomic
def change_endpoint(actor: Actor, endpoint: Endpoint, wanted: Wanted, *, now: datetime) -> Endpoint:
    """``wanted.url`` None keeps the address. Raises EndpointError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    changed = endpoints.change(endpoint, wanted)
    _note(actor, changed, {"changed": True, "address": wanted.url is not None, **facts(changed)}, now)
    return changed


@transaction.atomic
def switch_endpoint(actor: Actor, endpoint: Endpoint, *, enabled: bool, now: datetime) -> None:
    """Off: what it is owed is failed. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    endpoints.switch(endpoint, enabled=enabled)
    _note(actor, endpoint, {"enabled": enabled}, now)


@transaction.atomic
def rotate_secret(actor: Actor, endpoint: Endpoint, *, now: datetime) -> str:
    """The new secret, shown only now; the one before signs too for a day. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    secret = endpoints.rotate(endpoint, now=now)
    _note(actor, endpoint, {"rotated": True}, now)
    return secret


@transaction.atomic
def remove_endpoint(actor: Actor, endpoint: Endpoint, *, now: datetime) -> None:
    """With its log. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    endpoints.remove(endpoint)
    _note(actor, endpoint, {"removed": True}, now)


@transaction.atomic
def send_test(actor: Actor, endpoint: Endpoint, *, now: datetime) -> Delivery:
    """Owe an event that means nothing. Raises EndpointError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    delivery = endpoints.send_test(endpoint, now=now)
    _note(actor, endpoint, {"tested": True}, now)
    return delivery


@transaction.atomic
def redeliver(actor: Actor, delivery: Delivery, *, now: datetime) -> Delivery:
    """Owe it once more, with the same id. Raises EndpointError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    owed = endpoints.redeliver(delivery, now=now)
    _note(actor, owed.endpoint, {"redelivered": str(owed.event.event_id)}, now)
    return owed


def facts(endpoint: Endpoint) -> dict[str, Any]:
    """What the audit keeps of it: no address, no secret."""
    mchid = endpoint.account.mchid if endpoint.account else None
    return {"events": list(endpoint.events), "account": mchid, "sub_mchid": endpoint.sub_mchid}


def _note(actor: Actor, endpoint: Endpoint, details: dict[str, Any], now: datetime) -> None:
    record(actor, Action.SETTING_CHANGED, f"webhook:{endpoint.name}", details, now=now)
