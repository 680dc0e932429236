"""``kesu ladders``."""

from __future__ import annotations

import json as encoding
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.moments import moment, shown
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)


@app.command("list", help=_("Ladders, and the rules that choose one for a case."))
def list_ladders(data: Data = None, json: Json = False) -> None:
    """The first rule that fits counts; without one a case climbs the default."""
    with desk(data):
        from kesu.alerts.ladders import book
        from kesu.rules.ladders import LADDERS

        known = book()
        rows = [
            {
                "name": name,
                "steps": len(ladder.steps),
                "built_in": ladder == LADDERS.get(name),
                "rules": [
                    {"place": place, "mchids": sorted(rule.mchids), "kinds": sorted(rule.kinds)}
                    for place, rule in enumerate(known.rules, start=1)
                    if rule.ladder == name
                ],
            }
            for name, ladder in sorted(known.ladders.items())
        ]
        if json:
            show_json(rows)
            return
        columns = [_("Name"), _("Steps"), _("For")]
        show_table(columns, [[row["name"], row["steps"], _for_whom(row)] for row in rows], "")


@app.command("show", help=_("One ladder, as kesu ladders set reads it."))
def show(name: Annotated[str, typer.Argument(help=_("The ladder's name."))], data: Data = None) -> None:
    """JSON in any case: change it and set it again."""
    with desk(data):
        from kesu.alerts.ladders import book
        from kesu.rules.ladders import dump

        ladder = book().ladders.get(name)
        if ladder is None:
            fail(_("No such ladder: %s. kesu ladders list shows them.") % name)
        show_json({"ladders": {name: dump(ladder)}})


@app.command("set", help=_("Set ladders and rules from a JSON file; running cases climb them at once."))
def set_ladders(
    file: Annotated[Path, typer.Argument(help=_("The file, or - for standard input."), allow_dash=True)],
    data: Data = None,
) -> None:
    """{"ladders": {"night": [{"clock": "reply", "before": "4h", "to": ["rota:night"]}, ...]}, "rules": [...]}"""
    with desk(data):
        from kesu import clock
        from kesu.alerts import services
        from kesu.rules.ladder_steps import LadderError
        from kesu.rules.ladders import LadderFormatError

        try:
            with audited("ladders"):
                number = services.set_ladders(_read(file), now=clock.now())
        except (LadderError, LadderFormatError) as error:
            fail(_("Nothing was changed: %s") % error)
        output.print(_("Set. %s running reminders climb them now.") % number)


@app.command("remove", help=_("Take a ladder away; a built-in one that was changed is as it was again."))
def remove(name: Annotated[str, typer.Argument(help=_("The ladder's name."))], data: Data = None) -> None:
    """Not while a rule names it. Running cases climb what is left at once."""
    with desk(data):
        from kesu.alerts import services
        from kesu.rules.ladders import LadderFormatError

        try:
            with audited("ladders", removed=name):
                services.remove_ladder(name)
        except LadderFormatError as error:
            fail(_("Nothing was changed: %s") % error)
        output.print(_("Ladder %s is removed.") % name, markup=False)


@app.command("preview", help=_("Who would be woken, and when, for a complaint raised now that nobody answers."))
def preview(
    mchid: Annotated[str, typer.Option("--mchid", help=_("The merchant complained about."))] = "",
    at: Annotated[str, typer.Option("--at", help=_("When it is raised, in Beijing: 2026-11-28 23:00."))] = "",
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", help="repeat | high_risk | immediate_service | platform_service | REFUND ..."),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Times are Beijing's. Held: by quiet hours."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.preview import account_of
        from kesu.alerts.preview import preview as previewed
        from kesu.merchants.models import Account

        account = account_of(mchid) if mchid else Account.objects.order_by("pk").first()
        if account is None:
            fail(_("No such merchant number. kesu merchants list shows them."))
        raised_at = moment(at) if at else clock.now()
        found = previewed(account, mchid=mchid, kinds=kind or [], at=raised_at)
        if json:
            show_json({"ladder": found.ladder, "raised_at": raised_at, "wakes": [_plain(wake) for wake in found.wakes]})
            return
        output.print(_("Ladder: %s") % found.ladder, markup=False)
        columns = [_("Time"), _("Clock"), _("What"), _("Channel"), _("Calls"), _("Held since")]
        rows = [
            [
                shown(wake.delivered_at),
                wake.clock,
                wake.kind,
                wake.channel,
                " ".join(wake.called) or "-",
                shown(wake.at) if wake.at != wake.delivered_at else "",
            ]
            for wake in found.wakes
        ]
        show_table(columns, rows, _("Nobody would be told: kesu channels add --help"))


def _read(file: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        found = encoding.loads(text)
    except OSError as error:
        fail(_("The file cannot be read: %s") % error)
    except (ValueError, RecursionError):
        fail(_("The file is not JSON."))
    if not isinstance(found, dict):
        fail(_("The file must hold an object with ladders, rules, or both."))
    return found


def _for_whom(row: dict[str, Any]) -> str:
    rules = [
        f"{rule['place']}: {', '.join(rule['mchids']) or '*'} / {', '.join(rule['kinds']) or '*'}"
        for rule in row["rules"]
    ]
    return "; ".join([*rules, *([_("everything else")] if row["name"] == "default" else [])])


def _plain(wake: Any) -> dict[str, Any]:
    names = ("at", "delivered_at", "clock", "kind", "urgency", "channel", "called")
    return {name: getattr(wake, name) for name in names}
