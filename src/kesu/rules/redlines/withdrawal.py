"""Inducing: a withdrawal asked for, bargained for, made a condition; a rating bought."""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised
from kesu.rules.redlines.phrases import Phrase, pattern, search

_WITHDRAW = pattern(
    r"撤诉|[销消]诉(?!求)|撤(?:销|回|掉|了|下|一下|除)?(?:一下|下|掉|了)?(?:您的|你的|这个|该|此|本次|这次"
    r"|那个)?(?:投诉|单子|工单|投诉单)"
    r"|(?:取消|关闭|关掉|结束|删除?|删掉|终止)(?:一下|掉|了|下)?(?:您的|你的|这个|该|此|本次|这次)?(?:投诉"
    r"|投诉单)(?!通道|入口|电话)"
    r"|投诉(?:单|记录)?(?:先|给|也|您|都)?(?:撤|删|取消|关闭|关掉|关了|结束|消)(?!失|息|费)|投诉(?:单)?不撤"
    r"|点(?:一下|击|下)?撤销(?![退换申订预])"
    r"|(?:求|请|麻烦|拜托|能不能)[^，。]{0,6}[别不](?:要)?(?:再)?投诉|(?:请|麻烦|操作|点"
    r"|选)[^，。退换货订预约]{0,6}撤回|撤单|结掉(?:投诉|单子)"
    r"|把[^，。]{0,4}单子[^，。]{0,2}[结撤关消]|(?:点|选|按)[^，。]{0,4}(?:问题已解决|已解决)|[撒彻澈]诉"
    r"|(?:投诉|单子|工单|状态|本单|这单)[^，。]{0,6}(?:改|设|标记|设置|更改)(?:成|为)[^，。]{0,4}(?:已解决|完结|完成|关闭|满意)"
    r"|撤(?:了|掉|销|回)(?:吧|就给|我(?:们)?(?:就|给|马上))|高抬贵手|(?:同意|申请|配合|点击?)[^，。]{0,4}(?:结案|完结|结单|销单|销案)|[销消][单案]"
    r"|(?:点|选|勾|按)[^，。]{0,10}(?:问题已解决|已解决)|(?:承诺|保证|同意|答应)[^，。]{0,4}(?:不再?|放弃|停止)(?:继续|进行)?(?:投诉|举报|申诉|维权)"
    r"|(?:请|求|麻烦|希望|能否|只要)[^，。]{0,6}(?:不再|放弃|停止)(?:继续|进行)?(?:投诉|举报|申诉)|投诉(?:还)?(?:在|挂着|没撤|没关|未撤|未关)[^。]{0,8}(?:退不|不能退|没法退|无法退|就不|打不)"
    r"|不撤(?:的话|就)|如不撤[回销]|不撤[回销](?:投诉)?(?:的话|就)"
)
_INNOCENT = pattern(r"^(?:与否|[^。]{0,8}(?:不影响|由您|自愿|您自己决定))")

_RATING = pattern(
    r"(?:返现?|退|送|补偿?|奖励?|领)[^。]{0,16}(?:五星|5星|好评|满意度?(?:给|打|选)|(?:选择?|评价|打)满意)"
    r"|(?:给|打|选|评|点|满意度)[^，。]{0,6}(?:五星|5星|好评|满意)[^。]{0,12}(?:返|退[您你]|送(?![到达货餐来去])|红包"
    r"|补偿[您你]|奖励|有礼)"
    r"|(?:五星|5星|好评)[^，。]{0,6}(?:返现?[0-9一二三五十]|返[您你现]|退[您你]|送[您你]|红包)"
)

_RATING_ASKED = pattern(
    r"(?:麻烦|请|帮忙?|劳烦|辛苦|拜托|希望)[^，。]{0,8}(?:给|打|点|选)[^，。]{0,4}(?:满意(?!的)|好评|五星|5星)"
)

PHRASES = (
    Phrase(
        Rule.WITHDRAWAL,
        Severity.CONFIRM,
        _WITHDRAW,
        unless_after=_INNOCENT,
    ),
    Phrase(Rule.WITHDRAWAL, Severity.CONFIRM, _RATING_ASKED),
    Phrase(Rule.WITHDRAWAL, Severity.BLOCK, _RATING, unless_before=pattern(r"感谢[^，。]{0,6}$")),
)

_BARGAIN = pattern(
    r"退|赔|补偿|补发|送|返|红包|奖|优惠券|会员|月卡|才能|前提|条件|钻石|[0-9一二两三五十百]元|运费|否则|后果|律师"
)
_DENIED = pattern(r"(?:没有|从未|从没|不会|不曾|无意|并未|不)[^，。]{0,8}$")


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    """A bargain or a threat beside it blocks; a mere request, or the word denied, is to be confirmed."""
    for found in search(PHRASES, normalised):
        hit, around = found.hit, (found.before, found.after)
        bargained = any(_BARGAIN.search(side) for side in around) and _DENIED.search(found.before) is None
        yield Hit(hit.rule, Severity.BLOCK if bargained else hit.severity, hit.start, hit.end)
