"""``kesu outbox``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, show_json, show_table
from kesu.cli.language import _

app = typer.Typer(no_args_is_help=True)
PAGE = 1000


@app.command("list", help=_("Every push that was ever owed, and what became of it."))
def list_messages(
    data: Data = None,
    json: Json = False,
    state: Annotated[str, typer.Option(help=_("pending, sent, superseded, moved, digested or failed."))] = "",
    limit: Annotated[int | None, typer.Option(min=1, help=_("Only the newest this many; all when left out."))] = None,
) -> None:
    """Oldest first. With --json at least id, channel, kind, complaint_ids, state, due_at, sent_at, attempts, error."""
    with desk(data):
        from kesu.alerts.models import Message

        if state and state not in Message.State.values:
            fail(_("The state must be one of %s.") % ", ".join(Message.State.values))
        rows = _all(state)
        rows = rows[-limit:] if limit else rows
        if json:
            show_json(rows)
            return
        columns = ["id", "channel", "kind", "state", "attempts", "sent_at", "error"]
        show_table(columns, [[row[column] for column in columns] for row in rows], _("No pushes yet."))


def _all(state: str) -> list[dict[str, Any]]:
    from kesu.alerts.queries import outbox

    rows: list[dict[str, Any]] = []
    while page := outbox(after=rows[-1]["id"] if rows else 0, limit=PAGE, state=state):
        rows += page
    return rows
