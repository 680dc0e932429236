"""What an address of the inbox asks for, and back: views, filters, chips that take one filter away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu.complaints import queries
from kesu.complaints.filters import MARKS, NOBODY, NONE, Filters, Mark
from kesu.complaints.queries import Only, View
from kesu.complaints.search import typed
from kesu.desk import words
from kesu.desk.templatetags.desk import money

ONLY_LABELS: dict[str, str | Promise] = {
    Only.OVERDUE: gettext_lazy("Overdue"),
    Only.SOON: gettext_lazy("Under 6 hours"),
    Only.UNCLAIMED: gettext_lazy("Unclaimed"),
    Only.MINE: gettext_lazy("Mine"),
    Only.REPEAT: gettext_lazy("Repeat"),
    Only.PLATFORM: gettext_lazy("Platform service"),
    Only.SECOND: gettext_lazy("Second person"),
}
MARK_LABELS: dict[str, str | Promise] = {
    Mark.AGAIN: gettext_lazy("Repeat"),
    Mark.HIGH_RISK: gettext_lazy("High risk"),
    Mark.IMMEDIATE: gettext_lazy("Immediate service"),
    Mark.PLATFORM: gettext_lazy("Platform service"),
    Mark.UNREAD: gettext_lazy("Unread message"),
    Mark.REFUND: gettext_lazy("Refund on its way"),
    Mark.SECOND: gettext_lazy("Waits for a second person"),
}
_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")


@dataclass(frozen=True)
class Chip:
    """One filter in words; ``address`` is the list without it."""

    text: str
    address: str


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

    def chips(self, people: dict[str, str]) -> list[Chip]:
        """``people``: names by username."""
        return [Chip(text, self._without(**changes).address()) for text, changes in self._told(people)]

    def _without(self, **changes: Any) -> Narrowing:
        return replace(self, filters=replace(self.filters, **changes))

    def _told(self, people: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        filters = self.filters
        plain = {
            "text": f"“{filters.text}”",
            "merchant": f"{_('Merchant')}: {filters.merchant}",
            "problem": words.say(words.PROBLEM_TYPES, filters.problem),
            "state": words.say(words.STATES, filters.state),
            "assignee": _assignee(filters.assignee, people),
        }
        yield from ((text, {name: ""}) for name, text in plain.items() if getattr(filters, name))
        for mark in filters.marks:
            yield str(MARK_LABELS[mark]), {"marks": tuple(other for other in filters.marks if other != mark)}
        ends = {
            "least": f"≥ {money(filters.least)}",
            "most": f"≤ {money(filters.most)}",
            "since": _("from %(day)s") % {"day": filters.since},
            "until": _("until %(day)s") % {"day": filters.until},
        }
        yield from ((text, {name: None}) for name, text in ends.items() if getattr(filters, name) is not None)


def _assignee(username: str, people: dict[str, str]) -> str:
    if username == NOBODY:
        return _("Unclaimed")
    return f"{_('Handled by')}: {people.get(username, username)}"


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
