"""What each rule says about a text: how grave, where, by what source, and what would be better."""

from urllib.parse import urlsplit

import pytest

from kesu.rules.redlines import SUGGESTIONS, AllowList, Finding, RedLine, ReplyContext, Rule, Severity, lint
from kesu.rules.redlines.findings import SOURCES

PLAIN = ReplyContext()


def only(text: str, context: ReplyContext = PLAIN) -> Finding:
    (finding,) = lint(text, context=context)
    return finding


def rules(text: str, context: ReplyContext = PLAIN) -> set[Rule]:
    return {finding.rule for finding in lint(text, context=context)}


def test_a_finding_points_into_the_original_text() -> None:
    text = "退款已办好。加\u200bＶ：ｄｅｍｏ－ｓｈｏｐ　找我"
    finding = only(text)
    assert finding.rule is Rule.WECHAT_ID
    assert text[finding.start : finding.end].startswith("加\u200bＶ：ｄｅｍｏ")


def test_several_findings_come_in_the_order_of_the_text() -> None:
    found = lint("您这是恶意投诉, 加微信 demo_kefu1, 撤诉后退款", context=PLAIN)
    assert [finding.rule for finding in found] == [Rule.LABELLING, Rule.WECHAT_ID, Rule.WITHDRAWAL]
    assert all(finding.severity is Severity.BLOCK for finding in found)


@pytest.mark.parametrize(
    ("text", "rule", "severity"),
    [
        ("您这是恶意投诉, 订单不予退款", Rule.LABELLING, Severity.BLOCK),
        ("我们没有认为您恶意, 只想核对订单 8 的尺码", Rule.LABELLING, Severity.CONFIRM),
        ("撤诉后给您退款", Rule.WITHDRAWAL, Severity.BLOCK),
        ("订单已核对, 请您撤诉, 谢谢", Rule.WITHDRAWAL, Severity.CONFIRM),
        ("换货请打 13800001234", Rule.PHONE, Severity.BLOCK),
        ("换货请打 400-000-1234", Rule.PHONE, Severity.CONFIRM),
        ("请提供支付密码", Rule.PERSONAL_DATA, Severity.BLOCK),
        ("请提供身份证号码", Rule.PERSONAL_DATA, Severity.CONFIRM),
        ("收到, 请耐心等待", Rule.BRUSH_OFF, Severity.CONFIRM),
        ("明天给您退款 30 元", Rule.DATE_PROMISE, Severity.CONFIRM),
        ("这件事 3 天内一定解决", Rule.DATE_PROMISE, Severity.INFO),
    ],
)
def test_severity_follows_what_is_said(text: str, rule: Rule, severity: Severity) -> None:
    finding = only(text)
    assert (finding.rule, finding.severity) == (rule, severity)


@pytest.mark.parametrize(
    "text",
    [
        "加微信 demo_kefu1 处理",
        "加薇信 demo_kefu1 处理",
        "加威信 demo_kefu1 处理",
        "加微❤️ demo_kefu1 处理",
        "加V信 demo_kefu1 处理",
        "加ＶＸ demo_kefu1 处理",
        "加🆅🆇 demo_kefu1 处理",
        "加 w e i x i n demo_kefu1 处理",
        "加微-信 demo_kefu1 处理",
        "加微|信 demo_kefu1 处理",
        "加【微】【信】demo_kefu1 处理",
        "加微\u200b信\u2060 demo_kefu1 处理",
        "加微丨信 demo_kefu1 处理",
        "➕ѵх信 微信 demo_kefu1 处理",
    ],
)
def test_a_wechat_id_is_seen_in_every_dress(text: str) -> None:
    assert Rule.WECHAT_ID in rules(text)


@pytest.mark.parametrize(
    "number",
    [
        "13800001234",
        "138 0000 1234",
        "138-0000-1234",
        "１３８００００１２３４",
        "①③⑧⓪⓪⓪⓪①②③④",
        "1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣0️⃣1️⃣2️⃣3️⃣4️⃣",
        "⒈⒊⒏00001234",
        "一三八零零零零一二三四",
        "幺三八〇〇〇〇幺二三四",
        "壹叁捌零零零零壹贰叁肆",
        "1,3,8,0,0,0,0,1,2,3,4",
        "+86 138 0000 1234",
        "l38OOOO1234",
        "𝟏𝟑𝟖𝟎𝟎𝟎𝟎𝟏𝟐𝟑𝟒",
        "138\u200b0000\u200d1234",
    ],
)
def test_a_phone_number_is_seen_in_every_dress(number: str) -> None:
    finding = only(f"请找店长 {number} 换货")
    assert (finding.rule, finding.severity) == (Rule.PHONE, Severity.BLOCK)


