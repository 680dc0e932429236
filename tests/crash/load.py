"""The platform under load: genuine notices, each sent again until it is acknowledged, as the platform does."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from tests.crash.desk import Desk
from tests.processes import until

CONNECTIONS = 8
GIVE_UP_SECONDS = 60


@dataclass(frozen=True)
class Envelope:
    id: str
    complaint_id: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Pump:
    """``acknowledged`` holds every envelope id that was answered 204; ``failures`` counts the tries that were not."""

    desk: Desk
    envelopes: list[Envelope]
    acknowledged: set[str] = field(default_factory=set)
    failures: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        self._waiting: SimpleQueue[Envelope] = SimpleQueue()
        for envelope in self.envelopes:
            self._waiting.put(envelope)
        self._deadline = time.monotonic() + GIVE_UP_SECONDS
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()

    def await_acknowledged(self, count: int) -> None:
        until(lambda: len(self.acknowledged) >= count, GIVE_UP_SECONDS, f"{count} notices to be acknowledged")

    @property
    def is_over(self) -> bool:
        return len(self.acknowledged) == len(self.envelopes)

    def finish(self) -> None:
        """Until every envelope is acknowledged. Raises AssertionError when that takes too long."""
        for thread in self._threads:
            thread.join(GIVE_UP_SECONDS)
        missing = len(self.envelopes) - len(self.acknowledged)
        assert not missing, f"{missing} notices were never acknowledged: {self.failures}"

    def _run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while time.monotonic() < self._deadline:
            try:
                envelope = self._waiting.get_nowait()
            except Empty:
                return
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.desk.port, timeout=5)
                connection.request("POST", envelope.path, envelope.body, envelope.headers)
                answer = connection.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                connection, outcome = None, type(error).__name__
            if outcome == "204":
                self.acknowledged.add(envelope.id)
                continue
            self.failures[outcome] += 1
            self._waiting.put(envelope)
            until(self.desk.accepts_connections, GIVE_UP_SECONDS, "the receiver to listen again")
