"""An upgrade while the desk works: two versions run side by side on one database, and nobody notices."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import kesu as installed
from kesu.config.archive import Place
from tests.prepared import database_of
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

NEXT = "99.0"
# What a later version may add: a column that fills itself, and one that may be empty, to the busiest tables.
ADDED = {
    "alerts/models.py": ("    dedupe_key = ", 'colour = models.CharField(max_length=9, db_default="")'),
    "complaints/models.py": ("    user_complaint_times = ", "mood = models.CharField(max_length=9, null=True)"),
}


def make_next_version(directory: Path) -> None:
    """This version's source with another number, two more columns and their migrations."""
    package = directory / "kesu"
    shutil.copytree(Path(installed.__file__).parent, package, ignore=shutil.ignore_patterns("static", "__pycache__"))
    changes = {**ADDED, "__init__.py": (f'"{installed.__version__}"', "")}
    for name, (before, line) in changes.items():
        text = (package / name).read_text()
        assert text.count(before) == 1
        (package / name).write_text(text.replace(before, f"    {line}\n{before}" if line else f'"{NEXT}"'))


@dataclass
class Desk:
    sandbox: ServedSandbox
    place: Place
    data: Path
    next_version: Path
    port: int

    def environ(self, *, new: bool) -> dict[str, str]:
        # Complaints come by notices only, one way through both versions.
        seldom = {"KESU_POLL_NEWEST_SECONDS": "86400", "KESU_POLL_RECENT_SECONDS": "86400"}
        return environment(self.data, **seldom, **({"PYTHONPATH": str(self.next_version)} if new else {}))

    def run(self, *command: str, new: bool) -> None:
        done = subprocess.run(command, env=self.environ(new=new), cwd=self.data.parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def process(self, *words: str, new: bool, ready: Any) -> Iterator[None]:
        with running(kesu(*words), self.data.with_name("log"), self.environ(new=new), ready=ready):
            yield

    def web(self, *, new: bool) -> Any:
        return self.process("web", "--port", str(self.port), new=new, ready=self.is_ready)

    def worker(self, *, new: bool) -> Any:
        version = NEXT if new else installed.__version__
        return self.process("worker", new=new, ready=lambda: version in self.versions())

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/readyz")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.place.connected() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[arg-type]

    def versions(self) -> set[str]:
        return {version for (version,) in self.query("select version from worker_heartbeat")}

    def complain(self, count: int = 5) -> list[str]:
        self.sandbox.control("/clock", {"advance": "2m"})  # so few a minute are told one by one
        return [self.sandbox.complain(self.sandbox.merchant()["mchid"])[0] for _ in range(count)]

    def told(self, complaints: list[str]) -> Counter[str]:
        pushes = [push["content"] for push in self.sandbox.control("/wecom/messages?after=0") if push["accepted"]]
        return Counter(one for content in pushes for one in complaints if one in content)

    def tells_each_once(self, complaints: list[str]) -> None:
        until(lambda: set(self.told(complaints)) == set(complaints), 60, "all to be told")
        waiting = "select 1 from alerts_message where state = 'pending' union all select 1 from sync_refresh"
        until(lambda: not self.query(waiting), 60, "nothing to wait")
        assert self.told(complaints) == Counter(dict.fromkeys(complaints, 1))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        (tmp_path / "sandbox").mkdir()
        sandbox = stack.enter_context(serving_sandbox(tmp_path / "sandbox"))
        stack.enter_context(database_of(tmp_path / "desk"))
        make_next_version(tmp_path / "next")
        made = Desk(sandbox, Place.of(tmp_path / "desk", ""), tmp_path / "desk", tmp_path / "next", free_port())
        public = f"http://127.0.0.1:{made.port}"
        made.run(*kesu("merchants", "import-sandbox", str(sandbox.file), "--public-url", public), new=False)
        yield made


def test_an_upgrade_one_process_after_the_other_loses_nothing_and_doubles_nothing(desk: Desk):
    django = [sys.executable, "-m", "django", "makemigrations", "--settings", "kesu.config.settings"]
    with ExitStack() as new_worker:
        with desk.web(new=False):
            with desk.worker(new=False):
                desk.tells_each_once(desk.complain())

                desk.run(*django, "alerts", "complaints", new=True)
                desk.run(*kesu("migrate"), new=True)
                columns = "select column_name from information_schema.columns where column_name in ('colour', 'mood')"
                assert sorted(desk.query(columns)) == [("colour",), ("mood",)]
                assert desk.is_ready()  # the version before does not mind
                desk.tells_each_once(desk.complain())

                new_worker.enter_context(desk.worker(new=True))
                assert desk.versions() == {NEXT, installed.__version__}
                desk.tells_each_once(desk.complain())
            assert desk.versions() == {NEXT}
            desk.tells_each_once(desk.complain())
        with desk.web(new=True):
            desk.tells_each_once(desk.complain())
    assert desk.query("select count(*) from complaints_complaint") == [(25,)]
