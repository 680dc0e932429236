"""WeChat ids and QQ numbers. The platform's own name is everywhere in honest replies, so it takes a verb, or an id."""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised, densely
from kesu.rules.redlines.phrases import WARNING, Phrase, pattern, search

_UNMISTAKABLE = (
    r"薇信|徽信|徵信|葳信|(?<![a-z0-9])v信|[微薇威v]❤|[微薇v][芯伩訫忻鑫]|薇心|[微薇]亻言|绿泡泡|绿色软件|企微"
    r"|[微薇]x(?![a-z0-9])|[微薇威围维歪]❤|微xin|wei信|[微薇]号|薇(?=[，。说聊加]|详|$)|歪信|小绿(?:软件|app)"
    r"|绿(?:信|泡)|大绿软件|绿色(?:那个|的)(?:软件|app)|wxid"
)
_SIMILAR = r"威信|卫星号?|维信|围信|微心|weixin|(?<![a-z0-9])(?:wx|vx|wechat)"
_NAME = f"(?:企业微信|微信|{_UNMISTAKABLE}|{_SIMILAR})"
_PLATFORM = (
    r"(?!支付|商家|商户|零钱|钱包|账单|账户|账号|官方|平台|小程序|版本|红包|立减"
    r"|客户端|服务|通知|交易|订单|付款|转账|截图|扫|余额|收款|方式|用户)"
)
_ID = r"[，号id就是为码]{0,4}(?:[a-z][a-z0-9]{4,19}|[0-9]{6,12})"

_WECHAT_IDS = pattern(
    rf"(?:{_NAME}|(?:加|\+|联系|我|客服|找)(?<!更加)v(?!ip)|(?<![a-z0-9])v(?=，)){_PLATFORM}{_ID}"
    r"|(?:微信|weixin|wx|vx)[^，。]{0,3}同(?:手机|电话)?号"
)
_WECHAT = pattern(
    rf"{_UNMISTAKABLE}"
    rf"|(?:(?<![增参更])加|(?<!增)添加|\+|搜索?|(?<![保预])留(?![意言存])下?|换)[^，。微]{{0,6}}{_NAME}{_PLATFORM}"
    rf"|{_NAME}{_PLATFORM}[上里]?(?!群接龙|群里?的?(?:红包|接龙|通知|公告))(?:私聊|聊(?!天(?:记录|截图|内容))|联系"
    rf"|沟通|详[聊谈说]|找(?!到|不到)|加|搜|群"
    rf"|好友|咨询(?!费)|说(?=[，。吧]|$))|微信上说"
    rf"|(?:提供|告知|告诉|发|报)(?:[^，。]{{0,6}})[您你]的微信{_PLATFORM}"
    rf"|[把将][^，。]{{0,6}}微信(?!收|付|支|二|零|账)号?[^，。]{{0,4}}[发给告留]"
    r"|通过[^，。]{0,4}好友申请|(?:加|添加)(?:我们?|客服|店长|一下|下|个)[^，。]{0,4}好友"
    r"|微信(?:上)?[跟和给][您你](?:说|聊|联系|发|讲)"
    r"|(?:加|\+)微(?=[，。聊说详处找a-z]|$)|(?:加|留|给|发)(?:个|一个|下)?v(?=[，。吗吧呗]|$)|(?<![a-z0-9])v上"
    r"|聊天软件号|添加[^，。]{1,12}为好友|(?:加|\+)v(?![a-z0-9领])|jiaweixin|(?:加"
    r"|\+)[薇威葳徽](?=[，。聊说详处找号]|$)"
    r"|微信号?(?:是)?多少|(?:给|留|换|要)(?:一个|个|我|下|您的|您){0,3}微信号?(?=[，。吧呗哈呢]|$)|微信同号"
    r"|我加[您你](?:的)?(?:微信|好友|v)"
    r"|(?<![a-z0-9])(?:vx|wx)(?![a-z0-9])(?:号|是|就是|和|同|搜|聊|吧|联|说|发|给|，[a-z]|[，。]|$)"
    r"|[您你我](?:们)?的?(?:vx|wx)(?![a-z0-9])"
    r"|(?:加|留|给|发)[^，。]{0,6}的v(?![a-z0-9领])|我的?v(?=[，号是]|$)|(?:私人|个人|工作|小)号(?:加|私|聊|联)"
    r"|加(?:一下|下)?(?:这个|我的?|我们的?)号|加我(?:好友|一下|吧|，|。|$)"
    r"|搜(?:一下|下)?(?:这个|我的?|我们的?)(?:号|id|账号)|(?:加|互加)(?:个|一下|下)?好友(?!上限|功能|列表)"
)

_Q = r"(?:(?<![a-z0-9])(?:qq|q(?=群|号))|扣扣|扣号|小企鹅|鹅厂号|球球号|抠抠|蔻蔻|叩叩|秋秋|球球|企鹅|koukou|扣q)"
_NUMBER = "[0-9〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{5,12}"
_QQ_NUMBERS = pattern(rf"{_Q}[，号群是为的我们客服码联系加找售后]{{0,6}}{_NUMBER}|(?<![a-z0-9])q，?{_NUMBER}")
_QQ = pattern(
    rf"(?:加|添加|\+|联系|搜|用)[^，。]{{0,6}}{_Q}(?!音乐|会员|钱包|糖|邮箱|飞车|农场|空间|浏览器|大作战|玩偶"
    rf"|账号|退款|币|黄钻)"
    rf"|{_Q}[上里]?(?:加|联系|沟通|私?聊|找|咨询|群)|(?:加|\+)q(?=[，。聊说]|$)|(?<![a-z0-9])q我|{_Q}(?:搜索|搜)"
    rf"|(?:售后|客服|交流|玩家|福利)[群裙](?:号|，?[0-9])|裙[号，]?[0-9]{6, 12}|扣我(?![的钱分款费])|扣一?下我"
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
