"""Every rule over one text."""

from collections.abc import Callable, Iterable, Iterator

from kesu.rules.redlines import contacts, manners, numbers, places, privacy, substance, tones, withdrawal
from kesu.rules.redlines.findings import SOURCES, Finding, Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import Normalised, densely, normalise
from kesu.rules.redlines.suggestions import SUGGESTIONS

Look = Callable[[Normalised, ReplyContext], Iterator[Hit]]

LOOKS: tuple[Look, ...] = (
    manners.look,
    withdrawal.look,
    contacts.look,
    numbers.look,
    places.look,
    privacy.look,
    substance.look,
)

_GRAVITY = {Severity.BLOCK: 0, Severity.CONFIRM: 1, Severity.INFO: 2}
_ABOUT_THE_WHOLE = frozenset({Rule.BRUSH_OFF, Rule.REPEATED_REPLY, Rule.TOO_LONG})


def lint(text: str, *, context: ReplyContext) -> tuple[Finding, ...]:
    """What is wrong with a text to a payer, from its beginning to its end.

    A rule's overlapping findings are one, with the gravest severity. Pleasantries alone are a finding only where
    there is no other. Steps grow with the length of the text and of the last replies, and with the number of
    allowed words.
    """
    normalised = normalise(text)
    if not normalised.plain.text.strip():
        return ()
    said = [hit for look in LOOKS for hit in look(normalised, context)]
    hits = tones.temper(_without_allowed(said, normalised, context.allowed.words), normalised, context)
    hits = hits or list(substance.emptiness(normalised)) or list(tones.brush_off(normalised))
    return tuple(
        Finding(hit.rule, hit.severity, hit.start, hit.end, SOURCES[hit.rule], SUGGESTIONS[hit.rule])
        for hit in sorted(_joined(hits), key=lambda hit: (hit.start, hit.end, list(Rule).index(hit.rule)))
    )


def _joined(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Hits of one rule that overlap, as one with the gravest severity."""
    last: Hit | None = None
    for hit in sorted(hits, key=lambda hit: (list(Rule).index(hit.rule), hit.start, hit.end)):
        if last is not None and last.rule is hit.rule and hit.start < last.end:
            severity = min(last.severity, hit.severity, key=_GRAVITY.__getitem__)
            last = Hit(hit.rule, severity, last.start, max(last.end, hit.end))
            continue
        if last is not None:
            yield last
        last = hit
    if last is not None:
        yield last


def _without_allowed(hits: list[Hit], normalised: Normalised, words: tuple[str, ...]) -> list[Hit]:
    """Hits that lie inside an allowed word are the merchant's own business; length and emptiness never are."""
    spans = [span for word in words for span in _occurrences(normalised, densely(word))]
    if not spans:
        return hits
    covered = [0] * (len(normalised.original) + 1)
    for start, end in spans:
        covered[start] = max(covered[start], end)
    reach, reaches = 0, []
    for end in covered:
        reach = max(reach, end)
        reaches.append(reach)
    return [hit for hit in hits if hit.rule in _ABOUT_THE_WHOLE or reaches[hit.start] < hit.end]


def _occurrences(normalised: Normalised, word: str) -> Iterator[tuple[int, int]]:
    """Where an allowed word stands in the original, occurrences side by side."""
    dense = normalised.dense
    at = dense.text.find(word) if word else -1
    while at >= 0:
        yield dense.span(at, at + len(word))
        at = dense.text.find(word, at + len(word))
