"""The load: a process of its own that posts prepared requests over keep-alive connections as fast as they are answered.

    python -m tests.bench.load PORT CONNECTIONS FILE COUNT   ->  {"seconds": ..., "statuses": {"204": ...}, ...}

FILE holds pickled bytes of whole HTTP requests. Nothing is made while the clock runs, so that the load costs the
measured process as little of the machine as it can.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import uvloop


class Connection(asyncio.Protocol):
    """One keep-alive connection: the next request goes out when the answer is whole."""

    def __init__(self, requests: Iterator[bytes], ended: asyncio.Future[None]) -> None:
        self._requests, self._ended = requests, ended
        self._buffer = b""
        self._sent_at = 0.0
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._buffer = b""
        self.latencies.append(time.perf_counter() - self._sent_at)
        self.statuses[head[9:12].decode()] += 1
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


async def run(port: int, connections: int, requests: list[bytes]) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    ends = [loop.create_future() for _ in range(connections)]
    opened = [
        (await loop.create_connection(lambda end=end: Connection(waiting, end), "127.0.0.1", port))[1]  # type: ignore[misc]
        for end in ends
    ]
    started = time.perf_counter()
    for connection in opened:
        connection.send()
    await asyncio.gather(*ends)
    seconds = time.perf_counter() - started
    statuses: Counter[str] = Counter()
    latencies: list[float] = []
    for connection in opened:
        statuses += connection.statuses
        latencies += connection.latencies
    latencies.sort()
    return {
        "seconds": seconds,
        "statuses": dict(statuses),
        "median_ms": latencies[len(latencies) // 2] * 1000 if latencies else None,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000 if latencies else None,
        "own_cpu_seconds": time.process_time(),
    }


if __name__ == "__main__":
    port, connections, file, count = sys.argv[1:]
    prepared = pickle.loads(Path(file).read_bytes())[: int(count)]
    before = time.process_time()
    result = uvloop.run(run(int(port), int(connections), prepared))
    result["own_cpu_seconds"] = time.process_time() - before
    print(json.dumps(result))
