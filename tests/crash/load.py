"""The platform under load: genuine notices, each sent again until it is acknowledged, as the platform does."""

from __future__ import annotations

import http.client
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from tests.crash.desk import Desk
from tests.processes import until

CONNECTIONS = 8
GIVE_UP_SECONDS = 120
COMPLAINTS = 12
NOTICES = 600
UNDER_LOAD = 100
ROLES = ("merchant", "partner")


@dataclass(frozen=True)
class Case:
    """A complaint at the platform, and the account whose notices tell of it."""

    complaint_id: str
    merchant: dict[str, Any]
    path: str


def complain(desk: Desk, count: int) -> list[Case]:
    """Complaints about a merchant and about a sub-merchant in turn, of which no notice was sent yet."""
    cases = []
    for role in islice(cycle(ROLES), count):
        merchant = desk.sandbox.merchant(role)
        path = desk.sandbox.control("/state")["notify_urls"][merchant["mchid"]].removeprefix(desk.url)
        against = merchant["sub_mchids"][0] if merchant["role"] == "partner" else merchant["mchid"]
        cases += [Case(complaint_id, merchant, path) for complaint_id in desk.sandbox.complain(against)]
    return cases


@dataclass
class Pump:
    """Sends notices about its cases in turn, until there were ``most`` or it is told to finish.

    ``acknowledged`` has the envelope ids that were answered 204, with their complaints; ``failures`` counts the tries
    that were not.
    """

    desk: Desk
    cases: list[Case]
    most: int = NOTICES
    acknowledged: dict[str, str] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self._turn, self._turns = threading.Lock(), 0
        self._finishing = threading.Event()
        self._deadline = time.monotonic() + GIVE_UP_SECONDS
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def add(self, cases: Iterable[Case]) -> None:
        """Tell of these too, from now on. It has as long again."""
        with self._turn:
            self.cases += cases
            self._deadline = time.monotonic() + GIVE_UP_SECONDS

    def await_more(self, count: int) -> None:
        """Until that many more notices are acknowledged, or all are."""
        wanted = len(self.acknowledged) + count
        until(lambda: self.is_over or len(self.acknowledged) >= wanted, GIVE_UP_SECONDS, f"{count} acknowledgements")

    def await_all_told(self) -> None:
        """Until a notice about each case is acknowledged."""
        ids = {case.complaint_id for case in self.cases}
        until(lambda: ids <= set(list(self.acknowledged.values())), GIVE_UP_SECONDS, "every case to be told of")

    @property
    def is_over(self) -> bool:
        return len(self.acknowledged) >= self.most

    def finish(self) -> None:
        """Until every notice that was ever sent is acknowledged. Raises AssertionError when that takes too long."""
        self.await_all_told()
        self._finishing.set()
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS)
        missing = self._turns - len(self.acknowledged)
        assert not missing, f"{missing} notices were never acknowledged: {self.failures}"

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self._finishing.is_set() and (given := self._next()):
            case, action, id = given
            while id not in self.acknowledged and time.monotonic() < self._deadline:
                headers, body = self.desk.sandbox.notice(case.complaint_id, case.merchant, id=id, action_type=action)
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.desk.port, timeout=5)
                outcome = _post(connection, case.path, headers, body)
                if outcome == "204":
                    self.acknowledged[id] = case.complaint_id
                    continue
                self.failures[outcome] += 1
                if not outcome.isdigit():
                    connection.close()
                    connection = None
                    until(self.desk.accepts_connections, GIVE_UP_SECONDS, "the receiver to listen again")

    def _next(self) -> tuple[Case, str, str] | None:
        """The case whose turn it is, what happened to it, and the envelope's id; None when there were enough."""
        with self._turn:
            if self._turns >= self.most:
                return None
            number, self._turns = self._turns, self._turns + 1
            case = self.cases[number % len(self.cases)]
        return case, "CREATE_COMPLAINT" if number < len(self.cases) else "USER_RESPONSE", str(uuid.uuid4())


def under_load(desk: Desk) -> Pump:
    """A pump at work."""
    pump = Pump(desk, complain(desk, COMPLAINTS))
    pump.start()
    pump.await_more(UNDER_LOAD)
    return pump


def _post(connection: http.client.HTTPConnection, path: str, headers: dict[str, str], body: bytes) -> str:
    """The status, or the name of what went wrong."""
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    return str(answer.status)
