"""``kesu backup`` and ``kesu restore``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from kesu.cli.environment import Data, configuration, desk, errors, fail, output
from kesu.cli.language import _

File = Annotated[Path, typer.Argument(help=_("The backup file."), dir_okay=False)]


def backup(
    file: File,
    data: Data = None,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help=_("Put keys.json in too: whoever has the file can read everything.")),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help=_("Replace the file if it exists."))] = False,
) -> None:
    """May run while Kesu serves. The file appears when it is complete and is readable by its owner only."""
    if file.exists() and not overwrite:
        fail(_("%s exists. Choose another name, or --overwrite.") % file)
    if not file.absolute().parent.is_dir():
        fail(_("There is no directory %s.") % file.absolute().parent)
    settings = configuration(data)
    with _database(settings) as place:
        from kesu import __version__, clock
        from kesu.config import archive

        clock.follow(settings.data_directory)
        keys_text, keys = _own_keys(settings.data_directory)
        if with_keys and keys_text is None:
            fail(_("There is no keys.json in %s.") % settings.data_directory)
        with _bar(_("Saving tables"), MofNCompleteColumn()) as progress:
            size = archive.save(
                file,
                place,
                version=__version__,
                seal=keys,
                keys=keys_text if with_keys else None,
                now=clock.now(),
                progress=progress,
            )
    output.print(_("Saved %(size)s in %(file)s.") % {"size": _human(size), "file": file}, markup=False, soft_wrap=True)
    if not with_keys:
        where = "KESU_KEYS" if os.environ.get("KESU_KEYS") else settings.data_directory / "keys.json"
        errors.print(
            _(
                "The keys are not in it. Keep %s in another safe place: without it every secret and phone number in "
                "this backup is lost."
            )
            % where,
            markup=False,
            soft_wrap=True,
            style="yellow",
        )


def restore(
    file: File,
    data: Data = None,
    force: Annotated[
        bool, typer.Option("--force", help=_("Replace what the database holds, and do without missing keys."))
    ] = False,
) -> None:
    """Into an empty database, or with --force over a full one; refused while Kesu serves. All or nothing."""
    if not file.is_file():
        fail(_("There is no file %s.") % file)
    settings = configuration(data)
    from kesu.config.lifecycle import AlreadyRunning, serve_lock

    try:
        with serve_lock(settings.data_directory), _database(settings, alone=True) as place:
            _restore(file, place, settings, force)
            _prove(data)
    except AlreadyRunning as error:
        fail(_("kesu serve (process %s) uses this data directory. Stop it first.") % error)


def _restore(file: Path, place: Any, settings: Any, force: bool) -> None:
    from kesu.config import archive

    manifest, keys_text = archive.read_manifest(file)
    if others := archive.other_connections(place):
        fail(_("%s other connections use the database. Stop every kesu web and kesu worker first.") % others)
    full = archive.tables_with_data(place)
    if full and not force:
        fail(_("The database is not empty (%s ...). --force replaces everything in it.") % ", ".join(full[:3]))
    _check_keys(manifest, keys_text, settings.data_directory, force)
    with _bar(_("Checking the file"), DownloadColumn()) as progress:
        archive.verify(file, progress)
    with _bar(_("Restoring"), DownloadColumn()) as progress:
        archive.restore(file, place, progress=progress)
    if keys_text is not None and not os.environ.get("KESU_KEYS"):
        _place_keys(keys_text, manifest, settings.data_directory)


def _prove(data: Path | None) -> None:
    """Bring the schema up to this version, and open something sealed: a backup is good when it can be read."""
    with desk(data):
        from kesu.complaints.models import Complaint
        from kesu.merchants.models import Account
        from kesu.vault import VaultError

        accounts = Account.objects.defer("token").count()
        try:
            Account.objects.first()
        except VaultError:
            fail(_("The data is restored, but its keys are missing: put that installation's keys.json in place."))
        output.print(
            _("Restored: %(accounts)s merchant numbers, %(complaints)s complaints. kesu doctor checks the rest.")
            % {"accounts": accounts, "complaints": Complaint.objects.count()},
            markup=False,
        )


def _check_keys(manifest: Any, keys_text: bytes | None, directory: Path, force: bool) -> None:
    """Before anything is changed: will the data be readable afterwards?"""
    from kesu.config.archive import fingerprints

    _text, own = _own_keys(directory)
    if manifest.keys.items() <= fingerprints(own).items() or force:
        return
    if os.environ.get("KESU_KEYS"):
        fail(_("KESU_KEYS does not hold the keys that this backup is sealed with."))
    if keys_text is None:
        fail(
            _(
                "This backup is sealed with keys that are not here. Put keys.json of the installation it comes from "
                "into %s, then try again."
            )
            % directory
        )


def _place_keys(keys_text: bytes, manifest: Any, directory: Path) -> None:
    """Put the backup's keys.json in place; other keys that were there are kept beside it."""
    from kesu.config.archive import fingerprints

    path = directory / "keys.json"
    text, own = _own_keys(directory)
    if text is not None and manifest.keys.items() <= fingerprints(own).items():
        return
    if path.exists():
        kept = path.with_name(f"keys.json.replaced-{path.stat().st_mtime_ns}")
        path.rename(kept)
        errors.print(_("The keys that were here are now in %s.") % kept, markup=False, soft_wrap=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(keys_text)


def _own_keys(directory: Path) -> tuple[bytes | None, dict[str, bytes]]:
    """The text of keys.json and its keys, without making any."""
    from kesu.vault import VaultError, open_keyring

    path = directory / "keys.json"
    text = path.read_bytes() if path.exists() else None
    if text is None and not os.environ.get("KESU_KEYS"):
        return None, {}
    try:
        return text, open_keyring(directory).keys
    except VaultError as error:
        fail(str(error))


@contextmanager
def _database(settings: Any, *, alone: bool = False) -> Iterator[Any]:
    """Where the database is, with the embedded server running; Django's settings, which make keys, are not touched."""
    import psycopg

    from kesu.config.archive import ArchiveError, Place
    from kesu.config.database import DatabaseError, EmbeddedPostgres

    server = None if settings.database_url else EmbeddedPostgres(settings.data_directory)
    try:
        if server is not None:
            server.enter()
            if alone and server.has_other_users():
                fail(_("Another Kesu process uses this data directory. Stop it first."))
        yield Place.of(settings.data_directory, settings.database_url)
    except ArchiveError as error:
        fail(_sentence(error))
    except DatabaseError as error:
        fail(str(error))
    except psycopg.Error as error:
        fail(_("The database cannot be used: %s") % str(error).strip())
    finally:
        if server is not None:
            server.leave()


def _sentence(error: Any) -> str:
    """What went wrong and what to do."""
    sentences = {
        "incomplete": _("%(file)s is no complete backup of Kesu (%(why)s)."),
        "newer": _("%(file)s was made by Kesu %(why)s, which is newer than this one: upgrade first."),
        "damaged": _("%(file)s is damaged: its checksum does not match. Take another backup file."),
        "nothing": _("The database holds nothing of Kesu yet: there is nothing to back up."),
        "dump_failed": _("pg_dump failed: %(why)s"),
        "restore_failed": _("Nothing was changed: %(why)s"),
    }
    return sentences[error.kind] % {"file": error.file, "why": error.why}


@contextmanager
def _bar(title: str, column: ProgressColumn) -> Iterator[Any]:
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        column,
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )
    with bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _human(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB" if size >= 100_000 else f"{size / 1000:.1f} kB"
