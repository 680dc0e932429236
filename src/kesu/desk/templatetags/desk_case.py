"""What the case page needs to say besides: acts of the audit and outcomes of commands."""

from __future__ import annotations

from django import template

from kesu.commands import wording
from kesu.commands.models import Command
from kesu.desk import words
from kesu.desk.views.settings.audit import ACTIONS

register = template.Library()


@register.filter
def audited(action: str) -> str:
    """What was done; the word itself for one of another version."""
    return words.say(ACTIONS, action)


@register.filter
def told(command: Command) -> str:
    return wording.outcome(command)
