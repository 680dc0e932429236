"""What an address of the inbox asks for, and back: views and filters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from django.http import QueryDict

from kesu.complaints import queries
from kesu.complaints.filters import MARKS, NONE, Filters
from kesu.complaints.queries import View
from kesu.complaints.search import typed

_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")


@dataclass(frozen=True)
class Narrowing:
    """Which list, which narrower view of it, and which filters. Anything that makes no sense narrows nothing."""

    view: str = View.OPEN
    only: str = ""
    filters: Filters = field(default=NONE)

    @classmethod
    def of(cls, asked: QueryDict) -> Narrowing:
        view = View.ALL if asked.get("view") == View.ALL else View.OPEN
        only = asked.get("only", "")
        filters = Filters(
            text=typed(asked.get("q", "")),
            merchant=typed(asked.get("merchant", "")),
            problem=typed(asked.get("problem", ""))[:40],
            state=typed(asked.get("state", ""))[:30],
            assignee=typed(asked.get("assignee", "")),
            marks=tuple(mark for mark in MARKS if mark in asked.getlist("mark")),
            least=_fen(asked.get("least", "")),
            most=_fen(asked.get("most", "")),
            since=_day(asked.get("since", "")),
            until=_day(asked.get("until", "")),
        )
        return cls(view, only if view == View.OPEN and only in queries.ONLY else "", filters)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters, in one order, without empty ones."""
        filters = self.filters
        given = [
            ("view", self.view if self.view != View.OPEN else ""),
            ("only", self.only),
            ("q", filters.text),
            ("merchant", filters.merchant),
            ("problem", filters.problem),
            ("state", filters.state),
            ("assignee", filters.assignee),
            *(("mark", mark) for mark in filters.marks),
            ("least", _yuan(filters.least)),
            ("most", _yuan(filters.most)),
            ("since", filters.since.isoformat() if filters.since else ""),
            ("until", filters.until.isoformat() if filters.until else ""),
        ]
        return [(name, value) for name, value in given if value]

    @property
    def least(self) -> str:
        """As the field shows it: yuan."""
        return _yuan(self.filters.least)

    @property
    def most(self) -> str:
        return _yuan(self.filters.most)

    @property
    def query(self) -> str:
        return urlencode(self.pairs)

    def address(self, cursor: str = "") -> str:
        """The query of an inbox address, "?" included so that it can stand alone in a link."""
        return "?" + urlencode([*self.pairs, *([("after", cursor)] if cursor else [])])


def _fen(yuan: str) -> int | None:
    found = _YUAN.fullmatch(typed(yuan).replace(",", "").lstrip("¥"))
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found and yuan.isascii() else None


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"{fen // 100}.{fen % 100:02d}" if fen % 100 else str(fen // 100)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found <= date(2200, 1, 1) else None
