"""From a command line to a verb and to what became of it: who acts, what they accept, the words and the exit status.

0 the platform took it, 1 it failed, 3 a guard or a red line stands against it, 4 the case had changed, 5 the outcome is
not known yet (it is being read for), 6 it waits for a second person. What never reaches the platform (a note, settling
by hand, whatever it says) ends with 0 when it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from kesu.cli.environment import desk, errors, fail, output, show_json
from kesu.cli.language import _
from kesu.cli.operator import address, operator

REFUSED, CHANGED, UNKNOWN, WAITING = 3, 4, 5, 6
WAIT_SECONDS = 60.0

ComplaintId = Annotated[str, typer.Argument(help=_("The platform's complaint number."))]
As = Annotated[str, typer.Option("--as", envvar="KESU_ACTOR", help=_("Who does it; the only owner by default."))]
Accept = Annotated[list[str], typer.Option("--accept", help=_("Accept this warning, by its code; may be repeated."))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Accept every warning. Blocks stay."))]
Override = Annotated[str, typer.Option("--override", help=_("Set blocks aside for this reason; it is recorded."))]
Pictures = Annotated[list[Path], typer.Option("--picture", help=_("A JPG, PNG or BMP to send; up to four."))]


def do(
    data: Path | None,
    json: bool,
    name: str,
    complaint_id: str,
    act: Callable[..., Any],
    accept: list[str] | None = None,
    yes: bool = False,
    override: str = "",
) -> None:
    with desk(data):
        from kesu import clock
        from kesu.accounts.roles import Forbidden
        from kesu.alerts.services import ClaimedError
        from kesu.commands import verbs
        from kesu.commands.errors import Conflict, InvalidCommand, Refused
        from kesu.commands.pictures import PictureRefused
        from kesu.commands.verbs import Consent
        from kesu.commands.wording import difference, invalid, picture_refused
        from kesu.complaints.queries import visible_to

        actor = acting(name)
        complaint = (
            visible_to(actor.user).select_related("account", "claimed_by").filter(complaint_id=complaint_id).first()
        )
        if complaint is None:
            fail(_("The desk knows no complaint %s. Try kesu sync.") % complaint_id)
        accepted = tuple(accept or ())
        try:
            try:
                done = act(verbs, actor, complaint, Consent(accepted, override), clock.now())
            except Refused as refused:
                warnings = tuple(c.code for c in refused.standing if c.level == "confirm")
                if not yes or len(warnings) < len(refused.standing):
                    raise
                done = act(verbs, actor, complaint, Consent((*accepted, *warnings), override), clock.now())
        except Refused as refused:
            _say_refused(refused, json)
        except Conflict as conflict:
            end(json, {"error": "conflict", "message": difference(conflict)}, difference(conflict), CHANGED)
        except InvalidCommand as wrong:
            fail(invalid(wrong))
        except PictureRefused as wrong:
            fail(picture_refused(wrong))
        except ClaimedError as claimed:
            fail(_("%s handles this case.") % claimed.owner)
        except Forbidden as forbidden:
            fail(str(forbidden))
        _finish(done, json)


def kept_pictures(actor: Any, complaint: Any, paths: list[Path], now: Any) -> list[int]:
    """The pictures' numbers. Ends the command for a file that cannot be read or sent."""
    from kesu.commands import pictures, verbs
    from kesu.commands.errors import InvalidCommand

    if len(paths) > verbs.MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    kept = []
    for path in paths:
        try:
            if path.stat().st_size > pictures.LARGEST_FILE:
                raise pictures.PictureRefused("size")
            content = path.read_bytes()
        except OSError as error:
            fail(_("%(path)s cannot be read: %(reason)s") % {"path": path, "reason": error.strerror})
        kept.append(pictures.keep(actor, complaint.account, content, now=now).pk)
    return kept


