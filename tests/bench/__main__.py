"""Measure what is promised and print a table. Exit status 1 when a figure is not reached.

Never part of the tests: figures depend on the machine and on what else it does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["KESU_DATA"] = tempfile.mkdtemp(prefix="kesu-bench-")  # before anything reads the settings of a real desk

from rich.console import Console
from rich.table import Table

from tests.bench import (
    alerting,
    browsing,
    claiming,
    crashes,
    desk,
    footprint,
    intake,
    polling,
    refusals,
    storm,
    workers,
)

FIGURES = {
    "intake": intake.measure,
    "alerting": alerting.measure,
    "refusals": refusals.measure,
    "claiming": claiming.measure,
    "workers": workers.measure,
    "polling": polling.measure,
    "storm": storm.measure,
    "desk": desk.measure,
    "browsing": browsing.measure,
    "footprint": footprint.measure,
    "crashes": crashes.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("figures", nargs="*", help=f"which of {', '.join(FIGURES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    chosen = parser.parse_args()
    if unknown := set(chosen.figures) - set(FIGURES):
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    print(f"Machine: {_machine()}", flush=True)
    rows: list[dict[str, Any]] = []
    directory = Path(os.environ["KESU_DATA"])
    try:
        for name in [name for name in FIGURES if not chosen.figures or name in chosen.figures]:
            print(f"Measuring: {name} ...", file=sys.stderr, flush=True)
            (directory / name).mkdir()
            rows += FIGURES[name](directory / name, quick=chosen.quick)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    _show(rows)
    raise SystemExit(not all(row["reached"] for row in rows))


def _show(rows: Sequence[dict[str, Any]]) -> None:
    table = Table("what", "measured", "to reach", "", header_style="bold")
    for row in rows:
        table.add_row(row["what"], row["measured"], row["target"], "reached" if row["reached"] else "MISSED")
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _machine() -> str:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "unknown processor",
    )
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, load {load:.1f} at the start, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main()
