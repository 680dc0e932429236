"""``kesu rota``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.moments import moment, shown
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=_("The rota's name."))]
Person = Annotated[str, typer.Argument(help=_("The name a person signs in with."))]
WEEKS_SHOWN = 8


@app.command("list", help=_("Rotas: who is on call now, and in the weeks to come."))
def list_rotas(data: Data = None, json: Json = False) -> None:
    """Times are Beijing's; * marks what was agreed besides the turns."""
    with desk(data):
        from kesu import clock
        from kesu.alerts.models import Rota
        from kesu.alerts.people import rota_of
        from kesu.rules.rota import duties

        now = clock.now()
        rows = [
            {"rota": row.name, **{name: getattr(duty, name) for name in _DUTY}}
            for row in Rota.objects.order_by("name")
            for duty in duties(rota_of(row), now, now + timedelta(weeks=WEEKS_SHOWN))
        ]
        if json:
            show_json(rows)
            return
        columns = [_("Rota"), _("On call"), _("From"), _("Until")]
        table = [
            [row["rota"], f"{row['person']}{' *' if row['overridden'] else ''}", *map(shown, (row[at] for at in _ENDS))]
            for row in rows
        ]
        show_table(columns, table, _("None yet: kesu rota add --help"))


@app.command("add", help=_("Make a rota, or let people join one."))
def add(
    name: Name,
    member: Annotated[
        list[str] | None, typer.Option("--member", help=_("A person, in the order of turns; repeat for more."))
    ] = None,
    weekday: Annotated[
        int | None,
        typer.Option(min=1, max=7, help=_("Turns start on this day, 1 for Monday; of a new rota 1 by default.")),
    ] = None,
    hour: Annotated[
        int | None, typer.Option(min=0, max=23, help=_("And at this hour in Beijing; of a new rota 9 by default."))
    ] = None,
    data: Data = None,
) -> None:
    """Ladders name it as rota:NAME. Nobody's present turn ends when others join, nor when turns start otherwise."""
    with desk(data):
        from kesu import clock
        from kesu.alerts import rotas
        from kesu.alerts.models import Rota

        users = [_person(one) for one in member or []]
        row = Rota.objects.filter(name=name).first()
        with audited(f"rota:{name}", joined=[user.username for user in users]):
            if row is None:
                rotas.create(name, users, weekday or 1, 9 if hour is None else hour, now=clock.now())
            else:
                rotas.add_members(row, users, now=clock.now())
                if weekday is not None or hour is not None:
                    rotas.set_handover(row, weekday, hour, now=clock.now())
        output.print(_("Rota %s is set: kesu rota list") % name, markup=False)


@app.command("remove", help=_("Delete a rota, with what was agreed besides its turns."))
def remove(name: Name, data: Data = None) -> None:
    """Not while a ladder names it."""
    with desk(data):
        from kesu.alerts import rotas
        from kesu.alerts.ladders import naming

        row = _find(name)
        try:
            with audited(f"rota:{name}", removed=True):
                rotas.remove(row)
        except rotas.RotaError:
            fail(_("Ladders name it: %s. Set them without it first.") % ", ".join(naming(f"rota:{name}")))
        output.print(_("Rota %s is removed.") % name, markup=False)


@app.command("leave", help=_("Let somebody leave a rota; the next one takes over at once."))
def leave(name: Name, person: Person, data: Data = None) -> None:
    """Overrides stay."""
    with desk(data):
        from kesu import clock
        from kesu.alerts import rotas

        with audited(f"rota:{name}", left=person):
            rotas.remove_member(_find(name), _person(person), now=clock.now())
        output.print(_("Rota %s is set: kesu rota list") % name, markup=False)


@app.command("override", help=_("Put somebody on call for a while, whoever's turn it is."))
def override(
    name: Name,
    person: Person,
    start: Annotated[str, typer.Option("--from", help=_("When it begins, in Beijing: 2026-11-28 09:00."))],
    until: Annotated[str, typer.Option("--until", help=_("When it ends."))],
    data: Data = None,
) -> None:
    """Of overlapping ones the later counts."""
    with desk(data):
        from kesu.alerts import rotas

        try:
            with audited(f"rota:{name}", on_call=person, start=start, until=until):
                rotas.override(_find(name), _person(person), moment(start), moment(until))
        except rotas.RotaError:
            fail(_("It must end after it begins."))
        output.print(_("Rota %s is set: kesu rota list") % name, markup=False)


@app.command("overrides", help=_("What was agreed besides the turns and is not over yet, with its numbers."))
def overrides(name: Name, data: Data = None, json: Json = False) -> None:
    """A swap made two of them."""
    with desk(data):
        from kesu import clock

        coming = (
            _find(name).overrides.filter(ends_at__gt=clock.now()).select_related("user").order_by("starts_at", "pk")
        )
        rows = [
            {"number": row.pk, "person": row.user.username, "starts_at": row.starts_at, "ends_at": row.ends_at}
            for row in coming
        ]
        if json:
            show_json(rows)
            return
        columns = [_("No."), _("On call"), _("From"), _("Until")]
        table = [[str(row["number"]), row["person"], *map(shown, (row[at] for at in _ENDS))] for row in rows]
        show_table(columns, table, _("None yet: kesu rota override --help"))


@app.command("withdraw", help=_("Take back one of them: the turn counts again."))
def withdraw(
    name: Name,
    number: Annotated[int, typer.Argument(help=_("Its number, as kesu rota overrides shows it."))],
    data: Data = None,
) -> None:
    """One that is under way ends at once."""
    with desk(data):
        from kesu.alerts import rotas

        try:
            with audited(f"rota:{name}") as details:
                taken = rotas.withdraw(_find(name), number)
                details |= {"withdrawn": taken.user.username, "start": shown(taken.starts_at)}
                details["until"] = shown(taken.ends_at)
        except rotas.RotaError as error:
            fail(_REFUSED[error.code])
        output.print(_("Rota %s is set: kesu rota list") % name, markup=False)


@app.command("swap", help=_("Let two people take each other's turn: of the weeks that hold these two times."))
def swap(
    name: Name,
    one: Annotated[str, typer.Argument(help=_("A time in the first turn, in Beijing: 2026-11-28."))],
    other: Annotated[str, typer.Argument(help=_("A time in the second turn."))],
    data: Data = None,
) -> None:
    """Only these two turns change."""
    with desk(data):
        from kesu.alerts import rotas

        try:
            with audited(f"rota:{name}", swapped=[one, other]):
                rotas.swap(_find(name), moment(one), moment(other))
        except rotas.RotaError as error:
            fail(_REFUSED[error.code])
        output.print(_("Rota %s is set: kesu rota list") % name, markup=False)


_ENDS = ("starts_at", "ends_at")
_DUTY = ("person", *_ENDS, "overridden")
_REFUSED = {
    "no_members": _("The rota has no members: kesu rota add."),
    "same_turn": _("Both times are in the same turn."),
    "same_person": _("The same person is on call in both turns."),
    "backwards": _("It must end after it begins."),
    "no_override": _("The rota has no override with this number."),
}


def _find(name: str) -> Any:
    from kesu.alerts.models import Rota

    row = Rota.objects.filter(name=name).first()
    if row is None:
        fail(_("No such rota: %s. kesu rota list shows them.") % name)
    return row


def _person(name: str) -> Any:
    from kesu.accounts.models import User

    user = User.objects.filter(username=name).first()
    if user is None:
        fail(_("No such person: %s. kesu users list shows them.") % name)
    return user
