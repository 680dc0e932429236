"""What answers at the port: notices are received here as raw ASGI, health and metrics told; all else is forwarded to
the process of the pages, so that no page, however long it takes, holds up a notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json

import django
import psycopg
import structlog

from kesu import clock
from kesu.config.settings import CONFIGURATION

django.setup()

from django.db import connection  # noqa: E402

from kesu.config.forwarding import Forwarding  # noqa: E402
from kesu.config.lifecycle import schema_is_current  # noqa: E402
from kesu.intake import rejections  # noqa: E402
from kesu.intake.directory import Directory  # noqa: E402
from kesu.intake.receiver import Receive, Receiver, Scope, Send  # noqa: E402
from kesu.intake.storage import DISK_FULL, storage  # noqa: E402
from kesu.intake.writer import InboxWriter, connection_parameters  # noqa: E402
from kesu.merchants.services import NOTIFY_PATH  # noqa: E402
from kesu.metrics import PATH as METRICS_PATH  # noqa: E402
from kesu.metrics import Gate, MetricsPage  # noqa: E402
from kesu.sync.gateway import Gateway  # noqa: E402
from kesu.threads import DatabaseThreads  # noqa: E402

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0


class Front:
    """The ASGI application. Its parts are made at start-up, when the event loop runs. ``pages`` is the path of the
    socket that the pages listen on.
    """

    def __init__(self, pages: str) -> None:
        self._pages = Forwarding(pages)
        self._threads = DatabaseThreads(2)
        gate = Gate(CONFIGURATION.metrics_allow, CONFIGURATION.metrics_token.get_secret_value())
        self._metrics = MetricsPage(gate, now=clock.now, run=self._threads.run, pages=self._pages.process)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(NOTIFY_PATH):
            await self._receiver(scope, receive, storage().watching(self._metrics.notices.counting(send)))
        elif scope["type"] == "http" and scope["path"] in ("/healthz", "/readyz"):
            await self._health(scope["path"], send)
        elif scope["type"] == "http" and scope["path"] == METRICS_PATH:
            await self._metrics(scope, receive, send)
        elif scope["type"] == "http":
            await self._pages(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        parameters = connection_parameters()
        self._writer = InboxWriter(lambda: psycopg.AsyncConnection.connect(**parameters))  # type: ignore[arg-type]
        self._rejections = rejections.RejectionLog()
        self._directory = Directory()
        self._gateway = Gateway(clock.now)
        self._receiver = Receiver(
            self._writer,
            self._directory,
            self._rejections,
            now=clock.now,
            in_thread=self._threads.run,
            on_unknown_serial=self._fetch_platform_keys,
        )
        self._flusher = asyncio.create_task(self._flush_rejections())

    async def _stop(self) -> None:
        self._flusher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._flusher
        await self._writer.close()
        await self._gateway.close()
        await self._pages.close()
        await asyncio.to_thread(self._threads.close)

    async def _fetch_platform_keys(self, account_id: int) -> None:
        try:
            await self._gateway.refresh_platform_keys(account_id)
        except Exception:
            log.exception("platform_keys_failed", account=account_id)

    async def _flush_rejections(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            waiting = self._rejections.take()
            if waiting:
                self._metrics.notices.refused(waiting)
                try:
                    await self._threads.run(rejections.store, waiting)
                except Exception as error:  # noqa: BLE001 - a background task's boundary
                    log.warning("rejections_not_stored", error=type(error).__name__)

    async def _health(self, path: str, send: Send) -> None:
        """``/healthz``: the process lives. ``/readyz``: the database answers and takes what arrives, its schema is
        this version's, and the pages answer."""
        problem = "" if path == "/healthz" else await self._threads.run(_not_ready)
        if path == "/readyz" and not problem and await self._pages.process() is None:
            problem = "the process of the pages does not answer"
        body = json.dumps({"status": problem or "ok"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 503 if problem else 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


_schema_is_current = False


def _not_ready() -> str:
    """Why this process cannot serve, or an empty string."""
    global _schema_is_current
    try:
        if not _schema_is_current:
            if not schema_is_current():
                return "the database schema is older than this version: run kesu migrate"
            _schema_is_current = True
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        problem = storage().problem()
        if problem == DISK_FULL:
            return "the disk of the data directory is full: notices are not stored"
        if problem:
            storage().try_again()
    except Exception as error:  # noqa: BLE001 - whatever keeps the database from answering is the answer
        return f"the database does not answer ({type(error).__name__})"
    return ""
