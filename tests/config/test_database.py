"""The embedded server survives what kills processes, and says clearly what it cannot do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from kesu.config.database import LOG_BYTES, DatabaseError, EmbeddedPostgres, django_settings


@pytest.fixture
def server(tmp_path: Path):
    embedded = EmbeddedPostgres(tmp_path / "data")
    embedded.enter()
    yield embedded
    embedded.leave()


def answers(embedded: EmbeddedPostgres) -> bool:
    try:
        psycopg.connect(host=str(embedded.socket_directory), user="kesu", dbname="kesu", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def postmaster(embedded: EmbeddedPostgres) -> int:
    return int((embedded.cluster / "postmaster.pid").read_text().split("\n")[0])


def test_the_log_of_a_server_that_runs_on_and_on_stays_short(server: EmbeddedPostgres):
    log = server.cluster / "server.log"
    with log.open("a") as file:
        file.write("a line that somebody wrote\n" * (LOG_BYTES // 20))
    server.revive()
    assert log.stat().st_size == 0
    assert "a line that somebody wrote" in (server.cluster / "server.log.1").read_text()
    with psycopg.connect(host=str(server.socket_directory), user="kesu", dbname="kesu", autocommit=True) as connection:
        connection.execute("do $$ begin raise warning 'still written'; end $$")
    assert "still written" in log.read_text()
    assert log.stat().st_size < 10_000  # no hole where the old lines were
    server.revive()
    assert "still written" in log.read_text()


def test_a_server_begins_with_a_short_log(tmp_path: Path):
    embedded = EmbeddedPostgres(tmp_path)
    embedded.enter()
    embedded.leave()
    log = embedded.cluster / "server.log"
    with log.open("a") as file:
        file.write("a line that somebody wrote\n" * (LOG_BYTES // 20))
    embedded.enter()
    embedded.leave()
    assert log.stat().st_size < 10_000


def test_the_last_user_stops_the_server(tmp_path: Path):
    first, second = EmbeddedPostgres(tmp_path), EmbeddedPostgres(tmp_path)
    first.enter()
    second.enter()
    first.leave()
    assert answers(second)
    second.leave()
    assert not answers(second)


def test_a_server_left_by_a_killed_user_is_used_again(tmp_path: Path):
    script = (
        "import sys, time; from pathlib import Path; from kesu.config.database import EmbeddedPostgres;"
        "EmbeddedPostgres(Path(sys.argv[1])).enter(); print('in', flush=True); time.sleep(60)"
    )
    user = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert user.stdout.readline() == b"in\n"
    user.kill()
    user.wait()
    embedded = EmbeddedPostgres(tmp_path)
    embedded.enter()
    assert answers(embedded)
    embedded.leave()
    assert not answers(embedded)


def test_a_killed_postmaster_is_started_again(server: EmbeddedPostgres):
    os.kill(postmaster(server), signal.SIGKILL)
    while answers(server):
        pass
    server.ensure_running()
    assert answers(server)


def test_a_zombie_postmaster_is_not_taken_for_a_running_one(tmp_path: Path):
    """The pid in the file belongs to a process that was killed and never reaped: it still answers signal 0."""
    embedded = EmbeddedPostgres(tmp_path)
    embedded.enter()
    embedded.leave()
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    while Path(f"/proc/{zombie.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0)
    (embedded.cluster / "postmaster.pid").write_text(f"{zombie.pid}\n{embedded.cluster}\n0\n5432\n\n\n\nready\n")
    embedded.enter()
    assert answers(embedded)
    embedded.leave()
    zombie.wait()


def test_an_interrupted_first_start_is_made_good(tmp_path: Path):
    embedded = EmbeddedPostgres(tmp_path)
    embedded.cluster.mkdir(parents=True)
    (embedded.cluster / "half").write_text("made")
    embedded.enter()
    assert answers(embedded)
    embedded.leave()


def test_a_data_directory_with_a_long_name_works(tmp_path: Path):
    embedded = EmbeddedPostgres(tmp_path / ("long" * 30))
    embedded.enter()
    assert answers(embedded)
    embedded.leave()


def test_an_address_that_is_not_postgresql_is_refused(tmp_path: Path):
    with pytest.raises(DatabaseError, match="postgresql://"):
        django_settings(tmp_path, "mysql://root@localhost/kesu")


def test_an_address_is_taken_apart(tmp_path: Path):
    settings = django_settings(tmp_path, "postgresql://kesu:p%40ss@db.internal:5433/desk?sslmode=require")
    assert settings["PASSWORD"] == "p@ss"
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.internal", "5433", "desk")
    assert settings["OPTIONS"]["sslmode"] == "require"
