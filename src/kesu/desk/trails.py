"""What was done about a case, by whom, as its page tells it: the audit of it, with what became of each command."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from kesu.accounts.roles import Permission
from kesu.audit import queries
from kesu.audit.queries import Step
from kesu.commands import verbs, wording
from kesu.commands.models import Command
from kesu.complaints.models import Complaint
from kesu.desk.templatetags.desk import money


@dataclass(frozen=True)
class Deed:
    """``told``: what it was about, in words; ``outcome``: what became of a command, empty for everything else."""

    step: Step
    told: str
    outcome: str


@dataclass(frozen=True)
class Deeds:
    """The newest first. ``next_before`` is 0 when there are no older ones."""

    deeds: list[Deed]
    next_before: int


def of_case(complaint: Complaint, may: Collection[Permission], *, before: int = 0, size: int = queries.PAGE) -> Deeds:
    """``complaint`` is one that this person sees; ``may`` is what they may do. Three queries."""
    trail = queries.trail(verbs.subject(complaint), whole=Permission.AUDIT in may, before=before, size=size)
    numbers = {number for step in trail.steps if isinstance(number := step.details.get("command"), int)}
    commands = complaint.commands.in_bulk(numbers) if numbers else {}
    return Deeds([_deed(step, commands) for step in trail.steps], trail.next_before)


def _deed(step: Step, commands: dict[int, Command]) -> Deed:
    command = commands.get(step.details.get("command", 0))
    of_the_verb = command is not None and step.action == verbs.ACTIONS[Command.Kind(command.kind)]
    outcome = wording.outcome(command) if command is not None and of_the_verb else ""
    return Deed(step, " · ".join(_told(step.details)), outcome)


def _told(details: dict[str, Any]) -> Iterator[str]:
    """The details that say something to people; numbers of rows and hashes do not."""
    if isinstance(to := details.get("to"), str):
        yield _("to %(name)s") % {"name": to}
    if isinstance(amount := details.get("amount"), int):
        yield money(amount)
    if "granted" in details:
        yield _("granted") if details["granted"] else _("declined")
    if "carried_out" in details:
        yield _("carried out") if details["carried_out"] else _("not carried out")
    if "withdrawn" in details:
        yield _("taken back before it was sent")
    if details.get("removed"):
        yield _("the mark was taken away")
    if isinstance(reason := details.get("reason"), str) and reason:
        yield reason
