"""The table that ``kesu demo --check`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from kesu.cli.environment import output
from kesu.cli.language import _

if TYPE_CHECKING:
    from kesu.demo.story import Expectation


def show(expectations: Sequence[Expectation], seconds: float) -> bool:
    """Print one row an expectation and a closing line; whether all held."""
    table = Table(
        _("Hour"),
        _("Expectation"),
        _("Expected"),
        _("Happened"),
        "",
        header_style="bold",
        show_lines=False,
        pad_edge=False,
    )
    for expectation in expectations:
        mark = "[green]ok[/green]" if expectation.held else f"[red]{_('FAILED')}[/red]"
        table.add_row(
            f"{expectation.at_hours:g}",
            expectation.name,
            _escaped(expectation.expected),
            _escaped(expectation.happened),
            mark,
        )
    output.print(table)
    held = sum(expectation.held for expectation in expectations)
    output.print(
        _("%(held)s of %(all)s expectations held; 76 hours played in %(seconds).1f seconds.")
        % {"held": held, "all": len(expectations), "seconds": seconds}
    )
    return held == len(expectations)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")
