"""Other places: links, QR codes, other apps and mail; and other ways to pay back than the original route."""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised, View, densely
from kesu.rules.redlines.phrases import WARNING, Found, Phrase, pattern, search

_DOT = r" ?(?:\.|。|\[\.\]|\(\.\)|点|dot) ?"
_TOP = (
    r"(?:com|cn|net|org|top|xyz|vip|shop|site|cc|io|me|link|club|example|info|co|app|store|tv|ltd|online|fun"
    r"|tech|wang)"
)
_HOST = pattern(rf"[a-z0-9-]{{1,40}}{_DOT}{_TOP}(?![a-z0-9])|(?:https?|hxxps?|ftp) ?: ?/ ?/|www ?\.")
_FURTHER = pattern(rf"{_DOT}[a-z0-9-]{{1,40}}(?![a-z0-9])")
_LABELS = 3
"""How many further parts of a host are looked for that are written apart: help . example . cn"""
_HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._[]()@:/+")
_PATH_CHARACTERS = _HOST_CHARACTERS | frozenset("?=&%#~")
_ADDRESS = 120
"""How far an address is followed to either side."""

_HARMLESS = pattern(f"{WARNING}|都不是我们|有人")
_DENIED_AFTER = pattern(r"都不是我们|不是我们|都是骗子|请不要相信|不要理会")

_LINKS = pattern(
    r"(?:点击?|点开|打开|复制|访问|进入|通过|填写?)[^，。]{0,8}(?:链接|网址|超链)|(?:链接|网址)(?:发给?[您你]"
    r"|如下|在下方|在这)|[把将][^，。]{0,4}链接发"
)
_CODE = r"(?:二维码|2维码|贰维码|二唯码|二维吗|qrcode|qr码|太阳码)"
_HERE = r"(?:下方|下面|下图|图中|图里|图片|附图|附件|以下|上方|这个|此|客服|我们?的?|专属|售后|退款|群)"
_CODES = pattern(
    rf"(?:扫|扫描|扫一扫|识别|长按|扫一下|扫下)[^，。]{{0,6}}{_HERE}[^，。]{{0,6}}(?:{_CODE}|码|头像|识别)"
    rf"|{_HERE}(?:里|中)?的?[^，。]{{0,4}}{_CODE}|扫码[^，。付]{{0,3}}(?:联系|添加|加|进群|咨询|找|退款|领|填)"
    rf"|(?:[发给]|提供|出示)[^，。]{{0,10}}(?:收[款钱]码|收款二维码|付款码)"
    rf"|收[款钱](?:二维)?码[^，。]{{0,4}}(?:发|提供|给我)"
    rf"|扫[^，。]{{0,3}}{_CODE}[^，。]{{0,2}}(?:找|联系|加|进|退)|长按[^，。]{{0,3}}(?:识别|图)|扫(?:一下|一扫"
    rf"|下)?(?:下|附|上)?图(?!书)|(?:请|加[^，。]{{0,6}})扫码(?=[，。]|$)|扫(?:我|这个"
    rf"|下这个)[^，。]{{0,4}}码"
    r"|扫(?:一下|下|一扫)?(?:它|我发的|我给的|这张|那张|上面|下面)|(?:看|识|保存)图[^，。]{0,3}(?:扫|识别|码)"
    r"|识别[^，。]{0,6}码"
    r"|码[^。]{0,8}扫(?:了|一下|下|它|一扫)?(?:就|以后|，)?[^，。]{0,3}(?:找|联系|加|进|领|退)"
    r"|[把将][^，。]{0,4}码发[您你给]|(?<!密)(?<!证)(?<!单)(?<!态)码[给拍截发]?(?:发|给|拍|截)[您你我]"
    r"|(?:给|要|拍|截|发)(?:一个|一张|一下|个|张|下|我|您的|您){0,3}(?:微信)?收[款钱](?:二维)?码"
    r"|收[款钱](?:二维)?码[^，。]{0,3}(?:截|拍|发|给|呗)|附?了?(?:张)?图，扫|扫[^，。]{0,8}码，(?:就)?(?:找|联系|加"
    r"|进)|扫(?:完|了)(?:以?后|，)?(?:进|找|联系)"
)

