"""The forms of the case page: what stands in each, and what there is to know before its button is pressed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from django.utils.translation import ngettext

from kesu.commands.checks import Concern
from kesu.complaints import redline_wording
from kesu.complaints.guard_wording import BETTER, RULE_NAMES
from kesu.rules.guards import GUARDS, Better, GuardCode, Level
from kesu.rules.redlines import Rule

TARGETS: dict[str, str] = {
    Better.REPLY: "#reply",
    Better.REPLY_IMMEDIATELY: "#reply",
    Better.APPROVE_REFUND: "#act-approve",
    Better.REFUND: "#act-refund",
    Better.REFUND_IN_FULL: "#act-refund",
    Better.OPEN_MESSAGES: "#newest",
    Better.RESEND_REFUND: "#refunds",
    Better.PAUSE: "#note",
}
"""Where on the page the better thing is done. READ_AGAIN is a form of its own; WAIT and CORRECT_INPUT are words."""

RED_LINE = "redline."


@dataclass(frozen=True)
class Given:
    """What a person put into one form; kept when the page is shown again. ``news``: what happened meanwhile, a line
    each; ``standing``: codes that stood in the way when the button was pressed."""

    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[int, ...] = ()
    acknowledged: frozenset[str] = frozenset()
    override_reason: str = ""
    key: str = ""
    seen: str = ""
    trouble: str = ""
    news: tuple[str, ...] = ()
    standing: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return self.values.get("text", "")


NOTHING = Given()


@dataclass(frozen=True)
class Shown:
    """A finding beside the button it concerns. ``quote``: the words it is about."""

    concern: Concern
    quote: str
    checked: bool
    stands: bool

    @property
    def rule_name(self) -> str:
        code = self.concern.code
        if code.startswith(RED_LINE):
            return redline_wording.name(Rule(code.removeprefix(RED_LINE)))
        return str(RULE_NAMES[GUARDS[GuardCode(code)].rule])

    @property
    def better(self) -> str:
        return str(BETTER[Better(self.concern.better)]) if self.concern.better else ""

    @property
    def target(self) -> str:
        """The better action's place on the page; empty where it is none of the page's actions."""
        return TARGETS.get(self.concern.better, "")

    @property
    def reads_again(self) -> bool:
        return self.concern.better == Better.READ_AGAIN


@dataclass(frozen=True)
class Sheet:
    """One form with its findings, the gravest first. ``amount``: fen that its button names."""

    name: str
    given: Given
    found: tuple[Shown, ...] = ()
    may_override: bool = False
    amount: int = 0
    limit: int | None = None
    key: str = field(default_factory=lambda: uuid4().hex)

    @property
    def blocked(self) -> bool:
        return any(shown.concern.level == Level.BLOCK for shown in self.found)

    @property
    def asks_reason(self) -> bool:
        """Whether a reason may set aside what blocks: only where the role may, and nothing else blocks."""
        blocks = [shown.concern for shown in self.found if shown.concern.level == Level.BLOCK]
        return self.may_override and bool(blocks) and all(concern.overridable for concern in blocks)

    @property
    def above_limit(self) -> bool:
        """Whether somebody else has to decide on so much."""
        return self.limit is not None and self.amount > self.limit

    @property
    def level(self) -> str:
        """How grave the gravest is; empty when there is nothing to know."""
        return self.found[0].concern.level if self.found else ""

    @property
    def sum(self) -> str:
        """In a few words, for the folded form."""
        count = sum(shown.concern.level == self.level for shown in self.found)
        if self.level == Level.BLOCK:
            return ngettext("%(count)d in the way", "%(count)d in the way", count) % {"count": count}
        if self.level == Level.CONFIRM:
            return ngettext("%(count)d to confirm", "%(count)d to confirm", count) % {"count": count}
        return ""


def sheet(
    name: str,
    given: Given,
    concerns: Iterable[Concern],
    *,
    text: str = "",
    may_override: bool,
    amount: int = 0,
    limit: int | None = None,
) -> Sheet:
    """``text``: what red lines were looked for in; ``limit``: fen that the person may refund alone, None for any."""
    once = {(concern.code, concern.start, concern.message): concern for concern in reversed(tuple(concerns))}
    found = tuple(
        Shown(
            concern,
            text[concern.start : concern.end] if concern.start is not None else "",
            concern.code in given.acknowledged,
            concern.code in given.standing,
        )
        for concern in reversed(once.values())
    )
    return Sheet(name, given, found, may_override, amount, limit)


def rewritten(text: str, concerns: Iterable[Concern], start: int) -> str:
    """``text`` with the suggestion in place of what is wrong from ``start`` on; unchanged when nothing is."""
    for concern in concerns:
        if concern.start == start and concern.suggestion:
            return text[:start] + concern.suggestion + text[concern.end :]
    return text
