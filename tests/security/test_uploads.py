"""Files that staff choose leave as pictures and nothing else, of at most 2 MB, whatever they were."""

from __future__ import annotations

import io
import random
import struct
import zlib
from contextlib import suppress

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageCms, PngImagePlugin

from kesu.commands.models import Command, OutgoingPicture
from kesu.commands.pictures import LARGEST_FILE, PictureRefused, written_anew
from kesu.wechatpay.media import LARGEST_UPLOAD

SECRET = b"taken at 31.2304 121.4737"
SCRIPT = b"<script>alert(document.domain)</script>"
RED = Image.new("RGB", (40, 30), "red")


def file_of(picture: Image.Image, format: str, **more: object) -> bytes:
    target = io.BytesIO()
    picture.save(target, format, **more)
    return target.getvalue()


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of_size(width: int, height: int) -> bytes:
    """A small file that says that it is large."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width // 8 + 1) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x010E] = SECRET.decode()
    found[0x9286] = SECRET
    found.get_ifd(0x8825)[29] = SECRET.decode()  # of the GPS part
    return found


def profile() -> bytes:
    return bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) + SECRET


def png_texts() -> PngImagePlugin.PngInfo:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Comment", SECRET.decode())
    texts.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    return texts


@pytest.mark.parametrize(
    "content",
    [
        file_of(RED, "JPEG", exif=exif(), icc_profile=profile(), comment=SECRET, xmp=SECRET),
        file_of(RED, "PNG", exif=exif(), icc_profile=profile(), pnginfo=png_texts()),
        file_of(RED.convert("P"), "PNG", icc_profile=profile(), pnginfo=png_texts()),
        file_of(RED.convert("RGBA"), "PNG", icc_profile=profile(), exif=exif()),
        file_of(RED, "BMP") + SECRET,
    ],
    ids=["jpeg", "png", "palette", "transparent", "bmp"],
)
def test_nothing_but_pixels_leaves(content):
    clean, _ = written_anew(content)
    assert SECRET not in clean
    picture = opened(clean)
    assert not picture.getexif()
    assert not {"icc_profile", "comment", "exif", "xmp", "XML:com.adobe.xmp", "Comment"} & set(picture.info)
    assert clean.count(b"iCCP") == clean.count(b"ICC_PROFILE") == 0


@pytest.mark.parametrize(
    "content",
    [
        file_of(RED, "JPEG") + SCRIPT,
        file_of(RED, "JPEG", comment=SCRIPT),
        file_of(RED, "PNG") + b"PK\x03\x04" + SCRIPT + b"PK\x05\x06" + b"\0" * 18,
        file_of(RED, "PNG")[:33] + chunk(b"teXt", SCRIPT) + file_of(RED, "PNG")[33:],
        file_of(RED, "BMP") + SCRIPT,
    ],
    ids=["jpeg and page", "page in a comment", "png and zip", "png with a part of its own", "bmp and page"],
)
def test_what_is_two_things_at_once_leaves_as_a_picture(content):
    clean, content_type = written_anew(content)
    assert b"script" not in clean
    assert b"PK\x03\x04" not in clean
    assert (content_type, opened(clean).size) == (f"image/{opened(clean).format.lower()}", (40, 30))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "type"),
        (b"<html>" + SCRIPT, "type"),
        (b"%PDF-1.7", "type"),
        (b"MZ\x90\0", "type"),
        (b"\0asm", "type"),
        (b"PK\x03\x04" + file_of(RED, "PNG"), "type"),
        (file_of(RED, "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")]), "type"),
        (file_of(RED, "WEBP"), "type"),
        (file_of(RED, "TIFF"), "type"),
        (b"BM" + SCRIPT, "broken"),
        (b"\xff\xd8\xff" + SCRIPT, "broken"),
        (file_of(RED, "JPEG")[:-100], "broken"),
        (file_of(RED, "PNG")[:-30], "broken"),
        (b"\xff\xd8\xff" + b"\0" * LARGEST_FILE, "size"),
        (png_of_size(7_200, 7_200), "pixels"),
        (png_of_size(60_000, 60_000)[:100_000], "pixels"),
    ],
)
def test_what_is_no_picture_that_can_be_sent_is_refused(content, reason):
    with pytest.raises(PictureRefused) as refused:
        written_anew(content)
    assert refused.value.reason == reason


def test_a_bomb_is_seen_before_it_goes_off():
    """50 megapixels in a few kilobytes: the size is read, the pixels never are."""
    bomb = png_of_size(7_200, 7_200)
    assert len(bomb) < 20_000
    with pytest.raises(PictureRefused):
        written_anew(bomb[:60])  # not even whole, and refused for its size all the same


def test_of_an_animation_the_first_picture_leaves():
    clean, _ = written_anew(file_of(RED, "PNG", save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")]))
    assert b"acTL" not in clean
    assert opened(clean).convert("RGB").getpixel((9, 9)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("content", "pixel"),
    [
        (file_of(RED.convert("CMYK"), "JPEG"), (254, 0, 0)),
        (file_of(RED.convert("1"), "PNG"), None),
        (file_of(Image.new("I;16", (40, 30), 30_000), "PNG"), (117, 117, 117)),
        (file_of(RED.convert("L"), "BMP"), (76, 76, 76)),
    ],
    ids=["print colours", "black and white", "16 bits", "grey bmp"],
)
def test_unusual_pictures_still_show_what_they_showed(content, pixel):
    shown = opened(written_anew(content)[0]).convert("RGB").getpixel((9, 9))
    assert pixel is None or max(abs(one - other) for one, other in zip(shown, pixel, strict=True)) <= 3


def test_a_photograph_above_two_megabytes_is_made_smaller():
    noise = random.Random(1).randbytes(2_000 * 1_000 * 3)
    large = file_of(Image.frombytes("RGB", (2_000, 1_000), noise), "PNG")
    assert LARGEST_UPLOAD < len(large) < LARGEST_FILE
    clean, content_type = written_anew(large)
    assert (content_type, len(clean) <= LARGEST_UPLOAD) == ("image/jpeg", True)


@pytest.mark.filterwarnings("ignore:::PIL")
def test_damage_anywhere_is_refused_and_never_an_error():
    chance = random.Random(7)
    seeds = [
        file_of(RED, "JPEG", exif=exif(), icc_profile=profile()),
        file_of(RED, "PNG", icc_profile=profile(), pnginfo=png_texts()),
        file_of(RED.convert("P"), "BMP"),
    ]
    for _ in range(600):
        content = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            content[chance.randrange(2, min(len(content), chance.choice((60, 300, 9_000))))] = chance.randrange(256)
        with suppress(PictureRefused):
            opened(written_anew(bytes(content))[0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jpg", b"<svg onload=alert(1)>"),
        ("<img src=x onerror=alert(1)>.png", b"nothing"),
        ("a.png", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_the_page_says_so_and_keeps_nothing(desk, rows, name, content):
    before = OutgoingPicture.objects.count()
    files = SimpleUploadedFile(name, content, "image/png")
    answer = desk.post(f"/cases/{rows.case.pk}/reply", {"do": "send", "text": "您好", "files": files})
    assert answer.status_code == 422
    assert "<img src=x onerror" not in answer.content.decode()
    assert OutgoingPicture.objects.count() == before
    assert not Command.objects.filter(kind="reply", state="planned").exists()


def test_a_picture_on_its_way_out_is_served_as_a_picture_only(desk, rows):
    answer = desk.get(f"/cases/{rows.case.pk}/outgoing/{rows.numbers['/cases']['token']}")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
