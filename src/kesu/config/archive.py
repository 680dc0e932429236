"""A backup as one file: a tar with a manifest, the database as ``pg_dump`` writes it, its checksum, and keys if wanted.

``tar -xf`` takes it apart and ``pg_restore`` reads ``database.dump``: nothing of Kesu is needed to get at the data.
The dump is streamed both ways; a restore is one transaction, so a broken file or a lost connection changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo

from kesu.config.database import django_settings, program
from kesu.config.lifecycle import MIGRATION_LOCK

FORMAT = 1
MANIFEST, DUMP, CHECKSUM, KEYS = "manifest.json", "database.dump", "database.dump.sha256", "keys.json"
BLOCK = 512
CHUNK = 1 << 20
LEAVING_SECONDS = 2.0
PACKAGE = Path(__file__).resolve().parent.parent
# Tables of the frameworks that Kesu installs; its own are named after its packages.
FRAMEWORKS = ("django", "auth", "account", "mfa", "socialaccount", "usersessions")
MADE_BY_MIGRATE = frozenset({"django_migrations", "django_content_type", "auth_permission", "commands_quickreply"})
DJANGOS_OWN_OPTIONS = frozenset({"pool", "isolation_level", "server_side_binding", "assume_role"})

Progress = Callable[[int, int | None], None]


class ArchiveError(Exception):
    """A backup cannot be made or used. ``kind`` is incomplete, newer, damaged, nothing, dump_failed or restore_failed;
    ``why`` holds other programs' words. The command line makes a sentence of it.
    """

    def __init__(self, kind: str, file: Path | None = None, why: str = "") -> None:
        super().__init__(f"{kind}: {file or ''} {why}")
        self.kind, self.file, self.why = kind, file, why


@dataclass(frozen=True)
class Place:
    """Where a database is: ``conninfo`` without the password, which programs get by their environment."""

    conninfo: str
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, data: Path, url: str) -> Place:
        """The embedded server of ``data``, or what ``url`` names. Raises DatabaseError."""
        settings = django_settings(data, url)
        options = {key: value for key, value in settings["OPTIONS"].items() if key not in DJANGOS_OWN_OPTIONS}
        named = {"dbname": "NAME", "user": "USER", "host": "HOST", "port": "PORT"}
        options |= {key: settings[name] for key, name in named.items() if settings.get(name)}
        return cls(make_conninfo(**options), settings.get("PASSWORD", ""))

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """A connection of one's own, each statement committed."""
        with psycopg.connect(self.conninfo, password=self.password or None, autocommit=True) as connection:
            yield connection

    def environment(self) -> dict[str, str]:
        return os.environ | ({"PGPASSWORD": self.password} if self.password else {}) | {"LC_ALL": "C"}


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself. ``keys`` maps key id to a fingerprint of the key that seals data in it."""

    kesu: str
    created_at: str
    server: int
    migrations: list[str]
    keys: dict[str, str]
    format: int = FORMAT


def fingerprints(keys: Mapping[str, bytes]) -> dict[str, str]:
    """Enough to recognise a key, nothing to find it by: keys are 32 random bytes."""
    return {name: hashlib.sha256(b"kesu backup\0" + key).hexdigest()[:16] for name, key in keys.items()}


def save(
    file: Path,
    place: Place,
    *,
    version: str,
    seal: Mapping[str, bytes],
    keys: bytes | None,
    now: datetime,
    progress: Progress,
) -> int:
    """Write a backup to ``file`` (mode 0600; it appears when it is complete); its size in bytes. Raises ArchiveError.

    ``seal``: the installation's keys, of which only fingerprints are written. ``keys``: the content of keys.json, to be
    put into the file. ``progress`` is told tables done and in all.
    """
    manifest, tables = _describe(place, version, seal, now)
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            _add(out, MANIFEST, json.dumps(manifest.__dict__, indent=1).encode(), now)
            if keys is not None:
                _add(out, KEYS, keys, now)
            digest = _add_dump(out, place, now, tables, progress)
            _add(out, CHECKSUM, f"{digest}  {DUMP}\n".encode(), now)
            out.write(bytes(2 * BLOCK))
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return file.stat().st_size


def read_manifest(file: Path) -> tuple[Manifest, bytes | None]:
    """What the backup is, and its keys if it holds them. Raises ArchiveError."""
    try:
        with tarfile.open(file) as archive:
            described = json.loads(_content(archive, MANIFEST))
            keys = _content(archive, KEYS) if KEYS in archive.getnames() else None
            archive.getmember(CHECKSUM)
        if described["format"] != FORMAT:
            raise ArchiveError("newer", file, described["kesu"])
        manifest = Manifest(**described)
    except (tarfile.TarError, KeyError, ValueError, TypeError, EOFError) as error:
        raise ArchiveError("incomplete", file, str(error)) from error
    if _unknown_migrations(manifest):
        raise ArchiveError("newer", file, manifest.kesu)
    return manifest, keys


def verify(file: Path, progress: Progress) -> None:
    """Compare the dump with its checksum. ``progress`` is told bytes. Raises ArchiveError."""
    with tarfile.open(file) as archive:
        total = archive.getmember(DUMP).size
        expected = _content(archive, CHECKSUM).split()[0].decode()
        digest, done = hashlib.sha256(), 0
        dump = archive.extractfile(DUMP)
        while dump is not None and (chunk := dump.read(CHUNK)):
            digest.update(chunk)
            done += len(chunk)
            progress(done, total)
    if digest.hexdigest() != expected:
        raise ArchiveError("damaged", file)


def tables_with_data(place: Place) -> list[str]:
    """Kesu's tables that hold anything but what ``kesu migrate`` writes."""
    with place.connected() as connection:
        return [
            name
            for name in _our_tables(connection)
            if name not in MADE_BY_MIGRATE and connection.execute(_exists_in(name)).fetchone() == (True,)
        ]


