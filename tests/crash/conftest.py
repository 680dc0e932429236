"""One sandbox and one desk for every killing: each test leaves a desk that works, or fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.desk import Desk
from tests.crash.serving import served_desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served_desk(tmp_path_factory.mktemp("crash")) as desk:
        yield desk
