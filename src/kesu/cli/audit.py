"""``kesu audit``."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from kesu.cli.environment import FAILED, Data, Json, desk, errors, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.moments import shown

app = typer.Typer(no_args_is_help=True)

FIELDS = ("sequence", "at", "user_id", "username", "via", "address", "action", "subject", "details", "hash")


@app.command("verify", help=_("Prove that no entry of the audit was changed, removed or put in."))
def verify(
    noted: Annotated[
        str, typer.Option("--noted", help=_("The end that an earlier run printed, kept outside of this machine."))
    ] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Exit status 1 when something is broken. Note the printed end down elsewhere: only so can it be told later that
    the whole database was put back to an older state."""
    with desk(data):
        from kesu.audit import services

        bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            disable=not errors.is_terminal,
        )
        with bars:
            task = bars.add_task(_("Checking the audit"), total=None)
            try:
                verdict = services.verify(
                    noted=noted, progress=lambda done, total: bars.update(task, completed=done, total=total)
                )
            except ValueError:
                fail(_("An end is written NUMBER:HASH, as kesu audit verify prints it."))
        told = _sentence(verdict)
        if json:
            names = ("intact", "checked", "head", "sequence", "problem")
            show_json({**{name: getattr(verdict, name) for name in names}, "message": told})
        elif verdict.intact:
            output.print(told, markup=False, highlight=False, soft_wrap=True)
        else:
            errors.print(told, markup=False, highlight=False, soft_wrap=True, style="red")
        if not verdict.intact:
            raise typer.Exit(FAILED)


@app.command("list", help=_("What was done, by whom, through what, from where."))
def list_entries(
    user: Annotated[str, typer.Option("--user", help=_("Only what this name did."))] = "",
    action: Annotated[str, typer.Option("--action", help="sign_in | replied | refunded | ...")] = "",
    subject: Annotated[str, typer.Option("--subject", help="complaint:200000... | user:NAME | ...")] = "",
    complaint: Annotated[
        str, typer.Option("--complaint", help=_("The trail of this complaint; short for --subject complaint:NUMBER."))
    ] = "",
    before: Annotated[int, typer.Option("--before", min=0, help=_("Only older than this number."))] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help=_("How many, newest first."))] = 50,
    data: Data = None,
    json: Json = False,
) -> None:
    """The newest first; --before the last number shown goes on."""
    if complaint and subject:
        fail(_("Give --complaint or --subject, not both."))
    subject = f"complaint:{complaint}" if complaint else subject
    with desk(data):
        from kesu.audit.queries import entries

        found = entries(username=user, action=action, subject=subject, before=before, limit=limit)
        if json:
            show_json([{name: getattr(entry, name) for name in FIELDS} for entry in found])
        else:
            show_table(
                ["#", _("When"), _("Who"), _("Through"), _("Came from"), _("What"), _("About"), ""],
                [
                    [
                        *(entry.sequence, shown(entry.at), entry.username or "-", entry.via, entry.address),
                        *(entry.action, entry.subject),
                        jsonlib.dumps(entry.details, ensure_ascii=False) if entry.details else "",
                    ]
                    for entry in found
                ],
                _("Nothing yet."),
            )


def _sentence(verdict: Any) -> str:
    """What the walk found, and where."""
    sentences = {
        "": _("All %(checked)s entries are as they were written. The end: %(head)s"),
        "missing": _("Entry %(sequence)s is missing."),
        "changed": _("Entry %(sequence)s was changed."),
        "unchained": _("Entry %(sequence)s does not follow the one before it."),
        "not_as_noted": _("Entry %(sequence)s is not the one that was noted down."),
        "cut_off": _("Entries were removed from the end, from %(sequence)s on."),
        "beyond_the_end": _("Entry %(sequence)s was put in by hand."),
        "head_missing": _("The mark of the end is missing, after entry %(sequence)s."),
        "head_changed": _("The mark of the end, at entry %(sequence)s, was changed."),
        "nothing_left": _("Everything was removed: people have signed in here, and nothing tells of it."),
    }
    facts = {"checked": verdict.checked, "head": verdict.head or "-", "sequence": verdict.sequence}
    return sentences[verdict.problem] % facts
