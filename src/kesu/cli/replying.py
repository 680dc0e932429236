"""``kesu reply``: words, a link, or the blocks of an immediate-service reply. Exit status as in ``doing``."""

from __future__ import annotations

import sys
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from kesu.cli.doing import Accept, As, ComplaintId, Override, Pictures, Yes, do, kept_pictures
from kesu.cli.environment import Data, Json, fail
from kesu.cli.language import _


def reply(
    complaint_id: ComplaintId,
    text: Annotated[str, typer.Argument(help=_("What the payer reads; left out with --blocks."))] = "",
    data: Data = None,
    json: Json = False,
    as_: As = "",
    picture: Pictures = [],  # noqa: B006 - typer copies it
    link: Annotated[str, typer.Option(help=_("An https address to open, where the account is allowed links."))] = "",
    mini_program: Annotated[str, typer.Option(help=_("A mini program to open instead: APPID/PAGE."))] = "",
    link_text: Annotated[str, typer.Option(help=_("The words of the link; up to ten characters."))] = "",
    blocks: Annotated[
        str, typer.Option(help=_("For immediate service: a JSON file of blocks, or a message with them; - reads it."))
    ] = "",
    machine: Annotated[
        bool, typer.Option("--machine", help=_("Immediate service: say that a machine wrote it."))
    ] = False,
    accept: Accept = [],  # noqa: B006
    yes: Yes = False,
    override: Override = "",
) -> None:
    """Write to the payer."""
    if blocks and (text or link or mini_program):
        fail(_("Give words or --blocks, not both."))
    given = _json_of(blocks) if blocks else None

    def act(verbs: Any, actor: Any, complaint: Any, consent: Any, now: Any) -> Any:
        from kesu.commands import immediate
        from kesu.commands.reading import note_view

        # Whoever writes an answer has read what it answers; closing and refunding say nothing of the kind.
        note_view(actor.user, complaint, now=now)
        kept = kept_pictures(actor, complaint, picture, now)
        jump = {"url": link, "text": link_text} if link else None
        appid, _slash, page = mini_program.partition("/")
        program = {"appid": appid, "path": page, "text": link_text} if mini_program else None
        if given is not None:
            message = immediate.parse(given)
        elif complaint.need_immediate_service and not (jump or program):
            message = immediate.written(text, len(kept))
        else:
            return verbs.reply(actor, complaint, text, kept, jump=jump, mini_program=program, consent=consent, now=now)
        if machine:
            message = message.model_copy(update={"sender_identity": "MACHINE"})
        return verbs.reply_immediately(actor, complaint, message, kept, consent=consent, now=now)

    do(data, json, as_, complaint_id, act, accept, yes, override)


def _json_of(source: str) -> Any:
    """What a file, or standard input for ``-``, holds."""
    try:
        return loads(sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(_("%(file)s cannot be read as JSON: %(error)s") % {"file": source, "error": error})
