"""``kesu users``."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.money import fen, yuan
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)

ROLES = "owner | manager | agent | viewer | auditor"
ALL = "all"
OWN_LIMIT = "role"

Name = Annotated[str, typer.Argument(help=_("Name to sign in with."))]
RoleOption = Annotated[str, typer.Option("--role", help=ROLES)]
Limit = Annotated[
    str, typer.Option("--refund-limit", help=_("The greatest refund alone, in yuan; role is the role's own limit."))
]
Merchants = Annotated[
    list[str] | None,
    typer.Option(
        "--merchants", help=_("MCHID, or MCHID,SUB,...: sees only these; repeat for more. all is every merchant.")
    ),
]


@app.command("add", help=_("Add a person, or set a new password."))
def add(
    name: Name,
    data: Data = None,
    display_name: Annotated[str, typer.Option(help=_("Name shown to colleagues."))] = "",
    wecom: Annotated[str, typer.Option(help=_("WeCom account id, for mentions."))] = "",
    role: RoleOption = "",
    refund_limit: Limit = "",
    merchants: Merchants = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help=_("Read the password from standard input."))
    ] = False,
) -> None:
    """Without --password-stdin a password is made and printed once. The first person is an owner, later ones agents,
    unless --role says otherwise."""
    with desk(data):
        from django.contrib.auth.password_validation import validate_password
        from django.core.exceptions import ValidationError

        from kesu.accounts.models import User
        from kesu.accounts.people import role_of_the_next

        password = sys.stdin.readline().rstrip("\n") if password_stdin else secrets.token_urlsafe(12)
        try:
            User.username_validator(name)
            validate_password(password)
        except ValidationError as error:
            fail(" ".join(error.messages))
        known = User.objects.filter(username=name).first()
        user = known or User(username=name, role=role_of_the_next())
        user.display_name, user.wecom_userid = display_name or user.display_name, wecom or user.wecom_userid
        user.set_password(password)
        with audited(f"user:{name}", "person_changed", **{"password_set" if known else "added": True}) as details:
            user.save()
            details |= _change(user, role, refund_limit, merchants)
            details["role"] = str(user.role)
        if password_stdin:
            output.print(_("%s can sign in.") % name, markup=False)
        else:
            output.print(
                _("%(name)s can sign in with the password %(password)s") % {"name": name, "password": password},
                markup=False,
                highlight=False,
            )


@app.command("role", help=_("What a person may do: role, refund limit, merchants."))
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help=ROLES)] = "",
    data: Data = None,
    refund_limit: Limit = "",
    merchants: Merchants = None,
    display_name: Annotated[str, typer.Option(help=_("Name shown to colleagues."))] = "",
) -> None:
    """Counts from the next request on. There is always an owner."""
    with desk(data):
        user = find(name)
        with audited(f"user:{name}", "person_changed") as details:
            details |= _change(user, role, refund_limit, merchants, display_name)
        output.print(_("%(name)s is %(role)s now.") % {"name": name, "role": user.get_role_display()}, markup=False)


@app.command("disable", help=_("Let a person in no more; what they did stays. --undo lets them in again."))
def disable(
    name: Name, data: Data = None, undo: Annotated[bool, typer.Option("--undo", help=_("Let them in again."))] = False
) -> None:
    """Pages and API tokens refuse them from the next request on."""
    with desk(data):
        from kesu.accounts import people

        user = find(name)
        try:
            with audited(f"user:{name}", "person_changed", active=undo):
                people.switch(user, active=undo)
        except people.LastOwnerError:
            fail(_("%s is the only owner. Make somebody else an owner first: kesu users role NAME owner.") % name)
        output.print((_("%s can sign in.") if undo else _("%s can sign in no more.")) % name, markup=False)


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
            with audited(f"user:{name}", "person_changed", quiet_hours=hours):
                set_personal_quiet_hours(user, "" if hours == "off" else hours)
        except ValueError:
            fail(_("Quiet hours are written 22:00-08:00."))
        output.print(_("Quiet hours of %(name)s: %(hours)s") % {"name": name, "hours": hours}, markup=False)


@app.command("address", help=_("What a DingTalk or Feishu robot calls a person by; off for nothing."))
def address(
    name: Name,
    kind: Annotated[str, typer.Argument(help="dingtalk_robot | feishu_robot")],
    called: Annotated[str, typer.Argument(help=_("Mobile number or user id in DingTalk, open id in Feishu; off."))],
    data: Data = None,
) -> None:
    """Other channels call people by their WeCom account id."""
    with desk(data):
        from kesu.alerts.services import set_address

        user = find(name)
        try:
            with audited(f"user:{name}", "person_changed", address_for=kind):
                set_address(user, kind, "" if called == "off" else called)
        except ValueError:
            fail(_("There are dingtalk_robot and feishu_robot, and at most 64 characters."))
        output.print(_("What calls %s is set: kesu users list --json") % name, markup=False)


@app.command("list", help=_("Who may sign in."))
def list_users(data: Data = None, json: Json = False) -> None:
    """Passwords are not stored, only their hashes."""
    with desk(data):
        from kesu.accounts.models import User

        users = list(User.objects.order_by("username"))
        if json:
            show_json([_facts(user) for user in users])
        else:
            show_table(
                [_("Name"), _("Shown as"), _("Role"), _("Refunds alone"), _("Merchants"), "WeCom", _("Quiet hours")],
                [_row(user) for user in users],
                _("Nobody yet: kesu users add NAME"),
            )


def find(name: str) -> Any:
    """The person of that name; ends the command when there is none."""
    from kesu.accounts.models import User

    user = User.objects.filter(username=name).first()
    if user is None:
        fail(_("No such person: %s. kesu users list shows them.") % name)
    return user


def _change(user: Any, role: str, limit: str, merchants: list[str] | None, display_name: str = "") -> dict[str, Any]:
    """Change what was named; what it was, for the audit."""
    from kesu.commands import people

    wanted = people.Changes()
    if role:
        wanted["role"] = role
    if limit:
        wanted["refund_limit"] = None if limit == OWN_LIMIT else fen(limit)
    if merchants:
        wanted["merchants"] = None if merchants == [ALL] else merchants
    if display_name:
        wanted["display_name"] = display_name
    try:
        changed = people.store(user, wanted)
    except people.PersonError as wrong:
        said = {
            "last_owner": _("%s is the only owner. Make somebody else an owner first: kesu users role NAME owner.")
            % user.username,
            "unknown_merchant": _("No such account: %s. kesu merchants list shows them.")
            % wrong.values.get("mchid", ""),
        }
        fail(said.get(wrong.reason) or str(wrong))
    except ValueError:
        fail(_("No such role: %s. There are owner, manager, agent, viewer and auditor.") % role)
    return {name: value for name, value in changed.items() if name != "changed"}


def _facts(user: Any) -> dict[str, Any]:
    from kesu.accounts.roles import refund_limit, sees_all_merchants
    from kesu.alerts.people import quiet_hours
    from kesu.merchants.grants import scope

    names = ("username", "display_name", "wecom_userid", "is_active", "last_login", "role")
    return {
        **{name: getattr(user, name) for name in names},
        "refund_limit": refund_limit(user),
        "all_merchants": sees_all_merchants(user),
        "merchants": scope(user),
        "quiet_hours": quiet_hours(user),
        "addresses": dict(user.addresses.values_list("kind", "address")),
    }


def _row(user: Any) -> list[str]:
    facts = _facts(user)
    role = str(user.get_role_display())
    return [
        user.username,
        user.display_name,
        role if user.is_active else _("%s (switched off)") % role,
        yuan(facts["refund_limit"], _("without limit")),
        _("all") if facts["all_merchants"] else " ".join(facts["merchants"]) or "-",
        user.wecom_userid,
        facts["quiet_hours"],
    ]
