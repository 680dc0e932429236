"""How a payer is spoken to: no labels, no insults, no threats."""

from collections.abc import Iterator

from kesu.rules.redlines.cues import SETTLES
from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.insults import ABUSE, CONTEMPT
from kesu.rules.redlines.labels import CHARGES, INSINUATIONS
from kesu.rules.redlines.normalise import Normalised
from kesu.rules.redlines.phrases import Found, Phrase, pattern, search
from kesu.rules.redlines.threat_cues import PAYERS_RIGHT_WORDS

TO_THE_PAYER, NEARBY = 8, 30
"""How many characters away the payer is addressed; how near two hits are one outburst."""
_TO_THE_PAYER = pattern(r"[您你]|自己")

NEGATED = pattern(r"(?:没有|没|并非|绝非|不是|从未|从没|并未|不会|不曾|未)[^，。]{0,8}$")

_SAID_BY_THE_PAYER = (
    r"[您你](?:说|觉得|认为|反馈|反映|提到)[^。]{0,14}$|[让使]您[^，。]{0,4}(?:觉得|感到|认为)[^，。]{0,6}$"
    r"|(?:认为|觉得|以为|说)(?:我们|本店|商家)[^，。]{0,4}$|(?:我们|本店|我司|商家)(?:就|都)?(?:是|不是|绝不是"
    r"|没有|不存在|绝无|并非|绝非)$|(?:骑手|师傅|司机|店员|客服|员工|同事|主播|老师)[^，。您你]{0,6}$"
)
_THIRD_PARTIES = r"防$|谨防|冒充|冒用|不法分子|[如若]遇|遭遇|遇到|警惕|轻信"

LABELLING_SOFTLY = Phrase(
    Rule.LABELLING,
    Severity.CONFIRM,
    INSINUATIONS,
    unless_before=pattern(
        f"{_SAID_BY_THE_PAYER}|{_THIRD_PARTIES}|(?:没有|不存在|绝无|不是|绝不|不会|不该|快递|仓库)[^，。]{{0,6}}$"
    ),
)
LABELLING = Phrase(
    Rule.LABELLING,
    Severity.BLOCK,
    CHARGES,
    unless_before=pattern(f"{_SAID_BY_THE_PAYER}|{_THIRD_PARTIES}"),
    unless_after=pattern(r"^(?:电话|短信|提示|专区|分子|软件|网站|案例|套路|们?(?:常|会|经常|往往|冒充)|一节|条款)"),
    softened_by=NEGATED,
)

_SAID_OF_OTHERS = pattern(
    rf"骂[您你了]|对[您你]说|(?:客服|同事|师傅|骑手|店员|主播|老师|司机)[^，。]{{0,4}}[说骂称]|{_SAID_BY_THE_PAYER}"
)
INSULT = Phrase(Rule.INSULT, Severity.BLOCK, ABUSE, unless_before=_SAID_OF_OTHERS)
INSULT_SOFTLY = Phrase(Rule.INSULT, Severity.CONFIRM, CONTEMPT, unless_before=_SAID_OF_OTHERS)

