"""What the linter says, and what it has to know."""

from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    LABELLING = "labelling"  # the payer is called malicious, a fraud, a professional
    INSULT = "insult"
    THREAT = "threat"
    WITHDRAWAL = "withdrawal"  # asks to withdraw, or pays for it, or for a rating
    WECHAT_ID = "wechat_id"
    QQ = "qq"
    PHONE = "phone"
    LINK = "link"
    QR_CODE = "qr_code"
    OFF_PLATFORM = "off_platform"  # other places to talk, other ways to pay back
    PERSONAL_DATA = "personal_data"
    BRUSH_OFF = "brush_off"  # polite and empty, or "not our business"
    REPEATED_REPLY = "repeated_reply"
    DATE_PROMISE = "date_promise"  # money by a date, and no refund is on its way
    TOO_LONG = "too_long"


class Severity(StrEnum):
    BLOCK = "block"  # must be changed before it can be sent
    CONFIRM = "confirm"  # a person looks at it and says yes
    INFO = "info"  # shown, asks nothing


class RedLine(StrEnum):
    """The four lines of the article that this project began with (no official page)."""

    LABELLING = "labelling"  # do not call the payer malicious
    ABUSE = "abuse"  # no insult, threat or harassment
    INDUCEMENT = "inducement"  # do not buy or demand a withdrawal
    OFF_PLATFORM = "off_platform"  # do not lead the talk off the platform


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from: one of the four lines, a page, or both. `url` is empty for an own choice."""

    key: str
    title: str
    url: str
    line: RedLine | None = None


RULES_PAGE = "消费者投诉管理规范"
RULES_URL = "https://kf.qq.com/faq/210603YzmIra2106037zUB3i.html"
GUIDE_PAGE = "消费者投诉处理指南"
GUIDE_URL = "https://kf.qq.com/faq/230125a6NbmA230125vMNZnE.html"
REPLY_PAGE = "回复用户"
REPLY_URL = "https://pay.weixin.qq.com/docs/merchant/apis/consumer-complaint/complaints/response-complaint-v2.html"
PRIVACY_PAGE = "中华人民共和国个人信息保护法"
PRIVACY_URL = "https://flk.npc.gov.cn"

_RESPECT = f"{RULES_PAGE} 1.3 (尊重和理解用户)"
_IN_THE_SYSTEM = f"{RULES_PAGE} 2.2 (处理结果同步到交易投诉系统)"
_LINKS = f"{REPLY_PAGE} (外部链接须申请)"
_QUALITY = f"{GUIDE_PAGE} 三.3 (处理质量)"

SOURCES: dict[Rule, Source] = {
    Rule.LABELLING: Source("rules-1.3", _RESPECT, RULES_URL, RedLine.LABELLING),
    Rule.INSULT: Source("rules-1.3", _RESPECT, RULES_URL, RedLine.ABUSE),
    Rule.THREAT: Source("rules-1.3", _RESPECT, RULES_URL, RedLine.ABUSE),
    Rule.WITHDRAWAL: Source("guide-quality", _QUALITY, GUIDE_URL, RedLine.INDUCEMENT),
    Rule.WECHAT_ID: Source("rules-2.2", _IN_THE_SYSTEM, RULES_URL, RedLine.OFF_PLATFORM),
    Rule.QQ: Source("rules-2.2", _IN_THE_SYSTEM, RULES_URL, RedLine.OFF_PLATFORM),
    Rule.PHONE: Source("rules-2.2", _IN_THE_SYSTEM, RULES_URL, RedLine.OFF_PLATFORM),
    Rule.LINK: Source("reply-link", _LINKS, REPLY_URL, RedLine.OFF_PLATFORM),
    Rule.QR_CODE: Source("reply-link", _LINKS, REPLY_URL, RedLine.OFF_PLATFORM),
    Rule.OFF_PLATFORM: Source("rules-2.2", _IN_THE_SYSTEM, RULES_URL, RedLine.OFF_PLATFORM),
    Rule.PERSONAL_DATA: Source("pipl-6", f"{PRIVACY_PAGE} 第六条 (最小范围)", PRIVACY_URL),
    Rule.BRUSH_OFF: Source("rules-2.3.1", f"{RULES_PAGE} 2.3.1 (及时并妥善处理)", RULES_URL),
    Rule.REPEATED_REPLY: Source("guide-quality", _QUALITY, GUIDE_URL),
    Rule.DATE_PROMISE: Source("rules-2.3.2", f"{RULES_PAGE} 2.3.2 (据实、准确)", RULES_URL),
    Rule.TOO_LONG: Source("reply-length", f"{REPLY_PAGE} response_content", REPLY_URL),
}
"""No page forbids other ways of talking to a payer as such (2.2 only wants the result in the system): those rules rest
on the article's line, links and codes also on the page that makes a link a privilege (jump_url)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to change. `text[start:end]` of the original is what it is about, in code points."""

    rule: Rule
    severity: Severity
    start: int
    end: int
    source: Source
    suggestion: str
    """Better words to the payer, in Chinese; they lint clean themselves."""


@dataclass(frozen=True, slots=True)
class AllowList:
    """What a merchant may say: own service numbers, ids, programs, domains. Any writing of them counts as the same."""

    phones: tuple[str, ...] = ()
    wechat_ids: tuple[str, ...] = ()
    mini_programs: tuple[str, ...] = ()  # names of own mini-programs and public accounts
    domains: tuple[str, ...] = ()  # with everything below them
    words: tuple[str, ...] = ()  # a finding inside one of these is dropped


@dataclass(frozen=True, slots=True)
class ReplyContext:
    """What the linter has to know of the case.

    `last_replies`: what this merchant said in it before, in any order. `maximum_length`: in code points; the page for
    merchants says 200.
    """

    last_replies: tuple[str, ...] = ()
    refund_made_or_running: bool = False
    allowed: AllowList = field(default_factory=AllowList)
    maximum_length: int = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's finding before it is dressed: places in the original text."""

    rule: Rule
    severity: Severity
    start: int
    end: int