def other_connections(place: Place) -> int:
    """How many others are connected to the database: no restore under their feet. Those that just leave may go."""
    deadline = time.monotonic() + LEAVING_SECONDS
    with place.connected() as connection:
        while True:
            row = connection.execute(
                "select count(*) from pg_stat_activity where datname = current_database()"
                " and backend_type = 'client backend' and pid <> pg_backend_pid()"
            ).fetchone()
            others = int(row[0]) if row else 0
            if not others or time.monotonic() > deadline:
                return others
            time.sleep(0.1)


def restore(file: Path, place: Place, *, progress: Progress) -> None:
    """Replace Kesu's tables by those of the backup, all or nothing. ``progress`` is told bytes. Raises ArchiveError."""
    with place.connected() as connection, tarfile.open(file) as archive:
        # Held meanwhile: commands that would bring the schema up to date wait for the end.
        connection.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        dump = archive.extractfile(DUMP)
        if dump is None:
            raise ArchiveError("incomplete", file)
        drops = _drops(connection)
        _feed(place, dump, archive.getmember(DUMP).size, drops, connection.info.server_version, progress)
        connection.execute("analyze")


def _describe(place: Place, version: str, seal: Mapping[str, bytes], now: datetime) -> tuple[Manifest, int]:
    with place.connected() as connection:
        tables = _our_tables(connection)
        if "django_migrations" not in tables:
            raise ArchiveError("nothing")
        rows = connection.execute("select app, name from django_migrations order by app, name").fetchall()
        server = connection.info.server_version
    migrations = [f"{app}.{name}" for app, name in rows if (PACKAGE / app / "migrations").is_dir()]
    return Manifest(version, now.isoformat(), server, migrations, fingerprints(seal)), len(tables)


def _unknown_migrations(manifest: Manifest) -> list[str]:
    places = [(name, *name.split(".", 1)) for name in manifest.migrations]
    return [whole for whole, app, name in places if not (PACKAGE / app / "migrations" / f"{name}.py").exists()]


def _header(name: str, size: int, now: datetime) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, 0o600, int(now.timestamp())
    return info.tobuf(tarfile.GNU_FORMAT)


def _add(out: IO[bytes], name: str, content: bytes, now: datetime) -> None:
    out.write(_header(name, len(content), now) + content + bytes(-len(content) % BLOCK))


