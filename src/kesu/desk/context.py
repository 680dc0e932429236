"""What every page's frame needs: theme, clock, the words of a countdown, what this person may do."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from kesu import __version__, clock
from kesu.accounts.roles import Permission, permissions
from kesu.commands.second_person import to_decide
from kesu.complaints import durations
from kesu.complaints.queries import COUNT_LIMIT
from kesu.intake.storage import storage

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "kesu_theme"


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Costs no query: error pages use it too. ``to_decide`` is counted by the frame of pages that have a navigation,
    for those who may decide; a list that counts anyway gives it along."""
    return {
        "theme": chosen_theme(request),
        "themes": THEMES,
        "languages": settings.LANGUAGES,
        "clock_is_virtual": clock.is_virtual(),
        "clock_now": clock.now(),
        "clock_speed": clock.speed(),
        "countdown_words": durations.words(),
        "version": __version__,
        "storage_problem": storage().problem(),
        "may": SimpleLazyObject(lambda: _permissions(request)),
        "to_decide": SimpleLazyObject(lambda: _to_decide(request)),
    }


def _permissions(request: HttpRequest) -> frozenset[Permission]:
    user = getattr(request, "user", None)
    return permissions(user) if user is not None else frozenset()


def _to_decide(request: HttpRequest) -> int:
    user = getattr(request, "user", None)
    return to_decide(user)[:COUNT_LIMIT].count() if user is not None else 0


def chosen_theme(request: HttpRequest) -> str:
    """``auto`` follows the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"
