"""What a passage sounds like as a whole, by a small linear model learnt from the labelled replies.

Wordings have no end, and lists lag behind. But staff who insult, threaten, bargain or brush off choose other small
words than staff who settle a matter. Pairs of characters and the cues that stand in a passage, weighed, tell them
apart. `tones.json` holds the weights; `tests/rules/redlines/learning.py` learns them, from the development part only.

A margin is how much more a passage sounds like a breach of a rule than like a clean reply (natural logarithm of the
odds). What the model finds is always for a person to confirm; what plain words found it can only take back where it
is sure that nobody is meant.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from math import sqrt

from kesu.rules.redlines import insult_cues, label_cues, threat_cues
from kesu.rules.redlines.cues import SERVICE
from kesu.rules.redlines.findings import AllowList, Hit, ReplyContext, Rule, Severity
from kesu.rules.redlines.normalise import CLAUSE, SENTENCE, Normalised, densely
from kesu.rules.redlines.withdrawal import NOT_ASKED_FOR

SHORT, LONG = 24, 72
"""Characters of a passage: shorter sentences are read with the next one, longer ones are cut at a comma."""

ENOUGH, HARDLY, NOT_AT_ALL = 0.3, -1.5, -2.0
"""Margins: from the first on a finding; below the second a hint, below the third even plain words are not meant."""

NOTHING = -9.0
"""The margin of a passage without Chinese words."""

CUES = (*insult_cues.CUES, *threat_cues.CUES, *label_cues.CUES, *SERVICE)
_OF_MANNERS = frozenset({Rule.LABELLING, Rule.INSULT, Rule.THREAT})
_HINTED = _OF_MANNERS | {Rule.WITHDRAWAL, Rule.BRUSH_OFF}
_NUMBER = re.compile(r"[0-9]{1,40}")
_HAN = re.compile("[\u4e00-\u9fff]")
"""It was learnt from Chinese: an order's number or a foreign word tells it nothing."""
_PIECE = re.compile(f"[^{SENTENCE}{CLAUSE}]*[{SENTENCE}{CLAUSE}]?")


@dataclass(frozen=True, slots=True)
class Model:
    """One margin a rule: `bias`, and of each feature a weight."""

    rules: tuple[Rule, ...]
    bias: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Heard:
    """A passage, as densely written, with its margins: `start`/`end` in the original."""

    start: int
    end: int
    text: str
    margins: Mapping[Rule, float]

    def holds(self, hit: Hit) -> bool:
        return hit.start < self.end and self.start < hit.end


def temper(hits: list[Hit], normalised: Normalised, context: ReplyContext) -> list[Hit]:
    """The hits of plain words without those that are not meant, and with what only the whole passage says."""
    heard = list(_hear(normalised, context))
    kept = [hit for hit in hits if _meant(hit, heard)]
    graver = [hit for hit in kept if hit.rule is not Rule.BRUSH_OFF]
    graver += [hit for one in heard for hit in _implied(one, graver, context)]
    return graver + [hit for hit in kept if hit.rule is Rule.BRUSH_OFF and not _said_with(hit, graver, heard)]


def _hear(normalised: Normalised, context: ReplyContext) -> Iterator[Heard]:
    for start, end in passages(normalised.dense.text):
        text = _without_own(normalised.dense.text[start:end], context)
        yield Heard(*normalised.dense.span(start, end), text, margins(text))


def _said_with(hit: Hit, others: list[Hit], heard: list[Heard]) -> bool:
    """In one passage: what breaks another line is no brush-off."""
    return any(one.holds(hit) and one.holds(other) for one in heard for other in others)


def brush_off(normalised: Normalised) -> Iterator[Hit]:
    """Where every passage sounds like one. For texts in which nothing else was found."""
    dense = normalised.dense
    if all(margins(dense.text[start:end])[Rule.BRUSH_OFF] >= ENOUGH for start, end in passages(dense.text)):
        yield Hit(Rule.BRUSH_OFF, Severity.CONFIRM, *dense.span(0, len(dense.text)))


def passages(dense: str) -> Iterator[tuple[int, int]]:
    """Where the parts of a text begin and end that are heard by themselves."""
    start = 0
    for match in _PIECE.finditer(dense):
        end = match.end()
        ends = dense[end - 1 : end] == SENTENCE and end - start >= SHORT
        if end > start and (ends or end - start >= LONG or end == len(dense)):
            yield start, end
            start = end


def features(passage: str) -> frozenset[str]:
    """Its characters and pairs of characters, numbers as one zero, its beginning and end, and kinds of cues."""
    marked = f"^{_NUMBER.sub('0', passage.strip(SENTENCE + CLAUSE))}$"
    pairs = map("".join, pairwise(marked))
    return frozenset((*marked, *pairs, *(cue.kind for cue in CUES if cue.stands_in(passage))))


def margins(passage: str) -> dict[Rule, float]:
    model = _model()
    if not _HAN.search(passage):
        return dict.fromkeys(model.rules, NOTHING)
    known = [model.weights[feature] for feature in features(passage) if feature in model.weights]
    sums = map(sum, zip(*known, strict=True)) if known else [0.0] * len(model.rules)
    scale = sqrt(len(known) + 1)
    return {rule: bias + total / scale for rule, bias, total in zip(model.rules, model.bias, sums, strict=True)}


def _without_own(passage: str, context: ReplyContext) -> str:
    for word in context.allowed.words:
        passage = passage.replace(densely(word), "")
    return passage


def _meant(hit: Hit, heard: list[Heard]) -> bool:
    """Plain words of manners need a passage that is not wholly of service; hints one that sounds like them."""
    around = [one.margins for one in heard if one.holds(hit)]
    if hit.severity is not Severity.BLOCK and hit.rule in _HINTED:
        return any(margins[hit.rule] >= HARDLY for margins in around)
    return hit.rule not in _OF_MANNERS or any(max(margins.values()) >= NOT_AT_ALL for margins in around)


def _implied(heard: Heard, hits: list[Hit], context: ReplyContext) -> Iterator[Hit]:
    """What a passage says in which no words were found: the one rule that it breaks most."""
    if any(heard.holds(hit) for hit in hits):
        return
    rule, margin = max(heard.margins.items(), key=lambda pair: pair[1])
    if margin < ENOUGH or rule is Rule.BRUSH_OFF or (rule is Rule.DATE_PROMISE and context.refund_made_or_running):
        return
    if rule is Rule.WITHDRAWAL and NOT_ASKED_FOR.search(heard.text):
        return
    if rule is not Rule.OFF_PLATFORM or context.allowed == AllowList():
        yield Hit(rule, Severity.CONFIRM, heard.start, heard.end)


@lru_cache(maxsize=1)
def _model() -> Model:
    read = json.loads(resources.files("kesu.rules.redlines").joinpath("tones.json").read_text("utf-8"))
    return Model(
        rules=tuple(map(Rule, read["rules"])),
        bias=tuple(value / 100 for value in read["bias"]),
        weights={feature: tuple(value / 100 for value in row) for feature, row in read["weights"].items()},
    )
