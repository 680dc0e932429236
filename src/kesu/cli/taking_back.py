"""``kesu release | withdraw | decide | settle``: taking back what one began, deciding on what another person asked for,
and saying what became of what nobody answered."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kesu.cli.doing import Accept, As, ComplaintId, Override, Yes, do
from kesu.cli.environment import Data, Json, fail
from kesu.cli.language import _


def release(complaint_id: ComplaintId, data: Data = None, json: Json = False, as_: As = "") -> None:
    """Give a case back."""
    do(data, json, as_, complaint_id, lambda verbs, actor, case, consent, now: verbs.release(actor, case, now=now))


def withdraw(complaint_id: ComplaintId, data: Data = None, json: Json = False, as_: As = "") -> None:
    """Take back what was not sent yet."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands.models import Command

        planned = complaint.commands.filter(state=Command.State.PLANNED).select_related("complaint").first()
        if planned is None:
            fail(_("Nothing of complaint %s waits to be sent.") % complaint.complaint_id)
        return verbs.withdraw(actor, planned, now=now)

    do(data, json, as_, complaint_id, act)


def settle(
    complaint_id: ComplaintId,
    carried_out: Annotated[
        bool, typer.Option("--carried-out/--not-carried-out", help=_("What the merchant platform shows."))
    ],
    reason: Annotated[str, typer.Option(help=_("How you know; it is recorded."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
) -> None:
    """Say what became of a command whose outcome is unknown. Nothing is sent."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import settling
        from kesu.commands.models import Command

        unknown = complaint.commands.filter(state=Command.State.UNKNOWN).select_related("complaint").first()
        if unknown is None:
            fail(_("Complaint %s has nothing whose outcome is unknown.") % complaint.complaint_id)
        return settling.settle_by_hand(actor, unknown, carried_out=carried_out, reason=reason, now=now)

    do(data, json, as_, complaint_id, act)


def decide(
    complaint_id: ComplaintId,
    grant: Annotated[bool, typer.Option("--grant/--decline", help=_("Carry the refund out, or not."))],
    data: Data = None,
    json: Json = False,
    as_: As = "",
    request: Annotated[int | None, typer.Option(help=_("Which request, where several wait."))] = None,
    note: Annotated[str, typer.Option(help=_("Why; whoever asked reads it."))] = "",
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Decide on a refund above somebody's limit."""

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import refunding
        from kesu.commands.models import RefundRequest

        waiting = complaint.refund_requests.filter(state=RefundRequest.State.WAITING).select_related("complaint")
        chosen = list(waiting.filter(pk=request) if request is not None else waiting[:2])
        if len(chosen) != 1:
            numbers = ", ".join(str(one.pk) for one in waiting)
            fail(
                _("Say which one with --request: %s.") % numbers
                if numbers
                else _("No refund of complaint %s waits for a second person.") % complaint.complaint_id
            )
        return refunding.decide(actor, chosen[0], grant=grant, note=note, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes, override)
