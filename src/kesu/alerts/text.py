"""Text that is safe to push: hostile markup neutralised, personal numbers covered, cut to bytes between characters."""

from __future__ import annotations

import re
import unicodedata

# What robots and mail programs read as markup, mentions or entities becomes the same sign in full width: a person still
# reads what the payer wrote.
_FULL_WIDTH = str.maketrans({sign: chr(ord(sign) + 0xFEE0) for sign in "<>[](){}`*_#@|~\\&!$^"})
_ADDRESS = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]*)(:)(?=//)|(?:www)(\.)|(?:mailto|tel|javascript|data)(:)")

_SEPARATOR = r"[\s.\-/·]?"
_MOBILE = re.compile(rf"(?<!\d)1{_SEPARATOR}[3-9](?:{_SEPARATOR}\d){{9}}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}[\s\-]\d{7,8}(?!\d)")
_LONG_NUMBER = re.compile(r"\d{7,}[Xx]?")
_OPENID = re.compile(r"(?<![A-Za-z0-9_-])o[A-Za-z0-9_-]{27}(?![A-Za-z0-9_-])")


def one_line(text: str) -> str:
    """``text`` on one line, single-spaced, without control, zero-width, direction and unassigned characters."""
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if character.isspace() or category in ("Zl", "Zp"):
            kept.append(" ")
        elif category[0] != "C":
            kept.append(character)
    return " ".join("".join(kept).split())


def cover_numbers(text: str) -> str:
    """Phone numbers, other long numbers and openids, covered so that they cannot be dialled or looked up."""
    text = _OPENID.sub("o***", text)
    text = _MOBILE.sub(lambda found: _covered(found.group()), text)
    text = _LANDLINE.sub(lambda found: _covered(found.group()), text)
    return _LONG_NUMBER.sub(lambda found: _covered(found.group()), text)


def neutralise(text: str) -> str:
    """Somebody else's words as harmless words on one line: no markup, mention, link or phone number is left in them."""
    text = cover_numbers(one_line(text))
    text = _ADDRESS.sub(lambda found: found.group().replace(":", "：").replace(".", "．"), text)
    return text.translate(_FULL_WIDTH)


def shorten(text: str, characters: int) -> str:
    """``text``, or its first ``characters`` characters and an ellipsis."""
    return text if len(text) <= characters else text[:characters].rstrip() + "…"


def byte_length(text: str) -> int:
    return len(text.encode())


def cut_bytes(text: str, limit: int, mark: str) -> str:
    """``text`` in at most ``limit`` UTF-8 bytes, cut between characters and ending in ``mark``; "" without room."""
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    room = limit - len(mark.encode())
    return encoded[:room].decode(errors="ignore") + mark if room >= 0 else ""


def _covered(found: str) -> str:
    digits = "".join(character for character in found if character.isalnum())
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"
