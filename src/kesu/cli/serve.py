"""``kesu serve``, ``web``, ``worker`` and ``migrate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, configuration, desk, fail, output
from kesu.cli.language import _

Host = Annotated[str, typer.Option("--host", help=_("Address to listen on."))]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help=_("Port to listen on."))]


def serve(data: Data = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Ready when GET /readyz answers 200."""
    settings = configuration(data)
    from kesu.config.lifecycle import AlreadyRunning, Supervisor

    def announce() -> None:
        output.print(
            _("Kesu at http://%(host)s:%(port)s, data in %(data)s")
            % {"host": host, "port": port, "data": settings.data_directory},
            soft_wrap=True,
        )

    with _starting(settings, host, port):
        try:
            Supervisor(settings, host, port).run(announce)
        except AlreadyRunning as error:
            fail(
                _("Another kesu serve (process %(pid)s) uses %(data)s. Stop it first, or choose another --data.")
                % {"pid": error, "data": settings.data_directory}
            )


def web(data: Data = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """The web processes of a fleet's machine; run ``kesu migrate`` first."""
    settings = configuration(data)
    from kesu.config.lifecycle import database
    from kesu.config.web import run_web

    with _starting(settings, host, port), database(settings):
        run_web(host, port, settings.trusted_proxies)


def worker(data: Data = None) -> None:
    """One worker of a fleet; any number may run."""
    settings = configuration(data)
    from kesu.config.lifecycle import database, run_worker

    with _starting(settings), database(settings):
        run_worker()


def migrate(data: Data = None) -> None:
    """Safe to run again and while Kesu serves."""
    with desk(data):
        output.print(_("The database schema is up to date."))


@contextmanager
def _starting(settings: Any, host: str = "", port: int = 0) -> Iterator[None]:
    """Logs, and clear failures."""
    from kesu.config.database import DatabaseError
    from kesu.config.logging import configure
    from kesu.config.web import CannotListen

    configure(settings.log_format, settings.log_level)
    try:
        yield
    except CannotListen as error:
        fail(
            _("Cannot listen on %(host)s:%(port)s (%(error)s). Choose another --port.")
            % {"host": host, "port": port, "error": error}
        )
    except DatabaseError as error:
        fail(str(error))
