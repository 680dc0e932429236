"""What must hold once the killing is over: nothing acknowledged is lost, nothing due is missing, nothing is stuck.

Leases of the dead run out on the sandbox's clock, which the desk follows, so that minutes of waiting cost none.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from tests.crash.desk import Desk
from tests.crash.load import Pump
from tests.processes import kesu

MINUTES_FORWARD = 40
"""How far the sandbox's clock may be put forward for leases to run out and robots to rest."""
STILL_SECONDS = 3
"""What has not moved for so long waits for a lease or for a robot."""

UNFINISHED = {
    "notices": "select count(*) from intake_notice where state <> 'processed'",
    "complaints to read": "select count(*) from sync_refresh",
    "messages": "select count(*) from alerts_message where state in ('pending', 'failed')",
    "tries": "select count(*) from alerts_attempt where outcome = 'sending'",
    "commands": "select count(*) from commands_command where state in ('planned', 'sending', 'unknown')",
    "deliveries": "select count(*) from webhooks_delivery where state = 'pending'",
    "steps": "select count(*) from alerts_clock where stopped_at is null"
    " and (due_at <= %(now)s or due_at <= asked_at + interval '1 minute')",
}
"""A step that was put off until its case is read is still to be told."""

OTHERS = "digests and others"

UNCLAIMED_AFTER = timedelta(minutes=15)
"""The first step of the default ladder after the opening."""

STEPS_MISSING = """
    select c.complaint_id from alerts_clock k
      join complaints_complaint c on c.id = k.complaint_id
      join alerts_message opening on opening.complaint_id = c.id and opening.kind = 'new'
     where k.kind = 'reply' and k.started_at + %(after)s <= %(now)s and opening.created_at < k.started_at + %(after)s
       and not exists (select from alerts_message m left join alerts_message digest on digest.id = m.digest_id
                        where m.complaint_id = c.id and m.kind = 'unclaimed' and 'sent' in (m.state, digest.state))
"""

WITHOUT_CLOCK = """
    select c.complaint_id from complaints_complaint c cross join (values ('reply'), ('complete')) as owed (kind)
     where c.open and not (owed.kind = 'reply' and c.replied)
       and not exists (select from alerts_clock k where k.complaint_id = c.id and k.kind = owed.kind
                                                    and k.round_number = c.round_number and k.stopped_at is null)
"""

TOLD = """
    select c.complaint_id, count(*) filter (where m.state = 'sent'),
           bool_or(m.kind = 'new' and (m.state = 'sent' or digest.state = 'sent'))
      from alerts_message m join complaints_complaint c on c.id = m.complaint_id
      left join alerts_message digest on digest.id = m.digest_id group by 1
"""

UNCERTAIN = """
    select c.complaint_id, count(*) from alerts_attempt a
      join alerts_message m on m.id = a.message_id
      left join complaints_complaint c on c.id = m.complaint_id
     where a.outcome in ('interrupted', 'unknown') group by 1
"""

WATCHED = ("clocks", "invariants", "clocks_late", "pushes_late", "pushes_failed", "notices_parked", "complaints_unread")
"""What `kesu doctor` looks at that no killing may disturb."""


@dataclass(frozen=True)
class Findings:
    """What does not hold; all empty when everything does. Complaints by their number (or
    ``OTHERS``), notices by envelope."""

    notices_lost: frozenset[str]
    cases_lost: frozenset[str]
    pushes_missing: frozenset[str]
    doubles: frozenset[str]
    stuck: dict[str, int]
    without_clock: frozenset[str]
    violated: dict[str, str]

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


