"""Reads the labelled corpus and counts what the linter finds in it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kesu.rules.redlines import AllowList, Finding, ReplyContext, Rule, lint

CORPUS = Path(__file__).parent / "corpus"
DEVELOPMENT = ("development", "development_staff", "learnt")
"""What the rules were written with, and the weights of the tones learnt from."""
HELD_OUT = ("held_out", "held_out_staff", "fresh", "held_out_last")
"""Nothing was written with them, nothing learnt from them."""


@dataclass(frozen=True)
class Reply:
    text: str
    labels: frozenset[Rule]
    context: ReplyContext

    def findings(self) -> tuple[Finding, ...]:
        return lint(self.text, context=self.context)


def replies(part: str) -> list[Reply]:
    """`part`: the name of a file of the corpus."""
    lines = (CORPUS / f"{part}.jsonl").read_text("utf-8").splitlines()
    return [_reply(json.loads(line)) for line in lines]


def _reply(row: dict[str, Any]) -> Reply:
    given = row.get("context", {})
    context = ReplyContext(
        last_replies=tuple(given.get("last_replies", ())),
        refund_made_or_running=given.get("refund", False),
        allowed=AllowList(**{name: tuple(values) for name, values in given.get("allowed", {}).items()}),
        maximum_length=given.get("maximum_length", 200),
    )
    return Reply(row["text"], frozenset(map(Rule, row["labels"])), context)


@dataclass
class Count:
    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def count(part: Iterable[Reply]) -> tuple[dict[Rule, Count], Count]:
    """By rule, and all together. A rule counts once a reply, wherever in it."""
    counts, overall = {rule: Count() for rule in Rule}, Count()
    for reply in part:
        found = {finding.rule for finding in reply.findings()}
        for rule in Rule:
            for counted in (counts[rule], overall):
                counted.right += rule in found and rule in reply.labels
                counted.wrong += rule in found and rule not in reply.labels
                counted.missed += rule not in found and rule in reply.labels
    return counts, overall


def table(parts: dict[str, tuple[dict[Rule, Count], Count]]) -> str:
    """Precision, recall and the number of labels of each rule, one column a part."""
    lines = [f"{'':16}" + "".join(f"{name:>13}: P / R / labels" for name in parts)]
    for rule in (*Rule, None):
        cells = [counts[rule] if rule is not None else overall for counts, overall in parts.values()]
        shown = "".join(f"{one.precision:15.3f} /{one.recall:6.3f} /{one.right + one.missed:4}" for one in cells)
        lines.append(f"{rule.value if rule is not None else 'all':16}{shown}")
    return "\n".join(lines)
