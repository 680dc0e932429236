"""Where a page of a long list ended: the last row's time and number, as text for an address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(r"(-?\d{1,17})_(\d{1,18})")


class CursorError(ValueError):
    """The text is not a cursor."""


@dataclass(frozen=True)
class Cursor:
    """``moment`` (aware) to the microsecond, as PostgreSQL keeps it."""

    moment: datetime
    pk: int

    def __str__(self) -> str:
        return f"{(self.moment - _EPOCH) // timedelta(microseconds=1)}_{self.pk}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises CursorError."""
        found = _SHAPE.fullmatch(text)
        if found is None:
            raise CursorError("not a cursor")
        try:
            moment = _EPOCH + timedelta(microseconds=int(found[1]))
        except OverflowError as error:
            raise CursorError("not a cursor") from error
        return cls(moment, int(found[2]))

    def after(self, field: str, *, descending: bool) -> Q:
        """The rows behind this one when ordered by (``field``, id). The edge alone lets an index serve it."""
        way = "lt" if descending else "gt"
        edge = Q(**{f"{field}__{way}e": self.moment})
        return edge & (Q(**{f"{field}__{way}": self.moment}) | Q(**{f"pk__{way}": self.pk}))
