"""A push as a WeCom application sends it: a card with buttons, markdown or text, each of at most 2048 bytes of text.

Sources: 发送应用消息 https://developer.work.weixin.qq.com/document/path/90236 and 90372 (模板卡片). The
application's markdown holds half of what a robot's does. Lengths inside a card are recommendations: a longer text is
cut on the screen.
"""

from __future__ import annotations

import secrets
from typing import Any

from kesu.alerts.channels.base import Push
from kesu.alerts.channels.wecom_app.settings import USERID, WecomAppSettings
from kesu.alerts.content import Content, Tone, fit
from kesu.alerts.text import shorten

TOUSER_AT_MOST = 1000
TEXT_BYTES = 2048
SHORT_BYTES = 900
TITLE_CHARACTERS = 36
DESCRIPTION_CHARACTERS = 44
QUOTE_CHARACTERS = 160
VALUE_CHARACTERS = 30
LABEL_CHARACTERS = 5
BUTTON_CHARACTERS = 10
ROWS_AT_MOST = 6
CLAIM = "claim"
RED, GREY = 2, 0


def payload(push: Push, settings: WecomAppSettings) -> dict[str, Any]:
    """The JSON body. ``enable_duplicate_check`` stays off: a reminder with the same words is meant."""
    common = {"touser": "|".join(receivers(push, settings)), "agentid": settings.agentid, "enable_duplicate_check": 0}
    if push.short or settings.style == "text":
        text = push.content.plain(SHORT_BYTES if push.short else TEXT_BYTES)
        return {**common, "msgtype": "text", "text": {"content": text}}
    if settings.can_be_clicked and push.content.link:
        return {**common, "msgtype": "template_card", "template_card": card(push)}
    return {**common, "msgtype": "markdown", "markdown": {"content": markdown(push.content)}}


def receivers(push: Push, settings: WecomAppSettings) -> tuple[str, ...]:
    """Whoever this push calls, and who is always told unless it leaves them out."""
    if settings.receivers == ("@all",):
        return settings.receivers
    called = filter(USERID.fullmatch, push.mentions)
    always = (name for name in settings.receivers if name not in push.left_out)
    return tuple(dict.fromkeys((*called, *always)))[:TOUSER_AT_MOST]


def card(push: Push) -> dict[str, Any]:
    """A card that opens the case wherever it is touched, with a button to claim it while nobody has."""
    content = push.content
    description = " · ".join(part for part in (content.title, *content.notes) if part)
    buttons = [{"type": 1, "text": shorten(content.link_text, BUTTON_CHARACTERS), "style": 2, "url": content.link}]
    if content.claim_text:
        claim = {
            "type": 0,
            "text": shorten(content.claim_text, BUTTON_CHARACTERS),
            "style": 1,
            "key": claim_key(content),
        }
        buttons.insert(0, claim)
    found: dict[str, Any] = {
        "card_type": "button_interaction",
        "source": {"desc": "Kesu 客诉", "desc_color": RED if content.tone is Tone.WARNING else GREY},
        "main_title": {
            "title": shorten(content.headline, TITLE_CHARACTERS),
            "desc": shorten(description, DESCRIPTION_CHARACTERS),
        },
        "horizontal_content_list": [
            {"keyname": shorten(row.label, LABEL_CHARACTERS), "value": shorten(row.value, VALUE_CHARACTERS)}
            for row in content.rows[:ROWS_AT_MOST]
        ],
        "card_action": {"type": 1, "url": content.link},
        # Never used again in this application, not by another try nor by an earlier installation.
        "task_id": f"kesu-{push.id}-{secrets.token_hex(8)}",
        "button_list": buttons,
    }
    if content.quote:
        found["sub_title_text"] = shorten(f"{content.quote_label}: {content.quote}", QUOTE_CHARACTERS)
    return found


def claim_key(content: Content) -> str:
    """What the claim button sends back: the signed token of the link names the case and cannot be made up."""
    return f"{CLAIM}:{content.link.rpartition('/')[2]}"


def markdown(content: Content, limit: int = TEXT_BYTES) -> str:
    title = " · ".join(part for part in (content.title, *content.notes) if part)
    head = [content.headline, f'<font color="{content.tone}">{title}</font>' if title else ""]
    rows = [f'<font color="comment">{row.label}</font> {row.value}' for row in content.rows]
    tail = f"[{content.link_text}]({content.link})" if content.link else ""
    return fit(head, rows, content, lambda words: f"> {content.quote_label}: {words}", tail, limit)
