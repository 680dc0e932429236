"""Learns the weights of `kesu.rules.redlines.tones` from the development part: python -m tests.rules.redlines.learning.

Multinomial logistic regression over clean and each rule, by plain stochastic steps in a fixed order: the same corpus
and the same cues give the same weights. It takes about half a minute.
"""

import hashlib
import json
import math
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import kesu.rules.redlines
from kesu.rules.redlines import Rule
from kesu.rules.redlines.normalise import densely
from kesu.rules.redlines.tones import features
from tests.rules.redlines.measuring import CORPUS, DEVELOPMENT, Reply, replies

RULES = (
    Rule.LABELLING,
    Rule.INSULT,
    Rule.THREAT,
    Rule.WITHDRAWAL,
    Rule.OFF_PLATFORM,
    Rule.PERSONAL_DATA,
    Rule.BRUSH_OFF,
    Rule.DATE_PROMISE,
)
CLASSES: tuple[Rule | None, ...] = (None, *RULES)
"""The first is a clean reply."""
WEIGHTS = Path(kesu.rules.redlines.__file__).parent / "tones.json"
ROUNDS, STEP, SLOWER, DECAY, HEAVIER = 20, 0.5, 0.3, 1e-3, 3.0
SMALLEST = 8
"""Features whose weights (in hundredths) are all smaller are left out."""


class Learner:
    def __init__(self) -> None:
        self.weights: dict[str, list[float]] = {}
        self.bias = [0.0] * len(CLASSES)

    def step(self, known: list[str], wanted: list[int], size: float) -> None:
        """One reply. `known`: its features; `wanted`: the classes that it is to be taken for."""
        rows = [self.weights.setdefault(feature, [0.0] * len(CLASSES)) for feature in known]
        scale = math.sqrt(len(known) + 1)
        sums = [bias + sum(row[index] for row in rows) / scale for index, bias in enumerate(self.bias)]
        taken = _softmax(sums)
        pulls = [size * (part - (1 / len(wanted) if index in wanted else 0.0)) for index, part in enumerate(taken)]
        for index, pull in enumerate(pulls):
            self.bias[index] -= pull * 0.1
        for row in rows:
            for index, pull in enumerate(pulls):
                row[index] -= row[index] * DECAY * size + pull / scale


def _softmax(sums: list[float]) -> list[float]:
    powers = [math.exp(one - max(sums)) for one in sums]
    return [power / sum(powers) for power in powers]


def digest() -> str:
    """Of the files that are learnt from."""
    return hashlib.sha256(b"".join((CORPUS / f"{part}.jsonl").read_bytes() for part in DEVELOPMENT)).hexdigest()


def learn() -> Learner:
    corpus = [reply for part in DEVELOPMENT for reply in replies(part)]
    lessons = [lesson for lesson in zip(_known(corpus), map(_classes, corpus), strict=True) if lesson[1]]
    learner = Learner()
    for index, size in _steps(len(lessons)):
        known, wanted = lessons[index]
        learner.step(known, wanted, size if 0 in wanted else size * HEAVIER)
    return learner


def _known(corpus: list[Reply]) -> list[list[str]]:
    """Features that occur in at least two replies, in a fixed order."""
    found = [features(densely(reply.text)) for reply in corpus]
    often = Counter(feature for one in found for feature in one)
    return [sorted(feature for feature in one if often[feature] > 1) for one in found]


def _classes(reply: Reply) -> list[int]:
    """None for a reply with labels that the model knows nothing of."""
    if not reply.labels:
        return [0]
    return [index for index, rule in enumerate(CLASSES) if rule in reply.labels]


def _steps(count: int) -> Iterator[tuple[int, float]]:
    order, chance = list(range(count)), random.Random(1)
    for turn in range(ROUNDS):
        chance.shuffle(order)
        for index in order:
            yield index, STEP / (1 + turn * SLOWER)


def write(learner: Learner) -> None:
    rows = {feature: _margins(row) for feature, row in sorted(learner.weights.items())}
    lines = ",\n".join(
        f"{json.dumps(feature, ensure_ascii=False)}:{json.dumps(row, separators=(',', ':'))}"
        for feature, row in rows.items()
        if max(map(abs, row)) >= SMALLEST
    )
    head = {"learnt_from": digest(), "rules": [rule.value for rule in RULES], "bias": _margins(learner.bias)}
    WEIGHTS.write_text(f'{json.dumps(head)[:-1]}, "weights": {{\n{lines}\n}}}}\n', "utf-8")


def _margins(row: list[float]) -> list[int]:
    """Above the clean class, in hundredths."""
    return [round((value - row[0]) * 100) for value in row[1:]]


if __name__ == "__main__":
    write(learn())
