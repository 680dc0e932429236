"""Inducing: a withdrawal asked for, bargained for, made a condition; a rating bought.

A withdrawal is an act (撤, 取消, 关, 结, 销, 删, 算了) on a complaint, or no act of complaining any more. With the
complaint named it is one wherever it stands; an act alone, or a word like "已解决", is one beside what is given for it.
"""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised
from kesu.rules.redlines.phrases import Phrase, pattern, search

_ACT = (
    r"(?:[撤撒彻澈](?:诉|销|消|回来?|掉|下来?|了|一下|除|单)?|取消(?:咗|掉|了|一下)?|关(?:闭|掉|了|上)|结(?:束|掉"
    r"|了|案)|删(?:除|掉|了)?"
    r"|[销消](?:掉|了|除|一下)|终(?:止|结)|收(?:回|了)|了结|办结|完结|处理掉|拿掉|去掉|平掉|撤消|按掉|划掉)"
)
_COMPLAINT = r"(?:投诉单?|申诉|举报|维权(?!热线|中心|部)|差评|仲裁申请)"
_TICKET = r"(?:单子|工单|这(?:个|条)?单|本单|这条(?:投诉|诉求|记录)?|该单|诉求|状态|评论|评价|这事|此事|案子|它)"

_WITHDRAW = pattern(
    rf"[撤撒彻澈]诉|[销消]诉(?!求)|{_ACT}(?:一下|您的|你的|这个|那个|该|此|本次|这次|那条|这条|咗|個|个|您|你|先|下"
    rf"|的|在平台|上){{0,2}}{_COMPLAINT}(?!通道|入口|电话|热线|窗口|按钮藏)"
    rf"|{_COMPLAINT}(?:记录|内容|状态|的|这边|那边|在平台|申请)?(?:先|给|也|您|都|就|能不能|可以|帮我|们|麻烦"
    rf"|一){{0,3}}{_ACT}(?!失|息|费|后续|我们的|了电)|投诉不撤"
    r"|点(?:一下|击|下)?撤销(?![退换申订预])"
    r"|(?:求|请|麻烦|拜托|能不能)[^，。]{0,6}[别不](?:要)?(?:再)?投诉|(?:请|麻烦|操作|点"
    r"|选)[^，。退换货订预约]{0,6}撤[回消]|撤单|结掉(?:投诉|单子)"
    r"|把[^，。]{0,4}单子?[^，。]{0,4}(?:[结撤关销]|(?<!取)消)|(?:点|选|按|勾)[^，。]{0,10}(?:问题已解决|已解决)"
    r"|(?:投诉|单子|工单|状态|本单|这单)[^，。]{0,6}(?:改|设|标记|设置|更改)(?:成|为)[^，。]{0,4}(?:已解决|完结"
    r"|完成|关闭|满意)"
    r"|撤(?:了|掉|销|回)(?:吧|呗|就给|我(?:们)?(?:就|给|马上))|高抬贵手|(?:同意|申请|配合|点击?)[^，。]{0,4}(?:结案"
    r"|完结|结单|销单|销案)|[销消][单案](?!价)"
    r"|(?:承诺|保证|同意|答应|愿意|肯)[^，。]{0,4}(?:不再?|放弃|停止)(?:继续|进行)?(?:投诉|举报|申诉|维权|追究|反映)"
    r"|(?:请|求|麻烦|希望|能否|只要)[^，。]{0,6}(?:不再|放弃|停止)(?:继续|进行)?(?:投诉|举报|申诉|追究)"
    r"|投诉(?:还)?(?:在|挂着|没撤|没关|未撤|未关)[^。]{0,12}(?:退不|不能|没法|无法|就不|打不|没办法)"
    r"|不撤(?:的话|就|是吧)|如不撤[回销]|不撤[回销](?:投诉)?(?:的话|就)|(?:签|写)[^，。]{0,6}(?:和解书|谅解书"
    r"|和解协议|承诺书|保证书)"
)
_INNOCENT = pattern(r"^(?:与否|[^。]{0,8}(?:不影响|由您|自愿|您自己决定|都行|都可以|随您|没关系|无关))")
_NOT_ASKED = pattern(
    r"(?:不(?:会|用|需要?|必|要求|强求|勉强|是|应)|无需|没有?(?:要|让|请|叫|说)|从(?:不|未|没)|绝不|不曾|并未"
    r"|没有)(?:要求?|让|请|逼|催|叫|劝|因为|有)?[^，。]{0,8}$|(?:有人|冒充|不是本店)[^。]{0,10}$"
)

