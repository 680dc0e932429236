"""A push as a DingTalk robot wants it: markdown, or text for the short form, in a body of at most 20000 bytes.

Source: 自定义机器人接入 https://open.dingtalk.com/document/robots/custom-robot-access. A longer body is refused
as a whole (errcode 460101). A person in ``at`` is called only if the text itself contains @number or @userid too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from kesu.alerts.channels.base import Push
from kesu.alerts.channels.dingtalk_robot.settings import DingtalkRobotSettings
from kesu.alerts.content import Content, Tone, fit

BODY_BYTES = 20_000
TEXT_BYTES = 9_000
SHORT_BYTES = 900
CALLED_AT_MOST = 20
_MOBILE = re.compile(r"(?:\+?[0-9]{1,4}-)?[0-9]{6,15}")
_USERID = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


def encoded(push: Push, settings: DingtalkRobotSettings) -> bytes:
    """The body as it is sent: raw UTF-8, never more than BODY_BYTES whatever JSON makes of the text."""
    limit = SHORT_BYTES if push.short else TEXT_BYTES
    while True:
        body = json.dumps(payload(push, settings, limit), ensure_ascii=False).encode()
        if len(body) <= BODY_BYTES:
            return body
        limit //= 2


def payload(push: Push, settings: DingtalkRobotSettings, limit: int = TEXT_BYTES) -> dict[str, Any]:
    """The JSON body with at most ``limit`` bytes of text."""
    mobiles, userids = called(push.mentions)
    everyone = bool(push.mentions) and settings.everyone
    names = " ".join(f"@{name}" for name in (*mobiles, *userids))
    at = {"atMobiles": mobiles, "atUserIds": userids, "isAtAll": everyone}
    extra = [names, settings.keyword]
    if push.short:
        head = "\n".join(part for part in extra if part)
        room = limit - len(head.encode()) - 1
        content = "\n".join(part for part in (push.content.plain(max(room, 1)), head) if part)
        return {"msgtype": "text", "text": {"content": content}, "at": at}
    found = {"title": push.content.headline[:100], "text": markdown(push.content, extra, limit)}
    return {"msgtype": "markdown", "markdown": found, "at": at}


def called(mentions: Sequence[str]) -> tuple[list[str], list[str]]:
    """Mobile numbers and account ids among ``mentions``, each once; what is neither could only show as raw text."""
    known = list(dict.fromkeys(mentions))[:CALLED_AT_MOST]
    mobiles = [name for name in known if _MOBILE.fullmatch(name)]
    return mobiles, [name for name in known if name not in mobiles and _USERID.fullmatch(name)]


def markdown(content: Content, extra: Sequence[str] = (), limit: int = TEXT_BYTES) -> str:
    """The content as DingTalk markdown, where a line ends only after two spaces or an empty line."""
    title = " · ".join(part for part in (content.title, *content.notes) if part)
    emphasis = "**" if content.tone is Tone.WARNING and title else ""
    head = [content.headline, *extra, f"{emphasis}{title}{emphasis}"]
    rows = [f"{row.label}: {row.value}  " for row in content.rows]
    tail = f"\n[{content.link_text}]({content.link})" if content.link else ""
    lines = [f"{line}  " for line in head if line]
    return fit(lines, rows, content, lambda words: f"\n> {content.quote_label}: {words}", tail, limit)
