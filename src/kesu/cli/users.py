"""``kesu users``."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _

app = typer.Typer(no_args_is_help=True)


@app.command("add", help=_("Add a person, or set a new password."))
def add(
    name: Annotated[str, typer.Argument(help=_("Name to sign in with."))],
    data: Data = None,
    display_name: Annotated[str, typer.Option(help=_("Name shown to colleagues."))] = "",
    wecom: Annotated[str, typer.Option(help=_("WeCom account id, for mentions."))] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help=_("Read the password from standard input."))
    ] = False,
) -> None:
    """Without --password-stdin a password is made and printed once."""
    with desk(data):
        from django.contrib.auth.password_validation import validate_password
        from django.core.exceptions import ValidationError

        from kesu.accounts.models import User

        password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
        try:
            User.username_validator(name)
            validate_password(password)
        except ValidationError as error:
            fail(" ".join(error.messages))
        user = User.objects.filter(username=name).first() or User(username=name)
        user.display_name, user.wecom_userid = display_name or user.display_name, wecom or user.wecom_userid
        user.set_password(password)
        user.save()
        if password_stdin:
            output.print(_("%s can sign in.") % name, markup=False)
        else:
            output.print(
                _("%(name)s can sign in with the password %(password)s") % {"name": name, "password": password},
                markup=False,
                highlight=False,
            )


@app.command("quiet", help=_("When a person is not to be disturbed by what is not urgent; off ends it."))
def quiet(
    name: Annotated[str, typer.Argument(help=_("Name to sign in with."))],
    hours: Annotated[str, typer.Argument(help="22:00-08:00 | off")],
    data: Data = None,
) -> None:
    """A message that calls nobody else waits until they end; nothing is dropped."""
    with desk(data):
        from kesu.accounts.models import User
        from kesu.alerts.services import set_personal_quiet_hours

        user = User.objects.filter(username=name).first()
        if user is None:
            fail(_("No such person: %s. kesu users list shows them.") % name)
        try:
            set_personal_quiet_hours(user, "" if hours == "off" else hours)
        except ValueError:
            fail(_("Quiet hours are written 22:00-08:00."))
        output.print(_("Quiet hours of %(name)s: %(hours)s") % {"name": name, "hours": hours}, markup=False)


@app.command("list", help=_("Who may sign in."))
def list_users(data: Data = None, json: Json = False) -> None:
    """Passwords are not stored, only their hashes."""
    with desk(data):
        from kesu.accounts.models import User

        rows = list(
            User.objects.order_by("username").values(
                "username", "display_name", "wecom_userid", "is_active", "last_login"
            )
        )
        if json:
            show_json(rows)
        else:
            show_table(
                [_("Name"), _("Shown as"), "WeCom"],
                [[r["username"], r["display_name"], r["wecom_userid"]] for r in rows],
                _("Nobody yet: kesu users add NAME"),
            )
