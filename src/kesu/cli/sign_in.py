"""``kesu users invite | invitations | withdraw | unlock | reset-second-step | end-sessions``: who comes in, and what
to do when somebody cannot."""

from __future__ import annotations

from typing import Annotated

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.operator import audited
from kesu.cli.users import app, find

__all__ = ["app"]

LOCAL = "http://localhost:8000"
Name = Annotated[str, typer.Argument(help=_("Name to sign in with."))]


@app.command("invite", help=_("Make a link by which one new person joins; good once, for 72 hours."))
def invite(
    role: Annotated[str, typer.Option(help="owner | manager | agent | viewer | auditor")] = "agent",
    display_name: Annotated[str, typer.Option(help=_("Name shown to colleagues."))] = "",
    granted_merchants_only: Annotated[
        bool, typer.Option("--granted-merchants-only", help=_("Sees only merchants granted to them later."))
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """The link is printed once and kept nowhere: whoever has it can join."""
    with desk(data):
        from django.conf import settings
        from django.urls import reverse

        from kesu import clock
        from kesu.accounts import invitations

        try:
            with audited("invitation", "person_changed", invited_as=role) as details:
                made, token = invitations.invite(
                    None, role, all_merchants=not granted_merchants_only, display_name=display_name, now=clock.now()
                )
                details["id"] = made.pk
        except ValueError:
            fail(_("No such role: %s. There are owner, manager, agent, viewer and auditor.") % role)
        link = (settings.KESU_PUBLIC_URL or LOCAL) + reverse("join", args=[token])
        if json:
            show_json({"id": made.pk, "link": link, "role": role, "expires_at": made.expires_at})
        else:
            output.print(link, markup=False, highlight=False, soft_wrap=True)


@app.command("invitations", help=_("Invitations that were not used yet."))
def list_invitations(data: Data = None, json: Json = False) -> None:
    """Their links are not to be had again."""
    with desk(data):
        from kesu import clock
        from kesu.accounts import invitations
        from kesu.cli.moments import shown

        rows = invitations.waiting(now=clock.now())
        if json:
            names = ("id", "role", "display_name", "all_merchants", "created_at", "expires_at")
            show_json([{name: getattr(row, name) for name in names} for row in rows])
        else:
            show_table(
                ["ID", _("Role"), _("Shown as"), _("Until")],
                [[row.pk, row.get_role_display(), row.display_name, shown(row.expires_at)] for row in rows],
                _("None is waiting: kesu users invite"),
            )


@app.command("withdraw", help=_("Withdraw an invitation that was not used yet."))
def withdraw(
    number: Annotated[int, typer.Argument(metavar="ID", help=_("As kesu users invitations shows it."))],
    data: Data = None,
) -> None:
    """Its link opens nothing any more."""
    with desk(data):
        from kesu import clock
        from kesu.accounts import invitations

        now = clock.now()
        found = next((row for row in invitations.waiting(now=now) if row.pk == number), None)
        if found is None:
            fail(_("No invitation %s is waiting.") % number)
        with audited("invitation", "person_changed", id=found.pk, withdrawn=True):
            invitations.revoke(None, found, now=now)
        output.print(_("Withdrawn."))


@app.command("unlock", help=_("Let a name try to sign in again at once, after too many failures."))
def unlock(name: Name, data: Data = None) -> None:
    """Failures of an address are not forgiven; they end by themselves within 15 minutes."""
    with desk(data):
        from kesu.accounts import attempts

        with audited("sign_in", "person_changed") as details:
            number = details["failures_forgiven"] = attempts.forgive(name)
        output.print(_("Failures forgiven: %s") % number, markup=False)


@app.command("reset-second-step", help=_("Remove authenticator app, passkeys and recovery codes of somebody."))
def reset_second_step(name: Name, data: Data = None) -> None:
    """For a lost phone without recovery codes. Their sessions end; the password alone opens the desk until they set it
    up again."""
    with desk(data):
        from kesu.commands import people

        user = find(name)
        with audited(f"user:{name}", "person_changed", second_step_reset=True):
            people.remove_second_step(user)
        output.print(_("The second step of %s was removed.") % name, markup=False)


@app.command("end-sessions", help=_("Sign somebody out everywhere."))
def end_sessions(name: Name, data: Data = None) -> None:
    """Tokens go on: kesu tokens revoke."""
    with desk(data):
        from kesu.commands import people

        user = find(name)
        with audited(f"user:{name}", "person_changed") as details:
            number = details["sessions_ended"] = people.sign_out(user)
        output.print(_("Sessions ended: %s") % number, markup=False)
