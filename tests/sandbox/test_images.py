"""Pictures: an upload signs its meta; a download is raw, unsigned, and only of what queries show."""

import hashlib
import struct

import pytest

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + b"picture with a line\r\nbreak and --edge inside"


def path_of(url):
    return url.removeprefix("http://sandbox.test")


async def uploaded(story, content=PNG):
    return (await story.merchant.upload(content)).json()["media_id"]


async def test_an_upload_returns_a_media_id(story):
    answer = await story.merchant.upload(PNG)
    assert answer.status_code == 200
    assert answer.json()["media_id"]
    assert story.is_signed(answer)


async def test_the_signature_covers_the_meta_only(story, refused):
    refused(await story.merchant.upload(PNG, signed=b"{}"), 401, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("content", "filename", "digest"),
    [
        (PNG, "proof.png", "0" * 64),
        (PNG, "proof.gif", None),
        (PNG, "x" * 125 + ".png", None),
        (PNG, "proof.png", "zz"),
        (b"GIF89a", "proof.png", None),
        (b"", "proof.png", None),
        (PNG + b"\0" * (2 * 1024 * 1024), "proof.png", None),
    ],
)
async def test_what_is_not_a_fitting_picture_is_a_parameter_error(story, refused, content, filename, digest):
    refused(await story.merchant.upload(content, filename, digest), 400, "PARAM_ERROR")


async def test_a_body_that_is_not_multipart_is_a_parameter_error(story, refused):
    refused(await story.merchant.post("/v3/merchant-service/images/upload", {}), 400, "PARAM_ERROR")


async def test_a_header_without_boundary_is_forgiven(story):
    """An SDK in wide use sends it so."""
    meta = b'{"filename":"a.png","sha256":"%s"}' % hashlib.sha256(PNG).hexdigest().encode()
    body = (
        b'--b1\r\nContent-Disposition: form-data; name="meta"\r\n\r\n' + meta + b"\r\n"
        b'--b1\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--b1--\r\n"
    )
    path = "/v3/merchant-service/images/upload"
    headers = {"Content-Type": "multipart/form-data"}
    assert (await story.merchant.send("POST", path, body, signed=meta, headers=headers)).status_code == 200


async def test_an_own_upload_cannot_be_downloaded_by_its_id(story, refused):
    media_id = await uploaded(story)
    refused(await story.merchant.get(f"/v3/merchant-service/images/{media_id}"), 403, "NO_AUTH")


async def test_a_payers_picture_is_a_png_without_signature(story):
    complaint = await story.complain(pictures=1)
    url = (await story.merchant.detail(complaint))["complaint_media_list"][0]["media_url"][0]
    assert "%2F" in url
    answer = await story.merchant.send("GET", path_of(url), headers={"Accept": "*/*"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert struct.unpack(">II", answer.content[16:24]) == (120, 120)
    assert "wechatpay-signature" not in answer.headers


async def test_the_raw_path_is_what_is_signed(story, refused):
    complaint = await story.complain(pictures=1)
    path = path_of((await story.merchant.detail(complaint))["complaint_media_list"][0]["media_url"][0])
    normalised = path.replace("%2F", "/")
    refused(await story.merchant.send("GET", path, signed_path=normalised), 401, "SIGN_ERROR")


async def test_nobody_downloads_another_merchants_picture(story, refused):
    complaint = await story.complain(story.subs[0], pictures=1)
    path = path_of((await story.partner.detail(complaint))["complaint_media_list"][0]["media_url"][0])
    refused(await story.merchant.get(path), 403, "NO_AUTH")
    assert (await story.partner.get(path)).status_code == 200


async def test_a_reply_shows_its_pictures_for_an_hour(story, refused):
    complaint = await story.complain()
    await story.merchant.reply(complaint, response_images=[await uploaded(story)])
    path = path_of((await story.merchant.history(complaint))[-1]["image_list"][0])
    assert (await story.merchant.get(path)).content == PNG
    await story.pass_time(minutes=61)
    refused(await story.merchant.get(path), 403, "NO_AUTH", says="过期")
    fresh = path_of((await story.merchant.history(complaint))[-1]["image_list"][0])
    assert (await story.merchant.get(fresh)).content == PNG


async def test_a_reply_has_at_most_four_own_pictures(story, refused):
    complaint = await story.complain()
    media_id = await uploaded(story)
    refused(await story.merchant.reply(complaint, response_images=[media_id] * 5), 400, "PARAM_ERROR")
    refused(await story.merchant.reply(complaint, response_images=["nonsense"]), 400, "PARAM_ERROR")
    theirs = await story.complain(story.subs[0])
    refused(await story.partner.reply(theirs, response_images=[media_id]), 400, "PARAM_ERROR")


async def test_nonsense_in_place_of_a_media_id_does_not_exist(story, refused):
    for name in ("x", "d3g%2F", "%ff"):
        refused(await story.merchant.get(f"/v3/merchant-service/images/{name}"), 404, "RESOURCE_NOT_EXISTS")


async def test_uploads_have_a_frequency(story, refused):
    for _ in range(60):
        assert (await story.merchant.upload(PNG)).status_code == 200
    refused(await story.merchant.upload(PNG), 429, "FREQUENCY_LIMITED")
