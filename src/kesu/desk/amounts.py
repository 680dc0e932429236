"""Money as people type it."""

from __future__ import annotations

import re

_YUAN = re.compile("[\u00a5\uffe5]?\\s*(\\d{1,9})(?:[.\u3002](\\d{1,2}))?\\s*\u5143?")
"""A yen sign of either width before it, or the character for yuan behind it."""


def fen_of(text: str) -> int | None:
    """Yuan as fen: "19.9" is 1990, "¥ 1,234.5" is 123450; None for what is no amount. Never through a float."""
    match = _YUAN.fullmatch(text.strip().replace(",", "").replace("\uff0c", ""))
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None
