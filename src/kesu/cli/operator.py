"""Who sits at the command line, for the audit."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


def operator() -> str:
    """The account of the operating system, through sudo too."""
    return os.environ.get("SUDO_USER") or getpass.getuser()


def address() -> str:
    """Where the terminal is, when it came in by SSH."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0]


@contextmanager
def audited(subject: str, action: str = "setting_changed", **details: Any) -> Iterator[dict[str, Any]]:
    """What happens inside is written down with it, or neither happens. Inside ``desk`` only; nothing slow inside.

    Yields the entry's details, to add what is known only afterwards. Never a secret, a phone number or an address.
    """
    from django.db import transaction

    found: dict[str, Any] = dict(details)
    with transaction.atomic():
        yield found
        note(subject, action, found)


def note(subject: str, action: str, details: Mapping[str, Any]) -> None:
    """One entry by the person at the command line."""
    from kesu import clock
    from kesu.accounts.actor import Via
    from kesu.audit.actions import Action
    from kesu.audit.services import write

    write(
        user_id=None,
        username=operator(),
        via=Via.CLI,
        address=address(),
        action=Action(action),
        subject=subject,
        details=details,
        now=clock.now(),
    )
