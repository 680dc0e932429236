"""WeCom applications (自建应用): tokens, personal messages, cards, and the callbacks of their buttons.

Sources: https://developer.work.weixin.qq.com/document/path/91039 (token), 90236 (message), 94888 (card), 90240 (event).
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from typing import Any

import httpx2

from kesu.sandbox import wecom_envelope, wecom_login
from kesu.sandbox.app_messages import Refused, content_of, receivers_of
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.limits import MINUTE, Window
from kesu.sandbox.state import AppMessage, State, WecomApp

TOKEN_LIFE = timedelta(hours=2)
CODE_LIFE = timedelta(hours=72)
PER_MEMBER = ((30, MINUTE), (1000, timedelta(hours=1)))
CALLS = 3
SECONDS_TO_ANSWER = 5
KEPT_MESSAGES = 10_000


class WecomApps:
    """All applications, by agentid. `transport`: how callbacks travel; real HTTP when None."""

    def __init__(self, state: State, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._state = state
        self._windows: dict[tuple[int, str, timedelta], Window] = {}
        self._transport = transport

    def create(self, members: list[str]) -> WecomApp:
        """An application that reaches `members` (everybody when empty)."""
        agentid = 1_000_001 + len(self._state.wecom_apps)
        app = WecomApp(f"ww{secrets.token_hex(8)}", agentid, secrets.token_urlsafe(32), members)
        self._state.wecom_apps[agentid] = app
        return app

    def app(self, agentid: int) -> WecomApp:
        """Raises ScriptError 404."""
        try:
            return self._state.wecom_apps[agentid]
        except KeyError:
            raise ScriptError("there is no such application", status=404) from None

    def messages_after(self, n: int) -> list[AppMessage]:
        return [one for one in self._state.app_messages if one.n > n]

    # The interface ------------------------------------------------------------------------------------

    def gettoken(self, corpid: str, secret: str, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        try:
            _obey(refuse)
            app = next((one for one in self._state.wecom_apps.values() if one.corpid == corpid), None)
            if app is None:
                raise Refused(40013, "invalid corpid")
            if app.secret != secret:
                raise Refused(40001, "invalid credential")
        except Refused as refusal:
            return _answer(refusal)
        token = secrets.token_urlsafe(64)
        app.tokens[token] = now + TOKEN_LIFE
        self._state.count("wecom_app_tokens")
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": int(TOKEN_LIFE.total_seconds())}

    def end_tokens(self, agentid: int) -> None:
        """What WeCom may do at any time: every token of an application is worth nothing from now on."""
        self.app(agentid).tokens.clear()

    def send(self, token: str, raw: bytes, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        """message/send."""
        body = _object(raw)
        try:
            _obey(refuse)
            app = self._of_token(token, now)
            if body is None or body.get("agentid") != app.agentid:
                raise Refused(40056, "invalid agentid")
            reached, invalid = receivers_of(app, body)
            content, card = content_of(app, body)
            if not reached:
                raise Refused(81013, "user & party & tag all invalid")
        except Refused as refusal:
            self._remember(body or {}, [], refusal.errcode, now)
            return _answer(refusal)
        dropped = [member for member in reached if not self._take(app, member, now)]
        message = self._remember(body, reached, 0, now, content=content, card=card, dropped=dropped)
        answer = {"errcode": 0, "errmsg": "ok", "msgid": f"msg{message.n}"}
        if invalid:
            answer["invaliduser"] = "|".join(invalid).lower()
        if card is not None:
            app.taken_tasks.append(card["task_id"])
            answer["response_code"] = self._new_code(app, message, now)
        return answer

    def update_card(self, token: str, raw: bytes, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        """message/update_template_card: each code once, within 72 hours."""
        body = _object(raw) or {}
        try:
            _obey(refuse)
            app = self._of_token(token, now)
            number, ends_at = app.codes.get(str(body.get("response_code")), (0, now))
            if now >= ends_at:
                raise Refused(40058, "invalid response_code")
            label = body.get("button", {}).get("replace_name") if isinstance(body.get("button"), dict) else None
            if body.get("agentid") != app.agentid or not isinstance(label, str) or not label:
                raise Refused(40058, "button.replace_name missing, invalid Request Parameter")
        except Refused as refusal:
            self._state.count(f"wecom_app_updates_refused_{refusal.errcode}")
            return _answer(refusal)
        del app.codes[str(body["response_code"])]
        message = self.message(number)
        members = message.receivers if body.get("atall") == 1 else body.get("userids", [])
        message.greyed |= dict.fromkeys(members, label)
        message.updates += 1
        self._state.count("wecom_app_updates_accepted")
        return {"errcode": 0, "errmsg": "ok", "invaliduser": []}

    def getuserinfo(self, token: str, code: str, *, now: datetime, refuse: int | None = None) -> dict[str, Any]:
        """auth/getuserinfo."""
        try:
            _obey(refuse)
            answer = wecom_login.userinfo(self._of_token(token, now), code, now=now)
        except Refused as refusal:
            self._state.count(f"wecom_logins_refused_{refusal.errcode}")
            return _answer(refusal)
        self._state.count("wecom_logins")
        return answer

    # Buttons ------------------------------------------------------------------------------------------

    async def set_callback(self, agentid: int, url: str, token: str, encoding_key: str, *, now: datetime) -> None:
        """接收消息服务器配置: saved only if the address answers the check. Raises ScriptError 400."""
        app, plain = self.app(agentid), str(secrets.randbits(60))
        try:
            query = self._query(token, wecom_envelope.encrypt(encoding_key, plain, app.corpid), now)
        except ValueError:
            raise ScriptError("encoding_aes_key must be 43 characters") from None
        try:
            found = await self._ask("GET", url, query)
        except httpx2.HTTPError as error:
            raise ScriptError(f"openapi回调地址请求不通过: {type(error).__name__}") from None
        if found.status_code != httpx2.codes.OK or found.content != plain.encode():
            raise ScriptError(f"openapi回调地址请求不通过: HTTP {found.status_code}")
        app.callback_url, app.callback_token, app.callback_key = url, token, encoding_key

    async def press(self, n: int, userid: str, key: str, *, now: datetime, again: int = 0) -> dict[str, Any]:
        """A member presses a button; `again`: how often WeCom repeats the same callback although it was answered.

        {"statuses": one per call, "label": what the button says for this member then}. Raises ScriptError.
        """
        message = self.message(n)
        app = self.app(message.agentid)
        buttons = (message.card or {}).get("button_list", [])
        if userid not in message.receivers:
            raise ScriptError("this member did not get the message")
        if userid in message.greyed:
            raise ScriptError("the buttons are grey for this member", status=409)
        if not any(button.get("type", 0) == 0 and button.get("key") == key for button in buttons):
            raise ScriptError("there is no such button")
        if not app.callback_url:
            raise ScriptError("the application has no callback address", status=409)
        xml = self._event(app, message, userid, key, now)
        statuses: list[int] = []
        while len(statuses) < CALLS + again:
            status, label = await self._call(app, xml, now)
            statuses.append(status)
            if label:
                message.greyed[userid] = label
            if status == httpx2.codes.OK and len(statuses) > again:
                break
        return {"statuses": statuses, "label": message.greyed.get(userid)}

    def message(self, n: int) -> AppMessage:
        """Raises ScriptError 404."""
        found = next((one for one in self._state.app_messages if one.n == n and one.errcode == 0), None)
        if found is None:
            raise ScriptError("there is no such message", status=404)
        return found

    def _event(self, app: WecomApp, message: AppMessage, userid: str, key: str, now: datetime) -> str:
        card = message.card or {}
        fields = {
            "ToUserName": app.corpid,
            "FromUserName": userid,
            "CreateTime": str(int(now.timestamp())),
            "MsgType": "event",
            "Event": "template_card_event",
            "EventKey": key,
            "TaskId": card["task_id"],
            "CardType": card["card_type"],
            "ResponseCode": self._new_code(app, message, now),
            "AgentID": str(app.agentid),
        }
        return wecom_envelope.event_xml(fields)

    async def _call(self, app: WecomApp, xml: str, now: datetime) -> tuple[int, str]:
        """One call of the callback address: HTTP status (0 without an answer) and the label of a passive answer."""
        encrypted = wecom_envelope.encrypt(app.callback_key, xml, app.corpid)
        query = self._query(app.callback_token, encrypted, now)
        query.pop("echostr")
        body = wecom_envelope.event_xml({"ToUserName": app.corpid, "AgentID": str(app.agentid), "Encrypt": encrypted})
        try:
            answer = await self._ask("POST", app.callback_url, query, body.encode())
        except httpx2.HTTPError:
            return 0, ""
        if answer.status_code != httpx2.codes.OK or not answer.content:
            return answer.status_code, ""
        try:
            return answer.status_code, self._label(app, answer.text)
        except (ValueError, KeyError):
            self._state.count("wecom_app_answers_unreadable")
            return answer.status_code, ""

    def _label(self, app: WecomApp, text: str) -> str:
        """Raises ValueError or KeyError for an answer that WeCom would ignore."""
        outer = wecom_envelope.texts(text)
        encrypted = outer["Encrypt"]
        expected = wecom_envelope.signature(app.callback_token, outer["TimeStamp"], outer["Nonce"], encrypted)
        if outer["MsgSignature"] != expected:
            raise ValueError("wrong signature")
        inner = wecom_envelope.texts(wecom_envelope.decrypt(app.callback_key, encrypted, app.corpid))
        return inner["Button/ReplaceName"] if inner["MsgType"] == "update_button" else ""

    def _query(self, token: str, encrypted: str, now: datetime) -> dict[str, str]:
        timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**9))
        signed = wecom_envelope.signature(token, timestamp, nonce, encrypted)
        return {"msg_signature": signed, "timestamp": timestamp, "nonce": nonce, "echostr": encrypted}

    async def _ask(self, method: str, url: str, query: dict[str, str], body: bytes = b"") -> httpx2.Response:
        headers = {"Content-Type": "text/xml"} if body else {}
        options: dict[str, Any] = {"timeout": SECONDS_TO_ANSWER, "trust_env": False}
        async with httpx2.AsyncClient(transport=self._transport, **options) as client:
            return await client.request(method, url, params=query, content=body, headers=headers)

    # ---------------------------------------------------------------------------------------------------

    def _of_token(self, token: str, now: datetime) -> WecomApp:
        for app in self._state.wecom_apps.values():
            if token in app.tokens:
                if app.tokens[token] <= now:
                    raise Refused(42001, "access_token expired")
                return app
        raise Refused(40014, "invalid access_token")

    def _take(self, app: WecomApp, member: str, now: datetime) -> bool:
        """Whether a member may get one more; what is more than that is dropped without an error."""
        windows = [
            self._windows.setdefault((app.agentid, member, span), Window(most, span)) for most, span in PER_MEMBER
        ]
        if not all(window.has_room(now) for window in windows):
            return False
        for window in windows:
            window.take(now)
        return True

    def _new_code(self, app: WecomApp, message: AppMessage, now: datetime) -> str:
        code = secrets.token_urlsafe(24)
        app.codes[code] = (message.n, now + CODE_LIFE)
        return code

    def _remember(
        self,
        body: dict[str, Any],
        receivers: list[str],
        errcode: int,
        now: datetime,
        *,
        content: str = "",
        card: dict[str, Any] | None = None,
        dropped: list[str] | None = None,
    ) -> AppMessage:
        messages, agentid = self._state.app_messages, body.get("agentid")
        message = AppMessage(
            n=messages[-1].n + 1 if messages else 1,
            time=now,
            agentid=agentid if isinstance(agentid, int) else 0,
            msgtype=str(body.get("msgtype", "")),
            content=content,
            receivers=receivers,
            errcode=errcode,
            card=card,
            dropped_for=dropped or [],
        )
        messages.append(message)
        del messages[:-KEPT_MESSAGES]
        self._state.count("wecom_app_messages_accepted" if errcode == 0 else f"wecom_app_messages_refused_{errcode}")
        return message


def _obey(refuse: int | None) -> None:
    if refuse == 60020:
        raise Refused(60020, "not allow to access from your ip, hint: [1700000000], from ip: 203.0.113.7")
    if refuse is not None:
        raise Refused(refuse, "refused on request")


def _answer(refusal: Refused) -> dict[str, Any]:
    return {"errcode": refusal.errcode, "errmsg": refusal.errmsg}


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
