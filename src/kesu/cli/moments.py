"""Times on the command line: Beijing, unless they carry an offset."""

from __future__ import annotations

from datetime import UTC, datetime

from kesu.cli.environment import fail
from kesu.cli.language import _


def moment(text: str) -> datetime:
    """``2026-11-28 09:00``, ``2026-11-28`` (midnight) or ISO 8601 with an offset, as UTC; a failure for others."""
    from kesu.clock import BEIJING

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fail(_("Not a time: %s. Write 2026-11-28 09:00 (Beijing).") % text)
    return (found if found.tzinfo else found.replace(tzinfo=BEIJING)).astimezone(UTC)


def shown(at: datetime) -> str:
    """``11-28 09:00``, in Beijing."""
    from kesu.clock import BEIJING

    return f"{at.astimezone(BEIJING):%m-%d %H:%M}"
