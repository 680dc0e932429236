"""What every command shares: the data directory, the database for its time, results for people or for scripts,
clear failures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from kesu.cli.language import _, chosen

FAILED = 1

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", envvar="KESU_DATA", help=_("Data directory (default: ~/.local/share/kesu)."), show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON for scripts."))]

PIPE_WIDTH = 180
errors = Console(stderr=True)
output = Console() if Console().is_terminal else Console(width=PIPE_WIDTH)


def fail(message: str) -> NoReturn:
    """Say what is wrong and what to do, and end with status 1."""
    errors.print(f"[red]{_('Error')}:[/red] ", end="")
    errors.print(message, markup=False, highlight=False)
    raise typer.Exit(FAILED)


def use_data(data: Path | None) -> None:
    """Make ``data`` the directory that settings, clock and keys are read from. Call before anything of Django's."""
    if data is not None:
        os.environ["KESU_DATA"] = str(data.expanduser().absolute())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kesu.config.settings")


def configuration(data: Path | None) -> Any:
    """The installation's settings, or a clear failure."""
    use_data(data)
    from pydantic import ValidationError

    from kesu.config.configuration import Configuration

    try:
        return Configuration()
    except ValidationError as error:
        wrong = "; ".join(f"KESU_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        fail(wrong)


@contextmanager
def desk(data: Path | None, *, migrated: bool = True) -> Iterator[Any]:
    """Django and its database for the time of a command, whether or not ``kesu serve`` is running."""
    settings = configuration(data)
    from kesu.config.database import DatabaseError
    from kesu.config.lifecycle import database, migrate
    from kesu.config.logging import configure
    from kesu.vault import VaultError

    configure(settings.log_format, "warning" if settings.log_level == "info" else settings.log_level)
    try:
        import django

        with database(settings):
            django.setup()
            from django.utils import translation

            translation.activate(chosen())
            if migrated:
                migrate()
            yield settings
    except (DatabaseError, VaultError) as error:
        fail(str(error))
    except ImportError:
        raise
    except Exception as error:
        if type(error).__module__.startswith(("django.db", "psycopg")):
            fail(_("The database cannot be used: %s") % str(error).strip())
        raise


def show_json(value: Any) -> None:
    """JSON on standard output; times as ISO 8601 in UTC."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """A table for people; ``empty`` says what to do when there is nothing."""
    if not rows:
        output.print(empty, markup=False)
        return
    table = Table(header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index < len(columns) - 1, overflow="ellipsis" if index else "fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    output.print(table)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
