"""Lengths of time in words: "3小时12分", "1 d 6 h". The browser's ticking uses the same words."""

from __future__ import annotations

from functools import cache

from django.utils.translation import get_language, gettext, gettext_noop

from kesu.rules.deadlines import split_duration

_PATTERNS = {
    # Translators: lengths of time on a narrow column; d, h, min stand for days, hours, minutes.
    "days_hours": gettext_noop("%(days)s d %(hours)s h"),
    "days": gettext_noop("%(days)s d"),
    "hours_minutes": gettext_noop("%(hours)s h %(minutes)s min"),
    "hours": gettext_noop("%(hours)s h"),
    "minutes": gettext_noop("%(minutes)s min"),
    "moment": gettext_noop("under 1 min"),
    "left": gettext_noop("%(time)s left"),
    "overdue": gettext_noop("overdue %(time)s"),
}


def words() -> dict[str, str]:
    """The patterns in the active language, as the page hands them to ``countdown.js``."""
    return _words(get_language())


@cache
def _words(language: str | None) -> dict[str, str]:
    """Kept for each language: a list says hundreds of lengths. ``language`` is the active one."""
    return {name: gettext(pattern) for name, pattern in _PATTERNS.items()}


def duration(seconds: float) -> str:
    """At most two units, cut down: 11,520 s is "3小时12分", 7,200 s "2小时". The sign is dropped."""
    return _duration(seconds, words())


def countdown(seconds: float) -> str:
    """Time left, or by how much it was missed when ``seconds`` is not positive."""
    patterns = words()
    return patterns["left" if seconds > 0 else "overdue"] % {"time": _duration(seconds, patterns)}


def _duration(seconds: float, patterns: dict[str, str]) -> str:
    days, hours, minutes = split_duration(seconds)
    if days:
        name = "days_hours" if hours else "days"
    elif hours:
        name = "hours_minutes" if minutes else "hours"
    else:
        name = "minutes" if minutes else "moment"
    return patterns[name] % {"days": days, "hours": hours, "minutes": minutes}