_APPS = (
    r"(?:淘宝|旺旺|抖音|快手|小红书|微博|钉钉|闲鱼|telegram|电报|纸飞机|whatsapp|飞书|skype|陌陌|拼多多|京东"
    r"|b站|知乎)"
)
_MESSENGERS = r"(?:钉钉|旺旺|telegram|电报|纸飞机|whatsapp|飞书|skype|闲鱼|陌陌)"
_ELSEWHERE = pattern(
    r"私下|私底下|私了|脱离平台|绕过平台|平台外|不走(?:平台|原路)|不要走平台|不通过平台"
    r"|线下(?:转账|解决|退|协商|沟通|处理|打款|联系|谈)|(?:支付宝|银行|微信|个人|对公)转账?(?:给|到|打)"
    r"|转账?给[您你](?:可|[，。]|$|就|吧|的)"
    r"|给[您你]转(?:账|过去|钱)|转给?[您你](?:零钱|过去|钱)|(?:微信|支付宝)(?:上)?转[您你给]"
    r"|[我们财务]{1,3}(?:直接)?(?:转账|打钱)给[您你]"
    r"|直接打给[您你]"
    r"|(?:提供|发|告知|告诉|报|留)[^，。]{0,8}支付宝(?:账号|账户|号)?"
    r"|(?:发(?!放的)|[送返给补]|领(?![取到]的)|红包)[^，。]{0,7}红包(?!封面|活动|雨)"
    rf"|{_APPS}[^，。]{{0,8}}(?:联系|私信|私聊|客服|找我|找你|沟通|咨询|频道)|(?<!增)(?:加|下载|上|到|去|用"
    rf"|在)[^，。]{{0,3}}{_MESSENGERS}"
    r"|(?:请|可以?|直接|您)[^，。]{0,4}(?:发|写|寄)(?:送|封)?邮件|邮箱[^，。]{0,8}联系|私[聊信](?:我们?|主播"
    r"|客服|店长)"
    r"|转(?:到)?[您你](?:的)?(?:支付宝|微信|银行卡|卡)|(?:走|用|发|给)[^，。]{0,4}支付宝(?:给|转|退|账号|发)"
    r"|支付宝(?:账号|账户|号)[^，。]{0,4}(?:发|给|报|告)|(?:人工|线下|私人|手动|单独)(?:给[您你])?(?:打款|转账|转给"
    r"|转)"
    r"|(?:到|来)店(?:里|内)?[^。]{0,6}(?:面谈|当面谈|谈谈|协商|拿现|领现|私)|(?:拿|给|领)[您你]?现金(?!券)|现金退"
    r"|别(?:跟|和|在|走|告诉|上)(?:平台|线上|这里|微信)|不用?跟平台|别走(?:线上|流程|平台)|悄悄|偷偷"
    r"|自(?:己)?掏(?:腰包|钱)|私人(?:给|转|补|出)"
    r"|(?:下|装|下载)(?:载|一个|个|一下|咱们|咱|我们|自己|的|自家){0,5}app|(?:去|到|上|在|用|换"
    r"|走)[^，。]{0,4}(?:抖音|微博|小红书|快手|闲鱼|淘宝|京东|拼多多|飞书|钉钉)[^，。]{0,8}(?:私信|谈|聊|说|找|问"
    r"|联系|提|客服)|(?:腾讯|飞书|视频|语音|线上)会议|语音(?:说|聊|电话)|(?:发|寄|写)(?:到|给)?(?:我|我们"
    r"|公司)?(?:的)?邮箱|当面(?:谈|聊|说清|协商|解决)"
    r"|(?:公众号|服务号)(?:里|上|后台|那边)?[^，。]{0,3}(?:留言|说|问|反馈)|咱?私聊|一对一(?:聊|沟通)|公开说"
    r"|换个(?:地方|平台|软件|方式)[说聊谈沟]|[别不](?:要)?在这(?:儿|里|边)?[聊说谈]|(?:加|留|给"
    r"|提供)[^，。]{0,4}联系方式"
)
_OWN_PLACES = pattern(
    r"(?:公众号|服务号|订阅号)[^，。]{0,10}(?:联系|客服|私信|咨询|留言|找|回复)|下载[^，。]{0,6}app"
    r"|app[里内中]?[^，。]{0,4}(?:联系|找|客服)|(?<!谢)(?<!谢您)关注[^，。]{0,6}公众号"
    r"|小程序[^，。]{0,10}(?:联系|咨询|找(?!到))"
)
_NEGATED = pattern(r"有人[^。]{0,8}$|(?:不会|不要|不用|不需|无需|不必|不得|勿|没有)[^，。]{0,6}$")
_MAIL = pattern(r"[a-z0-9] ?@ ?[a-z0-9]")

