"""Phone numbers, however their digits are written, spoken, spaced or dressed; and no other long number of an order."""

from collections.abc import Iterator
from dataclasses import dataclass

from kesu.rules.redlines.characters import DIGITS, LETTERS_AS_DIGITS
from kesu.rules.redlines.findings import Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised, View, normalise
from kesu.rules.redlines.phrases import pattern

LONGEST = 15
"""Digits of the longest phone number, with its country's prefix."""

_DIGITS = pattern(f"[{''.join(DIGITS)}]+")
_MOBILE = pattern(r"^(?:0086|86)?(1[3-9][0-9]{9})$")
_SERVICE = pattern(r"^[48]00[0-9]{7}$")
_AREA = pattern(r"^0[1-9][0-9]{1,2}$")
_LOCAL = pattern(r"^[0-9]{7,8}$")

_JOINT = pattern(r"^[\s.\-_/|·•+(){}\[\]<>,，、~=\"'“”‘’#*丨]{0,3}$")
_MASK = "**"
_SPOKEN_JOINT = pattern(r"^[\s,，、。.:：和是为然后接着再加连前中间末最后面位拨按输转开头尾四三八两]{0,8}$")
_CALLED = pattern(
    r"(?:电话|手机|致电|拨打?|来电|热线|专线|座机|打给?|呼叫?|联系|tel|phone)(?:我|您|店里|这个"
    r"|一下)?(?:号码?)?[^，。\d]{0,8}$"
)
_CALLED_ON_A_LINE = pattern(r"(?:电话|致电|拨打|来电|热线|专线|座机|固话)(?:号码?)?[^，。\d]{0,8}$")
_CALL_AFTER = pattern(r"^[^\w]{0,3}(?:请?致电|热线|打给|您打)")
_NUMBER_OF_SOMETHING = pattern(
    r"(?:单号|订单|编号|编码|流水|流水号|批次号?|版本号?|运单|快递单|票号|券码|卡号|工号|商户号|凭证号?|取件码"
    r"|序列号|型号|期号|账号)"
    r"(?:尾号|号|号码|是|为|共)?[\s:：#]{0,3}$"
)
_LETTERS_BEFORE_A_PHONE = pattern(r"(?<![a-z0-9])(?:tel|phone|mobile|vx|wx|v|q|qq|call)$")


@dataclass(frozen=True, slots=True)
class Group:
    """Digits with nothing between; `start`/`end` in the plain view. `worn`: letters cling to it, as to a parcel's."""

    digits: str
    start: int
    end: int
    worn: bool


def look(normalised: Normalised, context: ReplyContext) -> Iterator[Hit]:
    own = {_without_prefix(_bare(phone)) for phone in context.allowed.phones}
    groups = list(_groups(normalised.plain.text))
    next_free = 0
    for index in range(len(groups)):
        if index < next_free:
            continue
        found = _phone_at(normalised.plain, groups, index)
        if found is None:
            continue
        number, severity, last = found
        next_free = last + 1
        if number not in own:
            yield Hit(Rule.PHONE, severity, *normalised.plain.span(groups[index].start, groups[last].end))


def _bare(phone: str) -> str:
    return "".join(filter(str.isdecimal, normalise(phone).plain.text))


def _groups(text: str) -> Iterator[Group]:
    """Runs of digits, Chinese and spoken ones too; o, l and i count among at least five digits."""
    start = 0
    while start < len(text):
        if not _digit_or_letter(text[start]):
            start += 1
            continue
        end = start
        while end < len(text) and _digit_or_letter(text[end]):
            end += 1
        yield from _groups_of_run(text, start, end)
        start = end


def _digit_or_letter(character: str) -> bool:
    return character in DIGITS or (character.isascii() and character.isalnum())


def _groups_of_run(text: str, start: int, end: int) -> Iterator[Group]:
    run = text[start:end]
    if sum(one in DIGITS for one in run) >= 5 and all(one in DIGITS or one in LETTERS_AS_DIGITS for one in run):
        yield Group("".join(DIGITS.get(one) or LETTERS_AS_DIGITS[one] for one in run), start, end, worn=False)
        return
    for match in _DIGITS.finditer(run):
        before = run[max(0, match.start() - 8) : match.start()]
        worn = match.end() < len(run) or (bool(before) and not _LETTERS_BEFORE_A_PHONE.search(before))
        digits = "".join(DIGITS[one] for one in match.group())
        if not _counts_places(text, start + match.start(), start + match.end(), digits):
            yield Group(digits, start + match.start(), start + match.end(), worn)


def _counts_places(text: str, start: int, end: int, digits: str) -> bool:
    """「前三位」: which digits are meant, not a digit."""
    return len(digits) == 1 and text[end : end + 1] == "位"


def _phone_at(plain: View, groups: list[Group], first: int) -> tuple[str, Severity, int] | None:
    """The number that begins with this group: its digits, how bad, and its last group."""
    if groups[first].worn or _NUMBER_OF_SOMETHING.search(
        plain.text[max(0, groups[first].start - 12) : groups[first].start]
    ):
        return None
    before = plain.text[max(0, groups[first].start - 20) : groups[first].start]
    called = _CALLED.search(before) is not None
    on_a_line = _CALLED_ON_A_LINE.search(before) is not None
    digits = ""
    for last in range(first, len(groups)):
        if last > first and not _joined(plain.text, groups[last - 1], groups[last], called):
            return None
        digits += groups[last].digits
        if len(digits) > LONGEST or groups[last].worn:
            return None
        together = last == first or all(3 <= len(group.digits) <= 5 for group in groups[first : last + 1])
        on_the_line = together and (on_a_line or _called_after(plain.text, groups[last]))
        severity = _severity(digits, groups[first], last > first, on_the_line)
        if severity is not None and not _goes_on(plain.text, groups, last):
            return _without_prefix(digits), severity, last
    return None


def _called_after(text: str, group: Group) -> bool:
    return _CALL_AFTER.search(text[group.end : group.end + 8]) is not None


def _joined(text: str, left: Group, right: Group, called: bool) -> bool:
    between = text[left.end : right.start]
    if _MASK in between or len(between) > 12:
        return False
    return _JOINT.search(between) is not None or (called and _SPOKEN_JOINT.search(between) is not None)


def _goes_on(text: str, groups: list[Group], last: int) -> bool:
    """A further group joined closely makes it another, longer number (an order's, in fours)."""
    if last + 1 >= len(groups):
        return False
    between = text[groups[last].end : groups[last + 1].start]
    return between in ("-", " ", ".") and len(groups[last + 1].digits) >= 3 and len(groups[last].digits) <= 4


def _severity(digits: str, first: Group, several: bool, called: bool) -> Severity | None:
    if _MOBILE.search(digits):
        return Severity.BLOCK
    if _SERVICE.search(digits):
        return Severity.CONFIRM
    if _AREA.search(first.digits) and several and _LOCAL.search(digits[len(first.digits) :]):
        return Severity.CONFIRM
    if called and _landline_in_one(digits):
        return Severity.CONFIRM
    return None


def _landline_in_one(digits: str) -> bool:
    if digits.startswith("0"):
        return 10 <= len(digits) <= 12 or bool(_LOCAL.search(digits))
    return bool(_LOCAL.search(digits))


def _without_prefix(digits: str) -> str:
    mobile = _MOBILE.search(digits)
    return mobile.group(1) if mobile else digits
