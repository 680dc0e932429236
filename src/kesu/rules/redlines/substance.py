"""Whether a reply says anything: brush-offs, copies of the last reply, promises of dates, length."""

from collections.abc import Iterator

from kesu.rules.redlines.cues import SETTLES
from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import CLAUSE, SENTENCE, Normalised, densely
from kesu.rules.redlines.phrases import Phrase, pattern, search
from kesu.rules.redlines.pleasantries import PLEASANTRIES

MEANINGFUL, MEANINGFUL_PART = 2, 0.15
"""A reply with at most so many characters beside pleasantries, or so small a part of it, is empty (own choice)."""

SAME, ALIKE = 0.8, 0.6
"""Shared parts of three characters, of all: from here on a copy, from here on much alike (own choice)."""

_NOT_OURS = pattern(
    r"(?:跟|和|与|同)(?:我们|本店|我司|本公司|商家)(?:没有?|无)关系?(?!的)|(?:与|和|跟)?(?:本店|我们|我司)无关(?!的)"
    r"|不关我们|不归(?:我们|本店|这边)[^，。]{0,3}管"
    r"|不是我们(?:店|家|公司|平台)?的?(?:问题|责任|原因|错)|不属于我们[^，。]{0,6}(?:范围|负责|管)"
    r"|不在我们[^，。]{0,6}范围|爱莫能助|没有?办法(?=[，。]|$)|无能为力"
    r"|规定就是(?:规定|这样|如此)|(?:规定|规则|政策|制度)(?:就是)?如此|就是这么规定|(?:无法|没法|不能"
    r"|不予)(?:处理|受理|解决)(?![^，。]{2})"
    r"|自己(?:去)?(?:看|查|找|想办法|解决|承担)(?!不到)|[您你](?:去)?(?:找|问)(?:微信|快递|平台|别人|腾讯|主播"
    r"|厂家)(?![^，。]{0,6}(?:我们|同时))"
    r"|(?:^|[，。])(?:具体|详细|详情)?请?您?(?:自行)?(?:看|查看|参考|阅读|参照)[^，。]{0,6}(?:规则|须知|说明"
    r"|公告|协议)(?=[，。]|$)"
    r"|联系(?:供货商|厂家|快递|物流|平台|微信|主播|供应商|上游|第三方)(?=[，。]|处理|解决|$)|只是(?:代收|代卖"
    r"|中介|平台)"
    r"|(?:系统|公司|总部|领导|后台|程序)[^，。]{0,4}(?:设置|设定|定)的|我们?(?:也)?(?:改不了|做不了主|管不了"
    r"|决定不了|帮不[了上])"
    r"|概不负责|买定离手|恕不|无可奉告|没什么(?:好|可)说|不予(?:回复|解释|回应|理会)|管不着|同上(?=[，。]|$)"
    r"|概不退|一律不退|不退不换|不好说|再看看吧|看情况吧|(?:问|找)(?:问)?别人|爱(?:退|投诉|咋)[^，。]{0,2}(?:退"
    r"|投诉|咋)|随便[您你]|随[您你]便"
)
_SHRUGGED_OFF = pattern(
    r"我们?(?:就|只|也|也就|也只)是(?:个|一个)?(?:打工|卖[^，。]{1,3}|客服|收银|代理|看店|代售|前台|跑腿"
    r"|送[^，。]{1,3}|兼职|小员工)(?:的|员)?(?=[，。]|$)|跟我们?(?:说|讲|投诉)[^，。]{0,3}(?:没用|没有用|也没)"
    r"|(?:这|那)(?:个|事|块)?(?:得|要|归|该|应该)(?:去)?(?:问|找)?[^，。我]{1,8}(?:管|负责|问|要)?(?=[，。]|$)"
    r"|(?:归|属于)[^，。我]{1,8}(?:管|负责)|找错(?:人|地方)"
    r"|没(?:有)?权限(?=[，。]|$|管|处理)|(?:总部|上面|公司|老板|领导|上级)(?:统一)?(?:定的|规定(?=[，。的]|$)"
    r"|要求的|说了算|这么定|不批(?=[，。]|$)|不同意|没批(?=[，。]|$))|写着(?:呢|的)?(?=[，。]|$)|都?写(?:了"
    r"|得很清楚|明白)了?(?=[，。]|$)|自己(?:翻|查查|看看|去(?!店|取|选|换)|百度|问|搞|研究|想办法)|(?:不"
    r"|没)(?:是我)?(?:负责|经手|管)(?:这|的|[，。]|$)|(?:^|[，。我边们这])(?:也)?(?:不(?:太)?清楚|不知道"
    r"|不了解)(?=[，。]|$)|就这样(?:吧)?(?=[，。]|$)"
    r"|(?:还)?想(?:要)?(?:怎么?样|咋样|咋地|怎样)|第三方(?:的)?(?:问题|责任|原因)|([^，。的]{2,4})的(?:事"
    r"|问题)[^，。]{0,2}(?:找|问)\1|问[^，。我]{1,6}要(?:去)?(?=[，。]|$)|没(?:有)?(?:别的|其他|什么|啥)(?:办法"
    r"|法子)|(?:就|只能)(?:这|那)样(?=[，。]|$)|认了吧|认倒霉|下次注意|您(?:自己)?(?:注意|小心)点?就(?:行|好)"
    r"|多(?:体谅|担待|包涵)(?=[，。]|$)|我也(?:没|是没)?办法|管不到|轮不到我"
)
_BRUSH_OFF = (
    Phrase(Rule.BRUSH_OFF, Severity.CONFIRM, _NOT_OURS, unless_after=SETTLES),
    Phrase(Rule.BRUSH_OFF, Severity.CONFIRM, _SHRUGGED_OFF, unless_after=SETTLES, unless_before=SETTLES),
)

