"""`kill -9` of web, worker, PostgreSQL and supervisor at random moments under load, while reminders fall due.

The same kills and claims as in tests/crash. CRASH_SEED plays the kills of an earlier run again.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from tests.crash.serving import served_desk
from tests.crash.siege import KILLS_A_ROUND, Siege, deal

KILLS = 100
QUICK_KILLS = 20


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The rows of the table; all but the first must be 0."""
    seed = int(os.environ.get("CRASH_SEED") or SystemRandom().randrange(10**6))
    rounds = (QUICK_KILLS if quick else KILLS) // KILLS_A_ROUND
    with served_desk(directory) as desk:
        siege = Siege(desk)
        for number in range(1, rounds + 1):
            findings = siege.round(deal(Random(f"{seed} {number}")))
            print(f"  round {number} of {rounds}: {findings or 'everything holds'}", file=sys.stderr, flush=True)
        cut_off = siege.cut_off()
    victims = Counter(kill.victim for kill in siege.kills)
    killed = ", ".join(f"{victim} {number}" for victim, number in victims.most_common())
    notices, cases = len(siege.acknowledged), len(set(siege.acknowledged.values()))
    figures = {
        f"acknowledged notices lost, of {notices}": len(findings.notices_lost),
        f"cases lost, of {cases}": len(findings.cases_lost),
        "cases with a due push missing": len(findings.pushes_missing),
        f"doubles without an unknown outcome ({cut_off} tries were cut off)": len(findings.doubles),
        "stuck rows": sum(findings.stuck.values()),
        "open cases without a clock": len(findings.without_clock),
        "findings of the watchdog and kesu doctor": len(findings.violated),
    }
    return [
        {
            "what": "kill -9 under load",
            "measured": f"{len(siege.kills)} ({killed}), seed {seed}",
            "target": f"{rounds * KILLS_A_ROUND}",
            "reached": len(siege.kills) == rounds * KILLS_A_ROUND,
        },
        *(
            {"what": what, "measured": str(number), "target": "0", "reached": number == 0}
            for what, number in figures.items()
        ),
    ]
