"""PostgreSQL from version 15 will do: each version found here migrates, takes over a desk, serves, and gives it back.

Found are Debian's (/usr/lib/postgresql) and those whose directory of programs KESU_TEST_POSTGRES names (several with
colons between them).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cannot_run import cannot_run
from tests.operations.installations import Installation
from tests.operations.servers import external_server
from tests.prepared import lay_database
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import serving_sandbox

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

OLDEST = 15


def found() -> dict[int, Path]:
    """Directories of programs by their major version."""
    named = [Path(part) for part in os.environ.get("KESU_TEST_POSTGRES", "").split(":") if part]
    versions = {}
    for place in [*Path("/usr/lib/postgresql").glob("*/bin"), *named]:
        if (place / "initdb").exists():
            said = subprocess.run([place / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
            versions[int(said.split()[2].split(".")[0])] = place
    return {version: place for version, place in sorted(versions.items()) if version >= OLDEST}


FOUND = found()
SERVERS = [pytest.param(place, id=f"PostgreSQL {version}") for version, place in FOUND.items()]


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of an older version with an empty database; its address."""
    directory = tmp_path_factory.mktemp("older") / "server"
    with external_server(directory, binaries=request.param) as url:
        yield url


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """A desk with an embedded database, of the newest version."""
    made = Installation(tmp_path_factory.mktemp("original"))
    lay_database(made.data)
    made.fill()
    return made


def test_the_oldest_version_that_is_promised_is_tried():
    if OLDEST not in FOUND:
        cannot_run(f"no PostgreSQL {OLDEST} on this machine (apt install postgresql-{OLDEST})")


def test_a_desk_moves_from_the_embedded_database_to_an_older_server_and_back(
    server: str, original: Installation, tmp_path: Path
):
    file, again = tmp_path / "desk.kesu", tmp_path / "again.kesu"
    original.works("backup", str(file), "--with-keys")
    moved = Installation(tmp_path / "moved", server)
    moved.works("migrate")
    assert "2 merchant numbers, 9 complaints" in moved.works("restore", str(file), "--force")
    before = original.contents()
    assert moved.contents() == before
    assert json.loads(moved.works("audit", "verify", "--json"))["intact"] is True
    assert json.loads(moved.works("complaints", "list", "--json", "--limit", "1"))

    moved.works("backup", str(again), "--with-keys")
    home = Installation(tmp_path / "home")
    home.works("restore", str(again))
    assert home.contents() == before


def test_a_desk_on_an_older_server_takes_in_a_complaint_and_tells_of_it(server: str, tmp_path: Path):
    (tmp_path / "sandbox").mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # Without polls: what is told came by the notice, through the receiver.
    seldom = {"KESU_POLL_NEWEST_SECONDS": "86400"}
    env = environment(tmp_path / "desk", KESU_DATABASE_URL=server, **seldom)
    desk = Installation(tmp_path / "desk", server)
    desk.empty()
    with serving_sandbox(tmp_path / "sandbox") as sandbox:
        desk.works("merchants", "import-sandbox", str(sandbox.file), "--public-url", url)
        serve = kesu("serve", "--port", str(port))
        with running(serve, tmp_path / "log", env, ready=lambda: answers(f"{url}/readyz")):
            until(lambda: desk.ask("select count(*) from sync_poll where finished_at is null") == 0, 60, "the polls")
            [complaint_id] = sandbox.complain(sandbox.merchant()["mchid"])

            def told() -> int:
                pushes = sandbox.control("/wecom/messages?after=0")
                return sum(push["accepted"] and complaint_id in push["content"] for push in pushes)

            until(lambda: told() == 1, 60, "the group to be told")
            assert desk.ask("select count(*) from intake_notice where state = 'processed'") >= 1
            checks = {one["check"]: one["level"] for one in json.loads(desk.run("doctor", "--json", **seldom).stdout)}
            assert {name for name, level in checks.items() if level == "failed"} == set()
            [message] = [
                one
                for one in json.loads(desk.works("outbox", "list", "--json"))
                if complaint_id in one["complaint_ids"]
            ]
            assert (message["state"], message["attempts"]) == ("sent", 1)
