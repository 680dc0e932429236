"""What an invariant is: rows that break it at a moment, and how they are set right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

AHEAD = timedelta(minutes=2)
"""What was written that much in the future was written by a clock that ran ahead."""

Found = QuerySet[Any]


@dataclass(frozen=True)
class Invariant:
    """``violations`` finds the rows that break it at a moment; ``heal`` repairs some of them and says how many."""

    name: str
    violations: Callable[[datetime], Found]
    heal: Callable[[Sequence[Any], datetime], int]


def due_now(model: type[Any], **changes: Any) -> Callable[[Sequence[Any], datetime], int]:
    """A repair: what is out of reach becomes due."""

    def heal(keys: Sequence[Any], now: datetime) -> int:
        found: int = model.objects.filter(pk__in=keys).update(due_at=now, **changes)
        return found

    return heal
