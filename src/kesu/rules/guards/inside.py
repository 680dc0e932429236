"""Before what stays in the desk: a note, an assignment, a claim. None of it reaches the platform or a clock."""

from collections.abc import Iterator

from kesu.rules.guards.acts import Assign, Claim, Note
from kesu.rules.guards.codes import GuardCode
from kesu.rules.guards.facts import CaseFacts
from kesu.rules.guards.findings import Finding, found
from kesu.rules.states import is_open


def note(act: Note) -> Iterator[Finding]:
    """A note is for colleagues: it never counts as a reply."""
    if not act.text.strip():
        yield found(GuardCode.NOTE_EMPTY)
    yield found(GuardCode.NOTE_STAYS_HERE)


def assign(act: Assign, facts: CaseFacts) -> Iterator[Finding]:
    """The assignee must be able to sign in and to see the case."""
    if not act.active:
        yield found(GuardCode.ASSIGNEE_INACTIVE, to=act.to)
    if not act.may_see:
        yield found(GuardCode.ASSIGNEE_CANNOT_SEE, to=act.to)
    yield from _taking({act.to, act.by}, facts)


def claim(act: Claim, facts: CaseFacts) -> Iterator[Finding]:
    """Claiming quiets the reminders for unclaimed cases and nothing else."""
    yield from _taking({act.by}, facts)
    if is_open(facts.state):
        yield found(GuardCode.CLAIM_STOPS_NO_CLOCK, due_at=facts.current.complete_due_at)


def _taking(own: set[str], facts: CaseFacts) -> Iterator[Finding]:
    if facts.claimed_by and facts.claimed_by not in own:
        yield found(GuardCode.CLAIMED_BY_OTHER, name=facts.claimed_by)
    if not is_open(facts.state):
        yield found(GuardCode.CASE_CLOSED)