@pytest.mark.parametrize(
    "text",
    [
        "退款单号 42000013800013800020261120, 款项 19.90 元",
        "快递单号 SF1380000123456, 今天到达",
        "订单 13800001234 已发出",
        "2026-11-25 13:45:56 付款 138.00 元",
        "手机号 138****1234 收到的取件码是 8-3-1380",
        "您的微信支付账户将收到退款 19.90 元",
        "在微信支付账单里可以看到这笔退款 19.90 元",
        "有疑问也可以拨打 12315 或者微信支付客服 95017",
    ],
)
def test_what_the_platform_itself_writes_is_clean(text: str) -> None:
    assert lint(text, context=PLAIN) == ()


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("换货请打 400-000-1234", AllowList(phones=("4000001234",))),
        ("换货请打 ４００ 000 1234", AllowList(phones=("400-000-1234",))),
        ("换货请打 138 0000 1234", AllowList(phones=("+86 13800001234",))),
        ("换货请加微信 Demo_Shop", AllowList(wechat_ids=("demo_shop",))),
        ("在“示例商城”小程序联系换货专员小李", AllowList(mini_programs=("示例商城",))),
        ("换货说明在 https://help.example.cn/a?b=1", AllowList(domains=("example.cn",))),
        ("换货请打四〇〇 零零零 一二三四", AllowList(phones=("400-000-1234",))),
        ("换货请打 ④⓪⓪⓪⓪⓪①②③④", AllowList(phones=("4000001234",))),
        ("换货请打幺三八 零零零零 幺二三四", AllowList(phones=("13800001234",))),
        ("换货请加薇❤️ ｄ e m o _ s h o p", AllowList(wechat_ids=("demo_shop",))),
        ("在“示 例 商 場”小 程 序里联系换货专员", AllowList(mini_programs=("示例商场",))),
        ("换货说明在 help . example 点 cn", AllowList(domains=("example.cn",))),
        ("换货说明在 ｈｔｔｐｓ：／／ｅｘａｍｐｌｅ．ｃｎ／ａ", AllowList(domains=("example.cn",))),
        ("换货写信到 kefu@example.cn", AllowList(domains=("example.cn",))),
        ("“加微信好礼”活动的赠品缺一件, 已经换新", AllowList(words=("加微信好礼",))),
    ],
)
def test_the_merchants_own_is_allowed_and_only_by_the_list(text: str, allowed: AllowList) -> None:
    assert lint(text, context=ReplyContext(allowed=allowed)) == ()
    assert lint(text, context=PLAIN)


def test_the_allow_list_lets_nothing_else_through() -> None:
    allowed = AllowList(phones=("4000001234",), domains=("example.cn",), words=("骗子的十二课",))
    context = ReplyContext(allowed=allowed)
    assert rules("换货请打 400-000-9999", context) == {Rule.PHONE}
    assert rules("换货请看 https://example.cn.evil.example", context) == {Rule.LINK}
    assert rules("换货请看 notexample.cn", context) == {Rule.LINK}
    assert rules("“骗子的十二课”已换新, 你这个骗子", context) == {Rule.LABELLING}


def test_a_date_is_no_promise_once_a_refund_is_made_or_running() -> None:
    text = "19.90 元预计 3 个工作日内到账"
    assert rules(text) == {Rule.DATE_PROMISE}
    assert lint(text, context=ReplyContext(refund_made_or_running=True)) == ()


def test_a_copy_of_an_earlier_reply_is_found_whatever_its_punctuation() -> None:
    before = "包裹停在广州中转站, 我们已催促快递公司核对, 有消息就写在这里。"
    again = ReplyContext(last_replies=("鞋子已经发出", before))
    finding = only("包裹停在广州中转站，我们已催促快递公司核对，有消息就写在这里～～", again)
    assert (finding.rule, finding.severity) == (Rule.REPEATED_REPLY, Severity.CONFIRM)
    partly = only("包裹停在广州中转站, 我们已催促快递公司核对, 明早有车次就写在这里", again)
    assert (partly.rule, partly.severity) == (Rule.REPEATED_REPLY, Severity.INFO)
    assert lint("包裹今天离开广州, 车次在附图里", context=again) == ()


def test_length_is_counted_in_code_points() -> None:
    text = "🧦" * 9 + "袜子补发一双"
    assert lint(text, context=ReplyContext(maximum_length=15)) == ()
    finding = only(text, ReplyContext(maximum_length=14))
    assert (finding.rule, finding.severity, finding.start, finding.end) == (Rule.TOO_LONG, Severity.BLOCK, 14, 15)


def test_an_empty_text_is_nobodys_reply_and_a_picture_alone_says_nothing() -> None:
    assert lint("", context=PLAIN) == ()
    assert lint(" \u200b\n", context=PLAIN) == ()
    assert only("🙏🙏").rule is Rule.BRUSH_OFF
    assert only("[图片]").rule is Rule.BRUSH_OFF


@pytest.mark.parametrize("text", ["你🐶", "🖕", "你这个💩", "🐷脑子"])
def test_pictures_are_read_aloud(text: str) -> None:
    assert rules(text) == {Rule.INSULT}


@pytest.mark.parametrize("text", ["已经退款 19.90 元 🎉", "新的电机今天寄出 📦 祝您用得顺手 😊"])
def test_friendly_pictures_are_clean(text: str) -> None:
    assert lint(text, context=ReplyContext(refund_made_or_running=True)) == ()


def test_a_text_of_500_characters_is_read_to_its_end() -> None:
    text = ("您好, 这台洗衣机的进水阀换了新的, 师傅试了两遍不漏水。" * 20)[:480] + "。加我微信 demo_end_1"
    finding = only(text, ReplyContext(maximum_length=500))
    assert finding.rule is Rule.WECHAT_ID
    assert finding.end == len(text)


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_has_a_source_and_words_that_lint_clean_themselves(rule: Rule) -> None:
    source, suggestion = SOURCES[rule], SUGGESTIONS[rule]
    assert source.key
    assert source.title
    assert urlsplit(source.url).scheme == "https"
    assert lint(suggestion, context=PLAIN) == ()
    assert lint(suggestion.replace("……", "尺码 42 码"), context=PLAIN) == ()


def test_the_articles_four_lines_are_all_guarded() -> None:
    assert {source.line for source in SOURCES.values()} >= set(RedLine)
