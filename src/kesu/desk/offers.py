"""What a reply lets the payer press, from the fields of the reply box and back into them.

One field beside the words says what a press does: empty, it sends the words back (immediate service only); an https
address or ``AppID/page`` of a mini program, it opens that. So the form has no switches and works without JavaScript.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.clock import BEIJING
from kesu.commands import immediate
from kesu.commands.errors import InvalidCommand
from kesu.commands.immediate import Message
from kesu.desk.sheets import Given

BUTTONS = tuple(f"button_{number}" for number in (1, 2, 3))
QUESTIONS = tuple(f"faq_{number}" for number in (1, 2, 3, 4))
LINK = "link"
ROWS = (*BUTTONS, *QUESTIONS, LINK)
FIELDS = (*ROWS, *(f"{row}_to" for row in ROWS), "until", "once")
_PROGRAM = re.compile(r"(?P<appid>wx[0-9A-Za-z_\-]{1,30})(?:/(?P<path>.*))?")


@dataclass(frozen=True)
class Row:
    """A line of the form: its words, and what a press opens."""

    name: str
    number: int
    words: str
    to: str


@dataclass(frozen=True)
class Offers:
    """The form as it stands."""

    buttons: tuple[Row, ...]
    questions: tuple[Row, ...]
    link: Row
    until: str
    once: bool

    @property
    def filled(self) -> bool:
        rows = (*self.buttons, *self.questions, self.link)
        return any(row.words or row.to for row in rows) or bool(self.until) or self.once


def offers_in(given: Given) -> Offers:
    def rows(names: tuple[str, ...]) -> tuple[Row, ...]:
        return tuple(Row(name, number, *_row(given, name)) for number, name in enumerate(names, 1))

    values = given.values
    return Offers(rows(BUTTONS), rows(QUESTIONS), rows((LINK,))[0], values.get("until", ""), bool(values.get("once")))


def message_of(given: Given) -> Message:
    """The immediate-service message. Raises InvalidCommand: ``text_missing``, ``offer_words``, ``target``,
    ``expired_time``, ``blocks``."""
    words = immediate.written(given.text, len(given.pictures))
    offers = offers_in(given)
    blocks: list[dict[str, Any]] = []
    bounds = _bounds(offers)
    if questions := _pressed(offers.questions):
        faqs = [
            {"faq_id": str(place), "faq_title": one["text"], "action": one["action"]}
            for place, one in enumerate(questions, 1)
        ]
        blocks.append({"type": "FAQ_LIST", "faq_list": {"faqs": faqs}})
    blocks += [{"type": "LINK", "link": one | bounds} for one in _pressed((offers.link,))]
    if buttons := _pressed(offers.buttons):
        group = {"buttons": buttons, "button_layout": "LAYOUT_VERTICAL"} | bounds
        blocks.append({"type": "BUTTON_GROUP", "button_group": group})
    return Message(blocks=[*words.blocks, *(immediate.parse(blocks).blocks if blocks else ())])


def jumps_of(given: Given) -> dict[str, dict[str, str] | None]:
    """The link or mini program of a usual reply, as its verb takes them. Raises InvalidCommand: ``target``, and
    ``only_immediate`` for what a usual reply cannot carry."""
    offers = offers_in(given)
    if any(row.words for row in (*offers.buttons, *offers.questions)):
        raise InvalidCommand("only_immediate")
    words, target = offers.link.words, offers.link.to
    jump: dict[str, dict[str, str] | None] = {"jump": None, "mini_program": None}
    if not words and not target:
        return jump
    if target and not target.startswith("https://"):
        program = _program(target)
        return jump | {"mini_program": {"appid": program["appid"], "path": program.get("path", ""), "text": words}}
    return jump | {"jump": {"url": target, "text": words}}


def _row(given: Given, name: str) -> tuple[str, str]:
    return given.values.get(name, "").strip(), given.values.get(f"{name}_to", "").strip()


def _pressed(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    if any(row.to and not row.words for row in rows):
        raise InvalidCommand("offer_words")
    return [{"text": row.words, "action": _action(row)} for row in rows if row.words]


def _action(row: Row) -> dict[str, Any]:
    if not row.to:
        return {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": row.words}}
    if row.to.startswith("https://"):
        return {"action_type": "ACTION_TYPE_JUMP_URL", "jump_url": row.to}
    return {"action_type": "ACTION_TYPE_JUMP_MINI_PROGRAM", "mini_program_jump_info": _program(row.to)}


def _program(target: str) -> dict[str, str]:
    match = _PROGRAM.fullmatch(target)
    if match is None:
        raise InvalidCommand("target", target=target[:60])
    return {name: part for name, part in match.groupdict().items() if part}


def _bounds(offers: Offers) -> dict[str, Any]:
    info: dict[str, Any] = {"multi_clickable": False} if offers.once else {}
    if offers.until:
        try:
            until = datetime.fromisoformat(offers.until).replace(tzinfo=BEIJING)
        except ValueError:
            raise InvalidCommand("expired_time") from None
        info["expired_time"] = until.isoformat(timespec="seconds")
    return {"invalid_info": info} if info else {}
