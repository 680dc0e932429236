"""What is wrong with a page as a browser shows it; each function returns sentences, none where nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import axe_playwright_python

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
LEAST_TARGET = 40
"""Points, the height of what a thumb meets."""
MOST_SHIFT = 0.02
"""A fifth of what web.dev/cls still calls good."""

SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    for (const shift of list.getEntries())
        if (!shift.hadRecentInput)
            window.shifts.push([shift.value, shift.sources.map(({ node }) => node?.id || node?.nodeName)]);
}).observe({ type: "layout-shift", buffered: true });
"""
"""To be run before a page: collects what moves by itself."""

OVERFLOW = """() => {
    const width = document.documentElement.clientWidth;
    const scrolls = (element) => {
        for (let e = element.parentElement; e && e !== document.body; e = e.parentElement)
            if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX)) return true;
        return false;
    };
    const out = document.documentElement.scrollWidth > width ? ["the page scrolls sideways"] : [];
    document.querySelectorAll("body *").forEach((e) => {
        const box = e.getBoundingClientRect();
        if (box.width && box.right > width + 1 && !scrolls(e)) out.push(`${e.tagName}.${e.className}`);
    });
    return out;
}"""

TARGETS = """(least) => {
    const small = new Set();
    document.querySelectorAll(".btn, .form-control, .form-select, summary, .mainnav a").forEach((e) => {
        if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".visually-hidden")) return;
        const box = e.getBoundingClientRect();
        if (box.height && box.width && box.height < least - 0.5)
            small.add(`${Math.round(box.height)} high: ${e.tagName}.${e.className} ${e.innerText?.slice(0, 20) ?? ""}`);
    });
    return [...small];
}"""

FOCUS = """() => {
    const unseen = new Set();
    document.activeElement?.blur();
    const drawn = (s) => s.outlineStyle + s.outlineWidth + s.boxShadow + s.borderColor + s.backgroundColor;
    const mark = (e) => drawn(getComputedStyle(e)) + drawn(getComputedStyle(e, "::after"))
        + (e.closest("li") ? drawn(getComputedStyle(e.closest("li"))) : "");
    document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary").forEach((e) => {
        if (!e.checkVisibility({ visibilityProperty: true }) || e.disabled || e.tabIndex < 0) return;
        const before = mark(e);
        e.focus({ focusVisible: true, preventScroll: true });
        if (document.activeElement === e && mark(e) === before) unseen.add(`${e.tagName}.${e.className}#${e.id}`);
        e.blur();
    });
    return [...unseen];
}"""


def overflow(page: Any) -> list[str]:
    """What sticks out of the window's width, except inside boxes that scroll by themselves."""
    found: list[str] = page.evaluate(OVERFLOW)
    return found


def serious(page: Any) -> list[str]:
    """What axe calls serious or worse, each with the first place."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = '{runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], resultTypes: ["violations"]}'
    found = page.evaluate(f"async () => JSON.stringify((await axe.run(document, {options})).violations)")
    return [
        f"{one['id']}: {one['help']} at {one['nodes'][0]['target']}"
        for one in json.loads(found)
        if one["impact"] in ("serious", "critical")
    ]


def small_targets(page: Any) -> list[str]:
    """What is pressed or filled in and lower than a thumb needs."""
    found: list[str] = page.evaluate(TARGETS, LEAST_TARGET)
    return found


def unseen_focus(page: Any) -> list[str]:
    """What looks the same with the focus of the keyboard as without."""
    found: list[str] = page.evaluate(FOCUS)
    return found


def shifted(page: Any) -> list[str]:
    """What moved by itself since the page began, when that is more than ``MOST_SHIFT`` in all."""
    found = page.evaluate("window.shifts")
    return [f"{value:.3f}: {nodes}" for value, nodes in found] if sum(value for value, _ in found) >= MOST_SHIFT else []
