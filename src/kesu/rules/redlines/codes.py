"""Where a code leads that stands in a picture beside a text: judged as the same place written out would be.

No page speaks of codes as such; they rest on the article's line about the talk off the platform, and on the page that
makes a link a privilege (回复用户, 外部链接须申请).
"""

import re

from kesu.rules.redlines.destinations import is_own_address, is_own_program
from kesu.rules.redlines.findings import AllowList, ReplyContext, Rule, Severity
from kesu.rules.redlines.linter import lint

_SCHEME = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9+.\-]{1,20}):")
_LEADING = frozenset(
    {"http", "https", "weixin", "wxp", "wework", "alipay", "alipays", "mqq", "mqqapi", "tencent", "dingtalk", "tg"}
    | {"tel", "sms", "smsto", "mailto", "begin", "mecard", "wifi"}
)
"""Schemes and beginnings that open an address, an application, a payment or a contact."""
_PROGRAM = re.compile(r"weixin://dl/business/\?(?:[^#]*&)?appid=(?P<appid>[0-9A-Za-z_\-]+)(?:[&#].*)?")
_OF_PLACES = frozenset({Rule.WECHAT_ID, Rule.QQ, Rule.PHONE, Rule.LINK, Rule.QR_CODE, Rule.OFF_PLATFORM})
_GRAVITY = (Severity.BLOCK, Severity.CONFIRM, Severity.INFO)


def gravity_of_code(code: str, allowed: AllowList) -> Severity | None:
    """How grave it is to send a picture with a code that says this; None for what may be sent.

    An address passes on the merchant's domains, a mini program by its AppID, and anything that stands on the list as it
    is (such as the address in the code of the own service account). Words without a place pass: an order's or an
    invoice's number. An unknown scheme is for a person to look at.
    """
    code = code.strip()
    if not code or code in {*allowed.words, *allowed.wechat_ids, *allowed.phones, *allowed.mini_programs}:
        return None
    scheme = _SCHEME.match(code)
    if scheme is not None:
        return None if _is_own(code, scheme, allowed) else _of_scheme(scheme["name"].lower())
    found = {finding.severity for finding in lint(code, context=ReplyContext(allowed=allowed, maximum_length=10**6))
             if finding.rule in _OF_PLACES}  # fmt: skip
    return next((severity for severity in _GRAVITY if severity in found), None)


def _is_own(code: str, scheme: re.Match[str], allowed: AllowList) -> bool:
    """Printed codes often say http, and write all of it in capitals."""
    if scheme["name"].lower() in ("http", "https"):
        return is_own_address("https:" + code[scheme.end() :], allowed)
    program = _PROGRAM.fullmatch(code)
    return program is not None and is_own_program(program["appid"], allowed)


def _of_scheme(name: str) -> Severity:
    return Severity.BLOCK if name in _LEADING else Severity.CONFIRM