_ASIDE = pattern(
    rf"(?!取消|删除了?){_ACT}(?:一下|您的|你的|这个|那个|该|此|先|下|这){{0,2}}{_TICKET}|{_TICKET}(?:先|给|也|您|都"
    rf"|就|能不能|您看|能|帮我|们|麻烦|这边|可以|，){{0,4}}(?!取消|删除?了){_ACT}"
    r"|(?:先|就|不|要么|肯|愿意|帮忙|麻烦|赶紧|现在)撤(?!换|柜|店|资|离|场|稿|销[^，。后]|回[^，。来去])"
    r"|[您你]撤(?=我|[，。]|$|了(?=我|他|就|立|马))|撤(?:一下|下来|呗|吧|我退|了(?=我|他|就|立|马|给|您|，|。|吧|$)"
    r"|销之?后|下去)|(?:先|再)(?:关|结|销)单"
    r"|(?:不|别|放弃|停止|不再)(?:要|再|去|继续|向平台|往上|跟平台)?(?:投诉|追究|反映|举报|计较|闹|维权|申诉|追责)"
    r"|松口|息事宁人|到此为止|一笔勾销"
    r"|(?:点|选|勾|按|写|填|说|讲|标|确认|回复|告诉|评|给|打|显示)[^，。]{0,10}(?:解决|和解|满意(?!的)"
    r"|同意(?=[，。]|$)|(?:是|说)(?:个|一场)?误会|完结|没问题|没事了|结案)|(?:结束|终止|结清)(?:后|之后|了)?(?:自动"
    r"|马上|立刻|立即)?(?=[退放打赔])"
)
_GIVEN = pattern(
    r"退(?!订|房|课前|换货政)|赔|补(?:偿|给|您|你|[0-9一二两三五]|一)|送|寄(?:您|给|一)|返|免(?:费|单|您|了|掉"
    r"|[一三两二])|红包|奖励?|优惠券|券|会员|月卡|钻石|金币|打[钱款给]|转[您你账钱给]|放款|好商量|好说"
    r"|请[您你](?:喝|吃)|[0-9一二两三五百十]{1,6}[元块]|半价|全免|加(?:倍|半年|一年|个月)|绩效|扣(?:我|的是?我)"
    r"|工资|考核|免谈|没(?:法|办法)退"
)
_BESIDE_AN_OFFER_TO_STAY = pattern(
    r"照(?:样|退|赔|换)|也(?:会|照|一样|都)|都(?:会|给|行|可以)|该[退赔换]|没关系|无关|不影响|随您|由您|看您"
)

_STARS = r"(?:[五5]颗?星(?!级|酒店|红旗)|满分|好评|好的?评价|晒(?:图|单)|带图评|满意度?(?=给|打|选|[，。]|评))"
_GIFT = (
    r"(?:返(?!回|程|修)|退[您你0-9一二两三五十]|送(?![到达货餐来去])|领[0-9一二三五十]|领(?:取)?(?:红包|奖|券)|红包"
    r"|补偿?[您你]|减[0-9]|奖励?|有礼|券|积分|管够|抽奖|免[一单])"
)
_RATING = pattern(
    r"(?:返现?|退|送|补偿?|奖励?|领)[^。]{0,16}(?:五星|5星|好评|满意度?(?:给|打|选)|(?:选择?|评价|打)满意)"
    rf"|(?:给|打|选|评|点|写|满意度|说)[^，。]{{0,6}}(?:{_STARS}|满意)[^。]{{0,14}}{_GIFT}"
    rf"|{_STARS}[^。]{{0,8}}(?:返现?[0-9一二三五十]|返[您你现]|退[您你]|送[您你]|红包|领[0-9一二三五十])"
)
_RATING_ASKED = pattern(
    r"(?:麻烦|请|帮忙?|劳烦|辛苦|拜托|希望)[^，。]{0,8}(?:给|打|点|选)[^，。]{0,4}(?:满意(?!的)|好评|五星|5星)"
)
_NOT_BOUGHT = pattern(r"感谢[^，。]{0,6}$|(?:有人|代工厂|冒充|不用|不需要?|无需|不必|从不|没有)[^，。]{0,8}$")
_CALLED_OFF = pattern(r"不做|叫停|不是(?:本店|我们)|违反|假冒|请不要理|已下架|墙上|卡是")

PHRASES = (
    Phrase(Rule.WITHDRAWAL, Severity.CONFIRM, _WITHDRAW, unless_before=_NOT_ASKED, unless_after=_INNOCENT),
    Phrase(
        Rule.WITHDRAWAL,
        Severity.CONFIRM,
        _ASIDE,
        unless_before=_NOT_ASKED,
        unless_after=_BESIDE_AN_OFFER_TO_STAY,
        only_beside=_GIVEN,
    ),
    Phrase(Rule.WITHDRAWAL, Severity.CONFIRM, _RATING_ASKED, unless_before=_NOT_BOUGHT),
    Phrase(Rule.WITHDRAWAL, Severity.BLOCK, _RATING, unless_before=_NOT_BOUGHT, unless_after=_CALLED_OFF),
)

_BARGAIN = pattern(
    r"退|赔|补偿|补发|送|返|红包|奖|优惠券|会员|月卡|才能|前提|条件|钻石|[0-9一二两三五百]元|运费|否则|后果|律师"
)
_DENIED = pattern(r"(?:没有|从未|从没|不会|不曾|无意|并未|不)[^，。]{0,8}$")

NOT_ASKED_FOR = pattern(
    r"(?:不会|没有?|从不|从未|不用|不需要?|无需|不必|不要求|绝不|不强求)[^，。]{0,8}(?:撤|取消投诉|关闭投诉|销诉)"
)
"""A denial, by itself no inducement."""


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    """A bargain or a threat beside it blocks; a mere request, or the word denied, is to be confirmed."""
    for found in search(PHRASES, normalised):
        hit, around = found.hit, (found.before, found.after)
        bargained = any(_BARGAIN.search(side) for side in around) and _DENIED.search(found.before) is None
        yield Hit(hit.rule, Severity.BLOCK if bargained else hit.severity, hit.start, hit.end)
