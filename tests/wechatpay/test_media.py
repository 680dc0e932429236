from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.wechatpay import MediaRefused
from kesu.wechatpay.media import LARGEST_UPLOAD, check_upload, image_target, image_type, upload_form

JPG = b"\xff\xd8\xff\xe0 a picture"
PNG = b"\x89PNG\r\n\x1a\n a picture"
BMP = b"BM a picture"
HOST = "https://api.mch.weixin.qq.com"
PATH = "/v3/merchant-service/images/"


@pytest.mark.parametrize(
    ("content", "kind"), [(JPG, "jpg"), (PNG, "png"), (BMP, "bmp"), (b"GIF89a", None), (b"", None)]
)
def test_the_type_comes_from_the_content(content: bytes, kind: str | None) -> None:
    assert image_type(content) == kind


@pytest.mark.parametrize(
    ("filename", "safe"),
    [
        ("凭证.JPG", "image.jpg"),
        ("proof.jpeg", "proof.jpg"),
        ('a"b\r\nX: y.png', "a_b_X_y.jpg"),
        ("../../etc/passwd", "image.jpg"),
        ("", "image.jpg"),
        (".png", "png.jpg"),
        ("x" * 500 + ".jpg", "x" * 100 + ".jpg"),
    ],
)
def test_a_filename_becomes_plain_and_ends_as_the_content_is(filename: str, safe: str) -> None:
    assert check_upload(filename, JPG) == (safe, "jpg")


@given(st.text(max_size=300))
def test_every_filename_becomes_a_short_ascii_one(filename: str) -> None:
    name, _ = check_upload(filename, PNG)
    assert name.isascii()
    assert len(name) <= 128
    assert name.endswith(".png")
    assert not set(name) & set('"\\\r\n/; ')


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", b"%PDF-1.7", JPG + b"x" * LARGEST_UPLOAD])
def test_other_types_and_sizes_are_refused_before_anything_is_sent(content: bytes) -> None:
    with pytest.raises(MediaRefused):
        check_upload("a.jpg", content)


def test_an_image_of_exactly_two_megabytes_is_taken() -> None:
    assert check_upload("a.jpg", JPG.ljust(LARGEST_UPLOAD, b"x"))


def test_the_form_holds_the_meta_that_is_signed_byte_for_byte() -> None:
    meta, body = upload_form("收据.png", PNG, boundary="BOUNDARY")
    assert body.count(meta) == 1
    assert json.loads(meta) == {"filename": "image.png", "sha256": hashlib.sha256(PNG).hexdigest()}
    assert body.startswith(b"--BOUNDARY\r\n")
    assert body.endswith(b"\r\n--BOUNDARY--\r\n")
    assert b'name="file"; filename="image.png"\r\nContent-Type: image/png\r\n\r\n' + PNG in body


@pytest.mark.parametrize(
    "name", ["ChsyMDAyMDgw%2FFR1pAGKAM%3D%3D", "abc==", "a%2fb", "a+b/c", "id?complaint_id=1%20", "a%25b", "uploadx"]
)
def test_the_target_keeps_every_byte(name: str) -> None:
    assert image_target(HOST + PATH + name) == PATH + name
    assert image_target(PATH + name) == PATH + name
    assert image_target("http://127.0.0.1:9000" + PATH + name + "#part") == PATH + name


@pytest.mark.parametrize(
    "url",
    [
        "",
        HOST,
        HOST + PATH,
        HOST + PATH + "upload",
        HOST + "/v3/merchant-service/complaints-v2/1",
        HOST + "/v3/refund/domestic/refunds/1",
        HOST + PATH + "../complaints-v2/1",
        HOST + PATH + "%2e%2e/complaints-v2/1",
        HOST + PATH + "a/..%2f..%2fcomplaints-v2",
        HOST + PATH + "./a",
        HOST + PATH + "a b",
        HOST + PATH + "a\r\nX: y",
        HOST + PATH + "图",
        HOST + PATH + "a\\b",
        "file:///v3/merchant-service/images/a",
        "//evil.example" + PATH + "a",
        "https://evil.example/x?" + PATH + "a",
        "https://qpic.example/abc",
        "javascript:alert(1)",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(MediaRefused):
        image_target(url)


@given(st.text(max_size=80))
def test_every_accepted_url_is_an_image_of_the_platform(tail: str) -> None:
    try:
        target = image_target(PATH + tail)
    except MediaRefused:
        return
    assert target.startswith(PATH)
    assert target.isascii()