def examine(desk: Desk, acknowledged: Mapping[str, str]) -> Findings:
    """Settle, then look at everything since the desk began. ``acknowledged``: envelope ids with their complaints."""
    left = settle(desk)
    stored = {id for (id,) in desk.query("select envelope_id from intake_notice")}
    mirrored = {id for (id,) in desk.query("select complaint_id from complaints_complaint")}
    cases, known = set(acknowledged.values()), mirrored | set(acknowledged.values())
    return Findings(
        notices_lost=frozenset(set(acknowledged) - stored),
        cases_lost=frozenset(cases - mirrored),
        pushes_missing=_pushes_missing(desk, known),
        doubles=_doubles(desk, known),
        stuck={name: number for name, number in left.items() if number},
        without_clock=frozenset(id for (id,) in desk.query(WITHOUT_CLOCK)),
        violated=_violated(desk),
    )


def everything_arrived(desk: Desk, pump: Pump) -> None:
    """Every claim, once the load is over."""
    pump.finish()
    findings = examine(desk, pump.acknowledged)
    assert not findings, f"{findings}; log: {desk.log.read_text(errors='replace')[-3000:]}"


def settle(desk: Desk) -> dict[str, int]:
    """Until nothing is left to do, putting the clock forward for what waits; what is left in the end, if anything."""
    for _ in range(MINUTES_FORWARD):
        left, since = unfinished(desk), time.monotonic()
        while any(left.values()) and time.monotonic() < since + STILL_SECONDS:
            time.sleep(0.1)
            before, left = left, unfinished(desk)
            since = since if left == before else time.monotonic()
        if not any(left.values()):
            return left
        desk.sandbox.control("/clock", {"advance": "1m"})
    return unfinished(desk)


def unfinished(desk: Desk) -> dict[str, int]:
    """How many rows of each kind wait. In one statement: what moves from one kind to the next must not slip through."""
    columns = ", ".join(f"({sql})" for sql in UNFINISHED.values())
    [numbers] = desk.query(f"select {columns}", {"now": desk.sandbox.now()})
    return dict(zip(UNFINISHED, numbers, strict=True))


def _pushes_missing(desk: Desk, cases: set[str]) -> frozenset[str]:
    """Openings and steps that nobody was told, and what is called sent but never reached the robot."""
    accepted, told = _accepted(desk, cases), _told(desk)
    unopened = cases - {id for id, _, opened in desk.query(TOLD) if opened}
    unsent = {id for id, number in told.items() if accepted[id] < number}
    steps = desk.query(STEPS_MISSING, {"now": desk.sandbox.now(), "after": UNCLAIMED_AFTER})
    return frozenset(unopened | unsent | {id for (id,) in steps})


def _doubles(desk: Desk, cases: set[str]) -> frozenset[str]:
    """Cases told more often than owed, beyond the tries that were cut off: those are made again, by design."""
    told, uncertain = _told(desk), Counter(dict(desk.query(UNCERTAIN)))
    uncertain[OTHERS] = uncertain.pop(None, 0)
    return frozenset(id for id, number in _accepted(desk, cases).items() if number > told[id] + uncertain[id])


def _accepted(desk: Desk, cases: set[str]) -> Counter[str]:
    """How many messages about each case alone the robot took; digests and what is about no case are ``OTHERS``."""
    contents = [m["content"] for m in desk.sandbox.control("/wecom/messages?after=0") if m["accepted"]]
    named = [[id for id in cases if id in content] for content in contents]
    return Counter(ids[0] if len(ids) == 1 else OTHERS for ids in named)


def _told(desk: Desk) -> Counter[str]:
    """How many messages of the same kinds the desk calls sent."""
    [(others,)] = desk.query("select count(*) from alerts_message where state = 'sent' and complaint_id is null")
    return Counter({id: number for id, number, _ in desk.query(TOLD)} | {OTHERS: others})


def _violated(desk: Desk) -> dict[str, str]:
    """What `kesu doctor` finds now, and every invariant that the watchdog ever had to repair."""
    done = subprocess.run(kesu("doctor", "--json"), env=desk.env, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    checks = {one["check"]: one["text"] for one in found if one["check"] in WATCHED and one["level"] != "ok"}
    healed = desk.query("select name, healed from worker_watch where healed > 0")
    return checks | {name: f"{number} repaired" for name, number in healed}
