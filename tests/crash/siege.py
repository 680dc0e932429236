"""Kills at random moments under load, while steps of ladders fall due: the same for the suite and for scripts/bench."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.crash.claims import Findings, examine, settle
from tests.crash.desk import Desk
from tests.crash.load import GIVE_UP_SECONDS, Pump, complain
from tests.processes import until

KILLS_A_ROUND = 5
STANDING_CASES, NEW_CASES = 3, 1
NOTICES_BETWEEN = 300
MOST_NOTICES = 100_000
STEP = "16m"
"""How far the clock jumps: beyond the first step of the ladder."""

CHILDREN = ("front", "pages", "worker")


@dataclass(frozen=True)
class Kill:
    """Whom, after how many more acknowledged notices, and whether reminders fall due while the victim is dead."""

    victim: str
    after: int
    steps_fall_due: bool

    def __str__(self) -> str:
        return f"{self.victim} after {self.after}{', then ' + STEP if self.steps_fall_due else ''}"


def deal(random: Random) -> list[Kill]:
    """A round: front, worker and database, the pages or one of them again, and the supervisor or everything at once."""
    victims = ["front", "worker", "database", random.choice(["front", "pages", "worker", "database"])]
    victims.append(random.choice(["supervisor", "everything"]))
    random.shuffle(victims)
    jump = random.randrange(KILLS_A_ROUND)
    return [
        Kill(victim, random.randint(1, NOTICES_BETWEEN), steps_fall_due=number == jump)
        for number, victim in enumerate(victims)
    ]


class Siege:
    """One desk, killed round by round. ``acknowledged`` and ``kills`` gather what happened in all of them."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.acknowledged: dict[str, str] = {}
        self.kills: list[Kill] = []

    def round(self, kills: list[Kill]) -> Findings:
        """Kill under load, then look at all that was ever promised. Cases made before stand to be reminded of."""
        self._tell_of_standing_cases()
        pump = Pump(self.desk, complain(self.desk, NEW_CASES), MOST_NOTICES)
        pump.start()
        for kill in kills:
            pump.add(complain(self.desk, NEW_CASES))
            pump.await_more(kill.after)
            strike(self.desk, kill)
            self.kills.append(kill)
        await_whole(self.desk)
        pump.finish()
        self.acknowledged |= pump.acknowledged
        settle(self.desk)
        self.desk.sandbox.control("/clock", {"advance": STEP})
        return examine(self.desk, self.acknowledged)

    def cut_off(self) -> int:
        """How many tries to push ended with their worker, their outcome unknown."""
        [(number,)] = self.desk.query("select count(*) from alerts_attempt where outcome in ('interrupted', 'unknown')")
        return int(number)

    def _tell_of_standing_cases(self) -> None:
        cases = complain(self.desk, STANDING_CASES)
        pump = Pump(self.desk, cases, len(cases))
        pump.start()
        pump.finish()
        self.acknowledged |= pump.acknowledged
        left = settle(self.desk)
        assert not any(left.values()), f"before the round, still unfinished: {left}"


def strike(desk: Desk, kill: Kill) -> None:
    """Kill the victim as soon as it lives. Whatever stops with the supervisor is started again by hand."""
    if kill.victim in CHILDREN:
        until(lambda: desk.child(kill.victim), GIVE_UP_SECONDS, f"a {kill.victim} process to kill")
        desk.kill(desk.child(kill.victim))
    elif kill.victim == "database":
        until(lambda: desk.live_postmaster, GIVE_UP_SECONDS, "a postmaster to kill")
        desk.kill(desk.live_postmaster)
    elif kill.victim == "supervisor":
        desk.kill(desk.supervisor)
    else:
        desk.kill(desk.supervisor, desk.live_postmaster, *map(desk.child, CHILDREN))
    if kill.steps_fall_due:
        desk.sandbox.control("/clock", {"advance": STEP})
    if kill.victim in ("supervisor", "everything"):
        desk.forget_dead_supervisor()
        desk.start()


def await_whole(desk: Desk) -> None:
    """Until every process is there again, and none of a dead supervisor's is left."""
    until(desk.is_ready, GIVE_UP_SECONDS, "the desk to be ready again")
    for name in CHILDREN:
        until(lambda name=name: desk.child(name), GIVE_UP_SECONDS, f"a {name} process")
    until(lambda: not desk.orphans(), GIVE_UP_SECONDS, "the processes of dead supervisors to end")
