"""The table in ``tests/faults/__init__.py`` names files that exist."""

from __future__ import annotations

import re
from pathlib import Path

import tests.faults

TESTS = Path(__file__).parents[1]


def test_every_file_that_the_table_names_exists():
    named = set(re.findall(r"``([a-z]+/test_\w+)``", tests.faults.__doc__ or ""))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (TESTS / f"{name}.py").exists()] == []


def test_every_file_of_this_directory_is_in_the_table():
    named = tests.faults.__doc__ or ""
    here = {path.stem for path in Path(__file__).parent.glob("test_*.py")} - {Path(__file__).stem}
    assert [name for name in sorted(here) if f"faults/{name}`" not in named] == []
