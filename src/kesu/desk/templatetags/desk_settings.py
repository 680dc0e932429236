"""What the settings' templates need to say."""

from __future__ import annotations

from django import template

from kesu.desk import words
from kesu.desk.views.settings.audit import ACTIONS, VIAS

register = template.Library()


@register.filter
def audit_action(word: str) -> str:
    """What was done; an older version's word is shown as it is."""
    return words.say(ACTIONS, word)


@register.filter
def audit_via(word: str) -> str:
    """Through what it was done."""
    return words.say(VIAS, word)
