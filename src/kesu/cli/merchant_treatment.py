"""``kesu merchants``: how a connected number is treated, what its replies may say, what the merchants below it are
called. By the same verbs as the settings' pages and the REST API, as the person whom ``--as`` names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from kesu.cli.doing import As, acting
from kesu.cli.environment import Data, Json, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.merchant_keys import Number, account_named, app

__all__ = ["app"]

KINDS = "phone | wechat_id | mini_program | domain | word"
SubMchid = Annotated[str, typer.Option("--sub", help=_("Only for this sub-merchant."))]
YesNo = bool | None


@app.command("change", help=_("How complaints of a merchant number are treated; what is left out stays."))
def change(
    mchid: Number,
    name: Annotated[str | None, typer.Option("--name", help=_("What staff call it."))] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help=_("Deadlines: rolling (24 h / 72 h) or calendar days."))
    ] = None,
    reply_limit: Annotated[
        int | None, typer.Option("--reply-limit", min=1, max=500, help=_("Longest reply, characters."))
    ] = None,
    jumps: Annotated[
        YesNo, typer.Option("--jumps/--no-jumps", help=_("Whether the platform opened links and jumps for it."))
    ] = None,
    repair: Annotated[
        YesNo,
        typer.Option("--repair/--report-only", help=_("Whether a changed callback address is set right or only told.")),
    ] = None,
    enabled: Annotated[
        YesNo, typer.Option("--on/--off", help=_("Off: nothing is polled and nobody is woken; what is stored stays."))
    ] = None,
    data: Data = None,
    as_: As = "",
) -> None:
    """Deadlines of complaints under way follow a new profile when they are read the next time."""
    given = {
        "name": name,
        "deadline_profile": profile,
        "reply_limit": reply_limit,
        "jumps_allowed": jumps,
        "repair_callback": repair,
        "enabled": enabled,
    }
    with account_named(mchid, data) as account, _permitted():
        from kesu import clock
        from kesu.merchants import verbs

        wanted = {key: value for key, value in given.items() if value is not None}
        changed = verbs.change(acting(as_), account, wanted, now=clock.now())
        told = ", ".join(f"{key}={value}" for key, value in changed.items())
        output.print(_("Changed: %s.") % (told or "-"), markup=False, highlight=False)


@app.command("allowances", help=_("What the red lines let pass in a number's replies."))
def list_allowances(mchid: Number, data: Data = None, json: Json = False) -> None:
    """JSON: id, kind, value, sub_mchid."""
    with account_named(mchid, data) as account:
        from kesu.commands.models import Allowance

        columns = ["id", "kind", "value", "sub_mchid"]
        rows = list(Allowance.objects.filter(account=account).order_by("kind", "pk").values(*columns))
        if json:
            show_json(rows)
        else:
            show_table(columns, [list(row.values()) for row in rows], _("Nothing yet."))


@app.command("allow", help=_("Let a service number, WeChat id, mini program, domain or word pass in replies."))
def allow(
    mchid: Number,
    kind: Annotated[str, typer.Argument(help=KINDS)],
    value: Annotated[str, typer.Argument(help=_("As payers would read it."))],
    sub_mchid: SubMchid = "",
    data: Data = None,
    as_: As = "",
) -> None:
    """Again: nothing happens."""
    with account_named(mchid, data) as account, _permitted():
        from kesu import clock
        from kesu.commands import allowances
        from kesu.commands.models import Allowance

        if kind not in Allowance.Kind.values:
            fail(_("The kind must be one of %s.") % ", ".join(Allowance.Kind.values))
        if not 0 < len(value.strip()) <= allowances.LONGEST_VALUE:
            fail(_("A value has 1 to %s characters.") % allowances.LONGEST_VALUE)
        row = allowances.allow(acting(as_), account, kind, value, sub_mchid=sub_mchid, now=clock.now())
        output.print(_("From now on replies may say this (%s).") % row.pk, markup=False, highlight=False)


@app.command("disallow", help=_("Take something off the list again, by the id that allowances shows."))
def disallow(
    mchid: Number, number: Annotated[int, typer.Argument(metavar="ID", min=1)], data: Data = None, as_: As = ""
) -> None:
    """From the next check on it is a finding again."""
    with account_named(mchid, data) as account, _permitted():
        from kesu import clock
        from kesu.commands import allowances
        from kesu.commands.models import Allowance

        row = Allowance.objects.select_related("account").filter(account=account, pk=number).first()
        if row is None:
            fail(_("There is nothing of this id on the list: kesu merchants allowances %s.") % mchid)
        allowances.disallow(acting(as_), row, now=clock.now())
        output.print(_("Taken off the list."), markup=False)


@app.command("name-sub", help=_("What staff read for a sub-merchant; an empty name shows its number."))
def name_sub_merchant(
    mchid: Number,
    sub_mchid: Annotated[str, typer.Argument(help=_("Number of the sub-merchant."))],
    name: Annotated[str, typer.Argument(help=_("What staff call it."))],
    data: Data = None,
    as_: As = "",
) -> None:
    with account_named(mchid, data) as account, _permitted():
        from kesu import clock
        from kesu.merchants import verbs

        row = account.sub_merchants.select_related("account").filter(mchid=sub_mchid).first()
        if row is None:
            fail(_("Nothing was heard of a sub-merchant %s yet.") % sub_mchid)
        verbs.rename_sub_merchant(acting(as_), row, name, now=clock.now())
        output.print(str(row), markup=False, highlight=False)


@contextmanager
def _permitted() -> Iterator[Any]:
    """Ends the command for a person who may not."""
    from kesu.accounts.roles import Forbidden

    try:
        yield
    except Forbidden as forbidden:
        fail(str(forbidden))