PHRASES = (
    Phrase(Rule.LINK, Severity.BLOCK, _LINKS, unless_before=_HARMLESS, unless_after=_DENIED_AFTER),
    Phrase(Rule.QR_CODE, Severity.BLOCK, _CODES, unless_before=_HARMLESS, unless_after=_DENIED_AFTER),
    Phrase(Rule.OFF_PLATFORM, Severity.CONFIRM, _OWN_PLACES, unless_before=_NEGATED),
    Phrase(Rule.OFF_PLATFORM, Severity.BLOCK, _ELSEWHERE, unless_before=_NEGATED),
)


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    programs = tuple(filter(None, map(densely, context.allowed.mini_programs)))
    for found in search(PHRASES, normalised):
        if found.hit.rule is not Rule.OFF_PLATFORM or not _is_own(found, programs):
            yield found.hit
    domains = tuple(domain.lower().lstrip(".") for domain in context.allowed.domains)
    yield from _mails(normalised.plain, domains)
    yield from _addresses(normalised.plain, domains)


def _is_own(found: Found, programs: tuple[str, ...]) -> bool:
    """An own mini-program or public account, named beside it."""
    if "小程序" not in found.words and "公众号" not in found.words:
        return False
    return any(name in found.before + found.words + found.after for name in programs)


def _mails(plain: View, domains: tuple[str, ...]) -> Iterator[Hit]:
    reached = 0
    for match in _MAIL.finditer(plain.text):
        if match.start() < reached:
            continue
        start, reached = _extent(plain.text, *match.span())
        if not _allowed(_host(plain.text[start:reached].rsplit("@", 1)[-1]), domains):
            yield Hit(Rule.OFF_PLATFORM, Severity.CONFIRM, *plain.span(start, reached))


def _addresses(plain: View, domains: tuple[str, ...]) -> Iterator[Hit]:
    reached = 0
    for match in _HOST.finditer(plain.text):
        if match.start() < reached:
            continue
        start, reached = _extent(plain.text, *match.span())
        if "@" in plain.text[start:reached] or _allowed(_host(plain.text[start:reached]), domains):
            continue
        reached = _further(plain.text, reached)
        if not _allowed(_host(plain.text[start:reached]), domains):
            yield Hit(Rule.LINK, Severity.BLOCK, *plain.span(start, reached))


def _extent(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole address around a match: without a space before it, with its path after it."""
    lowest, highest = max(0, start - _ADDRESS), min(len(text), end + _ADDRESS)
    while start > lowest and text[start - 1] in _HOST_CHARACTERS:
        start -= 1
    while end < highest and text[end] in _PATH_CHARACTERS:
        end += 1
    return start, end


def _further(text: str, end: int) -> int:
    """The end of an address whose next parts are written apart."""
    for _ in range(_LABELS):
        part = _FURTHER.match(text, end)
        end = part.end() if part else end
    return end


def _host(written: str) -> str:
    """`help.example.cn` of an address however it is dotted."""
    for dressed in (" ", "[", "]", "(", ")"):
        written = written.replace(dressed, "")
    written = written.replace("。", ".").replace("点", ".").replace("dot", ".")
    return written.split("://")[-1].split("/", 1)[0].split(":", 1)[0].strip(".")


def _allowed(host: str, domains: tuple[str, ...]) -> bool:
    return any(host == domain or host.endswith("." + domain) for domain in domains)
