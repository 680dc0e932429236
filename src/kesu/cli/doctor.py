"""``kesu doctor``."""

from __future__ import annotations

import typer

from kesu.cli.environment import Data, Json, desk, output, show_json

MARKS = {"ok": "[green]ok[/green]", "warning": "[yellow]![/yellow] ", "failed": "[red]x[/red] "}


def doctor(data: Data = None, json: Json = False) -> None:
    """Exit status 1 when something is broken; warnings alone leave it 0."""
    with desk(data) as settings:
        from kesu.worker.doctor import examine

        findings = examine(settings)
        if json:
            show_json([finding.__dict__ for finding in findings])
        else:
            for finding in findings:
                output.print(f"{MARKS[finding.level]} ", end="")
                output.print(finding.text, markup=False, highlight=False)
        if any(finding.level == "failed" for finding in findings):
            raise typer.Exit(1)
