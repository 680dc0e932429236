"""The message of 回复需要即时服务的投诉单 (https://pay.weixin.qq.com/doc/v3/merchant/4017151596): blocks that a payer
reads and presses. Names and enums are the page's; `model_dump(exclude_none=True)` is what goes over the wire.

Lengths are ours where the page names none: what a press says is the 1024 characters that `click_message` holds, an
address the 512 of `/response`. Links are https only, as there.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

HTTPS_URL = r"^https://[0-9A-Za-z][0-9A-Za-z.\-]*(:[0-9]{1,5})?([/?#][!-~]*)?$"
"""ASCII, no spaces, and nobody's name before the host: what stands first is where it leads."""


def whole(value: Any) -> int:
    """What JSON Schema calls an integer: 5 and 5.0, but neither "5" nor true."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value != int(value):
        raise ValueError("must be a whole number")
    return int(value)


Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*\S[^\x00]*$")]
Said = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]*\S[^\x00]*$")]
Data = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
HttpsUrl = Annotated[str, StringConstraints(max_length=512, pattern=HTTPS_URL)]
AppId = Annotated[str, StringConstraints(max_length=32, pattern=r"^[0-9A-Za-z_\-]+$")]
Page = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[!-~]+$")]
Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        r"(\.[0-9]{1,6})?(Z|[+\-](0[0-9]|1[0-4]):[0-5][0-9])$"
    ),
]
"""RFC 3339. That the day exists is for whoever reads it."""


class Part(BaseModel):
    """No field that the page does not name, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MessageInfo(Part):
    """`content` comes back as the payer's words (history `USER_CLICK_RESPONSE`), `custom_data` with it."""

    content: Said
    custom_data: Data | None = None


class SendMessage(Part):
    action_type: Literal["ACTION_TYPE_SEND_MESSAGE"]
    message_info: MessageInfo
    action_id: Data | None = None


class JumpUrl(Part):
    action_type: Literal["ACTION_TYPE_JUMP_URL"]
    jump_url: HttpsUrl
    action_id: Data | None = None


class MiniProgram(Part):
    """Here only the appid is required, unlike in `/response`."""

    appid: AppId
    path: Page | None = None
    text: Label | None = None


class JumpMiniProgram(Part):
    action_type: Literal["ACTION_TYPE_JUMP_MINI_PROGRAM"]
    mini_program_jump_info: MiniProgram
    action_id: Data | None = None


Action = Annotated[SendMessage | JumpUrl | JumpMiniProgram, Field(discriminator="action_type")]


class InvalidInfo(Part):
    """Until when something can be pressed, and whether more than once."""

    expired_time: Moment | None = None
    multi_clickable: bool | None = None


class Pressed(Part):
    """A link or a button."""

    text: Label
    action: Action
    invalid_info: InvalidInfo | None = None


class Faq(Part):
    faq_id: Label | None = None
    faq_title: Label
    action: Action


class FaqList(Part):
    faqs: Annotated[list[Faq], Field(min_length=1, max_length=20)]


class ButtonGroup(Part):
    buttons: Annotated[list[Pressed], Field(min_length=1, max_length=10)]
    button_layout: Literal["LAYOUT_UNKNOWN", "LAYOUT_HORIZONTAL", "LAYOUT_VERTICAL"] = "LAYOUT_VERTICAL"
    invalid_info: InvalidInfo | None = None


class Text(Part):
    text: Words
    color: Literal["DEFAULT", "SECONDARY"] = "DEFAULT"
    is_bold: bool = False


class TextBlock(Part):
    type: Literal["TEXT"]
    text: Text


class LinkBlock(Part):
    type: Literal["LINK"]
    link: Pressed


class FaqListBlock(Part):
    type: Literal["FAQ_LIST"]
    faq_list: FaqList


class ButtonBlock(Part):
    type: Literal["BUTTON"]
    button: Pressed


class ButtonGroupBlock(Part):
    type: Literal["BUTTON_GROUP"]
    button_group: ButtonGroup
