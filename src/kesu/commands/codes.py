"""What codes in a picture say: QR codes and their like, in any place, size and direction.

The round codes of mini programs are WeChat's own and cannot be read by anybody else.
"""

from __future__ import annotations

import io

import structlog
from PIL import Image

log = structlog.get_logger(__name__)

LONGEST_SIDE = 2560
"""Larger pictures are looked at smaller: what is looked for in bounded time, a second or two at most."""
MOST_CODES = 8
LONGEST_CODE = 500
FORMATS = ("QRCode", "MicroQRCode", "RMQRCode", "DataMatrix", "Aztec")
"""What phones open. Bar codes of goods hold numbers only."""


def codes_in(content: bytes) -> list[str] | None:
    """What each code in a picture says, at most ``MOST_CODES``; None when it could not be looked at. ``content``: JPEG
    or PNG that Pillow has written. Never raises: whether a picture can be kept does not depend on it."""
    try:
        import zxingcpp  # only where a picture comes in

        with Image.open(io.BytesIO(content)) as opened:
            grey = _grey(opened)
        formats = zxingcpp.barcode_formats_from_str(",".join(FORMATS))
        found = zxingcpp.read_barcodes(grey, formats=formats)
    except (ImportError, AttributeError, OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        log.warning("picture.not_searched", error=type(error).__name__)
        return None
    said = (code.text.replace("\x00", "").strip()[:LONGEST_CODE] for code in found)
    return list(dict.fromkeys(text for text in said if text))[:MOST_CODES]


def _grey(picture: Image.Image) -> Image.Image:
    """In shades of grey on white, for a code may be drawn on nothing."""
    if "A" in picture.getbands():
        ground = Image.new("RGB", picture.size, "white")
        ground.paste(picture, mask=picture.getchannel("A"))
        picture = ground
    grey = picture.convert("L")
    grey.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return grey
