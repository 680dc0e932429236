"""``kesu outbox``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.doing import CHANGED, REFUSED, As, acting, end
from kesu.cli.environment import FAILED, Data, Json, desk, fail, show_json, show_table
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


@app.command("resend", help=_("Send a push that failed once more."))
def resend(
    number: Annotated[int, typer.Argument(metavar="ID", help=_("As kesu outbox list shows it."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Though it may have arrived already."))] = False,
) -> None:
    """The worker sends it. 0 it is owed again, 1 it cannot be, 3 it may have arrived and --yes is missing, 4 it is not
    failed, or not any more."""
    with desk(data):
        from kesu import clock
        from kesu.accounts.roles import Forbidden
        from kesu.alerts import resending
        from kesu.alerts.models import Message

        actor = acting(as_)
        try:
            message = resending.resend(actor, number, now=clock.now(), yes=yes)
        except Message.DoesNotExist:
            fail(_("No such push: %s. kesu outbox list shows them.") % number)
        except Forbidden as forbidden:
            fail(str(forbidden))
        except resending.ResendError as error:
            text = _("%s --yes sends it.") % error if error.needs_yes else str(error)
            status = {resending.MAY_HAVE_ARRIVED: REFUSED, resending.NOT_FAILED: CHANGED}.get(error.reason, FAILED)
            end(json, {"error": error.reason, "message": str(error)}, text, status)
        told = {"id": message.pk, "channel": message.channel.name, "kind": message.kind, "state": message.state}
        end(json, told, _("It is sent again. kesu outbox list shows what becomes of it."), 0)


def _all(state: str) -> list[dict[str, Any]]:
    from kesu.alerts.queries import outbox

    rows: list[dict[str, Any]] = []
    while page := outbox(after=rows[-1]["id"] if rows else 0, limit=PAGE, state=state):
        rows += page
    return rows
