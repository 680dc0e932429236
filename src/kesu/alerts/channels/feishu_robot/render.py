"""A push as a Feishu robot wants it: a card, or text for the short form, in a body of at most 20 KB.

Source: 自定义机器人使用指南 https://open.larkoffice.com/document/ukTMukTMukTM/ucTM5YjL3ETO24yNxkjN.md. A person
is called with ``<at id=...></at>`` in a card and ``<at user_id="..."></at>`` in a text. Buttons of such a robot are
links only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kesu.alerts.channels.base import Push
from kesu.alerts.channels.feishu_robot.settings import FeishuRobotSettings
from kesu.alerts.content import Content, Tone, fit

BODY_BYTES = 20_000
TEXT_BYTES = 9_000
SHORT_BYTES = 900
CALLED_AT_MOST = 20
COLOURS = {Tone.WARNING: "red", Tone.COMMENT: "grey", Tone.INFO: "blue"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def encoded(push: Push, settings: FeishuRobotSettings, signed: Mapping[str, str]) -> bytes:
    """The body as it is sent, with the fields of the signature: never more than BODY_BYTES."""
    limit = SHORT_BYTES if push.short else TEXT_BYTES
    while True:
        body = json.dumps({**signed, **payload(push, settings, limit)}, ensure_ascii=False).encode()
        if len(body) <= BODY_BYTES:
            return body
        limit //= 2


def payload(push: Push, settings: FeishuRobotSettings, limit: int = TEXT_BYTES) -> dict[str, Any]:
    """The JSON body without its signature, with at most ``limit`` bytes of text."""
    ids = called(push.mentions)
    if push.mentions and settings.everyone:
        ids.append("all")
    if push.short:
        names = " ".join(f'<at user_id="{name}"></at>' for name in ids)
        parts = (push.content.plain(limit), names, settings.keyword)
        return {"msg_type": "text", "content": {"text": "\n".join(part for part in parts if part)}}
    names = " ".join(f"<at id={name}></at>" for name in ids)
    return {"msg_type": "interactive", "card": card(push.content, [names, settings.keyword], limit)}


def called(mentions: Sequence[str]) -> list[str]:
    """The ids that can be called, each once."""
    return [name for name in dict.fromkeys(mentions) if _ID.fullmatch(name)][:CALLED_AT_MOST]


def card(content: Content, extra: Sequence[str] = (), limit: int = TEXT_BYTES) -> dict[str, Any]:
    """The headline as the card's coloured header, the rest as lark_md, the link as its button."""
    title = " · ".join(part for part in (content.title, *content.notes) if part)
    head = [f"**{title}**" if title else "", *extra]
    rows = [f"{row.label}: {row.value}" for row in content.rows]
    text = fit(head, rows, content, lambda words: f"{content.quote_label}: {words}", "", limit)
    elements: list[dict[str, Any]] = [{"tag": "div", "text": {"tag": "lark_md", "content": text}}]
    if content.link:
        label = {"tag": "plain_text", "content": content.link_text}
        button = {"tag": "button", "text": label, "type": "primary", "url": content.link}
        elements.append({"tag": "action", "actions": [button]})
    return {
        "config": {"wide_screen_mode": True},
        "header": {
            "title": {"tag": "plain_text", "content": content.headline[:200]},
            "template": COLOURS[content.tone],
        },
        "elements": elements,
    }
