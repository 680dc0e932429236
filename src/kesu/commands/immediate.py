"""The message of an immediate-service reply (即时服务), in one shape for page, REST API and command line.

Blocks are the platform's (``kesu.wechatpay.blocks``), but for pictures: they are kept here first and named by their
place among those sent along, ``{"type": "IMAGE", "media_index": 0}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

from pydantic import BeforeValidator, Field, ValidationError

from kesu.commands.errors import InvalidCommand
from kesu.complaints.models import Complaint
from kesu.wechatpay.blocks import (
    ButtonBlock,
    ButtonGroupBlock,
    Data,
    FaqListBlock,
    InvalidInfo,
    JumpMiniProgram,
    JumpUrl,
    LinkBlock,
    Part,
    Pressed,
    SendMessage,
    TextBlock,
    whole,
)

MOST_BLOCKS = 20
NAMESPACE = UUID("5f0d7c1e-9a0b-4a39-8d2f-2f6f6f0f4b1a")
"""Of idempotent ids. Never changed: an id has to come out the same for ever."""


class PictureBlock(Part):
    type: Literal["IMAGE"]
    media_index: Annotated[int, Field(ge=0, le=3), BeforeValidator(whole)]
    image_style_type: Literal["IMAGE_STYLE_TYPE_NARROW", "IMAGE_STYLE_TYPE_WIDE"] = "IMAGE_STYLE_TYPE_NARROW"


Block = Annotated[
    TextBlock | PictureBlock | LinkBlock | FaqListBlock | ButtonBlock | ButtonGroupBlock, Field(discriminator="type")
]
Blocks = Annotated[list[Block], Field(min_length=1, max_length=MOST_BLOCKS)]
Sender = Literal["MANUAL", "MACHINE"]


class Message(Part):
    """``sender_identity`` tells the payer whether a person or a machine wrote it."""

    blocks: Blocks
    sender_identity: Sender = "MANUAL"
    custom_data: Data | None = None


def parse(data: Any) -> Message:
    """From JSON's objects: a message, or its list of blocks alone. Raises InvalidCommand ``blocks``, with the first
    place that is wrong."""
    try:
        return Message.model_validate({"blocks": data} if isinstance(data, list) else data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "message"
        raise InvalidCommand("blocks", place=place, problem=first["msg"]) from None


def written(text: str, pictures: int = 0) -> Message:
    """Words, with this many pictures below them. Raises InvalidCommand ``text_missing``."""
    if not text.strip():
        raise InvalidCommand("text_missing")
    shown = [{"type": "IMAGE", "media_index": index} for index in range(pictures)]
    return parse([{"type": "TEXT", "text": {"text": text.strip()}}, *shown])


def check(message: Message, pictures: int, *, now: datetime) -> None:
    """Raises InvalidCommand for a picture that is not there, and for what could never be pressed."""
    if any(isinstance(block, PictureBlock) and block.media_index >= pictures for block in message.blocks):
        raise InvalidCommand("picture_unknown")
    for info in _bounds(message):
        if info.expired_time is not None and not _lies_ahead(info.expired_time, now):
            raise InvalidCommand("expired_time")


def payload_of(message: Message, pictures: Sequence[int]) -> dict[str, Any]:
    """What the journal keeps, guards judge and the platform is sent."""
    return {
        "blocks": [block.model_dump(exclude_none=True) for block in message.blocks],
        "text": "\n".join(texts_of(message)),
        "jumps": list(_jumps(message)),
        "pictures": list(pictures),
        "sender_identity": message.sender_identity,
        "custom_data": message.custom_data,
    }


def idempotent_id(complaint: Complaint, key: str) -> str:
    """The platform acts on one id once. It follows from complaint and key, both kept for ever: the same command asks
    under the same id also when its words were erased."""
    return str(uuid5(NAMESPACE, f"{complaint.complainted_mchid}/{complaint.complaint_id}/{key}"))


def texts_of(message: Message) -> Iterator[str]:
    """Every text that the payer reads, also where a press says it for them."""
    for block in message.blocks:
        if isinstance(block, TextBlock):
            yield block.text.text
            continue
        for label, action in _offers(block):
            yield label
            if isinstance(action, SendMessage) and action.message_info.content != label:
                yield action.message_info.content
            if isinstance(action, JumpMiniProgram) and action.mini_program_jump_info.text not in (None, label):
                yield str(action.mini_program_jump_info.text)


def _jumps(message: Message) -> Iterator[dict[str, str]]:
    for block in message.blocks:
        for label, action in _offers(block):
            if isinstance(action, JumpUrl):
                yield {"url": action.jump_url, "text": label}
            elif isinstance(action, JumpMiniProgram):
                program = action.mini_program_jump_info
                yield {"appid": program.appid, "path": program.path or "", "text": program.text or label}


def _offers(block: Block) -> Iterator[tuple[str, SendMessage | JumpUrl | JumpMiniProgram]]:
    """What of a block can be pressed, with its words."""
    if isinstance(block, FaqListBlock):
        yield from ((faq.faq_title, faq.action) for faq in block.faq_list.faqs)
    yield from ((pressed.text, pressed.action) for pressed in _pressed(block))


def _pressed(block: Block) -> Iterator[Pressed]:
    if isinstance(block, LinkBlock):
        yield block.link
    elif isinstance(block, ButtonBlock):
        yield block.button
    elif isinstance(block, ButtonGroupBlock):
        yield from block.button_group.buttons


def _bounds(message: Message) -> Iterator[InvalidInfo]:
    for block in message.blocks:
        group = block.button_group.invalid_info if isinstance(block, ButtonGroupBlock) else None
        yield from (info for info in (group, *(one.invalid_info for one in _pressed(block))) if info is not None)


def _lies_ahead(moment: str, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(moment) > now
    except ValueError:
        return False
