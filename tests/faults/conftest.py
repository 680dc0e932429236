"""Worlds for stories, and one served desk on a disk of its own that can be filled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cannot_run import cannot_run
from tests.faults.disks import Disk, small_disk
from tests.faults.serving import FaultyDesk
from tests.sandboxes import serving_sandbox
from tests.stories.conftest import identity, tell  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.fixture(scope="session")
def small(directory: Path) -> Iterator[Disk | None]:
    with small_disk(directory / "desk") as disk:
        yield disk


@pytest.fixture(scope="session")
def served(directory: Path, small: Disk | None) -> Iterator[FaultyDesk]:
    """A desk at work with everything of it on the small disk. Each test leaves it at work, or fails."""
    (directory / "sandbox").mkdir()
    with serving_sandbox(directory / "sandbox") as sandbox:
        desk = FaultyDesk(directory, sandbox)
        desk.connect()
        # Its own notices are lost on purpose: those of the test, which are counted, must do.
        sandbox.control("/faults", {"target": "notice", "kind": "drop"})
        desk.start()
        try:
            desk.sign_in()
            yield desk
        finally:
            desk.stop()


@pytest.fixture
def disk(small: Disk | None) -> Disk:
    if small is None:
        cannot_run("this account may not mount a small file system")
    return small
