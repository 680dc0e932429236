"""Guards: what is to be known before an act, each finding with its reason, its effect and the rule behind it.

codes      every guard as data      sources    whose rule it is          findings   a finding, and the verdict
facts      the case as read         acts       what somebody is about to do
context    before any act at the platform
closing    complete      decisions  approve, reject      refunds    refund, resend
replies    reply         inside     desk only

`check(act, facts, now=...)` gives the findings, `judge(findings, consent)` whether the act may go ahead.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from kesu.rules.guards import closing, decisions, inside, refunds, replies
from kesu.rules.guards.acts import (
    Act,
    ApproveRefund,
    Assign,
    Claim,
    Complete,
    Jump,
    Note,
    Refund,
    RejectRefund,
    Reply,
    ResendRefund,
)
from kesu.rules.guards.codes import GUARDS, Better, Guard, GuardCode, Level, Verb
from kesu.rules.guards.facts import (
    CaseFacts,
    CommandFact,
    CommandState,
    GuardProfile,
    RefundTicket,
    Restrictions,
    completions_in,
    refund_ticket,
)
from kesu.rules.guards.findings import Consent, Finding, Verdict, by_gravity, judge
from kesu.rules.guards.sources import RULES, RuleSource

__all__ = [
    "GUARDS",
    "RULES",
    "Act",
    "ApproveRefund",
    "Assign",
    "Better",
    "CaseFacts",
    "Claim",
    "CommandFact",
    "CommandState",
    "Complete",
    "Consent",
    "Finding",
    "Guard",
    "GuardCode",
    "GuardProfile",
    "Jump",
    "Level",
    "Note",
    "Refund",
    "RefundTicket",
    "RejectRefund",
    "Reply",
    "ResendRefund",
    "Restrictions",
    "RuleSource",
    "Verb",
    "Verdict",
    "check",
    "completions_in",
    "judge",
    "refund_ticket",
]


def check(act: Act, facts: CaseFacts, *, now: datetime) -> tuple[Finding, ...]:
    """What is to be known before `act`, the gravest first. The same facts and `now` always give the same.

    An act with findings of level block is not to be done (`judge` says when a role may), one with findings of level
    confirm needs a yes to each, the rest is information. Nothing is advised that is done already.
    """
    return by_gravity(_advised(finding, facts) for finding in _findings(act, facts, now))


def _advised(finding: Finding, facts: CaseFacts) -> Finding:
    moot = finding.better is Better.REFUND_IN_FULL and facts.nothing_left
    return replace(finding, better=None) if moot else finding


def _findings(act: Act, facts: CaseFacts, now: datetime) -> Iterator[Finding]:
    match act:
        case Reply():
            return replies.reply(act, facts, now=now)
        case Complete():
            return closing.complete(facts, now=now)
        case ApproveRefund():
            return decisions.approve(act, facts, now=now)
        case RejectRefund():
            return decisions.reject(act, facts, now=now)
        case Refund():
            return refunds.refund(act, facts, now=now)
        case ResendRefund():
            return refunds.resend(act, facts, now=now)
        case Note():
            return inside.note(act)
        case Assign():
            return inside.assign(act, facts)
        case Claim():
            return inside.claim(act, facts)
