"""WeChat ids and QQ numbers. The platform's own name is everywhere in honest replies, so it takes a verb, or an id."""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised, densely
from kesu.rules.redlines.phrases import WARNING, Phrase, pattern, search

_UNMISTAKABLE = (
    r"薇信|徽信|徵信|葳信|(?<![a-z0-9])v信|[微薇威v]❤|[微薇v][芯伩訫忻鑫]|薇心|[微薇]亻言|绿泡泡|绿色软件|企微"
    r"|[微薇]x(?![a-z0-9])"
)
_SIMILAR = r"威信|卫星号?|维信|围信|微心|weixin|(?<![a-z0-9])(?:wx|vx|wechat)"
_NAME = f"(?:企业微信|微信|{_UNMISTAKABLE}|{_SIMILAR})"
_PLATFORM = (
    r"(?!支付|商家|商户|零钱|钱包|账单|账户|账号|官方|平台|小程序|版本|红包|立减"
    r"|客户端|服务|通知|交易|订单|付款|转账|截图|扫|余额|收款|方式|用户)"
)
_ID = r"[，号id是为码]{0,4}(?:[a-z][a-z0-9]{4,19}|[0-9]{6,12})"

_WECHAT_IDS = pattern(
    rf"(?:{_NAME}|(?:加|\+|联系|我|客服|找)(?<!更加)v(?!ip)|(?<![a-z0-9])v(?=，)){_PLATFORM}{_ID}"
    r"|(?:微信|weixin|wx|vx)[^，。]{0,3}同(?:手机|电话)?号"
)
_WECHAT = pattern(
    rf"{_UNMISTAKABLE}"
    rf"|(?:(?<![增参更])加|(?<!增)添加|\+|搜索?|(?<![保预])留(?![意言存])下?|换)[^，。微]{{0,6}}{_NAME}{_PLATFORM}"
    rf"|{_NAME}{_PLATFORM}[上里]?(?:私聊|聊(?!天(?:记录|截图|内容))|联系|沟通|详[聊谈说]|找(?!到|不到)|加|搜|群"
    rf"|好友|咨询(?!费)|说(?=[，。吧]|$))|微信上说"
    rf"|(?:提供|告知|告诉|发|报)(?:[^，。]{{0,6}})[您你]的微信{_PLATFORM}"
    rf"|[把将][^，。]{{0,6}}微信号?[^，。]{{0,4}}[发给告留]"
    r"|通过[^，。]{0,4}好友申请|(?:加|添加)(?:我们?|客服|店长|一下|下|个)[^，。]{0,4}好友"
    r"|微信(?:上)?[跟和给][您你](?:说|聊|联系|发|讲)"
    r"|加微(?=[，。聊说详处找]|$)|(?:加|\+)v(?![a-z0-9])|jiaweixin"
)

_Q = r"(?:(?<![a-z0-9])(?:qq|q(?=群))|扣扣|抠抠|蔻蔻|叩叩|秋秋|球球|企鹅|koukou|扣q)"
_NUMBER = "[0-9〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{5,12}"
_QQ_NUMBERS = pattern(rf"{_Q}[，号群是为的我们客服码联系加找售后]{{0,6}}{_NUMBER}|(?<![a-z0-9])q，?{_NUMBER}")
_QQ = pattern(
    rf"(?:加|添加|\+|联系|搜|用)[^，。]{{0,6}}{_Q}(?!音乐|会员|钱包|糖|邮箱|飞车|农场|空间|浏览器|大作战|玩偶"
    rf"|账号|退款|币|黄钻)"
    rf"|{_Q}[上里]?(?:联系|沟通|私?聊|找|咨询|群)|(?:加|\+)q(?=[，。聊说]|$)|(?<![a-z0-9])q我|{_Q}(?:搜索|搜)"
    rf"|(?:售后|客服|交流|玩家)群号"
)

_HARMLESS = pattern(f"{WARNING}|都不是我们")
_DENIED_AFTER = pattern(r"(?:都不是我们|不是我们|都是骗子|请不要相信|的方式行骗|不要理会|违反|违规)")
_PAYERS_OWN = pattern(r"(?:充值|绑定|登录|填写|注册|您)的?$")

PHRASES = (
    Phrase(Rule.WECHAT_ID, Severity.BLOCK, _WECHAT_IDS),
    Phrase(Rule.WECHAT_ID, Severity.BLOCK, _WECHAT, unless_before=_HARMLESS, unless_after=_DENIED_AFTER),
    Phrase(Rule.QQ, Severity.BLOCK, _QQ_NUMBERS, unless_before=_PAYERS_OWN),
    Phrase(Rule.QQ, Severity.BLOCK, _QQ, unless_before=_HARMLESS, unless_after=_DENIED_AFTER),
)


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    own = tuple(filter(None, map(densely, context.allowed.wechat_ids)))
    for found in search(PHRASES, normalised):
        around = found.before + found.words + found.after
        if found.hit.rule is Rule.WECHAT_ID and any(name in around for name in own):
            continue
        yield found.hit
