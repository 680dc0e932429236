"""A desk to kill, and the sandbox it is connected to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.desk import Desk
from tests.sandboxes import serving_sandbox


@contextmanager
def served_desk(directory: Path) -> Iterator[Desk]:
    """Both for the time of the block, in ``directory``."""
    (directory / "sandbox").mkdir()
    with serving_sandbox(directory / "sandbox") as sandbox:
        desk = Desk(directory, sandbox)
        desk.connect()
        # Its own notices are lost on purpose: those of the test, which are counted, must do.
        sandbox.control("/faults", {"target": "notice", "kind": "drop"})
        desk.start()
        try:
            yield desk
        finally:
            desk.stop()
