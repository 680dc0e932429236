"""``kesu webhooks``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.environment import Data, Json, desk, fail, output, show_json, show_table
from kesu.cli.language import _
from kesu.cli.moments import shown
from kesu.cli.operator import audited

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=_("The webhook's name."))]


@app.command("add", help=_("Tell a program of your own of complaints; its secret is shown once."))
def add(
    name: Name,
    url: Annotated[str, typer.Option("--url", help=_("Where it takes them, https://…"))],
    event: Annotated[
        list[str] | None,
        typer.Option("--event", help=_("Only this type of event; repeat for more, all when left out.")),
    ] = None,
    account: Annotated[str, typer.Option("--account", help=_("Only this merchant number."))] = "",
    sub_mchid: Annotated[str, typer.Option("--sub-mchid", help=_("Only this sub-merchant of it."))] = "",
    data: Data = None,
    json: Json = False,
) -> None:
    """Try it with kesu webhooks test NAME."""
    with desk(data):
        from kesu import clock
        from kesu.merchants.models import Account
        from kesu.rules.hooks import SUBSCRIBABLE
        from kesu.webhooks import endpoints, services

        of_account = Account.objects.filter(mchid=account).first() if account else None
        if account and of_account is None:
            fail(_("No such account: %s. kesu merchants list shows them.") % account)
        wanted = endpoints.Wanted(name, url, event or [str(one) for one in SUBSCRIBABLE], of_account, sub_mchid)
        try:
            with audited(f"webhook:{name[:60]}", added=True) as details:
                endpoint, secret = endpoints.add(wanted, created_by=None, now=clock.now())
                details |= services.facts(endpoint)
        except endpoints.EndpointError as error:
            fail(str(error))
        if json:
            show_json({"id": endpoint.pk, "name": endpoint.name, "secret": secret, "events": endpoint.events})
        else:
            _show_secret(secret)


@app.command("list", help=_("Which programs are told of complaints, and how they are."))
def list_webhooks(data: Data = None, json: Json = False) -> None:
    """Addresses are shown without their paths."""
    with desk(data):
        from kesu.webhooks import queries

        rows = [
            {
                "id": health.endpoint.pk,
                "name": health.endpoint.name,
                "address": health.address,
                "state": health.state,
                "pending": health.pending,
                "failed": health.failed,
                "events": health.endpoint.events,
                "account": health.endpoint.account.mchid if health.endpoint.account else None,
                "sub_mchid": health.endpoint.sub_mchid,
                "reason": health.endpoint.disabled_reason,
            }
            for health in queries.endpoints()
        ]
        if json:
            show_json(rows)
            return
        columns = ["name", "address", "state", "pending", "failed", "reason"]
        show_table(
            columns, [[row[column] for column in columns] for row in rows], _("None yet: kesu webhooks add --help")
        )


@app.command("test", help=_("Send an event that means nothing, and say what was answered."))
def send_test(name: Name, data: Data = None, json: Json = False) -> None:
    """Exit status 1 unless it was taken."""
    with desk(data):
        import asyncio

        from kesu import clock
        from kesu.webhooks import claims, endpoints, sending
        from kesu.webhooks.models import Delivery

        endpoint, now = _find(name), clock.now()
        try:
            with audited(f"webhook:{name}", tested=True):
                # Not due for a while: this command sends it, a worker only should the command die.
                delivery = endpoints.send_test(endpoint, now=now, due_at=now + claims.LEASE)
        except endpoints.EndpointError as error:
            fail(str(error))
        asyncio.run(sending.send_only(delivery.pk, clock=clock.now))
        delivery = Delivery.objects.get(pk=delivery.pk)
        attempt = delivery.log.order_by("number").last()
        result = {"webhook": name, "state": delivery.state, **(_try(attempt) if attempt else {})}
        taken = delivery.state == Delivery.State.DELIVERED
        if json:
            show_json(result)
        elif taken:
            output.print(_("Taken."))
        else:
            fail(_("Not taken: %s") % delivery.error)
        if not taken:
            raise typer.Exit(1)


@app.command("log", help=_("What was delivered, the newest first, with the numbers for redeliver."))
def log(
    name: Annotated[str, typer.Argument(help=_("Only of this webhook."))] = "",
    state: Annotated[str, typer.Option("--state", help="pending | delivered | failed")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help=_("How many at most."))] = 20,
    data: Data = None,
    json: Json = False,
) -> None:
    """Each with its tries."""
    with desk(data):
        from kesu.webhooks import queries

        rows = [_row(row) for row in queries.log(_find(name) if name else None, state=state, limit=limit)]
        if json:
            show_json(rows)
            return
        columns = ["ID", _("Webhook"), _("Event"), _("Complaint"), _("State"), _("Tries"), _("When"), _("Error")]
        cells = [
            [
                *(row["id"], row["webhook"], row["type"], row["complaint_id"], row["state"]),
                *(len(row["tries"]), shown(row["created_at"]), row["error"]),
            ]
            for row in rows
        ]
        show_table(columns, cells, _("Nothing yet."))


@app.command("redeliver", help=_("Deliver something once more, with the same id."))
def redeliver(
    number: Annotated[int, typer.Argument(metavar="ID", help=_("As kesu webhooks log shows it."))], data: Data = None
) -> None:
    """The worker sends it."""
    with desk(data):
        from kesu import clock
        from kesu.webhooks import endpoints
        from kesu.webhooks.models import Delivery

        delivery = Delivery.objects.select_related("endpoint", "event").filter(pk=number).first()
        if delivery is None:
            fail(_("No such delivery: %s. kesu webhooks log shows them.") % number)
        try:
            with audited(f"webhook:{delivery.endpoint.name}", redelivered=str(delivery.event.event_id)):
                endpoints.redeliver(delivery, now=clock.now())
        except endpoints.EndpointError as error:
            fail(str(error))
        output.print(_("It is delivered once more."))


@app.command("rotate", help=_("Make a new secret; the one before signs too for 24 hours."))
def rotate(name: Name, data: Data = None, json: Json = False) -> None:
    """Shown once."""
    with desk(data):
        from kesu import clock
        from kesu.webhooks import endpoints

        with audited(f"webhook:{name}", rotated=True):
            secret = endpoints.rotate(_find(name), now=clock.now())
        if json:
            show_json({"name": name, "secret": secret})
        else:
            _show_secret(secret)


@app.command("switch", help=_("Switch a webhook on again, or off."))
def switch(
    name: Name, on: Annotated[bool, typer.Option("--on/--off", help=_("On by default."))] = True, data: Data = None
) -> None:
    """What it was owed when switched off fails; kesu webhooks redeliver brings it back."""
    with desk(data):
        from kesu.webhooks import endpoints

        with audited(f"webhook:{name}", enabled=on):
            endpoints.switch(_find(name), enabled=on)
        output.print((_("%s is on.") if on else _("%s is off.")) % name, markup=False)


@app.command("remove", help=_("Remove a webhook with its log."))
def remove(name: Name, data: Data = None) -> None:
    """For ever; kesu webhooks switch NAME --off keeps the log."""
    with desk(data):
        from kesu.webhooks import endpoints

        with audited(f"webhook:{name}", removed=True):
            endpoints.remove(_find(name))
        output.print(_("%s is removed.") % name, markup=False)


def _find(name: str) -> Any:
    from kesu.webhooks.models import Endpoint

    endpoint = Endpoint.objects.filter(name=name).first()
    if endpoint is None:
        fail(_("No such webhook: %s. kesu webhooks list shows them.") % name)
    return endpoint


def _show_secret(secret: str) -> None:
    output.print(_("The secret that signs, shown only now:"))
    output.print(secret, markup=False, highlight=False, soft_wrap=True)


def _row(row: Any) -> dict[str, Any]:
    return {
        "id": row.pk,
        "webhook": row.endpoint.name,
        "event_id": str(row.event.event_id),
        "type": row.event.type,
        "complaint_id": row.event.complaint.complaint_id if row.event.complaint else None,
        "state": row.state,
        "error": row.error,
        "created_at": row.created_at,
        "delivered_at": row.delivered_at,
        "tries": [_try(attempt) for attempt in row.log.all()],
    }


def _try(attempt: Any) -> dict[str, Any]:
    names = ("number", "at", "outcome", "status", "error", "duration_ms", "response")
    return {name: getattr(attempt, name) for name in names}
