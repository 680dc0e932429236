"""A code in a picture is judged as the place that it opens: one's own passes, everybody else's does not."""

from __future__ import annotations

import pytest

from kesu.rules.redlines import AllowList, Severity, gravity_of_code

OWN = AllowList(
    domains=("shop.example",),
    mini_programs=("wx1234567890abcdef", "云上书店"),
    words=("http://weixin.qq.com/r/own-account",),
)
BLOCK, CONFIRM = Severity.BLOCK, Severity.CONFIRM


@pytest.mark.parametrize(
    "code",
    [
        "https://shop.example/o/77",
        "http://help.shop.example",
        "HTTPS://SHOP.EXAMPLE/O/77",
        "weixin://dl/business/?appid=wx1234567890abcdef&path=pages/index",
        "http://weixin.qq.com/r/own-account",
        "4200001234202611230000000001",
        "01,32,,26117000000123456789,88.00,20261123,,A1B2",
        "感谢您的购买",
        "  ",
    ],
)
def test_what_is_ones_own_or_no_place_passes(code):
    assert gravity_of_code(code, OWN) is None


@pytest.mark.parametrize(
    ("code", "gravity"),
    [
        ("https://u.wechat.com/MKxyz", BLOCK),
        ("http://weixin.qq.com/r/another", BLOCK),
        ("https://shop.example.evil.test/", BLOCK),
        ("https://shop.example@evil.test/", BLOCK),
        ("HTTPS://QM.QQ.COM/CGI-BIN/QM/QR?K=1", BLOCK),
        ("wxp://f2f0abc", BLOCK),
        ("weixin://dl/business/?appid=wxffffffffffffffff", BLOCK),
        ("weixin://dl/business/?x=1#appid=wx1234567890abcdef", BLOCK),
        ("BEGIN:VCARD\nTEL:13800138000\nEND:VCARD", BLOCK),
        ("tel:13800138000", BLOCK),
        ("www.evil-shop.com/x", BLOCK),
        ("加微信 wx_shop_8899", BLOCK),
        ("myapp://open/1", CONFIRM),
    ],
)
def test_what_leads_elsewhere_does_not(code, gravity):
    assert gravity_of_code(code, OWN) is gravity
