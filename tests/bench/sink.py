"""A robot that takes everything, cheaply: it shall cost the measured processes as little of the machine as it can.

python -m tests.bench.sink PORT [SECONDS]     takes so long over each answer
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

BODY = b'{"errcode":0,"errmsg":"ok"}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


class Taker(asyncio.Protocol):
    """One connection: each whole request gets the same answer."""

    def __init__(self, seconds: float) -> None:
        self._buffer = b""
        self._seconds = seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (size := _whole(self._buffer)) is not None:
            self._buffer = self._buffer[size:]
            asyncio.get_running_loop().call_later(self._seconds, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(ANSWER)  # type: ignore[attr-defined]


def _whole(buffer: bytes) -> int | None:
    """Bytes of the first request, None until it is whole."""
    head, end, body = buffer.partition(b"\r\n\r\n")
    if not end:
        return None
    _, found, rest = head.lower().partition(b"content-length:")
    length = int(rest.split(b"\r\n", 1)[0]) if found else 0
    return len(head) + 4 + length if len(body) >= length else None


async def serve(port: int, seconds: float = 0.0) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Taker(seconds), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), *map(float, sys.argv[2:])))
