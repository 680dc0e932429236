"""How a phrase is searched: patterns whose every repetition is bounded, looked at with a bounded neighbourhood.

So the steps grow with the length of the text, whatever it says: a place costs at most what the pattern's bounds allow.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kesu.rules.redlines.alternatives import quickened
from kesu.rules.redlines.findings import Hit, Rule, Severity
from kesu.rules.redlines.normalise import SENTENCE, Normalised

BEFORE, AFTER = 24, 16
"""How many characters of the same sentence count as the neighbourhood."""
NEAR = 24
"""How far away, in whatever sentence, a phrase's company may stand."""

PATTERNS: list["Pattern"] = []
"""Every pattern of this package, for the test that none is unbounded."""


class Pattern:
    """A pattern that is compiled when it is first searched for: together they take half a second, which a command that
    judges no text need not wait for.
    """

    def __init__(self, expression: str) -> None:
        self._expression = expression

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(quickened(self._expression))

    @cached_property
    def search(self) -> Callable[..., re.Match[str] | None]:
        return self.compiled.search

    @cached_property
    def match(self) -> Callable[..., re.Match[str] | None]:
        return self.compiled.match

    @cached_property
    def finditer(self) -> Callable[..., Iterator[re.Match[str]]]:
        return self.compiled.finditer

    @cached_property
    def sub(self) -> Callable[..., str]:
        return self.compiled.sub


def pattern(expression: str) -> Pattern:
    made = Pattern(expression)
    PATTERNS.append(made)
    return made


def compile_all() -> None:
    """Beforehand, where many processes are to share what is compiled."""
    for one in PATTERNS:
        one.compiled  # noqa: B018 - kept by being asked for


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that break a rule.

    `unless_before`/`unless_after`: seen before or after, in the same sentence, they make it innocent. `softened_by`:
    seen before, it is only to be confirmed (a negated charge is still one to look at). `only_beside`: it counts only
    where this stands near, also in the sentence before or after.
    """

    rule: Rule
    severity: Severity
    words: Pattern
    unless_before: Pattern | None = None
    unless_after: Pattern | None = None
    softened_by: Pattern | None = None
    only_beside: Pattern | None = None


def neighbourhood(text: str, start: int, end: int) -> tuple[str, str]:
    """What stands before and after in the same sentence."""
    before = text[max(0, start - BEFORE) : start]
    after = text[end : end + AFTER]
    return before[before.rfind(SENTENCE) + 1 :], after.split(SENTENCE, 1)[0]


def _beside(wanted: Pattern, text: str, start: int, end: int) -> bool:
    return bool(wanted.search(text[max(0, start - NEAR) : start]) or wanted.search(text[end : end + NEAR]))


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with its words and what stands around them, densely."""

    hit: Hit
    before: str
    words: str
    after: str


def search(phrases: tuple[Phrase, ...], normalised: Normalised) -> Iterator[Found]:
    view = normalised.dense
    for phrase in phrases:
        for match in phrase.words.finditer(view.text):
            start, end = match.span()
            before, after = neighbourhood(view.text, start, end)
            if phrase.unless_before is not None and phrase.unless_before.search(before):
                continue
            if phrase.unless_after is not None and phrase.unless_after.search(after):
                continue
            if phrase.only_beside is not None and not _beside(phrase.only_beside, view.text, start, end):
                continue
            softened = phrase.softened_by is not None and phrase.softened_by.search(before) is not None
            severity = Severity.CONFIRM if softened else phrase.severity
            hit = Hit(phrase.rule, severity, *view.span(start, end))
            yield Found(hit, before, match.group(), after)


WARNING = (
    "请勿|切勿|谨防|警惕|任何[让要]|任何人|凡是|不法分子|冒充|冒用|行骗|骗子|诈骗|"
    "(?:不要|不用|不需|不需要|无需|不必|不会|不得|勿)[^，。]{0,6}$"
)
"""What is said to protect the payer from third parties, or not asked for."""
