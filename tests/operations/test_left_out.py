"""A test that this machine lacks something for is left out by hand only, never in continuous integration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cannot_run import cannot_run

TESTS = Path(__file__).parents[1]
SKIPPING = re.compile(r"pytest\.(skip|importorskip|mark\.skip(if)?|mark\.xfail)\b")


def test_what_cannot_run_is_left_out_by_hand(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no network"):
        cannot_run("no network")


def test_what_cannot_run_fails_in_continuous_integration(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no network"):
        cannot_run("no network")


def test_nothing_else_leaves_a_test_out():
    allowed = {TESTS / "cannot_run.py", Path(__file__)}
    found = [path for path in TESTS.rglob("*.py") if "node_modules" not in path.parts and path not in allowed]
    assert [str(path) for path in found if SKIPPING.search(path.read_text())] == []