def _finish(done: Any, json: bool) -> None:
    from kesu.commands.models import Agreement, Command, Note, RefundRequest
    from kesu.commands.wording import BY_HAND, outcome

    if isinstance(done, RefundRequest) and done.state == RefundRequest.State.DECLINED:
        end(json, {"request": done.pk, "state": done.state, "amount": done.amount}, _("Declined."), 0)
    if isinstance(done, RefundRequest) and done.command is not None:
        done = done.command
    if isinstance(done, RefundRequest):
        text = _("Above your limit: it waits for a second person (request %d).") % done.pk
        end(json, {"request": done.pk, "state": done.state, "amount": done.amount}, text, WAITING)
    if isinstance(done, Note):
        end(json, {"note": done.pk}, _("Noted."), 0)
    if isinstance(done, Agreement):
        end(json, {"log_id": done.log_id, "agreed": True}, _("Marked as agreement."), 0)
    if isinstance(done, bool):  # whether there was a mark to take back
        text = _("The mark was taken back.") if done else _("This message was not marked.")
        end(json, {"agreed": False, "removed": done}, text, 0)
    if not isinstance(done, Command):
        end(json, {"claimed_by": str(done.claimed_by or "")}, _("Handled by %s.") % (done.claimed_by or "-"), 0)
    if done.failure == Command.Failure.WITHDRAWN:
        told = {"command": done.pk, "kind": done.kind, "state": done.state, "failure": done.failure}
        end(json, told, _("Taken back; nothing was sent."), 0)
    command = done if done.is_settled else _carried_out(done)
    status = 0 if command.error_code == BY_HAND else {"confirmed": 0, "failed": 1}.get(command.state, UNKNOWN)
    told = {
        "command": command.pk,
        "kind": command.kind,
        "state": command.state,
        "failure": command.failure,
        "error_code": command.error_code,
        "error": command.error,
        "request_id": command.request_id,
        "concerns": command.concerns,
    }
    end(json, told, outcome(command), CHANGED if command.failure == "changed" else status)


def _carried_out(command: Any) -> Any:
    """Carry the command out here, or wait for the worker that was faster. Returns its row as it stands."""
    import asyncio

    from kesu import clock
    from kesu.commands.models import Command
    from kesu.commands.speaking import carry_out
    from kesu.sync.gateway import Gateway
    from kesu.threads import in_thread

    async def until_settled() -> None:
        gateway = Gateway(clock.now)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_SECONDS
        try:
            pks = {command.pk}
            while loop.time() < deadline:
                for pk in pks:
                    await carry_out(gateway, pk)
                rows = await in_thread(
                    lambda: list(Command.objects.filter(complaint=command.complaint_id, pk__gte=command.pk))
                )
                # An approval is followed by its refund, which is a command of its own.
                pks = {
                    row.pk
                    for row in rows
                    if not row.is_settled and (row.pk == command.pk or row.key == f"after-{command.pk}")
                }
                if not pks:
                    return
                await asyncio.sleep(0.2)
        finally:
            await gateway.close()

    asyncio.run(until_settled())
    return Command.objects.get(pk=command.pk)


def _say_refused(refused: Any, json: bool) -> NoReturn:
    lines = []
    for concern in refused.concerns:
        mark = {"block": "✗", "confirm": "!", "info": "i"}[concern.level]
        lines.append(f"{mark} {concern.message} [{concern.code}]")
    warnings = all(concern.level == "confirm" for concern in refused.standing)
    lines.append(
        _("Nothing was sent. --accept CODE or --yes accepts a warning.")
        if warnings
        else _("Nothing was sent. A block can be set aside only by a role that may, with --override REASON.")
    )
    end(json, {"error": "refused", "concerns": [c.as_json() for c in refused.concerns]}, "\n".join(lines), REFUSED)


def end(json: bool, facts: dict[str, Any], text: str, status: int) -> NoReturn:
    if json:
        show_json(facts)
    else:
        (output if status == 0 else errors).print(text, markup=False, highlight=False)
    raise typer.Exit(status)


def acting(name: str) -> Any:
    """The actor of that name, or the only owner. Ends the command when there is none."""
    from kesu.accounts.actor import Actor, Via

    return Actor(_acting(name), Via.CLI, address(), operator=operator())


def _acting(name: str) -> Any:
    from kesu.accounts.models import Role, User

    if name:
        return person(name)
    owners = list(User.objects.filter(is_active=True, role=Role.OWNER)[:2])
    if len(owners) != 1:
        fail(_("Say who does it: --as NAME. kesu users list shows the names."))
    return owners[0]


def person(name: str) -> Any:
    from kesu.accounts.models import User

    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        fail(_("No such person: %s. kesu users list shows them.") % name)
    return user
