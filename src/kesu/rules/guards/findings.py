"""What a guard finds: which code, how grave, by whose rule, and what would be better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from kesu.rules.guards.codes import GUARDS, Better, GuardCode, Level
from kesu.rules.guards.sources import RuleSource
from kesu.rules.rates import RateEffect

Value = int | str | datetime

_ORDER = {Level.BLOCK: 0, Level.CONFIRM: 1, Level.INFO: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before an act.

    `values` are what its sentence needs: `*_fen` is money in fen, `*_at` an instant (UTC). `effect` is what the act
    risks for a rate. `overridable`: a role may set this block aside, with a reason that is kept; False for all else.
    """

    code: GuardCode
    level: Level
    rule: RuleSource
    values: Mapping[str, Value] = field(default_factory=dict)
    effect: RateEffect | None = None
    better: Better | None = None
    overridable: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person brings along: the confirmations given, and whether their role may override, and why."""

    confirmed: frozenset[GuardCode] = frozenset()
    may_override: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """May the act go ahead. `refused` stand in its way, `to_confirm` wait for a yes, `overridden` go to the audit."""

    refused: tuple[Finding, ...]
    to_confirm: tuple[Finding, ...]
    overridden: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        return not self.refused and not self.to_confirm


def found(code: GuardCode, *, level: Level | None = None, effect: RateEffect | None = None, **values: Value) -> Finding:
    """The finding of `code` as `GUARDS` describes it; `level` where the act decides how grave it is."""
    guard = GUARDS[code]
    grave = level or guard.level
    return Finding(
        code=code,
        level=grave,
        rule=guard.rule,
        values=values,
        effect=effect,
        better=guard.better,
        overridable=guard.overridable and grave is Level.BLOCK,
    )


def by_gravity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Blocks first, then what needs a yes, then what is good to know; within each in the order found."""
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.level]))


def judge(findings: Iterable[Finding], consent: Consent) -> Verdict:
    """Whether an act may go ahead with these findings. A block gives way only to a role, with a reason."""
    may_override = consent.may_override and bool(consent.reason.strip())
    listed = tuple(findings)
    blocks = [finding for finding in listed if finding.level is Level.BLOCK]
    return Verdict(
        refused=tuple(finding for finding in blocks if not (finding.overridable and may_override)),
        to_confirm=tuple(
            finding for finding in listed if finding.level is Level.CONFIRM and finding.code not in consent.confirmed
        ),
        overridden=tuple(finding for finding in blocks if finding.overridable and may_override),
    )