_COUNT = r"[0-9一二两三四五六七八九十几半]{1,3}"
_MOMENT = (
    rf"(?:今天|今日|今晚|今儿|明儿|后儿|明天|明日|明晚|明早|明后天|后天|本周|这周|下周|下?下?(?:周|星期"
    rf"|礼拜)[一二三四五六日天末]|(?:五一|端午|中秋|国庆|元旦|春节|双11|双12|圣诞|寒假|暑假|开学|过年|过完年|年"
    rf"|节)(?:节|假|期)?(?:后|前|过完|一过)|发(?:了|完)?工资|十天半个?月吧?|两三天|三两天|过几天|过两天|明儿个?"
    rf"|后儿个?|每月|账期"
    rf"|这两天|近两天|月底|月初|月末|年底|元旦|春节|国庆|五一|中秋|周末|年前|节后"
    rf"|下个?月|本月"
    rf"|{_COUNT}月(?:{_COUNT}[日号])?|{_COUNT}[日号]|{_COUNT}(?:[到至]{_COUNT})?个?(?:工作日|自然日|工作天"
    rf"|小时|分钟|天|日|周|星期|礼拜|月)(?!的)(?:之?内|以内|左右|后|之后)?)"
)
_MONEY = (
    r"(?:退款(?!申请|单|规则|政策|记录)|退还|退回|退给|退到|退[您你]|给[您你]退|统一退|全额退|原路|打[您你0-9]"
    r"|转[您你0-9]|还[您你]|补[您你](?:差|钱|[0-9])|差价补|赔[您你0-9]|(?:会|能)退|退(?:下来|得)"
    r"|[把将][^，。]{0,6}(?:打|转|补|还)(?:[您你到给上]|$)|回来(?=[，。]|$)|返还|返给|返现"
    r"|打款|打给|转给|到账|到[您你]的?账|赔付|赔给|赔偿|补偿给|就退|会退|安排退|退[费钱掉]?(?=[，。]|$))"
)
_MONEY_BY = pattern(
    rf"{_MOMENT}[^，。]{{0,12}}{_MONEY}|{_MONEY}[^，。]{{0,10}}{_MOMENT}"
    rf"|钱[^，。]{{0,8}}{_MOMENT}[^，。]{{0,6}}退|{_MOMENT}，?[^，。]{{0,8}}钱[^，。]{{0,4}}[退到转打回]"
)
_END_BY = pattern(rf"{_MOMENT}[^，。]{{0,10}}(?:处理(?:完|好|掉)|解决|办好|办完|办结|搞定)")
_HAPPENED = pattern(r"不满意|不合适|支持|已(?!.{0,6}将)|于[^，。]{0,4}$|重复|可以$|可$|如果|昨")
_CONDITIONS = pattern(r"^运费|^，运费|^[^，。]{0,8}(?:无理由|申请|了(?=[，。]|$)|规则|可以|可选)")
_PROMISES = (
    Phrase(Rule.DATE_PROMISE, Severity.CONFIRM, _MONEY_BY, unless_before=_HAPPENED, unless_after=_CONDITIONS),
    Phrase(Rule.DATE_PROMISE, Severity.INFO, _END_BY, unless_before=_HAPPENED),
)


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    for found in search(_BRUSH_OFF, normalised):
        yield found.hit
    yield from _repeated(normalised, context)
    if not context.refund_made_or_running:
        yield from _promises(normalised)
    if len(normalised.original) > context.maximum_length:
        yield Hit(Rule.TOO_LONG, Severity.BLOCK, context.maximum_length, len(normalised.original))


def _whole(normalised: Normalised) -> tuple[int, int]:
    return normalised.dense.span(0, len(normalised.dense.text))


def emptiness(normalised: Normalised) -> Iterator[Hit]:
    """Nothing but pleasantries. For texts in which nothing else was found: what breaks a line is not empty."""
    said = normalised.dense.text.replace(CLAUSE, "").replace(SENTENCE, "")
    if not said:
        yield Hit(Rule.BRUSH_OFF, Severity.CONFIRM, 0, len(normalised.original))
        return
    left = len(PLEASANTRIES.sub("", said))
    if left <= max(MEANINGFUL, len(said) * MEANINGFUL_PART) and not any("0" <= one <= "9" for one in said):
        yield Hit(Rule.BRUSH_OFF, Severity.CONFIRM, *_whole(normalised))


def _promises(normalised: Normalised) -> Iterator[Hit]:
    for found in search(_PROMISES, normalised):
        if not _tells_the_past(found.words):
            yield found.hit


def _tells_the_past(words: str) -> bool:
    return any(past in words for past in ("已", "申请", "无理由", "支付", "下单", "退货"))


def _repeated(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    """A copy of any earlier reply of the case; the nearest counts."""
    said = _parts(normalised.dense.text)
    if not said:
        return
    likeness = max((_likeness(said, _parts(densely(reply))) for reply in context.last_replies), default=0.0)
    if likeness >= ALIKE:
        severity = Severity.CONFIRM if likeness >= SAME else Severity.INFO
        yield Hit(Rule.REPEATED_REPLY, severity, *_whole(normalised))


def _parts(dense: str) -> frozenset[str]:
    """Every three characters in a row, marks aside."""
    said = dense.replace(CLAUSE, "").replace(SENTENCE, "")
    return frozenset(said[index : index + 3] for index in range(max(1, len(said) - 2))) if said else frozenset()


def _likeness(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / len(left | right) if right else 0.0
