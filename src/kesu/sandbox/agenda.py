"""What will happen by itself, in order of time: payers' acts, refunds arriving, new complaints."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Any

from kesu.sandbox.state import Appointment, State


class Agenda:
    """A heap over `state.agenda`; `remember` writes it back before the state is saved."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._heap = [(item.due_at, item.sequence, item) for item in state.agenda]
        heapq.heapify(self._heap)

    def add(self, due_at: datetime, kind: str, **data: Any) -> None:
        item = Appointment(due_at, self._state.next_number(), kind, data)
        heapq.heappush(self._heap, (due_at, item.sequence, item))

    def next_due(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: datetime) -> Appointment | None:
        """The earliest item due at or before `now`."""
        if not self._heap or self._heap[0][0] > now:
            return None
        return heapq.heappop(self._heap)[2]

    def has(self, kind: str) -> bool:
        return any(item.kind == kind for _, _, item in self._heap)

    def remember(self) -> None:
        """Put the heap into the state, before it is saved."""
        self._state.agenda = [item for _, _, item in self._heap]

    def __len__(self) -> int:
        return len(self._heap)
