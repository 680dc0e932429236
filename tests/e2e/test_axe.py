"""Nothing that keeps somebody from using a page: axe finds no serious violation, in both widths and themes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest

pytestmark = pytest.mark.e2e

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
SHAPES = [(1440, "zh-hans", "light"), (390, "zh-hans", "dark")]
PAGES = [
    "/",
    "/?view=all",
    "/cases/{case}",
    "/cases/{finished}",
    "/deliveries",
    "/system",
    "/me/",
    "/welcome",
    "/settings/",
    "/settings/connect",
    "/settings/merchants",
    "/settings/merchants/{account}",
    "/settings/people",
    "/settings/people/{person}",
    "/settings/channels",
    "/settings/wake",
    "/settings/quiet-hours",
    "/settings/rota",
    "/settings/templates",
    "/settings/templates/new",
    "/settings/audit",
    "/settings/webhooks",
]


def serious(page: Any) -> list[str]:
    """What axe calls serious or worse, each with the first place."""
    page.evaluate(AXE)
    found = page.evaluate("async () => JSON.stringify((await axe.run()).violations)")
    return [
        f"{one['id']}: {one['help']} at {one['nodes'][0]['target']}"
        for one in json.loads(found)
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_no_serious_violation(open_page, day, address, width, language, theme):
    finished = day["account"].complaint_set.get(state="PROCESSED")
    numbers = {"case": day["case"].pk, "finished": finished.pk, "account": day["account"].pk, "person": day["user"].pk}
    page = open_page(address.format(**numbers), day["user"], width=width, language=language, theme=theme)
    assert serious(page) == []


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_signing_in_has_no_serious_violation(open_page, transactional_db, width, language, theme):
    assert serious(open_page("/sign-in", width=width, language=language, theme=theme)) == []
