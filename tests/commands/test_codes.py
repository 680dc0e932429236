"""Codes in pictures are read when they come in, and nothing is sent that leads off the platform by one."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

from kesu.commands import pictures, verbs
from kesu.commands.codes import codes_in
from kesu.commands.errors import Refused
from kesu.commands.models import Allowance, OutgoingPicture
from kesu.commands.verbs import Consent
from kesu.threads import in_thread

ELSEWHERE = "https://u.wechat.com/MKxyzABC123"
WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"


def drawn(text: str, scale: int = 4, kind: str = "QRCode") -> Image.Image:
    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind)).to_image(scale=scale)
    view = memoryview(code)
    return Image.frombytes("L", (view.shape[1], view.shape[0]), bytes(view))


def written(picture: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **more)
    return target.getvalue()


def scene(width: int, height: int) -> Image.Image:
    """Something like a photo: noise, edges and shapes of every shade."""
    picture = Image.effect_noise((width, height), 60).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for step in range(40):
        x, y = step * 97 % width, step * 61 % height
        pen.rectangle((x, y, x + 90, y + 50), fill=(step * 40 % 256, step * 70 % 256, step * 90 % 256))
    return picture.filter(ImageFilter.GaussianBlur(1))


def photographed() -> Image.Image:
    """A code on a table: askew, tilted, out of focus."""
    code = drawn(ELSEWHERE, 6).convert("RGBA").rotate(23, expand=True, resample=Image.Resampling.BICUBIC)
    tilt = (1, 0.08, 0, 0.03, 1.05, 0, 0.0002, 0.0001)
    code = code.transform(code.size, Image.Transform.PERSPECTIVE, tilt, Image.Resampling.BICUBIC)
    picture = scene(1600, 1200)
    picture.paste(code, (600, 500), code)
    return picture.filter(ImageFilter.GaussianBlur(1.2))


def small() -> Image.Image:
    picture = Image.new("RGB", (1200, 900), (200, 190, 170))
    picture.paste(drawn(ELSEWHERE, 2), (500, 400))
    return picture


def on_nothing() -> Image.Image:
    """Dark modules on transparency, as stickers are."""
    mask = Image.eval(drawn(ELSEWHERE), lambda grey: 255 - grey)
    picture = Image.new("RGBA", mask.size, (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), mask=mask)
    return picture


@pytest.mark.parametrize(
    "content",
    [
        written(small()),
        written(small(), "JPEG", quality=70),
        written(drawn(ELSEWHERE).rotate(90, expand=True)),
        written(Image.eval(drawn(ELSEWHERE), lambda grey: 255 - grey)),
        written(on_nothing()),
        written(photographed(), "JPEG", quality=75),
        written(drawn(ELSEWHERE, kind="DataMatrix")),
    ],
    ids=["small", "jpeg", "turned", "inverted", "transparent", "photo", "data-matrix"],
)
def test_a_code_is_read_however_it_is_shown(content):
    clean, _kind = pictures.written_anew(content)
    assert codes_in(clean) == [ELSEWHERE]


def test_a_picture_without_a_code_says_nothing_and_one_with_two_says_both():
    assert codes_in(written(scene(800, 600))) == []
    both = Image.new("L", (600, 300), 255)
    both.paste(drawn("https://a.test/1"), (20, 20))
    both.paste(drawn("https://b.test/2"), (320, 20))
    assert sorted(codes_in(written(both))) == ["https://a.test/1", "https://b.test/2"]


def test_a_decoder_that_is_not_there_is_no_reason_to_refuse_a_picture(play, monkeypatch):
    async def steps(office):
        complaint = await office.case()
        monkeypatch.setitem(sys.modules, "zxingcpp", None)
        kept = await office.do(pictures.keep, complaint.account, written(small()))
        assert kept.codes is None
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reply, complaint, "加微信 wx_shop_8899", [kept.pk])
        [told] = [concern for concern in refused.value.concerns if concern.picture == kept.pk]
        assert (told.code, told.level) == ("redline.qr_code", "info")
        monkeypatch.undo()
        # Taken in again it is looked at, and still the same picture.
        again = await office.do(pictures.keep, complaint.account, written(small()))
        assert (again.pk, again.codes) == (kept.pk, [ELSEWHERE])

    play(steps)


def test_a_reply_with_a_code_that_leads_elsewhere_is_refused_and_names_the_picture(play):
    async def steps(office):
        complaint = await office.case()
        harmless = await office.do(pictures.keep, complaint.account, written(scene(300, 200)))
        kept = await office.do(pictures.keep, complaint.account, written(small()))
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reply, complaint, WORDS, [harmless.pk, kept.pk])
        [concern] = refused.value.standing
        assert (concern.code, concern.level, concern.picture) == ("redline.qr_code", "block", kept.pk)
        assert (concern.start, concern.overridable) == (None, True)
        assert ELSEWHERE in concern.message
        assert " 2 " in concern.message
        why = Consent(override_reason="平台要求提供的码")
        await office.do(verbs.reply, complaint, WORDS, [kept.pk], consent=why, by="manager")
        await office.settle()
        assert len(await office.history(complaint)) == 1

    play(steps)


def test_a_code_of_the_merchants_own_domain_is_sent(play):
    async def steps(office):
        complaint = await office.case()
        own = written(drawn("https://help.shop.example/o/1"))
        kept = await office.do(pictures.keep, complaint.account, own)
        assert (await in_thread(OutgoingPicture.objects.get)).codes == ["https://help.shop.example/o/1"]
        with pytest.raises(Refused):
            await office.do(verbs.reply, complaint, WORDS, [kept.pk])
        await in_thread(
            lambda: Allowance.objects.create(
                account=complaint.account, kind="domain", value="shop.example", created_at=office.now()
            )
        )
        await office.do(verbs.reply, complaint, WORDS, [kept.pk])

    play(steps)
