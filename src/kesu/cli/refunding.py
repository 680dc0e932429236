"""``kesu refund | resend-refund | approve | reject``: what moves money, and the decision on a refund ticket."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from kesu.cli.doing import Accept, As, ComplaintId, Override, Pictures, Yes, do, kept_pictures
from kesu.cli.environment import Data, Json, fail
from kesu.cli.language import _
from kesu.cli.money import fen

Amount = Annotated[str | None, typer.Option("--amount", help=_("In yuan, such as 19.90; all that is left by default."))]


def refund(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    amount: Amount = None,
    reason: Annotated[str, typer.Option(help=_("The payer reads it; up to 80 bytes."))] = "",
    order: Annotated[str, typer.Option(help=_("The WeChat Pay order, where the complaint has several."))] = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Refund by the original route."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import refunding

        chosen = complaint.orders.filter(transaction_id=order).first() if order else None
        if order and chosen is None:
            fail(_("The complaint has no order %s.") % order)
        return refunding.refund(actor, complaint, _fen(amount), order=chosen, reason=reason, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes, override)


def resend_refund(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    refund_number: Annotated[
        str, typer.Option("--refund", help=_("The refund's number, where several are abnormal."))
    ] = "",
    card: Annotated[
        bool,
        typer.Option("--card-stdin", help=_("To a card of the payer: its number and its owner's name, a line each.")),
    ] = False,
    bank: Annotated[str, typer.Option(help=_("Bank of the card, such as ICBC_DEBIT."))] = "",
    to_merchant: Annotated[bool, typer.Option("--to-merchant", help=_("To our own bank account."))] = False,
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Send a refund that is abnormal elsewhere. A card is read from standard input, so that no list of processes and no
    history of a shell shows it."""
    if card == to_merchant or (to_merchant and bank):
        fail(_("Say where the refund goes: --card-stdin with --bank, or --to-merchant."))
    lines = [sys.stdin.readline().strip() for _line in range(2)] if card else []

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import resending

        to = resending.Card(bank, *lines) if card else None
        return resending.resend_refund(actor, complaint, refund_number, card=to, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes, override)


def approve(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    amount: Amount = None,
    day: Annotated[int, typer.Option(min=0, help=_("Working days until the refund starts; 0 is today."))] = 0,
    without_refund: Annotated[
        bool, typer.Option("--without-refund", help=_("Only approve: the money is refunded elsewhere."))
    ] = False,
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Approve a refund ticket, and refund with it."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import refunding

        return refunding.approve_refund(
            actor,
            complaint,
            launch_refund_day=day,
            with_refund=not without_refund,
            amount=_fen(amount),
            consent=consent,
            now=now,
        )

    do(data, json, as_, complaint_id, act, accept, yes, override)


def reject(
    complaint_id: ComplaintId,
    reason: Annotated[str, typer.Argument(help=_("The payer reads it; up to 200 characters."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    picture: Pictures = [],  # noqa: B006
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Refuse a refund ticket; the platform completes the case at once."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        kept = kept_pictures(actor, complaint, picture, now)
        return verbs.reject_refund(actor, complaint, reason, kept, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes, override)


def _fen(amount: str | None) -> int | None:
    """``19.90`` as 1990; None where no amount was given. An empty one is a slip, and never means everything."""
    return None if amount is None else fen(amount.removeprefix("¥"))
