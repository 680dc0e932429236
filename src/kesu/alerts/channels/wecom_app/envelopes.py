"""The XML of WeCom's callbacks: what comes in is read without DTDs and entities, what goes out is escaped.

Sources: 模板卡片事件推送 https://developer.work.weixin.qq.com/document/path/90240, 被动回复消息格式 .../path/90241.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from html import escape
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from kesu.alerts.channels.wecom_app.crypto import ForgedError, Sealed

CARD_EVENTS = frozenset({"template_card_event", "template_card_menu_event"})


@dataclass(frozen=True, slots=True)
class Click:
    """Somebody pressed a button. ``update_code`` may change the card once, within 72 hours."""

    userid: str
    agentid: str
    created: str
    task_id: str
    key: str
    update_code: str

    @property
    def identity(self) -> str:
        """The same for a callback that WeCom repeats; events have no number of their own."""
        parts = "\0".join((self.userid, self.created, self.task_id, self.key))
        return hashlib.sha256(parts.encode()).hexdigest()


def encrypted_part(raw: bytes) -> str:
    """``Encrypt`` of a POST. Raises ForgedError for anything that has none."""
    found = (_root(raw).findtext("Encrypt") or "").strip()
    if not found:
        raise ForgedError
    return found


def click_of(message: bytes) -> Click | None:
    """The click in a decrypted message; None for every other one. Raises ForgedError for what is no XML."""
    root = _root(message)

    def text(name: str) -> str:
        return (root.findtext(name) or "").strip()

    if text("MsgType") != "event" or text("Event") not in CARD_EVENTS:
        return None
    return Click(
        userid=text("FromUserName"),
        agentid=text("AgentID"),
        created=text("CreateTime"),
        task_id=text("TaskId"),
        key=text("EventKey"),
        update_code=text("ResponseCode"),
    )


def grey_button(userid: str, corpid: str, label: str, *, now: datetime) -> bytes:
    """The passive answer that greys the button for the one who pressed it, with a new label."""
    return (
        f"<xml><ToUserName>{escape(userid)}</ToUserName><FromUserName>{escape(corpid)}</FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime><MsgType>update_button</MsgType>"
        f"<Button><ReplaceName>{escape(label)}</ReplaceName></Button></xml>"
    ).encode()


def envelope(sealed: Sealed, timestamp: str, nonce: str) -> bytes:
    """An encrypted answer as WeCom reads it."""
    return (
        f"<xml><Encrypt>{sealed.encrypted}</Encrypt><MsgSignature>{sealed.signature}</MsgSignature>"
        f"<TimeStamp>{escape(timestamp)}</TimeStamp><Nonce>{escape(nonce)}</Nonce></xml>"
    ).encode()


def _root(raw: bytes) -> Element:
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):  # LookupError: an encoding nobody knows
        raise ForgedError from None
    return root
