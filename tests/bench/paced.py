"""The load at a pace: prepared requests, so many a second, over keep-alive connections.

    python -m tests.bench.paced PORT CONNECTIONS FILE PER_SECOND   ->   {"statuses": ..., "latencies": [seconds, ...]}

A request whose time has come while every connection waits for an answer counts from when its time had come.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
from collections import Counter, deque
from pathlib import Path

import uvloop

from tests.bench.load import _length


class Pool:
    """What waits to be sent, who is free to send it, and what came of it."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[float, bytes]] = deque()
        # Whoever waited longest goes next: the server closes connections that nobody uses for some seconds.
        self.idle: deque[Connection] = deque()
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()

    def send(self) -> None:
        while self.waiting and self.idle:
            self.idle.popleft().post(*self.waiting.popleft())


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._buffer = b""
        self._due_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._pool.idle.append(self)

    def post(self, due_at: float, request: bytes) -> None:
        self._due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._buffer = b""
        self._pool.latencies.append(asyncio.get_running_loop().time() - self._due_at)
        self._pool.statuses[head[9:12].decode()] += 1
        self._pool.idle.append(self)
        self._pool.send()


async def run(port: int, connections: int, requests: list[bytes], per_second: float) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    pool = Pool()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(pool), "127.0.0.1", port)
    began = loop.time()
    for number, request in enumerate(requests):
        due_at = began + number / per_second
        await asyncio.sleep(max(0.0, due_at - loop.time()))
        pool.waiting.append((due_at, request))
        pool.send()
    while len(pool.latencies) < len(requests) and loop.time() < due_at + 30:
        await asyncio.sleep(0.05)
    return {"statuses": dict(pool.statuses), "latencies": pool.latencies}


if __name__ == "__main__":
    port, connections, file, per_second = sys.argv[1:]
    prepared = pickle.loads(Path(file).read_bytes())
    print(json.dumps(uvloop.run(run(int(port), int(connections), prepared, float(per_second)))))
