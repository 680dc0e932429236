"""What a payer can press in an immediate-service message, and what comes of it.

Source: 回复需要即时服务的投诉单 (4017151596, 2026-01-22), which names fields and enums. That an action needs the
part its type names is taken from the names, that links are https from /response.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.sandbox.errors import ScriptError, parameter_error
from kesu.sandbox.platform import PAYER, Platform
from kesu.sandbox.state import Complaint

_NEEDS = {
    "ACTION_TYPE_SEND_MESSAGE": "message_info",
    "ACTION_TYPE_JUMP_URL": "jump_url",
    "ACTION_TYPE_JUMP_MINI_PROGRAM": "mini_program_jump_info",
}
_BLOCKS = {
    "TEXT": "text",
    "IMAGE": "image",
    "LINK": "link",
    "FAQ_LIST": "faq_list",
    "BUTTON": "button",
    "BUTTON_GROUP": "button_group",
}


@dataclass(frozen=True)
class Offer:
    """Something to press. `bounds`: the invalid_info that holds for it."""

    text: str
    action: dict[str, Any]
    bounds: tuple[dict[str, Any], ...] = ()


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Raises PlatformError PARAM_ERROR."""
    for index, block in enumerate(blocks):
        if _BLOCKS[block["type"]] not in block:
            raise parameter_error(f"message.blocks[{index}]缺少与type对应的内容")
        for offer in offers_of([block]):
            _check(offer, f"message.blocks[{index}]")


def offers_of(blocks: list[dict[str, Any]]) -> Iterator[Offer]:
    for block in blocks:
        group = block.get("button_group", {})
        parts = [block.get("link"), block.get("button"), *group.get("buttons", [])]
        for part in filter(None, parts):
            bounds = tuple(filter(None, (part.get("invalid_info"), group.get("invalid_info"))))
            yield Offer(part.get("text", ""), part.get("action", {}), bounds)
        for faq in block.get("faq_list", {}).get("faqs", []):
            yield Offer(faq.get("faq_title", ""), faq.get("action", {}))


def press(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """The payer presses what is called `text`, or the first thing there is, in the newest message that offers it."""
    for entry in reversed(complaint.history):
        message = entry.extra.get("normal_message") or {}
        for offer in offers_of(message.get("blocks", [])):
            if text in ("", offer.text):
                _press(platform, complaint, offer, entry.log_id, now=now)
                return
    raise ScriptError(f"there is nothing to press called {text!r}" if text else "there is nothing to press", status=409)


def _press(platform: Platform, complaint: Complaint, offer: Offer, log_id: str, *, now: datetime) -> None:
    for bound in offer.bounds:
        if "expired_time" in bound and datetime.fromisoformat(bound["expired_time"]) <= now:
            raise ScriptError("it can be pressed no more: its time is over", status=409)
        if bound.get("multi_clickable") is False and _was_pressed(complaint, log_id):
            raise ScriptError("it can be pressed once only", status=409)
    info = offer.action.get("message_info", {})
    sends = offer.action.get("action_type") == "ACTION_TYPE_SEND_MESSAGE"
    said = info["content"] if sends else offer.text
    click = {"message_content": said, "action_id": offer.action.get("action_id", ""), "clicked_log_id": log_id}
    if sends:
        complaint.incoming_user_response = True
    platform.record(complaint, PAYER, "USER_CLICK_RESPONSE", now=now, click_message=click)


def _was_pressed(complaint: Complaint, log_id: str) -> bool:
    return any(entry.extra.get("click_message", {}).get("clicked_log_id") == log_id for entry in complaint.history)


def _check(offer: Offer, path: str) -> None:
    kind = offer.action.get("action_type")
    needed = _NEEDS.get(kind or "")
    if needed is None or needed not in offer.action:
        raise parameter_error(f"{path}的action缺少与action_type对应的内容")
    if not offer.text:
        raise parameter_error(f"{path}缺少文案")
    if needed == "jump_url" and not offer.action["jump_url"].startswith("https://"):
        raise parameter_error(f"{path}.jump_url必须为https链接")
    for bound in offer.bounds:
        if "expired_time" in bound and not _is_moment(bound["expired_time"]):
            raise parameter_error(f"{path}.invalid_info.expired_time的格式错误")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
