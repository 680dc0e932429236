"""What a browser is called by people, from what it says of itself."""

from __future__ import annotations

from django.utils.translation import gettext as _

# The order counts: most browsers also claim to be those further down.
PROGRAMS = (
    ("wxwork", "WeCom"),
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("QQBrowser", "QQ Browser"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def name(user_agent: str) -> str:
    """ "Chrome, Windows"; whatever it says may be untrue."""
    known = [label for table in (PROGRAMS, SYSTEMS) for label in [_first(user_agent, table)] if label]
    return ", ".join(known) or _("Unknown browser")


def _first(user_agent: str, table: tuple[tuple[str, str], ...]) -> str:
    return next((label for part, label in table if part in user_agent), "")
