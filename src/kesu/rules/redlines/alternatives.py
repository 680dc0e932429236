"""Long alternations made quick: sorted by their first character, and not tried where none of those stands.

The engine tries every alternative at every place. Most begin with a character that is not there, so it is looked at
once: ``傻逼|傻子|蠢货`` becomes ``(?=[傻蠢])(?:傻(?:逼|子)|蠢货)``. Alternatives with the same beginning keep
their order.
"""

import re
from collections.abc import Iterator

_CLOSING = {"(": ")", "[": "]"}
_OPTIONAL = ("?", "*", "{0")
_QUANTIFIERS = ("?", "*", "+", "{")
_ASSERTIONS = ("(?<!", "(?<=", "(?!", "(?=")
_GROUP = "(?:"
_NOT_LITERAL = frozenset("()[]{}?*+|^$.\\")


def quickened(expression: str) -> str:
    """The same pattern (groups by number excepted), its alternatives sorted. As it was where it cannot be."""
    alternatives = list(_split(expression))
    if len(alternatives) < 2 or re.search(r"\\[1-9]", expression):
        return expression
    grouped: dict[str, list[str]] = {}
    others: list[str] = []
    for alternative in alternatives:
        if alternative and alternative[0] not in _NOT_LITERAL and not alternative.startswith(_QUANTIFIERS, 1):
            grouped.setdefault(alternative[0], []).append(alternative[1:])
        else:
            others.append(alternative)
    sorted_ = [first + (rest[0] if len(rest) == 1 else f"(?:{'|'.join(rest)})") for first, rest in grouped.items()]
    whole = "|".join([*others, *sorted_])
    leads = _leads_of_any(alternatives)
    return whole if leads is None else f"(?=[{''.join(map(re.escape, sorted(leads)))}])(?:{whole})"


def _split(expression: str) -> Iterator[str]:
    """Alternatives at the top."""
    start = at = 0
    while at < len(expression):
        if expression[at] == "|":
            yield expression[start:at]
            start = at + 1
        at = _after_one(expression, at)
    yield expression[start:]


def _after_one(expression: str, at: int) -> int:
    """Where the item that begins here ends: an escape, a class, a group, or one character."""
    one = expression[at]
    if one == "\\":
        return at + 2
    if one == "[":
        end = at + 2
        while expression[end] != "]":
            end += 2 if expression[end] == "\\" else 1
        return end + 1
    if one == "(":
        end = at + 1
        while expression[end] != ")":
            end = _after_one(expression, end)
        return end + 1
    return at + 1


def _leads_of_any(alternatives: list[str]) -> frozenset[str] | None:
    """Every character that one of them can begin with; None if that is not known."""
    found: set[str] = set()
    for alternative in alternatives:
        leads = _leads(alternative)
        if leads is None:
            return None
        found |= leads
    return frozenset(found)


def _leads(alternative: str) -> frozenset[str] | None:
    at = 0
    found: set[str] = set()
    while at < len(alternative):
        end = _after_one(alternative, at)
        item = alternative[at:end]
        at = end
        if item.startswith(_ASSERTIONS) or item == "^":
            continue
        leads = _leads_of_item(item)
        if leads is None:
            return None
        found |= leads
        if not alternative.startswith(_OPTIONAL, at) and "" not in leads:
            return frozenset(found - {""})
        at = _after_quantifier(alternative, at)
    return None


def _leads_of_item(item: str) -> frozenset[str] | None:
    """A single character's, a class's or a group's; with the empty string where the group can be empty."""
    if item.startswith("["):
        return _members(item)
    if item.startswith("("):
        inner = item[len(_GROUP) : -1] if item.startswith(_GROUP) else item[1:-1]
        alternatives = list(_split(inner))
        leads = _leads_of_any([one for one in alternatives if one])
        return leads if leads is None or all(alternatives) else leads | {""}
    if item.startswith("\\"):
        return None if item[1].isalnum() else frozenset(item[1])
    return None if item in _NOT_LITERAL else frozenset(item)


def _members(item: str) -> frozenset[str] | None:
    """A class's characters; None for one that says what is not in it, or names kinds of characters."""
    inner = item[1:-1]
    if inner.startswith("^") or re.search(r"\\[a-zA-Z]", inner):
        return None
    inner = inner.replace("\\", "")
    found: set[str] = set()
    at = 0
    while at < len(inner):
        if inner[at + 1 : at + 2] == "-" and at + 2 < len(inner):
            found.update(map(chr, range(ord(inner[at]), ord(inner[at + 2]) + 1)))
            at += 3
        else:
            found.add(inner[at])
            at += 1
    return frozenset(found)


def _after_quantifier(alternative: str, at: int) -> int:
    if alternative.startswith("{", at):
        return alternative.index("}", at) + 1
    return at + 1 if alternative.startswith(_QUANTIFIERS, at) else at
