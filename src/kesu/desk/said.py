"""What was said and done from this desk, as the case page tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.accounts import roles
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.commands import verbs, wording
from kesu.commands.models import Command
from kesu.complaints.models import TimelineEntry
from kesu.rules.operations import MERCHANT_REPLIES

MOST = 50
SETTLED_FOR = timedelta(minutes=3)
"""How long a command that went well is still told of; then the history shows it."""

WRITING = frozenset({Command.Kind.REPLY, Command.Kind.IMMEDIATE_REPLY, Command.Kind.REJECT_REFUND})


@dataclass(frozen=True)
class CommandShown:
    """``text``: the words it carries, where it has not reached the history; ``concerns``: why it was not sent."""

    command: Command
    text: str
    may_withdraw: bool
    may_repeat: bool
    may_settle: bool

    @property
    def outcome(self) -> str:
        return wording.outcome(self.command)

    @property
    def tone(self) -> str:
        return {"failed": "danger", "unknown": "warning", "confirmed": "good"}.get(self.command.state, "info")

    @property
    def reasons(self) -> list[str]:
        return [str(concern.get("message", "")) for concern in self.command.concerns if isinstance(concern, dict)]


def of_interest(commands: Iterable[Command], user: User, now: datetime) -> list[CommandShown]:
    """Those that are under way, those that went wrong and were not done again, and those just done; the oldest
    first. ``commands`` come newest first."""
    shown, later = [], set()
    for command in commands:
        failed = command.state == Command.State.FAILED
        withdrawn = failed and command.failure == Command.Failure.WITHDRAWN
        recent = command.settled_at is not None and now - command.settled_at < SETTLED_FOR
        if not command.is_settled or recent or (failed and not withdrawn and command.kind not in later):
            shown.append(_shown(command, user))
        later.add(command.kind)
    return shown[::-1]


def _shown(command: Command, user: User) -> CommandShown:
    may = roles.may(user, verbs.PERMISSIONS[Command.Kind(command.kind)])
    open_ = command.state != Command.State.CONFIRMED
    text = text_of(command) if command.kind in WRITING and open_ else ""
    return CommandShown(
        command,
        text,
        may_withdraw=may and command.state == Command.State.PLANNED,
        may_repeat=may and command.state == Command.State.FAILED and command.kind == Command.Kind.REPLY and bool(text),
        may_settle=roles.may(user, Permission.OVERRIDE) and command.state == Command.State.UNKNOWN,
    )


def text_of(command: Command) -> str:
    """The words to the payer that a command carries; "" for one without."""
    return str(json.loads(command.payload).get("text") or "")


def authors(commands: Iterable[Command], entries: Iterable[TimelineEntry]) -> dict[str, str]:
    """Who of us wrote an entry of the history, by its ``log_id``. The platform names the merchant only; a reply is
    known by its proof, or by its words."""
    by_proof = {command.log_id: str(command.actor) for command in commands if command.log_id and command.actor}
    by_words = {
        _folded(text_of(command)): str(command.actor)
        for command in commands
        if command.kind in WRITING and command.state == Command.State.CONFIRMED and command.actor
    }
    names = {}
    for entry in entries:
        name = by_proof.get(entry.log_id)
        if name is None and entry.operate_type in MERCHANT_REPLIES and entry.details:
            name = by_words.get(_folded(entry.details))
        if name:
            names[entry.log_id] = name
    return names


def _folded(text: str) -> str:
    return "".join(text.split())
