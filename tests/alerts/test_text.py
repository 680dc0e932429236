"""Other people's words are harmless once they are ours to push."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts.text import cover_numbers, cut_bytes, neutralise, one_line, shorten

MARK = "…内容较长已截断"


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("[领退款](http://evil.example)", "［领退款］（http：//evil.example）"),
        ("<@all> <@LiSi>", "＜＠all＞ ＜＠LiSi＞"),
        ('<font color="info">已处理</font>', '＜font color="info"＞已处理＜/font＞'),
        ("# 标题\n> 引用", "＃ 标题 > 引用".replace(">", "＞")),
        ("`code` **bold** _it_ ~x~ |y|", "｀code｀ ＊＊bold＊＊ ＿it＿ ～x～ ｜y｜"),
        ("&lt;@all&gt;", "＆lt;＠all＆gt;"),
        ("a\u200bb\u202ec\u0007d\ufeff\u2060", "abcd"),
        ("一\r\n二\u2028三\t四", "一 二 三 四"),
        ("www.evil.example", "www．evil.example"),
        ("mailto:a@b.c", "mailto：a＠b.c"),
        ("https\u200b://evil.example", "https：//evil.example"),
    ],
)
def test_markup_mentions_and_links_lose_their_power(hostile: str, harmless: str) -> None:
    assert neutralise(hostile) == harmless


@pytest.mark.parametrize(
    "text",
    [
        "打我电话13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+8613812345678",
        "8613812345678",
        "1\u200b3812345678",
        "１３８１２３４５６７８",
        "1 3 8 1 2 3 4 5 6 7 8",
        "010-12345678",
        "0755 12345678",
        "身份证 11010119900101123X",
        "openid oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    ],
)
def test_phones_and_ids_are_covered(text: str) -> None:
    found = "".join(unicodedata.normalize("NFKC", neutralise(text)).split())
    for secret in ("1234567", "12345678", "19900101", "M2pxb1Q9"):
        assert secret not in found.replace("-", "").replace("13812345678", "1234567")
    assert "*" in found


def test_ordinary_words_dates_and_amounts_stay() -> None:
    text = "2026-11-20 付款 199.00 元, 订单 12 件, 一周了没人理我!"
    assert neutralise(text) == text.replace("!", "！")


@given(st.text())
def test_no_live_sign_survives(text: str) -> None:
    found = neutralise(text)
    assert not set(found) & set("<>[](){}`*_#@|~\\&!$^\n\r\t\u200b\u202e")
    assert "://" not in found
    assert all(unicodedata.category(character)[0] != "C" for character in found)
    assert neutralise(found) == neutralise(neutralise(found))


@given(st.text(), st.integers(0, 200))
def test_cutting_keeps_to_the_limit_and_to_characters(text: str, limit: int) -> None:
    text = one_line(text)
    found = cut_bytes(text, limit, MARK)
    assert len(found.encode()) <= limit
    assert found == text or found == "" or (found.endswith(MARK) and text.startswith(found.removesuffix(MARK)))


def test_shortening_counts_characters() -> None:
    assert shorten("一二三四", 3) == "一二三…"
    assert shorten("一二三", 3) == "一二三"


def test_covering_keeps_enough_to_tell_two_numbers_apart() -> None:
    assert cover_numbers("13812345678") == "138****5678"
    assert cover_numbers("400123456789012345") == "400****2345"
