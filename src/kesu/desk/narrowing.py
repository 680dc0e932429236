"""A narrowed list in words: its narrower views, and chips that take one filter away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu.complaints.filters import NOBODY, Mark
from kesu.complaints.narrowing import Narrowing
from kesu.complaints.queries import Only
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


@dataclass(frozen=True)
class Chip:
    """One filter in words; ``address`` is the list without it."""

    text: str
    address: str


def chips(asked: Narrowing, people: dict[str, str]) -> list[Chip]:
    """``people``: names by username."""
    return [Chip(text, _without(asked, **changes).address()) for text, changes in _told(asked, people)]


def _without(asked: Narrowing, **changes: Any) -> Narrowing:
    return replace(asked, filters=replace(asked.filters, **changes))


def _told(asked: Narrowing, people: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    filters = asked.filters
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
