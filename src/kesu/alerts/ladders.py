"""The ladders of this installation, and which one a case climbs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from kesu.accounts.models import User
from kesu.alerts.models import Channel, Rota
from kesu.alerts.models import Ladder as LadderRow
from kesu.alerts.models import LadderRule as RuleRow
from kesu.complaints.models import Complaint
from kesu.rules.ladder_steps import Ladder, LadderError
from kesu.rules.ladders import DEFAULT_LADDER, LADDERS, LadderFormatError, LadderRule, choose, parse

log = structlog.get_logger(__name__)

NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Book:
    """All ladders by name, built-in ones included, and the rules that choose."""

    ladders: Mapping[str, Ladder]
    rules: Sequence[LadderRule]

    def named(self, name: str) -> Ladder:
        """The ladder; the default where the name is gone."""
        return self.ladders.get(name) or self.ladders[DEFAULT_LADDER]

    def of_case(self, complaint: Complaint) -> str:
        """The name of the ladder that a case climbs as it stands."""
        mchids = {complaint.complainted_mchid, complaint.account.mchid} - {""} if self.rules else set()
        name = choose(self.rules, mchids, kinds_of(complaint))
        return name if name in self.ladders else DEFAULT_LADDER

    def in_use(self) -> list[Ladder]:
        """The ladders that some case may climb: the default and those that rules name."""
        return [self.named(name) for name in dict.fromkeys([*(rule.ladder for rule in self.rules), DEFAULT_LADDER])]


def book() -> Book:
    """As it stands in the database. A row that is no ladder any more is left out, and the log says so."""
    ladders = dict(LADDERS)
    for row in LadderRow.objects.all():
        try:
            ladders[row.name] = parse(row.name, row.steps)
        except (LadderError, LadderFormatError) as error:
            log.error("ladder.unreadable", name=row.name, error=str(error))
    rows = RuleRow.objects.order_by("position")
    return Book(ladders, [LadderRule(row.ladder, frozenset(row.mchids), frozenset(row.kinds)) for row in rows])


def kinds_of(complaint: Complaint) -> set[str]:
    """What rules may ask about a case: ``CASE_KINDS`` and its problem type."""
    flags = {
        "repeat": complaint.user_complaint_times > 1,
        "high_risk": "HIGH_RISK" in complaint.user_tags,
        "immediate_service": complaint.need_immediate_service,
        "platform_service": complaint.in_platform_service,
        complaint.problem_type: bool(complaint.problem_type),
    }
    return {kind for kind, holds in flags.items() if holds}


@transaction.atomic
def store(data: Mapping[str, Any], *, now: datetime) -> None:
    """Set ladders and rules: ``{"ladders": {name: [step, ...]}, "rules": [{"ladder", "mchids", "kinds"}, ...]}``.

    Ladders that are not named stay; ``rules`` replace all rules where given. Raises LadderFormatError and LadderError,
    and changes nothing then. Running clocks are not asked anew: call ``clocks.rearm_all`` after it.
    """
    unknown = sorted(set(data) - {"ladders", "rules"})
    ladders = data.get("ladders", {})
    if unknown or not isinstance(ladders, Mapping):
        raise LadderFormatError([f"unknown: {', '.join(unknown)}" if unknown else "ladders must be an object"])
    parsed = {name: parse(name, steps) for name, steps in ladders.items()}
    if unknown := [problem for ladder in parsed.values() for problem in unknown_names(ladder)]:
        raise LadderFormatError(unknown)
    for name, steps in ladders.items():
        LadderRow.objects.update_or_create(name=name, defaults={"steps": steps, "changed_at": now})
    if "rules" in data:
        rules = _rules(data["rules"])
        RuleRow.objects.all().delete()
        RuleRow.objects.bulk_create(
            RuleRow(position=place, ladder=rule.ladder, mchids=sorted(rule.mchids), kinds=sorted(rule.kinds))
            for place, rule in enumerate(rules, start=1)
        )
    log.info("ladders.stored", ladders=sorted(ladders), rules="rules" in data)


@transaction.atomic
def remove(name: str) -> None:
    """Take a ladder away; where it stood in a built-in's place, that one counts again. Raises LadderFormatError for one
    that is no row, and for one that a rule names. Call ``clocks.rearm_all`` after it.
    """
    named = RuleRow.objects.filter(ladder=name).order_by("position").values_list("position", flat=True)
    if name not in LADDERS and named:
        places = ", ".join(map(str, named))
        raise LadderFormatError([f"{name} is named by rule {places}: set other rules first"])
    if not LadderRow.objects.filter(name=name).delete()[0]:
        built_in = "is built in and has not been changed" if name in LADDERS else "does not exist"
        raise LadderFormatError([f"{name} {built_in}"])
    log.info("ladders.removed", name=name)


def naming(word: str) -> list[str]:
    """The installation's own ladders of which a step names ``word``: rota:NAME, person:NAME or robot:CHANNEL."""
    return namings().get(word, [])


def namings() -> dict[str, list[str]]:
    """Every word that a step of the installation's own ladders names, with the ladders that do. One query."""
    found: dict[str, list[str]] = {}
    for row in LadderRow.objects.order_by("name"):
        for word in {word for step in row.steps for word in _words(step) if isinstance(word, str)}:
            found.setdefault(word, []).append(row.name)
    return found


def unknown_names(ladder: Ladder) -> list[str]:
    """Sentences about steps that name a robot, person or rota that does not exist (any more), and what does."""
    known = {
        "robot": set(Channel.objects.filter(enabled=True).values_list("name", flat=True)),
        "person": set(User.objects.filter(is_active=True).values_list("username", flat=True)),
        "rota": set(Rota.objects.values_list("name", flat=True)),
    }
    problems = []
    for number, step in enumerate(ladder.steps, start=1):
        words = [(str(target.kind), target.name) for target in step.people] + [("robot", name) for name in step.robots]
        for kind, name in words:
            if name not in known[kind]:
                there = ", ".join(sorted(known[kind])[:NAMES_SHOWN]) or "none"
                problems.append(f"{ladder.name}, step {number}: no such {kind}: {name} (there is: {there})")
    return problems


def _words(step: object) -> list[str]:
    given = step.get("to", []) if isinstance(step, Mapping) else []
    return [given] if isinstance(given, str) else list(given)


def _rules(given: object) -> list[LadderRule]:
    known = {*LADDERS, *LadderRow.objects.values_list("name", flat=True)}
    rules, problems = [], []
    for number, rule in enumerate(given if isinstance(given, list) else [None], start=1):
        if not isinstance(rule, Mapping) or set(rule) - {"ladder", "mchids", "kinds"}:
            problems.append(f"rule {number}: must be an object with ladder, mchids, kinds")
        elif rule.get("ladder") not in known:
            problems.append(f"rule {number}: no such ladder: {rule.get('ladder')}")
        elif not all(_are_words(rule.get(name, [])) for name in ("mchids", "kinds")):
            problems.append(f"rule {number}: mchids and kinds must be lists of words")
        else:
            mchids, kinds = frozenset(rule.get("mchids", [])), frozenset(rule.get("kinds", []))
            rules.append(LadderRule(str(rule["ladder"]), mchids, kinds))
    if problems:
        raise LadderFormatError(problems)
    return rules


def _are_words(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(word, str) and word for word in given)
