"""A PostgreSQL as a company has one: reached over TCP with a password, by a user who owns one database and no more."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from kesu.config.archive import Place
from kesu.config.database import EmbeddedPostgres, _as_server_user, _give_to_server_user, program
from tests.processes import free_port, until

PASSWORD = "p@ss/word 1"


@contextmanager
def external_server(directory: Path, host: str = "127.0.0.1", *, binaries: Path | None = None) -> Iterator[str]:
    """Its address as KESU_DATABASE_URL, for the time of the block. ``binaries``: the programs of another version."""
    cluster = EmbeddedPostgres(directory)
    directory.mkdir()
    if binaries is None:
        cluster._create_cluster()
    else:
        _create_cluster(binaries, cluster.cluster)
    cluster._prepare_socket_directory()
    (cluster.cluster / "pg_hba.conf").write_text("local all all trust\nhost all all all scram-sha-256\n")
    port = free_port()
    options = {"listen_addresses": "*", "port": port, "fsync": "off", "max_connections": 60, "shared_buffers": "32MB"}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    postgres = binaries / "postgres" if binaries else program("postgres")
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [postgres, "-D", cluster.cluster, "-k", cluster.socket_directory, *settings],
            stdout=log,
            stderr=log,
            cwd="/",
            **_as_server_user(),
        )
    try:
        local = f"host={cluster.socket_directory} port={port} user=kesu dbname=postgres"
        until(lambda: _answers(local), 30, "the server")
        with psycopg.connect(local, autocommit=True) as connection:
            connection.execute(f"create role desk login password '{PASSWORD}'")
            connection.execute("create database desk owner desk")
        yield f"postgresql://desk:{quote(PASSWORD, safe='')}@{host}:{port}/desk"
    finally:
        server.terminate()
        server.wait(30)


def _create_cluster(binaries: Path, cluster: Path) -> None:
    """As Debian makes one, whatever the version."""
    cluster.mkdir(mode=0o700)
    _give_to_server_user(cluster)
    command = [binaries / "initdb", "-D", cluster, "-U", "kesu", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(command, cwd="/", check=True, capture_output=True, **_as_server_user())


def contents(place: Place) -> dict[str, str]:
    """A hash of all rows of each table that holds any."""
    with place.connected() as connection:
        connection.execute("set timezone = 'UTC'")
        names = [
            name
            for (name,) in connection.execute(
                "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
            )
        ]
        hashes = {
            name: connection.execute(
                f"select md5(string_agg(t::text, '|' order by t::text collate \"C\")) from public.{name} t"
            ).fetchone()[0]
            for name in names
        }
    return {name: found for name, found in sorted(hashes.items()) if found}


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
