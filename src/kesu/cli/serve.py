"""``kesu serve``, ``web``, ``worker`` and ``migrate``."""

from __future__ import annotations

from typing import Annotated

import typer

from kesu.cli.environment import Data, configuration, desk, fail, output
from kesu.cli.language import _

Host = Annotated[str, typer.Option("--host", help=_("Address to listen on."))]
Port = Annotated[int, typer.Option("--port", min=1, max=65535, help=_("Port to listen on."))]
SupervisedBy = Annotated[int | None, typer.Option("--supervised-by", hidden=True)]


def serve(data: Data = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Ready when GET /readyz answers 200."""
    settings = configuration(data)
    import django

    from kesu.config.database import DatabaseError
    from kesu.config.lifecycle import AlreadyRunning, Supervisor
    from kesu.config.logging import configure

    configure(settings.log_format, settings.log_level)
    django.setup()
    _check_port(host, port)
    output.print(
        _("Kesu at http://%(host)s:%(port)s, data in %(data)s")
        % {"host": host, "port": port, "data": settings.data_directory},
        soft_wrap=True,
    )
    try:
        Supervisor(settings, host, port).run()
    except AlreadyRunning as error:
        fail(
            _("Another kesu serve (process %(pid)s) uses %(data)s. Stop it first, or choose another --data.")
            % {"pid": error, "data": settings.data_directory}
        )
    except DatabaseError as error:
        fail(str(error))


def web(data: Data = None, host: Host = "127.0.0.1", port: Port = 8000, supervised_by: SupervisedBy = None) -> None:
    """One web process of a fleet; run ``kesu migrate`` first."""
    settings = configuration(data)
    from kesu.config.lifecycle import database, die_with_parent, run_web
    from kesu.config.logging import configure

    if supervised_by is not None:
        die_with_parent(supervised_by)
    configure(settings.log_format, settings.log_level)
    with database(settings):
        run_web(host, port, settings.trusted_proxies)


def worker(data: Data = None, supervised_by: SupervisedBy = None) -> None:
    """One worker of a fleet; any number may run."""
    settings = configuration(data)
    from kesu.config.lifecycle import database, die_with_parent, run_worker
    from kesu.config.logging import configure

    if supervised_by is not None:
        die_with_parent(supervised_by)
    configure(settings.log_format, settings.log_level)
    with database(settings):
        run_worker()


def migrate(data: Data = None) -> None:
    """Safe to run again and while Kesu serves."""
    with desk(data):
        output.print(_("The database schema is up to date."))


def _check_port(host: str, port: int) -> None:
    """A taken port is found before anything is started."""
    import socket

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            fail(
                _("Cannot listen on %(host)s:%(port)s (%(error)s). Choose another --port.")
                % {"host": host, "port": port, "error": error.strerror}
            )
