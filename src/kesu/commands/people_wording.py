"""What cannot be done about people and their tokens, in sentences."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _


class PersonError(Exception):
    """``reason`` is a word for programs; as text it is a sentence in the active language."""

    def __init__(self, reason: str, **values: str) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values

    def __str__(self) -> str:
        known: dict[str, Callable[[], str]] = {
            "name_taken": lambda: _("This name is taken already. Please choose another one."),
            "own_role": lambda: _("You cannot change your own role. Another owner can."),
            "own_switch": lambda: _("You cannot switch yourself off. Another owner can."),
            "own_second_step": lambda: _("Your own second step is on your account page."),
            "last_owner": lambda: _("This is the only owner. Make somebody else an owner first."),
            "unknown_merchant": lambda: _("There is no merchant number %(mchid)s here.") % self.values,
            "merchants_missing": lambda: _("Name at least one merchant, or let them see every one."),
            "quiet_hours": lambda: _("Quiet hours are written 22:00-08:00."),
            "no_scope": lambda: _("A token needs a scope."),
            "narrow_token": lambda: _("By a token nobody gives more than it may do itself, or for longer."),
        }
        return known[self.reason]()
