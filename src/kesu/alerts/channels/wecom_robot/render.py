"""A push as a WeCom robot wants it: markdown in 4096 bytes, or text in 2048.

Source: 消息推送配置说明 https://developer.work.weixin.qq.com/document/path/99110. The limits are bytes of UTF-8;
a longer markdown is refused as a whole (errcode 40058). Markdown knows three colours and ``<@userid>``; mobile numbers
and @all exist in text only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kesu.alerts.channels.base import Push
from kesu.alerts.channels.wecom_robot.settings import WecomRobotSettings
from kesu.alerts.content import Content, fit
from kesu.alerts.text import byte_length

MARKDOWN_BYTES = 4096
TEXT_BYTES = 2048
SHORT_BYTES = 900
MENTION_BYTES = 600
_USERID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


def payload(push: Push, settings: WecomRobotSettings) -> dict[str, Any]:
    """The JSON body. A short push is plain text without mentions of people by number."""
    mentions = mention_ids(push.mentions)
    by_text = bool(push.mentions) and bool(settings.mobiles or settings.everyone)
    if not (by_text or push.short):
        return {"msgtype": "markdown", "markdown": {"content": markdown(push.content, mentions)}}
    limit = SHORT_BYTES if push.short else TEXT_BYTES
    text: dict[str, Any] = {"content": push.content.plain(limit), "mentioned_list": list(mentions)}
    if by_text and settings.everyone:
        text["mentioned_list"].append("@all")
    if by_text and settings.mobiles:
        text["mentioned_mobile_list"] = list(settings.mobiles)
    return {"msgtype": "text", "text": text}


def mention_ids(userids: Sequence[str]) -> tuple[str, ...]:
    """Account ids that can be mentioned, each once, as many as MENTION_BYTES hold; others would show as raw text."""
    kept: list[str] = []
    room = MENTION_BYTES
    for userid in filter(_USERID.fullmatch, dict.fromkeys(userids)):
        room -= byte_length(f"<@{userid}> ")
        if room >= 0:
            kept.append(userid)
    return tuple(kept)


def markdown(content: Content, mentions: Sequence[str] = (), limit: int = MARKDOWN_BYTES) -> str:
    """The content as WeCom markdown in at most ``limit`` bytes. The headline is first and bare: a phone previews it."""
    title = " · ".join(part for part in (content.title, *content.notes) if part)
    head = [
        content.headline,
        " ".join(f"<@{userid}>" for userid in mentions),
        f'<font color="{content.tone}">{title}</font>' if title else "",
    ]
    rows = [f'<font color="comment">{row.label}</font> {row.value}' for row in content.rows]
    tail = f"[{content.link_text}]({content.link})" if content.link else ""
    return fit(head, rows, content, lambda words: f"> {content.quote_label}: {words}", tail, limit)
