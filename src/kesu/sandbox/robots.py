"""A WeCom group robot (群机器人, 消息推送): https://developer.work.weixin.qq.com/document/path/99110.

It always answers HTTP 200; what became of the message is only in `errcode`.
"""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime, timedelta
from typing import Any

from kesu.sandbox.limits import Window
from kesu.sandbox.state import RobotMessage, State

PER_MINUTE = 20
TEXT_OCTETS = 2048
MARKDOWN_OCTETS = 4096
KEPT_MESSAGES = 50_000

_MENTION = re.compile(r"<@([^<>\s]+)>")
_BODY_OF = {
    "text": "text",
    "markdown": "markdown",
    "markdown_v2": "markdown_v2",
    "template_card": "template_card",
    "news": "news",
    "image": "image",
    "file": "file",
    "voice": "voice",
}


class Refused(Exception):
    """errcode and errmsg of a message that is not shown."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


class Robots:
    """The robots of one group, by key. Every call is remembered, shown or not."""

    def __init__(self, state: State, first_key: str) -> None:
        self._state = state
        self._windows: dict[str, Window] = {}
        if first_key not in state.robot_keys:
            state.robot_keys.append(first_key)

    def create(self) -> str:
        """A further robot; returns its key."""
        key = str(uuid.uuid4())
        self._state.robot_keys.append(key)
        return key

    def remove(self, key: str) -> bool:
        """The robot is taken out of the group: its key answers 93000 from now on."""
        if key not in self._state.robot_keys:
            return False
        self._state.robot_keys.remove(key)
        return True

    def send(self, key: str, raw: bytes, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        """Show a message, or say why not: {errcode, errmsg}. `refuse`: an errcode ordered by a fault."""
        body = _parse(raw)
        try:
            if refuse is not None:
                raise Refused(refuse, "refused on request")
            self._accept(key, body, now)
        except Refused as refusal:
            self._remember(key, body, refusal.errcode, now)
            return {"errcode": refusal.errcode, "errmsg": refusal.errmsg}
        self._remember(key, body, 0, now)
        return {"errcode": 0, "errmsg": "ok"}

    def messages_after(self, n: int) -> list[RobotMessage]:
        messages = self._state.messages
        if not messages or messages[-1].n <= n:
            return []
        return messages[max(0, n - messages[0].n + 1) :]

    def _accept(self, key: str, body: dict[str, Any] | None, now: datetime) -> None:
        if key not in self._state.robot_keys:
            raise Refused(93000, "invalid webhook url")
        if body is None:
            raise Refused(47001, "data format error")
        _check_body(body)
        window = self._windows.setdefault(key, Window(PER_MINUTE, timedelta(minutes=1)))
        if not window.has_room(now):
            raise Refused(45009, "api freq out of limit")
        window.take(now)

    def _remember(self, key: str, body: dict[str, Any] | None, errcode: int, now: datetime) -> None:
        messages = self._state.messages
        msgtype = body.get("msgtype") if body else None
        messages.append(
            RobotMessage(
                n=messages[-1].n + 1 if messages else 1,
                time=now,
                key=key,
                msgtype=msgtype if isinstance(msgtype, str) else "",
                content=_content(body or {}),
                mentions=_mentions(body or {}),
                errcode=errcode,
                accepted=errcode == 0,
            )
        )
        del messages[:-KEPT_MESSAGES]
        self._state.count("messages_accepted" if errcode == 0 else f"messages_refused_{errcode}")


def _check_body(body: dict[str, Any]) -> None:
    """Types, presence and the hard limits; bytes, not characters."""
    msgtype = body.get("msgtype")
    if not isinstance(msgtype, str) or msgtype not in _BODY_OF:
        raise Refused(40008, "invalid message type")
    part = body.get(_BODY_OF[msgtype])
    if not isinstance(part, dict):
        raise Refused(40058, f"{msgtype} missing, invalid Request Parameter")
    if msgtype in ("text", "markdown", "markdown_v2"):
        most = TEXT_OCTETS if msgtype == "text" else MARKDOWN_OCTETS
        _check_content(msgtype, part.get("content"), most)
        for name in ("mentioned_list", "mentioned_mobile_list"):
            listed = part.get(name, [])
            if not (isinstance(listed, list) and all(isinstance(one, str) for one in listed)):
                raise Refused(40058, f"{msgtype}.{name} should be a list of strings")
    elif msgtype == "template_card":
        _check_card(part)
    elif msgtype == "news":
        articles = part.get("articles")
        if not (isinstance(articles, list) and 1 <= len(articles) <= 8):
            raise Refused(40058, "news.articles should have 1 to 8 items")


def _check_content(msgtype: str, content: Any, most: int) -> None:
    if not isinstance(content, str):
        raise Refused(40058, f"{msgtype}.content missing, invalid Request Parameter")
    if not content:
        raise Refused(44004, "content size out of limit, content is empty")
    if len(content.encode()) > most:
        raise Refused(40058, f"{msgtype}.content exceed max length {most}")


def _check_card(card: dict[str, Any]) -> None:
    action = card.get("card_action")
    if not isinstance(action, dict) or action.get("type") not in (1, 2):
        raise Refused(42045, "template_card.card_action is missing or of a wrong type")
    if card.get("card_type") not in ("text_notice", "news_notice"):
        raise Refused(40058, "template_card.card_type should be text_notice or news_notice")
    title = card.get("main_title")
    has_title = isinstance(title, dict) and bool(title.get("title"))
    if not has_title and not card.get("sub_title_text"):
        raise Refused(40058, "template_card needs main_title.title or sub_title_text")
    for name, most in (("horizontal_content_list", 6), ("jump_list", 3), ("vertical_content_list", 4)):
        if len(card.get(name) or ()) > most:
            raise Refused(40058, f"template_card.{name} exceed max size {most}")


def _mentions(body: dict[str, Any]) -> list[str]:
    """Who is woken: the lists of a text, and <@userid> in a text or markdown (nowhere else)."""
    msgtype = body.get("msgtype")
    part = body.get(msgtype) if isinstance(msgtype, str) else None
    if msgtype not in ("text", "markdown") or not isinstance(part, dict):
        return []
    found: list[Any] = []
    if msgtype == "text":
        for name in ("mentioned_list", "mentioned_mobile_list"):
            listed = part.get(name)
            found += listed if isinstance(listed, list) else []
    content = part.get("content")
    found += _MENTION.findall(content) if isinstance(content, str) else []
    return list(dict.fromkeys(one for one in found if isinstance(one, str)))


def _content(body: dict[str, Any]) -> str:
    msgtype = body.get("msgtype")
    part = body.get(msgtype) if isinstance(msgtype, str) else None
    if isinstance(part, dict) and isinstance(part.get("content"), str):
        return str(part["content"])
    return json.dumps(part, ensure_ascii=False) if part is not None else ""


def _parse(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
