"""``kesu retention`` and ``kesu privacy``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.operator import audited, note, operator

app = typer.Typer(no_args_is_help=True)
privacy = typer.Typer(no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help=_("Say what would go and change nothing."))]


@app.command("show", help=_("What is kept how long, what waits to go, and the size of every table."))
def show(data: Data = None, json: Json = False) -> None:
    """Change a lifetime by its setting, KESU_KEEP_..._DAYS; 0 keeps for ever."""
    with desk(data):
        from kesu import clock
        from kesu.retention.lifetimes import lifetimes
        from kesu.retention.sizes import megabytes, sizes
        from kesu.retention.sweeps import waiting

        counts, found = waiting(now=clock.now()), sizes()
        kept = [
            {"kind": life.name, "days": life.days, "waiting": counts[life.name], "what": _what(life.name)}
            for life in lifetimes()
        ]
        if json:
            tables = [{"table": name, "bytes": size} for name, size in found.tables]
            show_json({"lifetimes": kept, "database_bytes": found.database, "tables": tables})
            return
        show_table(
            [_("Kind"), _("Days"), _("Waiting to go"), _("What")],
            [[row["kind"], row["days"] or _("for ever"), row["waiting"], row["what"]] for row in kept],
            "",
        )
        output.print()
        rows = [[name, megabytes(size)] for name, size in found.tables if size >= 100_000]
        show_table([_("Table"), _("Size")], [*rows, [_("whole database"), megabytes(found.database)]], "")


@app.command("run", help=_("End now what has lived long enough; a running worker does so by itself."))
def run(data: Data = None, dry_run: DryRun = False) -> None:
    """In small batches; may run beside everything else."""
    with desk(data):
        from kesu import clock
        from kesu.retention.sweeps import sweep, waiting

        now = clock.now()
        for kind, number in waiting(now=now).items():
            if number:
                output.print(f"{kind}: {number}", highlight=False)
        if dry_run:
            output.print(_("Nothing was changed."))
            return
        total = 0
        while done := sweep(now=now):
            total += done
        note("retention", "erased", {"rows": total})
        output.print(_("Done: %s rows went.") % total)


@privacy.command("erase", help=_("Forget a payer: phone, openid, words and pictures, in every case of theirs."))
def erase(
    data: Data = None,
    phone_stdin: Annotated[
        bool, typer.Option("--phone-stdin", help=_("Read the phone number from standard input."))
    ] = False,
    openid_stdin: Annotated[
        bool, typer.Option("--openid-stdin", help=_("Read the openid from standard input."))
    ] = False,
    complaint: Annotated[str, typer.Option("--complaint", help=_("The payer of this complaint."))] = "",
    by: Annotated[str, typer.Option("--by", help=_("Who gives the order, for the record."))] = "",
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Open cases are erased once they are closed. Recorded: who, when, how much; not the number searched for."""
    if sum([phone_stdin, openid_stdin, bool(complaint)]) != 1:
        fail(_("Give exactly one of --phone-stdin, --openid-stdin and --complaint."))
    value = complaint or sys.stdin.readline().strip()
    if not value:
        fail(_("Standard input is empty."))
    with desk(data):
        from kesu import clock
        from kesu.retention import services

        subject = "phone" if phone_stdin else "openid" if openid_stdin else "complaint"
        same_payer = services.SEARCHES[subject](value)
        if dry_run:
            done = services.find(same_payer)
        else:
            with audited("payer", "erased", by=by, searched=subject) as details:
                done = services.forget(by or operator(), subject, same_payer, now=clock.now())
                details |= {"erased": len(done.erased), "postponed": len(done.postponed)}
        if json:
            show_json(_facts(done))
        else:
            _tell(done, dry_run)
        if not done.found:
            raise typer.Exit(1)


@privacy.command("log", help=_("What was erased on whose word."))
def log(data: Data = None, json: Json = False) -> None:
    """Oldest first. JSON: at, actor, subject, found, erased, postponed, texts, pictures."""
    with desk(data):
        from kesu.retention.models import Erasure

        columns = ["at", "actor", "subject", "found", "erased", "postponed", "texts", "pictures"]
        rows = list(Erasure.objects.order_by("pk").values(*columns))
        if json:
            show_json(rows)
        else:
            show_table(columns, [[row[column] for column in columns] for row in rows], _("Nothing yet."))


def _facts(done: Any) -> dict[str, Any]:
    return {
        "found": done.found,
        "erased": done.erased,
        "postponed": [{"complaint_id": number, "reason": "open"} for number in done.postponed],
        "texts": done.amount.texts,
        "pictures": done.amount.pictures,
    }


def _tell(done: Any, dry_run: bool) -> None:
    if not done.found:
        output.print(_("No complaint of that payer is known."))
        return
    words = _("Would be erased: %s.") if dry_run else _("Erased: %s.")
    output.print(words % (", ".join(done.erased) or "-"), markup=False, highlight=False, soft_wrap=True)
    if done.postponed:
        output.print(
            _("Still open, erased as soon as they are closed: %s.") % ", ".join(done.postponed),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _what(kind: str) -> str:
    return {
        "notices": _("processed notices as they came"),
        "messages": _("settled pushes with their tries"),
        "pictures": _("pictures of closed complaints"),
        "personal": _("phone, openid and raw answers of closed complaints"),
        "complaints": _("closed complaints, whole"),
    }[kind]
