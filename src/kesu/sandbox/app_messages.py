"""What a message/send of a WeCom application must look like, or else why it is refused."""

from __future__ import annotations

import json
import re
from typing import Any

from kesu.sandbox.state import WecomApp

TEXT_OCTETS = 2048
_TASK_ID = re.compile(r"[A-Za-z0-9_@-]{1,128}")


class Refused(Exception):
    """errcode and errmsg of a call."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def receivers_of(app: WecomApp, body: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Who gets it, and who does not exist. Account ids do not tell upper from lower case."""
    touser = body.get("touser")
    if not isinstance(touser, str) or not touser:
        raise Refused(40035, "touser, toparty and totag are all empty")
    if touser == "@all":
        return (app.members or ["everybody"]), []
    asked = touser.split("|")
    if len(asked) > 1000:
        raise Refused(40058, "touser exceed max size 1000")
    known = {member.lower() for member in app.members} or {name.lower() for name in asked}
    return [name for name in asked if name.lower() in known], [name for name in asked if name.lower() not in known]


def content_of(app: WecomApp, body: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """The text, and the card if it is one. Raises Refused."""
    msgtype = body.get("msgtype")
    part = body.get(msgtype) if isinstance(msgtype, str) else None
    if msgtype not in ("text", "markdown", "template_card"):
        raise Refused(40008, "invalid message type")
    if not isinstance(part, dict):
        raise Refused(40058, f"{msgtype} missing, invalid Request Parameter")
    if msgtype == "template_card":
        _check_card(app, part)
        return json.dumps(part, ensure_ascii=False), part
    content = part.get("content")
    if not isinstance(content, str) or not content:
        raise Refused(44004, "content size out of limit, content is empty")
    if len(content.encode()) > TEXT_OCTETS:
        raise Refused(40058, f"{msgtype}.content exceed max length {TEXT_OCTETS}")
    return content, None


def _check_card(app: WecomApp, card: dict[str, Any]) -> None:
    if card.get("card_type") != "button_interaction":
        raise Refused(40058, "the sandbox knows cards of type button_interaction only")
    title, task_id, buttons = card.get("main_title"), card.get("task_id"), card.get("button_list")
    if not isinstance(title, dict) or not title.get("title"):
        raise Refused(40058, "template_card.main_title.title missing")
    if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
        raise Refused(40058, "template_card.task_id missing or invalid")
    if task_id in app.taken_tasks:
        raise Refused(40058, "template_card.task_id was used before")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 6:
        raise Refused(40058, "template_card.button_list should have 1 to 6 items")
    for button in buttons:
        named = "url" if button.get("type", 0) == 1 else "key"
        if not button.get("text") or not button.get(named) or len(str(button[named]).encode()) > 1024:
            raise Refused(40058, f"template_card.button_list needs text and {named}")
    if len(card.get("horizontal_content_list") or ()) > 6:
        raise Refused(40058, "template_card.horizontal_content_list exceed max size 6")
