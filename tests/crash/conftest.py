"""One sandbox and one desk for every killing: each test leaves a desk that works, or fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.desk import Desk
from tests.sandboxes import serving_sandbox


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory: Path = tmp_path_factory.mktemp("crash")
    (directory / "sandbox").mkdir()
    with serving_sandbox(directory / "sandbox") as sandbox:
        desk = Desk(directory, sandbox)
        desk.connect()
        # Its own notices are lost on purpose: those of the test, which are counted, must do.
        sandbox.control("/faults", {"target": "notice", "kind": "drop"})
        desk.start()
        yield desk
        desk.stop()
