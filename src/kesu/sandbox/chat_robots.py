"""DingTalk and Feishu group robots (自定义机器人). They answer HTTP 200; what became of the message is in a number.

DingTalk: https://open.dingtalk.com/document/robots/custom-robot-access
Feishu: https://open.larkoffice.com/document/ukTMukTMukTM/ucTM5YjL3ETO24yNxkjN.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from datetime import datetime, timedelta
from typing import Any, Literal

from kesu.sandbox.limits import MINUTE, SECOND, Window
from kesu.sandbox.state import ChatRobot, RobotMessage, State

Kind = Literal["dingtalk", "feishu"]
DINGTALK_OCTETS = 20_000
FEISHU_OCTETS = 20 * 1024
PUNISHMENT = timedelta(minutes=10)
SIGNATURE_LIFE = timedelta(hours=1)
KEPT_MESSAGES = 10_000
_AT = re.compile(r'<at (?:user_)?id="?([A-Za-z0-9_-]+)"?></at>')


class Refused(Exception):
    """The number and the words of a message that is not shown."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ChatRobots:
    """All of them, by token. Every call is remembered, shown or not."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._windows: dict[tuple[str, timedelta], Window] = {}

    def create(self, kind: Kind, secret: str = "", keyword: str = "") -> ChatRobot:
        """A robot secured by a signature (with `secret`), by a word (with `keyword`), by both or by neither."""
        token = uuid.uuid4().hex * 2 if kind == "dingtalk" else str(uuid.uuid4())
        robot = self._state.chat_robots[token] = ChatRobot(kind, token, secret, keyword)
        return robot

    def remove(self, token: str) -> bool:
        """Take a robot out of its group."""
        return self._state.chat_robots.pop(token, None) is not None

    def messages_after(self, kind: Kind, n: int) -> list[RobotMessage]:
        return [one for one in self._state.chat_messages.get(kind, []) if one.n > n]

    def dingtalk(
        self, token: str, query: dict[str, str], raw: bytes, *, now: datetime, refuse: int | None = None
    ) -> dict[str, Any]:
        """{errcode, errmsg}. `refuse`: an errcode ordered by a fault."""
        body = _object(raw)
        try:
            _obey(refuse)
            robot = self._robot("dingtalk", token, 300005, "token is not exist")
            _check_dingtalk_signature(robot, query, now)
            self._take_dingtalk(robot, now)
            if len(raw) > DINGTALK_OCTETS:
                raise Refused(460101, "message too long, exceed 20000 bytes")
            text = _dingtalk_text(body)
            if robot.keyword and robot.keyword not in text:
                raise Refused(310000, "keywords not in content")
        except Refused as refusal:
            self._remember("dingtalk", token, body, refusal.code, now)
            return {"errcode": refusal.code, "errmsg": refusal.message}
        self._remember("dingtalk", token, body, 0, now)
        return {"errcode": 0, "errmsg": "ok"}

    def feishu(self, token: str, raw: bytes, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        """{code, msg, data}. `refuse`: a code ordered by a fault."""
        body = _object(raw)
        try:
            _obey(refuse)
            robot = self._robot("feishu", token, 19001, "param invalid: incoming webhook access token invalid")
            if len(raw) > FEISHU_OCTETS or body is None:
                raise Refused(9499, "Bad Request")
            _check_feishu_signature(robot, body, now)
            self._take_feishu(robot, now)
            text = _feishu_text(body)
            if robot.keyword and robot.keyword not in text:
                raise Refused(19024, "Key Words Not Found")
        except Refused as refusal:
            self._remember("feishu", token, body, refusal.code, now)
            return {"code": refusal.code, "msg": refusal.message, "data": {}}
        self._remember("feishu", token, body, 0, now)
        return {"code": 0, "msg": "success", "data": {}, "StatusCode": 0, "StatusMessage": "success"}

    def _robot(self, kind: Kind, token: str, code: int, message: str) -> ChatRobot:
        robot = self._state.chat_robots.get(token)
        if robot is None or robot.kind != kind:
            raise Refused(code, message)
        return robot

    def _window(self, robot: ChatRobot, most: int, span: timedelta) -> Window:
        return self._windows.setdefault((robot.token, span), Window(most, span))

    def _take_dingtalk(self, robot: ChatRobot, now: datetime) -> None:
        """Twenty a minute, or ten minutes of silence."""
        window = self._window(robot, 20, MINUTE)
        if not window.has_room(now):
            robot.silent_until = now + PUNISHMENT
        if robot.silent_until is not None and now < robot.silent_until:
            raise Refused(130101, "send too fast, exceed 20 times per minute")
        window.take(now)

    def _take_feishu(self, robot: ChatRobot, now: datetime) -> None:
        windows = [self._window(robot, 100, MINUTE), self._window(robot, 5, SECOND)]
        if not all(window.has_room(now) for window in windows):
            raise Refused(9499, "too many request")
        for window in windows:
            window.take(now)

    def _remember(self, kind: Kind, token: str, body: dict[str, Any] | None, code: int, now: datetime) -> None:
        messages = self._state.chat_messages.setdefault(kind, [])
        msgtype = (body or {}).get("msgtype" if kind == "dingtalk" else "msg_type")
        messages.append(
            RobotMessage(
                n=messages[-1].n + 1 if messages else 1,
                time=now,
                key=token,
                msgtype=msgtype if isinstance(msgtype, str) else "",
                content=json.dumps(body, ensure_ascii=False) if body is not None else "",
                mentions=_dingtalk_called(body or {}) if kind == "dingtalk" else _feishu_called(body or {}),
                errcode=code,
                accepted=code == 0,
            )
        )
        del messages[:-KEPT_MESSAGES]
        self._state.count(f"{kind}_messages_accepted" if code == 0 else f"{kind}_messages_refused_{code}")


def _obey(refuse: int | None) -> None:
    if refuse is not None:
        raise Refused(refuse, "refused on request")


def _check_dingtalk_signature(robot: ChatRobot, query: dict[str, str], now: datetime) -> None:
    """加签: the secret is the key; milliseconds; in the address."""
    if not robot.secret:
        return
    timestamp = query.get("timestamp", "")
    if not _is_fresh(timestamp, 1000, now):
        raise Refused(310000, "invalid timestamp")
    expected = hmac.new(robot.secret.encode(), f"{timestamp}\n{robot.secret}".encode(), hashlib.sha256).digest()
    if query.get("sign") != base64.b64encode(expected).decode():
        raise Refused(310000, "sign not match")


def _check_feishu_signature(robot: ChatRobot, body: dict[str, Any], now: datetime) -> None:
    """签名校验: time and secret are the key, nothing is the message; seconds; in the body."""
    if not robot.secret:
        return
    timestamp = body.get("timestamp")
    key = f"{timestamp}\n{robot.secret}".encode()
    expected = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    fresh = isinstance(timestamp, str) and _is_fresh(timestamp, 1, now)
    if not fresh or body.get("sign") != expected:
        raise Refused(19021, "sign match fail or timestamp is not within one hour from current time")


def _is_fresh(timestamp: str, per_second: int, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        return False
    return abs(int(timestamp) / per_second - now.timestamp()) < SIGNATURE_LIFE.total_seconds()


def _dingtalk_text(body: dict[str, Any] | None) -> str:
    fields = {"text": ("content",), "markdown": ("title", "text")}
    msgtype = (body or {}).get("msgtype")
    part = (body or {}).get(msgtype) if isinstance(msgtype, str) else None
    if body is None or msgtype not in fields or not isinstance(part, dict):
        raise Refused(40035, "param error")
    values = [part.get(name) for name in fields[msgtype]]
    if not all(isinstance(value, str) and value for value in values):
        raise Refused(40035, f"{msgtype} needs {' and '.join(fields[msgtype])}")
    return "\n".join(str(value) for value in values)


def _dingtalk_called(body: dict[str, Any]) -> list[str]:
    """Who is woken: those in `at` whom the text names too."""
    try:
        text = _dingtalk_text(body)
    except Refused:
        return []
    at = body.get("at")
    if not isinstance(at, dict):
        return []
    listed = [*(at.get("atMobiles") or []), *(at.get("atUserIds") or [])]
    found = [str(one) for one in listed if f"@{one}" in text]
    return [*found, "@all"] if at.get("isAtAll") is True else found


def _feishu_text(body: dict[str, Any]) -> str:
    msgtype, content, card = body.get("msg_type"), body.get("content"), body.get("card")
    if msgtype == "text" and isinstance(content, dict) and isinstance(content.get("text"), str) and content["text"]:
        return str(content["text"])
    if msgtype == "interactive" and isinstance(card, dict) and isinstance(card.get("elements"), list):
        return json.dumps(card, ensure_ascii=False)
    raise Refused(19002, "params error, msg_type need")


def _feishu_called(body: dict[str, Any]) -> list[str]:
    try:
        text = _feishu_text(body)
    except Refused:
        return []
    return list(dict.fromkeys(_AT.findall(text.replace('\\"', '"'))))


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
