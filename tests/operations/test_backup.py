"""One file holds the desk; it comes back whole, elsewhere too, or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kesu.config import archive
from kesu.config.archive import ArchiveError
from tests.operations.installations import Installation
from tests.operations.servers import external_server
from tests.prepared import lay_database
from tests.processes import answers, environment, free_port, kesu, running


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A desk with cases, pictures, pushes and sealed data; its server is kept running, for speed."""
    made = Installation(tmp_path_factory.mktemp("original"))
    lay_database(made.data)
    with made.place():
        made.fill()
        yield made


@pytest.fixture(scope="module")
def saved(original: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup with the keys in it."""
    file = tmp_path_factory.mktemp("saved") / "desk.kesu"
    original.works("backup", str(file), "--with-keys")
    return file


@pytest.fixture
def elsewhere(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "elsewhere")


def rebuilt(file: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same archive with other contents."""
    with tarfile.open(file) as source:
        parts = {member.name: source.extractfile(member).read() for member in source.getmembers()}
    change(parts)
    with tarfile.open(target, "w") as out:
        for name, content in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return target


def test_a_desk_moves_to_a_server_and_back_with_everything(original: Installation, saved: Path, tmp_path: Path):
    before = original.contents()
    with external_server(tmp_path / "server") as url:
        moved = Installation(tmp_path / "moved", url)
        said = moved.works("restore", str(saved))
        assert "2 merchant numbers, 9 complaints" in said
        assert moved.contents() == before
        # Sealed data opens there: the keys came along.
        assert json.loads(moved.works("complaints", "list", "--json", "--limit", "1"))
        assert (moved.data / "keys.json").read_bytes() == (original.data / "keys.json").read_bytes()

        again = tmp_path / "again.kesu"
        moved.works("backup", str(again))
        home = Installation(tmp_path / "home")
        home.data.mkdir()
        (home.data / "keys.json").write_bytes((original.data / "keys.json").read_bytes())
        home.works("restore", str(again))
        assert home.contents() == before
        verdict = json.loads(home.works("audit", "verify", "--json"))
        assert (verdict["intact"], verdict["checked"]) == (True, 2)
        assert "append-only" in _refused(home, "delete from audit_auditentry where sequence = 2")


def _refused(installation: Installation, statement: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        installation.execute(statement)
    return str(caught.value)


def test_a_backup_is_made_while_the_desk_serves_and_a_restore_is_refused(original: Installation, tmp_path: Path):
    port, file = free_port(), tmp_path / "served.kesu"
    serve = kesu("serve", "--port", str(port))
    ready = f"http://127.0.0.1:{port}/readyz"
    with running(serve, tmp_path / "log", environment(original.data), ready=lambda: answers(ready)):
        said = original.works("backup", str(file))
        assert "Saved" in said
        assert "kesu serve (process" in original.refuses("restore", str(file), "--force")
    assert file.stat().st_mode & 0o777 == 0o600
    archive.verify(file, lambda done, total: None)


def test_without_keys_the_command_says_what_would_be_lost(original: Installation, elsewhere: Installation, tmp_path):
    file = tmp_path / "bare.kesu"
    said = original.works("backup", str(file))
    assert "The keys are not in it" in said
    assert str(original.data / "keys.json") in said
    with tarfile.open(file) as found:
        assert found.getnames() == ["manifest.json", "database.dump", "database.dump.sha256"]
    key = json.loads((original.data / "keys.json").read_text())["keys"]["k1"].encode()
    assert key not in file.read_bytes()
    refused = elsewhere.refuses("restore", str(file))
    assert "sealed with keys that are not here" in refused
    assert not (elsewhere.data / "keys.json").exists()  # nothing was touched


def test_a_full_database_is_replaced_only_when_forced_and_then_whole(saved: Path, elsewhere: Installation):
    elsewhere.works("restore", str(saved))
    before = elsewhere.contents()
    elsewhere.execute("insert into worker_heartbeat values ('after:1', '0', now(), now())")
    elsewhere.execute(
        "create table sync_of_a_later_version (id int primary key, case_id bigint references complaints_complaint)"
    )
    refused = elsewhere.refuses("restore", str(saved))
    assert "not empty" in refused
    assert "--force" in refused
    elsewhere.works("restore", str(saved), "--force")
    assert elsewhere.contents() == before
    with elsewhere.place() as place, place.connected() as connection:
        assert connection.execute("select to_regclass('sync_of_a_later_version')").fetchone() == (None,)


def test_keys_that_were_there_are_kept_beside_the_restored_ones(
    original: Installation, saved: Path, elsewhere: Installation
):
    elsewhere.works("migrate")
    own = (elsewhere.data / "keys.json").read_text()
    elsewhere.works("restore", str(saved))
    assert (elsewhere.data / "keys.json").read_bytes() == (original.data / "keys.json").read_bytes()
    [kept] = elsewhere.data.glob("keys.json.replaced-*")
    assert kept.read_text() == own


def test_a_damaged_or_cut_file_is_refused(saved: Path, elsewhere: Installation, tmp_path: Path):
    whole = saved.read_bytes()
    damaged = tmp_path / "damaged.kesu"
    middle = len(whole) // 2
    damaged.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    with pytest.raises(ArchiveError, match="damaged"):
        archive.verify(damaged, lambda done, total: None)
    cut = tmp_path / "cut.kesu"
    cut.write_bytes(whole[: middle + 17])
    assert "no complete backup" in elsewhere.refuses("restore", str(cut))


def test_a_restore_that_fails_in_the_middle_changes_nothing(saved: Path, elsewhere: Installation, tmp_path: Path):
    def cut(parts: dict[str, bytes]) -> None:
        parts["database.dump"] = parts["database.dump"][: len(parts["database.dump"]) * 9 // 10]
        digest = hashlib.sha256(parts["database.dump"]).hexdigest()
        parts["database.dump.sha256"] = f"{digest}  database.dump\n".encode()

    broken = rebuilt(saved, tmp_path / "broken.kesu", cut)
    elsewhere.works("restore", str(saved))
    before = elsewhere.contents()
    assert "Nothing was changed" in elsewhere.refuses("restore", str(broken), "--force")
    assert elsewhere.contents() == before


def test_a_backup_of_a_newer_version_is_refused(saved: Path, tmp_path: Path):
    def newer(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts["manifest.json"])
        parts["manifest.json"] = json.dumps(
            manifest | {"migrations": [*manifest["migrations"], "sync.9999_future"]}
        ).encode()

    with pytest.raises(ArchiveError, match="newer"):
        archive.read_manifest(rebuilt(saved, tmp_path / "newer.kesu", newer))


def test_a_file_is_not_overwritten_by_mistake(original: Installation, tmp_path: Path):
    file = tmp_path / "taken.kesu"
    file.write_text("something else")
    assert "exists" in original.refuses("backup", str(file))
    assert file.read_text() == "something else"
    original.works("backup", str(file), "--overwrite")
    archive.read_manifest(file)


def test_a_restore_under_the_feet_of_others_is_refused(saved: Path, tmp_path: Path):
    with external_server(tmp_path / "server") as url:
        crowded = Installation(tmp_path / "crowded", url)
        with crowded.place() as place, place.connected():
            assert "1 other connections" in crowded.refuses("restore", str(saved))


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path):
    empty = Installation(tmp_path / "empty")
    file = tmp_path / "empty.kesu"
    assert "nothing to back up" in empty.refuses("backup", str(file))
    assert list(tmp_path.glob("*.kesu*")) == []


@pytest.mark.parametrize(("version", "kept"), [(150004, False), (170000, True)])
def test_older_servers_are_spared_a_parameter_they_do_not_know(version: int, kept: bool):
    line = b"SET transaction_timeout = 0;\n"
    head = b"SET lock_timeout = 0;\n" + line + b"SET client_min_messages = warning;\n"
    target = io.BytesIO()
    archive._copy_sql(io.BytesIO(head + b"COPY x FROM stdin;\n" + line), target, version)
    assert target.getvalue().count(line) == 1 + kept
