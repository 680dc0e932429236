"""Pictures that staff send: taken in safely, written anew, uploaded once an account.

The platform takes JPG, BMP and PNG of at most 2 MB (图片上传, https://pay.weixin.qq.com/doc/v3/partner/4012467222).
Nothing of the original file goes out but its pixels: no position, no camera, nothing hidden behind the picture.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from kesu.accounts.actor import Actor
from kesu.commands.codes import codes_in
from kesu.commands.models import OutgoingPicture
from kesu.merchants.models import Account
from kesu.threads import in_thread
from kesu.wechatpay import Client
from kesu.wechatpay.media import LARGEST_UPLOAD, image_type

LARGEST_FILE = 10 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 2560
QUALITIES = (90, 80, 70, 55)
MEDIA_ID_AGE = timedelta(days=30)
"""How long a media_id is used again. The platform names no end; a month is our own caution."""


class PictureRefused(Exception):
    """The file cannot be sent. ``reason`` is ``type``, ``size``, ``pixels`` or ``broken``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def keep(actor: Actor, account: Account, content: bytes, *, now: datetime) -> OutgoingPicture:
    """Take a picture in for this account; the same picture is kept once. Raises PictureRefused."""
    clean, content_type = written_anew(content)
    digest = hashlib.sha256(clean).hexdigest()
    known = OutgoingPicture.objects.filter(account=account, sha256=digest).first()
    if known is not None and known.codes is not None:
        return known
    codes = codes_in(clean)
    picture, _ = OutgoingPicture.objects.get_or_create(
        account=account,
        sha256=digest,
        defaults={
            "content": clean,
            "content_type": content_type,
            "codes": codes,
            "uploaded_by": actor.user,
            "created_at": now,
        },
    )
    if picture.codes is None and codes is not None:  # kept by an older version
        picture.codes = codes
        picture.save(update_fields=["codes"])
    return picture


def are_kept(account: Account, pks: Collection[int]) -> bool:
    """Whether all of these pictures were taken in for this account."""
    return OutgoingPicture.objects.filter(account=account, pk__in=pks).count() == len(set(pks)) if pks else True


def written_anew(content: bytes) -> tuple[bytes, str]:
    """(bytes, content type) of the same picture, upright, without anything beside its pixels, within 2 MB.
    Raises PictureRefused."""
    if len(content) > LARGEST_FILE:
        raise PictureRefused("size")
    kind = image_type(content)
    if kind is None:
        raise PictureRefused("type")
    try:
        with Image.open(io.BytesIO(content), formats=[{"jpg": "JPEG", "png": "PNG", "bmp": "BMP"}[kind]]) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise PictureRefused("pixels")
            bare = _bare(ImageOps.exif_transpose(opened))
    except Image.DecompressionBombError:
        raise PictureRefused("pixels") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise PictureRefused("broken") from None
    if kind == "png":
        written = _write(bare, "PNG", optimize=True)
        if len(written) <= LARGEST_UPLOAD:
            return written, "image/png"
    return _as_jpeg(bare), "image/jpeg"


def _bare(picture: Image.Image) -> Image.Image:
    """Its pixels in RGB or RGBA, and nothing that was told beside them: a colour profile can hold anything."""
    if picture.mode.startswith("I"):  # 16 bits of grey, of which Pillow would cut off instead of narrowing
        picture = picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    see_through = "A" in picture.getbands() or "transparency" in picture.info
    bare = picture.convert("RGBA" if see_through else "RGB")
    bare.info.clear()
    return bare


def _as_jpeg(picture: Image.Image) -> bytes:
    """As good as fits into 2 MB."""
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    ground.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    for quality in QUALITIES:
        written = _write(ground, "JPEG", quality=quality, optimize=True)
        if len(written) <= LARGEST_UPLOAD:
            return written
    raise PictureRefused("size")


def _write(picture: Image.Image, format: str, **options: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, format, exif=b"", **options)
    return target.getvalue()


async def media_ids(client: Client, account: Account, pks: Sequence[int], *, now: datetime) -> list[str]:
    """The platform's ids of these pictures, in their order; what was not uploaded yet is uploaded.
    Raises the errors of ``kesu.wechatpay``; uploading twice harms nobody."""
    found = await in_thread(
        lambda: {row.pk: row for row in OutgoingPicture.objects.filter(account=account, pk__in=pks)}
    )
    ids = []
    for pk in pks:
        picture = found[pk]
        if not picture.media_id or picture.uploaded_at is None or picture.uploaded_at < now - MEDIA_ID_AGE:
            content = bytes(picture.content)
            picture.media_id = await client.upload_image(f"{picture.sha256[:16]}.{image_type(content)}", content)
            picture.uploaded_at = now
            await in_thread(_keep_id, picture)
        ids.append(picture.media_id)
    return ids


@transaction.atomic
def _keep_id(picture: OutgoingPicture) -> None:
    picture.save(update_fields=["media_id", "uploaded_at"])
