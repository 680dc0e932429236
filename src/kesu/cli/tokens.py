"""``kesu tokens``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.moments import shown
from kesu.cli.operator import audited
from kesu.cli.users import find

app = typer.Typer(no_args_is_help=True)

SCOPES = "read | act | admin"


@app.command("create", help=_("Make a token for the API; it is shown once."))
def create(
    user: Annotated[str, typer.Option("--user", help=_("Whose token it is: it may do no more than they may."))],
    name: Annotated[str, typer.Option("--name", help=_("What it is for."))] = "API",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help=SCOPES + _("; repeat for more, all of them when left out."))
    ] = None,
    days: Annotated[int, typer.Option("--days", min=0, help=_("It ends after so many days; 0 is never."))] = 365,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send it as: Authorization: Bearer kesu_..."""
    with desk(data):
        from kesu import clock
        from kesu.accounts import tokens

        owner, now = find(user), clock.now()
        ends = now + timedelta(days=days) if days else None
        try:
            with audited(f"user:{user}", "token_created", name=name[:60]) as details:
                token, secret = tokens.create(owner, name[:60], scope or list(tokens.Scope), expires_at=ends, now=now)
                details |= {"id": token.pk, "scopes": token.scopes}
        except ValueError:
            fail(_("A scope is one of %s.") % SCOPES)
        if json:
            show_json({"token": secret, **_facts(token)})
        else:
            output.print(_("The token, shown only now:"))
            output.print(secret, markup=False, highlight=False, soft_wrap=True)


@app.command("list", help=_("The tokens there are, without their secrets."))
def list_tokens(
    user: Annotated[str, typer.Option("--user", help=_("Only of this person."))] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """The oldest first."""
    with desk(data):
        from kesu.accounts.models import ApiToken

        rows = ApiToken.objects.select_related("user").order_by("pk")
        found = [_facts(token) for token in (rows.filter(user=find(user)) if user else rows)]
        if json:
            show_json(found)
        else:
            show_table(
                ["ID", _("Name"), _("Whose"), _("Scopes"), _("Last used"), _("Until"), _("Revoked")],
                [
                    [
                        *(row["id"], row["name"], row["user"], " ".join(row["scopes"])),
                        *(shown(row[at]) if row[at] else "" for at in ("last_used_at", "expires_at", "revoked_at")),
                    ]
                    for row in found
                ],
                _("None yet: kesu tokens create --user NAME"),
            )


@app.command("revoke", help=_("End a token for ever."))
def revoke(
    number: Annotated[int, typer.Argument(metavar="ID", help=_("As kesu tokens list shows it."))], data: Data = None
) -> None:
    """Refused from the next call on."""
    with desk(data):
        from kesu import clock
        from kesu.accounts import tokens
        from kesu.accounts.models import ApiToken

        token = ApiToken.objects.select_related("user").filter(pk=number).first()
        if token is None:
            fail(_("No such token: %s. kesu tokens list shows them.") % number)
        with audited(f"user:{token.user.username}", "token_revoked", id=token.pk, name=token.name):
            tokens.revoke(token, now=clock.now())
        output.print(_("Token %s is revoked.") % number)


def _facts(token: Any) -> dict[str, Any]:
    names = ("name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {"id": token.pk, "user": token.user.username, **{name: getattr(token, name) for name in names}}
