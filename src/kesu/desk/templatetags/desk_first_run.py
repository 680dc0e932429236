"""The first run's checklist on a page that has nothing to show yet."""

from __future__ import annotations

from typing import Any

from django import template

from kesu.desk.views.settings.first_run import FirstRun, dismissed, first_run

register = template.Library()


@register.simple_tag(takes_context=True)
def unfinished_first_run(context: dict[str, Any]) -> FirstRun | None:
    """How far it has come, while there is something to do and nobody put it away; else None."""
    found = first_run()
    return None if found.proved or dismissed(context["request"]) else found
