"""Personal data that no refund by the original route needs."""

from collections.abc import Iterator

from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised
from kesu.rules.redlines.phrases import WARNING, Phrase, pattern, search

_SECRETS = (
    r"(?:(?:手机|短信)(?:里|上)?(?:收到|显示|来)的?(?:[^，。]{0,4})(?:数字|码|六位|几位)|[六四6]位(?:数|数字|码)"
    r"|短信码|支付密码|登录密码|密码(?!锁|错|重置|涂层|箱)|验证码|安全码|cvv|动态码|校验码)"
)
_PAPERS = (
    r"(?:身份证|持证件|证件照|结婚证|离婚证|银行流水|流水(?!号|单)|工资(?:证明|单|条)|(?:月|年)收入"
    r"|职业(?=[、和与及，]|$)|户籍|籍贯|学历|婚姻|出生年月日?|开户|户名|持卡人|持有人姓名|真名|实名"
    r"|[他她](?:的)?(?:电话|手机)|(?:家人|爱人|老公|老婆|对象|父母|孩子|小孩|配偶|监护人|亲属|紧急联系人)的?(?:电话"
    r"|手机|联系方式|姓名|身份|学校|班级|单位)|门牌号|联系方式|住址|现住|护照|户口[本簿]|出生证|银行卡(?:卡)?号"
    r"|银行卡(?:信息|照片)|卡号|开户行|人脸|手持(?:身份"
    r"|证件)|家庭(?:住址|地址)|工作单位"
    r"|真实姓名|姓名[和、与及，]?(?:手机|电话)|[您你]的(?:全名|姓名)|手机号码?(?!的?(?:尾|后[四4三]|末))"
    r"|电话号码?(?!的?(?:尾|后[四4三]))|联系电话(?!打)"
    r"|支付宝(?:账[号户]|号)|社保|指纹)"
)
_ASK = (
    r"(?:提供|告知|告诉(?:我|客服)?|念|说(?!明)|传(?!统)|交(?!易)|附上|核验|验证|刷|上传|拍|填写(?!的)|填(?!写|错)"
    r"|输入|回复|(?<![预保])留(?![意言存])|报(?!警|销)|出示|补充|登记"
    r"|配合|确认一下|问|发(?!票|货|现|生|出|放|送到)|给我们?)(?!的)"
)
_WORDS = (
    "{ask}[^，。]{{0,10}}{item}|[把将][^，。]{{0,10}}{item}[^，。]{{0,8}}(?:发|给|告诉|提供|报|上传)"
    "|{item}[号是]?(?:是)?(?:多少|几号|什么|哪)|{item}[^，。]{{0,8}}(?:拍|发|传|报|念|填|写|说|交|给|告诉|提供"
    "|截)[^，。]{{0,2}}(?:过来|一下|下|来|给|我|上来|一个|[，。]|$)"
    "|提供一?下?(?:[您你]的)?支付宝(?![的里订付])|{item}[^，。]{{0,4}}[发给报](?:我|下|一下|过来|给|客服)"
    "|需要?[您你]的?[^，。]{{0,4}}{item}"
)

_PRYING = pattern(
    r"(?<!知道)[您你](?:家)?(?:住|住在)哪|[您你]?在(?:什么|哪个?|哪家)(?:公司|单位|学校)|哪里上班|屏幕共享|共享屏幕"
    r"|远程(?:控制|操作|协助)[您你]的?手机|(?:密码|账号)[^，。]{0,8}(?:我|我们)[^，。]{0,3}(?:进去|登录|登上|登进"
    r"|操作)|做什么工作|(?:月|年)收入|哪里人|多大年纪|刷脸(?:认证|验证|核验|一下)|人脸(?:认证|验证|核验)一下"
)

_NOT_ASKED = pattern(
    rf"{WARNING}|(?:从不|绝不|不)[^，。]{{0,8}}$|(?:不要|别|勿)[^，。]{{0,12}}$|[您你](?:在|当时|已|曾|下单时"
    rf"|购票时)$|(?:师傅|骑手"
    rf"|平台|系统)$"
)
_WHAT_FOR = pattern(r"^[^，。]{0,3}(?:仅|只)用于|^(?:之?后|时|错误|三次|过期)")

PHRASES = (
    Phrase(Rule.PERSONAL_DATA, Severity.CONFIRM, _PRYING, unless_before=_NOT_ASKED),
    Phrase(
        Rule.PERSONAL_DATA,
        Severity.BLOCK,
        pattern(_WORDS.format(ask=_ASK, item=_SECRETS)),
        unless_before=_NOT_ASKED,
        unless_after=_WHAT_FOR,
    ),
    Phrase(
        Rule.PERSONAL_DATA,
        Severity.CONFIRM,
        pattern(_WORDS.format(ask=_ASK, item=_PAPERS)),
        unless_before=_NOT_ASKED,
        unless_after=_WHAT_FOR,
    ),
)


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    for found in search(PHRASES, normalised):
        yield found.hit
