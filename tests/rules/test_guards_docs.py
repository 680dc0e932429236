"""The table of guards in both manuals is the table of the code."""

import re
from pathlib import Path

import pytest

from kesu.rules.guards import GUARDS, RULES

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| .+ \| (\w+) \|$", re.MULTILINE)


@pytest.mark.parametrize(("language", "heading"), [("en", "Guards"), ("zh", "操作前的检查")])
def test_the_manual_names_every_guard_with_its_level_and_source(language: str, heading: str) -> None:
    manual = (ROOT / "docs" / language / "rules.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    listed = {code: (level, source) for code, level, source in ROW.findall(manual)}
    assert set(listed) == set(GUARDS)
    for code, guard in GUARDS.items():
        level, source = listed[code.value]
        assert guard.level.value in level, code
        assert ("\\*" in level) == (guard.overridable and "block" in level), code
        assert source == guard.rule.value
    assert all(address in manual for address in RULES.values())
