"""Dressing a text up hides nothing, and no text gives a span outside itself."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from kesu.rules.redlines import AllowList, ReplyContext, Rule, lint
from tests.rules.redlines.measuring import Reply, replies

UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0f\u180e\u061c\u3164"
VIOLATING = [reply for reply in replies("development") if reply.labels - {Rule.TOO_LONG}]
CLEAN = [reply for reply in replies("development") if not reply.labels]

hostile_letters = st.sampled_from(
    "加微信v薇❤️qQ扣138一三八零①０.。,，、:/@ -\n\u200b恶意骗子撤诉退款明天3天内二维码扫http点cn身份证号请提供您"
)
hostile_texts = st.one_of(
    st.text(max_size=5000),
    st.text(hostile_letters, max_size=5000),
    st.builds(
        lambda piece, times: (piece * times)[:5000],
        st.text(hostile_letters, min_size=1, max_size=12),
        st.integers(1, 5000),
    ),
)


def found(text: str, reply: Reply) -> set[Rule]:
    return {finding.rule for finding in lint(text, context=reply.context)} - {Rule.TOO_LONG}


def fullwidth(character: str) -> str:
    if character == " ":
        return "\u3000"
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character


@settings(max_examples=150)
@given(data=st.data(), reply=st.sampled_from(VIOLATING))
def test_unseen_characters_hide_nothing(data: st.DataObject, reply: Reply) -> None:
    gaps = data.draw(st.lists(st.text(UNSEEN, max_size=2), min_size=len(reply.text), max_size=len(reply.text)))
    dressed = "".join(character + gap for character, gap in zip(reply.text, gaps, strict=True))
    assert found(dressed, reply) == found(reply.text, reply)


@settings(max_examples=150)
@given(data=st.data(), reply=st.sampled_from(VIOLATING))
def test_full_width_forms_hide_nothing(data: st.DataObject, reply: Reply) -> None:
    wide = data.draw(st.lists(st.booleans(), min_size=len(reply.text), max_size=len(reply.text)))
    dressed = "".join(fullwidth(one) if is_wide else one for one, is_wide in zip(reply.text, wide, strict=True))
    assert found(dressed, reply) == found(reply.text, reply)
    assert unicodedata.normalize("NFKC", dressed) == unicodedata.normalize("NFKC", reply.text)


@settings(max_examples=100)
@given(reply=st.sampled_from(CLEAN), before=st.sampled_from(["退货地址已更新。", "尺码 42 码。"]))
def test_a_clean_reply_stays_clean_beside_another(reply: Reply, before: str) -> None:
    assert found(before + reply.text, reply) == set()


@settings(max_examples=60)
@given(text=hostile_texts, earlier=hostile_texts)
def test_any_text_comes_to_an_end_with_spans_inside_it(text: str, earlier: str) -> None:
    context = ReplyContext(
        last_replies=(earlier,),
        allowed=AllowList(phones=("4000001234",), wechat_ids=("demo",), domains=("example.cn",), words=("退款", "1")),
    )
    findings = lint(text, context=context)
    assert all(0 <= finding.start < finding.end <= len(text) for finding in findings)
    assert list(findings) == sorted(findings, key=lambda finding: (finding.start, finding.end))
    assert lint(text, context=context) == findings


@settings(max_examples=60)
@given(number=st.sampled_from(["4000001234", "13800001234", "010-00001234"]), reply=st.sampled_from(CLEAN))
def test_an_own_number_is_never_flagged(number: str, reply: Reply) -> None:
    context = ReplyContext(refund_made_or_running=True, allowed=AllowList(phones=(number,)), maximum_length=500)
    assert Rule.PHONE not in {finding.rule for finding in lint(f"换货电话 {number}。", context=context)}
