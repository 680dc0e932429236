"""The ``kesu`` command."""

from __future__ import annotations

from typing import Annotated

import typer

from kesu import __version__
from kesu.cli import (
    acting,
    audit,
    backup,
    channels,
    complaints,
    demo,
    doctor,
    ladders,
    merchant_treatment,
    outbox,
    refunding,
    replying,
    retention,
    rota,
    sandbox,
    serve,
    sign_in,
    synchronise,
    taking_back,
    tokens,
    webhooks,
)
from kesu.cli.language import _

app = typer.Typer(
    name="kesu",
    help=_("Kesu: a self-hosted complaint desk for WeChat Pay merchants."),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kesu {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=_("Show the version."))
    ] = False,
) -> None:
    pass


app.command("serve", help=_("Run the whole desk: database, pages, receiver and worker."))(serve.serve)
app.command("web", help=_("Run receiver and pages alone."))(serve.web)
app.command("worker", help=_("Run one worker."))(serve.worker)
app.command("migrate", help=_("Bring the database schema up to date."))(serve.migrate)
app.command("demo", help=_("Try everything with a simulated platform; --check plays a scripted 72 hours."))(demo.demo)
app.command("sandbox", help=_("Run a look-alike of WeChat Pay and of the chat robots."))(sandbox.sandbox)
app.add_typer(merchant_treatment.app, name="merchants", help=_("Merchant numbers and their keys."))
app.add_typer(channels.app, name="channels", help=_("Where pushes go: WeCom robots, webhooks, e-mail and the like."))
app.add_typer(ladders.app, name="ladders", help=_("When a case calls whom, again and again."))
app.add_typer(rota.app, name="rota", help=_("Who is on call, week by week."))
app.add_typer(complaints.app, name="complaints", help=_("The complaints the desk knows."))
app.command("reply", help=_("Write to the payer of a complaint."))(replying.reply)
app.command("complete", help=_("Report a complaint as done."))(acting.complete)
app.command("refund", help=_("Refund an order of a complaint by the original route."))(refunding.refund)
app.command("resend-refund", help=_("Send a refund that is abnormal to another card, or to our own account."))(
    refunding.resend_refund
)
app.command("approve", help=_("Approve a refund ticket, and refund with it."))(refunding.approve)
app.command("reject", help=_("Refuse a refund ticket; the platform completes the case at once."))(refunding.reject)
app.command("note", help=_("Write an internal note on a complaint."))(acting.note)
app.command("claim", help=_("Take a complaint on."))(acting.claim)
app.command("assign", help=_("Give a complaint to somebody."))(acting.assign)
app.command("agreement", help=_("Mark a message of the payer as their agreement, or take the mark back."))(
    acting.agreement
)
app.command("release", help=_("Give a complaint back."))(taking_back.release)
app.command("withdraw", help=_("Take back what was not sent to the platform yet."))(taking_back.withdraw)
app.command("settle", help=_("Say what became of a command whose outcome is unknown; nothing is sent."))(
    taking_back.settle
)
app.command("decide", help=_("Grant or decline a refund that waits for a second person."))(taking_back.decide)
app.add_typer(outbox.app, name="outbox", help=_("Pushes owed, sent and failed."))
app.add_typer(sign_in.app, name="users", help=_("People who may sign in."))
app.add_typer(tokens.app, name="tokens", help=_("Keys to the API, each for one person."))
app.add_typer(audit.app, name="audit", help=_("Who did what; and the proof that nobody changed it."))
app.add_typer(webhooks.app, name="webhooks", help=_("Programs of your own that are told of complaints."))
app.command("sync", help=_("Read complaints from the platform now, with progress."))(synchronise.sync)
app.command("backup", help=_("Save the database into one file; Kesu may serve meanwhile."))(backup.backup)
app.command("restore", help=_("Fill the database from a backup file."))(backup.restore)
app.add_typer(retention.app, name="retention", help=_("How long data is kept."))
app.add_typer(retention.privacy, name="privacy", help=_("Delete a payer's data on request."))
app.command("doctor", help=_("Check the installation and say what to do."))(doctor.doctor)


def main() -> None:
    """Entry point of the installed command."""
    app()
