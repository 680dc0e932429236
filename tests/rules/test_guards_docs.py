"""The table of guards in both manuals is the table of the code."""

import re
from pathlib import Path

import pytest

from kesu.rules.guards import GUARDS, RULES, Level

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \| (\w+) \|$", re.MULTILINE)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_manual_names_every_guard_with_its_level_and_source(language: str) -> None:
    manual = (ROOT / "docs" / language / "rules.md").read_text()
    listed = {code: (level, source) for code, level, source in ROW.findall(manual)}
    for code, guard in GUARDS.items():
        level, source = listed[code.value]
        assert guard.level.value in level, code
        assert ("\\*" in level) == (guard.overridable and (guard.level is Level.BLOCK or "block" in level)), code
        assert source == guard.rule.value
    assert all(address in manual for address in RULES.values())
