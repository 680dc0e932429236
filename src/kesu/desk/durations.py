"""Lengths of time in words: "3小时12分", "1 d 6 h". The browser's ticking uses the same words."""

from __future__ import annotations

from django.utils.translation import gettext

from kesu.rules.deadlines import split_duration


def words() -> dict[str, str]:
    """The patterns in the active language, as the page hands them to ``countdown.js``."""
    return {
        # Translators: lengths of time on a narrow column; d, h, min stand for days, hours, minutes.
        "days_hours": gettext("%(days)s d %(hours)s h"),
        "days": gettext("%(days)s d"),
        "hours_minutes": gettext("%(hours)s h %(minutes)s min"),
        "hours": gettext("%(hours)s h"),
        "minutes": gettext("%(minutes)s min"),
        "moment": gettext("under 1 min"),
        "left": gettext("%(time)s left"),
        "overdue": gettext("overdue %(time)s"),
    }


def duration(seconds: float) -> str:
    """At most two units, cut down: 11,520 s is "3小时12分", 7,200 s "2小时". The sign is dropped."""
    return _say(seconds, words())


def countdown(seconds: float) -> str:
    """Time left, or by how much it was missed when ``seconds`` is not positive."""
    patterns = words()
    return patterns["left" if seconds > 0 else "overdue"] % {"time": _say(seconds, patterns)}


def _say(seconds: float, patterns: dict[str, str]) -> str:
    days, hours, minutes = split_duration(seconds)
    if days:
        name = "days_hours" if hours else "days"
    elif hours:
        name = "hours_minutes" if minutes else "hours"
    else:
        name = "minutes" if minutes else "moment"
    return patterns[name] % {"days": days, "hours": hours, "minutes": minutes}
