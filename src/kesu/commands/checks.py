"""What there is to know before a command: guards and red lines as one list, and whether the command may go ahead.

The page shows the list before a button is pressed, a verb judges it when it is, and the worker looks once more after
its fresh read: only what the person could not have known then stands in the way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.commands import facts
from kesu.commands.models import Command
from kesu.commands.payloads import act_of, refund_act_of
from kesu.commands.redlines import findings_in
from kesu.complaints.guard_wording import sentence
from kesu.complaints.models import Complaint
from kesu.rules.guards import RULES, Assign, CaseFacts, Claim, Finding, GuardCode, Level, Note, check
from kesu.rules.rates import RateEffect

READ_ANEW = frozenset({GuardCode.STALE_READ, GuardCode.COMMAND_UNFINISHED})
"""Settled elsewhere: the worker reads before it sends, and the journal holds one command at a time."""

Inside = Assign | Claim | Note
"""Acts that stay inside the desk: no command, no journal."""

ALONE = frozenset({GuardCode.DECIDE_FIRST, GuardCode.APPROVAL_MOVES_NO_MONEY})
"""Said of an approval or a refund by itself; together they are what is wanted."""


@dataclass(frozen=True)
class Concern:
    """One finding for people. ``start`` and ``end``: where in the text, for red lines; ``picture``: the key of the one
    that it is about; ``rule``: the page it comes from, empty where none says so; ``better``: a verb to do instead or
    first."""

    code: str
    level: str
    message: str
    rule: str = ""
    better: str = ""
    overridable: bool = False
    start: int | None = None
    end: int | None = None
    suggestion: str = ""
    effect: RateEffect | None = None
    picture: int | None = None

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"code": self.code, "level": self.level, "message": self.message, "rule": self.rule}
        told |= {"better": self.better, "overridable": self.overridable}
        if self.start is not None:
            told |= {"start": self.start, "end": self.end, "suggestion": self.suggestion}
        if self.picture is not None:
            told["picture"] = self.picture
        return told


@dataclass(frozen=True)
class Verdict:
    """``standing`` is in the way: blocks, and warnings nobody acknowledged. ``overridden`` goes to the audit."""

    concerns: tuple[Concern, ...]
    standing: tuple[Concern, ...]
    overridden: tuple[Concern, ...]

    @property
    def allowed(self) -> bool:
        return not self.standing


def look(
    complaint: Complaint, kind: Command.Kind, payload: Mapping[str, Any], *, now: datetime, own: Command | None = None
) -> tuple[Concern, ...]:
    """All there is to know, the gravest first."""
    case = facts.of(complaint, now=now, own=own)
    return look_at(case, complaint, kind, payload, now=now)


def look_at(
    case: CaseFacts, complaint: Complaint, kind: Command.Kind, payload: Mapping[str, Any], *, now: datetime
) -> tuple[Concern, ...]:
    """The same where the facts are at hand: a page asks for several verbs at once."""
    found = [_concern(finding) for finding in _guards(case, kind, payload, now)]
    found += findings_in(complaint, case, kind, payload)
    gravity = [Level.BLOCK, Level.CONFIRM, Level.INFO]
    return tuple(sorted(found, key=lambda concern: gravity.index(Level(concern.level))))


def look_inside(case: CaseFacts, act: Inside, *, now: datetime) -> tuple[Concern, ...]:
    """What there is to know before a note, a claim or an assignment, the gravest first."""
    return tuple(_concern(finding) for finding in check(act, case, now=now))


def judge_inside(complaint: Complaint, act: Inside, acknowledged: Iterable[str], *, now: datetime) -> Verdict:
    """May this be done inside the desk, having accepted these warnings. No role sets a block of these aside."""
    found = look_inside(facts.of(complaint, now=now), act, now=now)
    return _verdict(found, frozenset(acknowledged), may_override=False)


def judge(
    actor: Actor,
    complaint: Complaint,
    kind: Command.Kind,
    payload: Mapping[str, Any],
    acknowledged: Iterable[str],
    override_reason: str,
    *,
    now: datetime,
) -> Verdict:
    """May this person do this, having accepted these warnings and given this reason."""
    may_override = roles.may(actor.user, Permission.OVERRIDE) and bool(override_reason.strip())
    return _verdict(look(complaint, kind, payload, now=now), frozenset(acknowledged), may_override)


def reconsider(command: Command, *, now: datetime) -> tuple[Concern, ...]:
    """After the fresh read: what stands in the way now. Empty when the command may be sent."""
    complaint = Complaint.objects.select_related("account", "claimed_by").get(pk=command.complaint_id)
    payload = command_payload(command)
    concerns = look(complaint, Command.Kind(command.kind), payload, now=now, own=command)
    accepted = frozenset(command.acknowledged)
    return _verdict(concerns, accepted, may_override=bool(command.override_reason), overrides=accepted).standing


def command_payload(command: Command) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(command.payload)
    return payload


def fingerprint(text: str) -> str:
    """For the audit: proves which text was sent without keeping it."""
    return hashlib.sha256(text.encode()).hexdigest()


def _guards(case: CaseFacts, kind: Command.Kind, payload: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    together = refund_act_of(payload)
    for finding in check(act_of(kind, payload), case, now=now):
        if finding.code not in READ_ANEW and not (together and finding.code in ALONE):
            yield finding
    if together is None:
        return
    said: set[GuardCode] = set()
    for finding in check(together, case, now=now):
        if finding.code not in READ_ANEW | ALONE | said:
            said.add(finding.code)
            yield finding


def _concern(finding: Finding) -> Concern:
    return Concern(
        code=finding.code.value,
        level=finding.level.value,
        message=sentence(finding),
        rule=RULES[finding.rule],
        better=finding.better.value if finding.better else "",
        overridable=finding.overridable,
        effect=finding.effect,
    )


def _verdict(
    concerns: tuple[Concern, ...],
    acknowledged: frozenset[str],
    may_override: bool,
    overrides: frozenset[str] | None = None,
) -> Verdict:
    """``overrides``: the only blocks that may be set aside; None for all that can be."""
    standing: list[Concern] = []
    overridden: list[Concern] = []
    for concern in concerns:
        if concern.level == Level.BLOCK:
            listed = overrides is None or concern.code in overrides
            (overridden if concern.overridable and may_override and listed else standing).append(concern)
        elif concern.level == Level.CONFIRM and concern.code not in acknowledged:
            standing.append(concern)
    return Verdict(concerns, tuple(standing), tuple(overridden))
