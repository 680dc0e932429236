"""Field types that survive the platform's changes (消费者投诉2.0 changed string to array while live).

Each takes what arrives and makes the best of it; none ever raises. What cannot be read becomes the field's
empty value, and the resource's `.raw` still holds it as received.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr

from kesu.wechatpay.wire import moment

LARGEST = 2**63 - 1

Item = TypeVar("Item", bound="Resource")


def _maybe_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, bool | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str)


def to_text(value: Any) -> str:
    return _maybe_text(value) or ""


def to_integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        text = value.strip()
        digits = text.removeprefix("-")
        value = int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 19 else None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    return value if isinstance(value, int) and abs(value) <= LARGEST else None


def _maybe_flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return None


def _texts(value: Any) -> list[str]:
    if value is None or value == "":
        return []
    items = value if isinstance(value, list) else [value]
    return [to_text(item) for item in items if item is not None]


def _objects(value: Any) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _maybe_object(value: Any) -> dict[str, Any] | None:
    found = _objects(value)
    return found[0] if found else None


Text = Annotated[str, BeforeValidator(to_text)]
MaybeText = Annotated[str | None, BeforeValidator(_maybe_text)]
MaybeInteger = Annotated[int | None, BeforeValidator(to_integer)]
Flag = Annotated[bool, BeforeValidator(lambda value: _maybe_flag(value) or False)]
MaybeFlag = Annotated[bool | None, BeforeValidator(_maybe_flag)]
Moment = Annotated[datetime | None, BeforeValidator(moment)]
Texts = Annotated[list[str], BeforeValidator(_texts)]
"""A list of strings; a single string counts as a list of one."""
MaybeObject = Annotated[dict[str, Any] | None, BeforeValidator(_maybe_object)]
Objects = Annotated[list[dict[str, Any]], BeforeValidator(_objects)]
ListOf = Annotated[list[Item], BeforeValidator(_objects)]
"""A list of resources; a single object counts as a list of one, and what is no object is left out."""
OneOf = Annotated[Item | None, BeforeValidator(_maybe_object)]


class Resource(BaseModel):
    """Something the platform told us. Field names are the wire's; unknown fields are kept as attributes.

    raw: the JSON as received (of a resource inside another: see the outer one). answered_at: the platform's
    own clock when it said so (from the signed header of the answer, aware UTC); None when it did not come from
    an answer. Order snapshots by this, not by arrival.
    """

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)
    _answered_at: datetime | None = PrivateAttr(default=None)

    @property
    def raw(self) -> dict[str, Any]:
        return self._raw

    @property
    def answered_at(self) -> datetime | None:
        return self._answered_at

    @classmethod
    def from_wire(cls, raw: Mapping[str, Any], *, answered_at: datetime | None = None) -> Self:
        """Build from the platform's JSON. Raises pydantic's ValidationError (a ValueError) only where the
        class says that a field cannot be missing."""
        resource = cls.model_validate(dict(raw))
        resource._raw = dict(raw)
        resource._answered_at = answered_at
        return resource