_THREATS = pattern(
    r"起诉[您你](?!的咨询)|(?<![您你])(?:会|将|要|就|依法|直接|已经?|准备)起诉|法院见|律师(?:函|会|将|团队)|(?:委托"
    r"|咨询)(?:了)?律师"
    r"|传票|打官司|法务(?:部门?)?(?:已|会|将|介入|处理)|(?:走|通过|采取|拿起)法律|(?:向|提交|报|交由"
    r"|移交)[^，。]{0,4}公安|报案|(?:告你|告到法院)"
    r"|报警抓|(?:我们|我司|本店|已|已经|就|将|会|直接|立刻|马上)报警|追究[^，。]{0,8}责任|后果自负|自负后果"
    r"|承担[^，。]{0,4}后果"
    r"|曝光(?!补偿|时间|度|不足|过度|量|率|灯|表)|(?:公布|公开|发)[^，。]{0,4}(?:到|在)?网上"
    r"|公开[您你]的?(?:个人)?(?:信息|聊天|资料)|人肉搜索|人肉[您你]|拉黑[您你]"
    r"|[把将][^，。]{0,6}拉黑|就拉黑"
    r"|(?:列入|拉入|加入|进入?|拉进)[^，。]{0,8}黑名单|(?:影响|上报|上|纳入|报)[^，。]{0,6}征信"
    r"|(?:把|将|直接|就|再)[^，。]{0,10}封(?:了|掉|号|停|禁)|封(?:了)?[您你][^，。]{0,2}号"
    r"|知道[您你]?[^，。]{0,3}家?住(?:哪|在)|地址我们?都?有|(?:手机号|电话|信息|资料)我们?都?有|等着瞧|走着瞧"
    r"|[你您]等着(?![^，。])|给我等着"
    r"|信不信|走着[看瞧]|(?<!完)没完(?=[，。]|$)|发(?:到)?(?:朋友圈|抖音|群里|微博)让|评评理|通报给|(?:权益|会员"
    r"|账号|余额)[^，。]{0,4}(?:全部|永久|一律)(?:冻结|清零|作废)"
    r"|(?:别想|休想)(?!赖|骗|讹|蒙|糊|占)|[坐买用进来玩]不了我们|兜着走|付出[^，。]{0,4}代价"
    r"|让[您你][^，。]{0,10}(?:后悔|好看|难堪"
    r"|倒霉|丢脸)|会后悔|盯上[您你]"
    r"|取消[您你]的?(?:资格|权益)|停[您你]的?(?:卡|号|课)|永久(?:封|禁|停)|诉诸|反诉|(?:会|将|要|去)举报[您你]|拘留"
    r"|坐牢|刑事责任|别怪(?=我|本|店|咱|到)|(?:弄|打)死(?=[您你]|[，。]|$)|[别你]逼我"
    r"|去[您你]们?[^，。]{0,4}(?:找[您你]|闹|堵)|收拾[您你]|找人(?:收拾"
    r"|打|弄|教训)|派人[^，。]{0,4}(?:找[您你]|堵|收拾|讨)|上门(?:找|谈|讨)|[上到去][您你]家(?:找|闹|堵)|小心点"
    r"|走夜路"
    r"|找[您你](?:的)?(?:领导|单位|学校|家人)|一直(?:给[您你])?打电话|骚扰[您你]|[您你](?:自己)?考虑清楚"
    r"|别怪我们|不客气(?=了|，|。)|有[您你]好看"
    r"|(?:再|继续|执意|坚持|只要|敢)[^，。]{0,4}(?:投诉|闹|纠缠|申诉|举报|差评)[^。]{0,12}(?:封|冻结|注销|禁|没收"
    r"|清零|收回|登不|上门|一分)"
    r"|(?:影响|上报|计入|记入|纳入|报送|拉低)[^，。]{0,6}(?:信用(?!卡)|失信|芝麻)|(?:号|账号)[^，。]{0,4}(?:永远"
    r"|再也)[^，。]{0,2}(?:登不|用不)"
    r"|(?:告诉|通知|联系|说给|打给|捅到|寄到)[^，。]{0,2}[您你]的?(?:老板|领导|单位|公司|学校|同事|老婆|老公|班主任)"
    r"|[您你]家(?:的)?(?:地址|住址|门牌)[^，。]{0,4}(?:有|知道|清楚)|掂量|好自为之|不信[您你]?就?试试|最后(?:通牒"
    r"|警告)|警告[您你]|奉劝|劝[您你](?:别|善良|收手|识相)"
    r"|(?:由[您你]|自行)[^，。]{0,4}承担[^，。]{0,4}(?:法律|后果)|保留[^，。]{0,8}(?:追究|追诉|诉讼)|奉陪到底"
    r"|对簿公堂|上法庭|等着(?:坐|吃官司|被抓)|腿打断|打断[您你](?:的)?(?:腿|手|骨)"
    r"|(?:截图|聊天记录|监控|视频|录音|照片)[^，。]{0,8}(?:发|挂|贴)[^，。]{0,3}(?:网上|朋友圈|抖音|微博|小红书"
    r"|业主群|家长群|同行群)|挂(?:到|在)?网上|同行[^，。]{0,4}(?:封杀|通报|拉黑)|社死|身败名裂"
)
THREAT = Phrase(
    Rule.THREAT,
    Severity.BLOCK,
    _THREATS,
    unless_before=pattern(
        rf"{PAYERS_RIGHT_WORDS}|(?:没有|没|并未|从未|绝不|不会|未|(?<!信)不)(?:要|会|被|想|去)?$"
        rf"|建议[您你]?[^，。]{0, 6}$"
        r"|请[您你]?[^，。]{0,4}$|[您你](?:也"
        r"|还)?(?:可以"
        r"|有权)[^，。]{0,8}$"
        r"|可疑[^。]{0,8}$|防止$|避免$|受到$|[遭被]$|停止[^，。]{0,4}$"
        r"|(?:盗刷|失窃|被盗|被偷|冒充|嫌疑人)[^。]{0,16}$"
    ),
    unless_after=pattern(r"^(?:处理|追查|追回|协助)?[^，。]{0,6}(?:盗刷|失窃|被盗|冒充|假冒|丢失)"),
)

PHRASES = (LABELLING, LABELLING_SOFTLY, INSULT, INSULT_SOFTLY, THREAT)


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    said = [
        found.hit
        for found in search(PHRASES, normalised)
        if not _in_a_title(found.hit, normalised) and not _of_something_else(found)
    ]
    yield from (hit for hit in said if hit.severity is Severity.BLOCK or not _said_worse(hit, said))


def _said_worse(hint: Hit, said: list[Hit]) -> bool:
    """A hint beside plain words of another kind is part of them."""
    return any(
        hit.severity is Severity.BLOCK
        and hit.rule is not hint.rule
        and hit.start < hint.end + NEARBY
        and hint.start < hit.end + NEARBY
        for hit in said
    )


def _in_a_title(hit: Hit, normalised: Normalised) -> bool:
    return hit.rule is not Rule.THREAT and normalised.original[max(0, hit.start - 1) : hit.start] in ("《", "〈")


def _of_something_else(found: Found) -> bool:
    """Hard words with nobody spoken to, in a sentence that settles the matter: a product's name, a third person's."""
    to_the_payer = _TO_THE_PAYER.search(found.before[-TO_THE_PAYER:] + found.words)
    return to_the_payer is None and SETTLES.search(found.before + found.words + found.after) is not None
