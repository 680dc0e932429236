"""``kesu complete | note | claim | assign | agreement``: what staff do, from a command line.

The same functions as the pages and the API use, with the same guards; the exit status is told in ``doing``.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.doing import Accept, As, ComplaintId, Override, Yes, do, person
from kesu.cli.environment import Data, Json
from kesu.cli.language import _


def complete(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Report the case as done; the payer is asked how content they are."""
    do(
        data,
        json,
        as_,
        complaint_id,
        lambda verbs, actor, complaint, consent, now: verbs.complete(actor, complaint, consent=consent, now=now),
        accept,
        yes,
        override,
    )


def note(
    complaint_id: ComplaintId,
    text: Annotated[str, typer.Argument(help=_("Only colleagues read it."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
) -> None:
    """Write an internal note."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        return verbs.note(actor, complaint, text, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes)


def claim(
    complaint_id: ComplaintId,
    data: Data = None,
    json: Json = False,
    as_: As = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
) -> None:
    """Take a case on."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        return verbs.claim(actor, complaint, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes)


def assign(
    complaint_id: ComplaintId,
    name: Annotated[str, typer.Argument(help=_("Who is to handle it."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
) -> None:
    """Give a case to somebody."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        return verbs.assign(actor, complaint, person(name), consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes)


def agreement(
    complaint_id: ComplaintId,
    log_id: Annotated[
        str, typer.Argument(help=_("An entry of the history; by default the payer's last message."))
    ] = "",
    data: Data = None,
    json: Json = False,
    as_: As = "",
    undo: Annotated[bool, typer.Option("--undo", help=_("It was no agreement after all."))] = False,
) -> None:
    """Mark a message of the payer as their agreement; the case counts as settled while it is their last."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import agreements

        entry = log_id or _last_message(complaint)
        if undo:
            return agreements.unmark(actor, complaint, entry, now=now)
        return agreements.mark(actor, complaint, entry, now=now)

    do(data, json, as_, complaint_id, act)


def _last_message(complaint: Any) -> str:
    from kesu.rules.operations import PAYER_MESSAGES

    messages = complaint.timeline.filter(operate_type__in=PAYER_MESSAGES)
    return str(messages.order_by("-operate_time", "-log_id").values_list("log_id", flat=True).first() or "")
