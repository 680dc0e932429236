"""What is to be known before any act at the platform, whatever the act."""

from collections.abc import Iterator
from datetime import datetime

from kesu.rules.guards.codes import GuardCode, Level
from kesu.rules.guards.facts import UNFINISHED, CaseFacts
from kesu.rules.guards.findings import Finding, found
from kesu.rules.states import ComplaintState, history_is_ahead


def readiness(facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """May anything be sent at all: is the read fresh, is nothing else under way, is the state a known word.

    The API and the console work on the same ticket (official FAQ), so an old picture may be a wrong one. A command
    whose outcome is unknown may have reached the payer: the history tells, a second one would say it twice.
    """
    age = now - facts.read_at
    if age > facts.profile.fresh_for or history_is_ahead(facts.history, facts.user_complaint_times):
        yield found(GuardCode.STALE_READ, read_at=facts.read_at)
    waiting = [command for command in facts.commands if command.state in UNFINISHED]
    if waiting:
        oldest = min(waiting, key=lambda command: (command.at, command.verb))
        yield found(GuardCode.COMMAND_UNFINISHED, verb=oldest.verb.value, sent_at=oldest.at)
    if facts.state not in set(ComplaintState):
        yield found(GuardCode.STATE_UNKNOWN, state=facts.state)


def circumstances(facts: CaseFacts, *, now: datetime, closing: bool) -> Iterator[Finding]:
    """What makes a case delicate. Before it is closed each needs a yes; before all else it is good to know."""
    level = Level.CONFIRM if closing else Level.INFO
    if facts.in_platform_service:
        yield found(GuardCode.PLATFORM_SERVICE_RUNNING, level=level)
    if "HIGH_RISK" in facts.user_tags:
        yield found(GuardCode.HIGH_RISK, level=level)
    yield from _immediate_service(facts, now=now, level=level)
    if facts.in_campaign:
        yield found(GuardCode.CAMPAIGN)


def _immediate_service(facts: CaseFacts, *, now: datetime, level: Level) -> Iterator[Finding]:
    """即时服务 is wanted and nobody has answered in this round."""
    if facts.need_immediate_service and not facts.replied_in_round:
        waited = now - facts.current.started_at
        yield found(
            GuardCode.IMMEDIATE_SERVICE_OWED,
            level=level,
            waited_minutes=max(0, int(waited.total_seconds() // 60)),
            allowed_minutes=int(facts.profile.immediate_within.total_seconds() // 60),
        )
