"""Values that several addresses take, each with what may stand in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from ninja import Path, Query
from pydantic import StringConstraints

from kesu.api.problems import Problem

Number = Annotated[int, Path(ge=1, le=2**62)]
Before = Annotated[int, Query(ge=0, le=2**62)]
Person = Annotated[str, Path(pattern=r"^[\w.@+-]{1,150}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00]*\S[^\x00]*$")]
Username = Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=r"^[\w.@+-]+$")]
Merchant = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]
Hours = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])?$")]
"""``22:00-08:00`` in Beijing, empty for none."""
_DAY = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
Day = Annotated[str, StringConstraints(pattern=rf"^{_DAY}$")]
"""A day in Beijing: ``2026-11-28``."""
Moment = Annotated[str, StringConstraints(pattern=rf"^{_DAY}T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?{_OFFSET}$")]
"""ISO 8601 with an offset: ``2026-11-28T09:00:00+08:00``, ``2026-11-28T01:00Z``."""


def instant(written: str) -> datetime:
    """A ``Moment`` as UTC. Raises Problem 409 for a day that no month has."""
    day(written[:10])
    return datetime.fromisoformat(written).astimezone(UTC)


def day(written: str) -> date:
    """Raises Problem 409 for a day that no month has."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise Problem(409, "no_such_day", f"There is no such day: {written}") from None