def _add_dump(out: IO[bytes], place: Place, now: datetime, tables: int, progress: Progress) -> str:
    """Stream the dump; its size, which stands before it, is written when it is known. Returns its SHA-256."""
    start = out.tell()
    out.write(bytes(BLOCK))
    command = [str(program("pg_dump")), "--format=custom", "--no-owner", "--no-privileges", "--verbose"]
    dumping = subprocess.Popen(
        [*command, "--dbname", place.conninfo],
        env=place.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert dumping.stdout is not None
    assert dumping.stderr is not None
    said: list[str] = []
    listening = threading.Thread(target=_listen, args=(dumping.stderr, said, tables, progress))
    listening.start()
    digest, size = hashlib.sha256(), 0
    try:
        while chunk := dumping.stdout.read(CHUNK):
            out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    except BaseException:
        dumping.kill()
        raise
    finally:
        code = dumping.wait()
        listening.join()
    if code != 0:
        raise ArchiveError("dump_failed", why=" ".join(said[-3:]))
    out.write(bytes(-size % BLOCK))
    end = out.tell()
    out.seek(start)
    out.write(_header(DUMP, size, now))
    out.seek(end)
    return digest.hexdigest()


def _listen(stream: IO[bytes], said: list[str], tables: int, progress: Progress) -> None:
    """``pg_dump --verbose`` names each table on standard error, and its troubles."""
    done = 0
    for line in stream:
        text = line.decode(errors="replace").strip()
        if "dumping contents of table" in text:
            done += 1
            progress(done, max(done, tables))
        elif "error" in text or "detail" in text:
            said.append(text)


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member.read()


def _prefixes() -> list[str]:
    own = [path.parent.name for path in PACKAGE.glob("*/migrations")]
    return [f"{name}\\_%" for name in sorted({*own, *FRAMEWORKS})]


def _our_tables(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    found = connection.execute(
        "select c.relname from pg_class c where c.relkind in ('r', 'p') and not c.relispartition"
        " and c.relnamespace = 'public'::regnamespace and c.relname like any(%s) order by 1",
        [_prefixes()],
    )
    return [name for (name,) in found]


def _exists_in(table: str) -> psycopg.sql.Composed:
    return psycopg.sql.SQL("select exists (select 1 from public.{})").format(psycopg.sql.Identifier(table))


def _drops(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Statements that clear the way: our tables, and our functions (those of extensions are not ours)."""
    quoted = [psycopg.sql.Identifier("public", name).as_string(connection) for name in _our_tables(connection)]
    functions = connection.execute(
        "select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'public'::regnamespace"
        " and p.proname like any(%s)"
        " and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'e')",
        [_prefixes()],
    )
    return [f"drop table if exists {name} cascade;" for name in quoted] + [
        f"drop function if exists {name} cascade;" for (name,) in functions
    ]


def _feed(place: Place, dump: IO[bytes], size: int, drops: list[str], server_version: int, progress: Progress) -> None:
    """Dump -> pg_restore (to SQL) -> psql, in one transaction that is committed only when both came to a good end."""
    with TemporaryFile() as read_errors, TemporaryFile() as write_errors:
        reading = subprocess.Popen(
            [str(program("pg_restore")), "--no-owner", "--no-privileges", "--no-comments", "--file=-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=read_errors,
        )
        writing = subprocess.Popen(
            [str(program("psql")), "-X", "-q", "-v", "ON_ERROR_STOP=1", "--dbname", place.conninfo],
            env=place.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=write_errors,
        )
        assert reading.stdin is not None
        assert reading.stdout is not None
        assert writing.stdin is not None
        feeding = threading.Thread(target=_pump, args=(dump, reading.stdin, size, progress))
        feeding.start()
        complete = False
        try:
            writing.stdin.write("\n".join(["begin;", *drops, ""]).encode())
            _copy_sql(reading.stdout, writing.stdin, server_version)
            feeding.join()
            complete = reading.wait() == 0
            writing.stdin.write(b"\ncommit;\n" if complete else b"")
            writing.stdin.close()
        except BrokenPipeError:
            pass  # psql ended early; its words say why
        finally:
            reading.kill()
            reading.stdout.close()
            feeding.join()
            failed = writing.wait() != 0
        if failed or not complete:
            raise ArchiveError("restore_failed", why=_words(write_errors) or _words(read_errors))


def _copy_sql(source: IO[bytes], target: IO[bytes], server_version: int) -> None:
    """Pass SQL on. Its head sets a parameter that servers before PostgreSQL 17 do not know."""
    for line in source:
        if server_version >= 170000 or not line.startswith(b"SET transaction_timeout"):
            target.write(line)
        if line.startswith(b"SET client_min_messages"):
            break
    while chunk := source.read(CHUNK):
        target.write(chunk)


def _pump(source: IO[bytes], target: IO[bytes], size: int, progress: Progress) -> None:
    done = 0
    try:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            done += len(chunk)
            progress(done, size)
        target.close()
    except BrokenPipeError:
        return  # pg_restore ended early; its words say why


def _words(stream: IO[bytes]) -> str:
    stream.seek(0)
    lines = stream.read().decode(errors="replace").strip().splitlines()
    return " ".join(line for line in lines if "error" in line.lower() or "fatal" in line.lower())[:600]
