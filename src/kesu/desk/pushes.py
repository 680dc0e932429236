"""What pushes are called on pages."""

from __future__ import annotations

import re

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kesu.alerts.titles import title_of
from kesu.complaints import durations
from kesu.desk import words

STATES: words.Words = {
    "pending": _("Waiting"),
    "sent": _("Delivered"),
    "superseded": _("No longer needed"),
    "moved": _("Sent another way"),
    "failed": _("Failed"),
    "digested": _("Told in a digest"),
}

OUTCOMES: words.Words = {
    "sending": _("Being sent"),
    "sent": _("Accepted"),
    "rate": _("Too many for now"),
    "transient": _("Not reached"),
    "unknown": _("No answer, may have arrived"),
    "payload": _("Content refused"),
    "channel_dead": _("Address is gone"),
    "interrupted": _("Interrupted, may have arrived"),
}

_STEP = re.compile(r"(?P<trigger>after|before|overdue)(?::(?P<amount>\d+)(?P<unit>[mh]?))?(?:-\d+)?")
_UNIT_SECONDS = {"h": 3600, "m": 60, "": 0}


# About the desk itself, not about a complaint.
DESK_KINDS: words.Words = {
    "test": _("Test push"),
    "channel_dead": _("A channel is gone"),
    "channel_down": _("A channel does not answer"),
    "robot_gone": _("A robot is gone"),
    "digest": _("Digest"),
    "heartbeat": _("Daily report"),
}


def kind(word: str, user_complaint_times: int = 1) -> str:
    """What a push was about, in the words of the push itself."""
    return str(DESK_KINDS[word]) if word in DESK_KINDS else title_of(word, user_complaint_times)


def step(word: str) -> str:
    """A step of the ladder: "before:4h" is "4 h left". Steps that say no time give nothing."""
    found = _STEP.fullmatch(word)
    seconds = int(found["amount"] or 0) * _UNIT_SECONDS[found["unit"] or ""] if found else 0
    if found is None or not seconds or found["trigger"] == "overdue":
        return ""
    time = durations.duration(seconds)
    return (gettext("%(time)s left") if found["trigger"] == "before" else gettext("after %(time)s")) % {"time": time}
