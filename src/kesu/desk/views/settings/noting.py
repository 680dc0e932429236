"""Every change of a setting is written down with who made it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.audit.actions import Action
from kesu.audit.services import record


def note(request: HttpRequest, subject: str, action: Action = Action.SETTING_CHANGED, **details: Any) -> None:
    """One entry, in the caller's transaction: call it last there. ``details`` hold no secret."""
    record(Actor.of(request), action, subject, details, now=clock.now())
