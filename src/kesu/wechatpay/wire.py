"""What goes over the wire, piece by piece: JSON objects and times (read without trust), paths, queries, bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The platform's zone; China has had no summer time since 1991."""


_UNSTORABLE = re.compile("[\ud800-\udfff\0]")


def json_object(raw: bytes, *, verbatim: bool = False) -> dict[str, Any]:
    """Parse UTF-8 JSON that must be an object. Raises ValueError for anything else, however hostile.

    Half surrogate pairs (an emoji cut in two) and NUL characters, which no database takes, become U+FFFD;
    not so when `verbatim`.
    """
    # Decoded here, because json.loads would guess UTF-16 and UTF-32 from bytes.
    text = raw.decode("utf-8")
    try:
        value = json.loads(text)
        if "\\u" in text and not verbatim:
            value = storable(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def storable(value: Any) -> Any:
    """The JSON value with every character that no database takes replaced by U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


def moment(value: object) -> datetime | None:
    """An RFC 3339 time, with or without a fraction, as aware UTC; a time without a zone is Beijing's.
    None for what is not such a time."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value.strip())
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=BEIJING)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def compact_moment(value: str) -> datetime | None:
    """A Beijing time of fourteen digits (`20180225112233`) as aware UTC; None for anything else."""
    digits = value.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) == 14):
        return None
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).astimezone(UTC)
    except ValueError:
        return None


def wire_time(when: datetime, *, milliseconds: bool = False) -> str:
    """A time as the platform writes it: Beijing, `2026-03-20T14:00:00+08:00`."""
    return when.astimezone(BEIJING).isoformat(timespec="milliseconds" if milliseconds else "seconds")


def segment(value: str) -> str:
    """One escaped part of a path. Raises ValueError for what would change the path's shape."""
    if value in ("", ".", ".."):
        raise ValueError("an identifier is empty or a dot")
    return quote(value, safe="")


def with_query(path: str, parameters: Mapping[str, str | int | None]) -> str:
    """path?query without the absent parameters."""
    present = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(present, quote_via=quote)}" if present else path


def json_body(fields: Mapping[str, Any]) -> bytes:
    """The JSON bytes of the fields that are present (the platform refuses unknown and null ones)."""
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()
