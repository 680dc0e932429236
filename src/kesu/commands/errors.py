"""Why a command was not taken. None of them leaves anything behind.

CommandError
|-- InvalidCommand   the input cannot be used: ``reason`` is a key of ``wording.INVALID``
|-- Refused          guards or red lines stand against it: ``concerns`` are all findings, ``standing`` those in the way
|-- Conflict         the case is no longer as it was seen, or another command is under way
`-- NeedsApproval    above the person's limit; a request for a second person was written: ``request``
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kesu.commands.checks import Concern
    from kesu.commands.models import Command, RefundRequest
    from kesu.complaints.models import TimelineEntry


class CommandError(Exception):
    """Base of what a verb raises on purpose (besides ``roles.Forbidden``)."""


class InvalidCommand(CommandError):
    def __init__(self, reason: str, **values: object) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values


class Refused(CommandError):
    def __init__(self, concerns: Sequence[Concern], standing: Sequence[Concern]) -> None:
        super().__init__(", ".join(concern.code for concern in standing))
        self.concerns, self.standing = tuple(concerns), tuple(standing)


class Conflict(CommandError):
    """``commands`` and ``entries`` are what the person had not seen: the difference, oldest first; ``requests`` wait
    for a second person and ask for something else."""

    def __init__(
        self,
        commands: Sequence[Command] = (),
        entries: Sequence[TimelineEntry] = (),
        requests: Sequence[RefundRequest] = (),
    ) -> None:
        super().__init__(f"{len(commands)} commands, {len(entries)} entries and {len(requests)} requests are new")
        self.commands, self.entries, self.requests = tuple(commands), tuple(entries), tuple(requests)
