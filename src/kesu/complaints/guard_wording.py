"""What guards find, in words: what is the matter, why, and what would be better; in the language that is active."""

from __future__ import annotations

from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kesu.clock import BEIJING
from kesu.complaints.durations import duration
from kesu.complaints.guard_sentences import SENTENCES
from kesu.rules.guards import Better, Finding, RuleSource
from kesu.rules.rates import Outcome, RateEffect, RateName

VERBS: dict[str, str | Promise] = {
    "reply": pgettext_lazy("guard", "reply"),
    "reply_immediately": pgettext_lazy("guard", "immediate-service reply"),
    "complete": pgettext_lazy("guard", "completion"),
    "approve_refund": pgettext_lazy("guard", "approval of the refund"),
    "reject_refund": pgettext_lazy("guard", "refusal of the refund"),
    "refund": pgettext_lazy("guard", "refund"),
    "resend_refund": pgettext_lazy("guard", "resending of the refund"),
}

BETTER: dict[Better, str | Promise] = {
    Better.REPLY: pgettext_lazy("guard", "Reply first"),
    Better.REPLY_IMMEDIATELY: pgettext_lazy("guard", "Send an immediate-service reply"),
    Better.APPROVE_REFUND: pgettext_lazy("guard", "Approve the refund"),
    Better.REFUND: pgettext_lazy("guard", "Refund"),
    Better.REFUND_IN_FULL: pgettext_lazy("guard", "Refund in full first"),
    Better.READ_AGAIN: pgettext_lazy("guard", "Read the case again"),
    Better.OPEN_MESSAGES: pgettext_lazy("guard", "Read the messages"),
    Better.WAIT: pgettext_lazy("guard", "Wait for it"),
    Better.RESEND_REFUND: pgettext_lazy("guard", "Send the refund again"),
    Better.CORRECT_INPUT: pgettext_lazy("guard", "Correct it"),
    Better.PAUSE: pgettext_lazy("guard", "Pause this case"),
}

RULE_NAMES: dict[RuleSource, str | Promise] = {
    RuleSource.REPLY: _("Platform page: replying to payers"),
    RuleSource.COMPLETE: _("Platform page: reporting completion"),
    RuleSource.REFUND_DECISION: _("Platform page: deciding refund requests"),
    RuleSource.IMMEDIATE_SERVICE: _("Platform page: immediate-service replies"),
    RuleSource.REFUND: _("Platform page: refunds"),
    RuleSource.REFUND_LIMITS: _("Platform page: limits of refunds"),
    RuleSource.RESEND: _("Platform page: abnormal refunds"),
    RuleSource.DEADLINES: _("Platform guide: handling complaints"),
    RuleSource.DETAIL: _("Platform page: details of a complaint"),
    RuleSource.FAQ: _("Platform page: questions about complaints"),
    RuleSource.LIMITATIONS: _("Platform page: limitations of merchants"),
    RuleSource.PRACTICE: _("As merchants report it; no official page says so"),
    RuleSource.OWN: _("This desk's own caution"),
}


def sentence(finding: Finding) -> str:
    """What is the matter, why, the better action, and what it does to a rate where one is at stake."""
    values = {name: _worded(name, value) for name, value in finding.values.items()}
    said = str(SENTENCES[finding.code]) % values
    return f"{said} {effect_words(finding.effect)}" if finding.effect else said


def better_action(finding: Finding) -> str:
    """The words of the button that does the better thing; "" where there is none."""
    return str(BETTER[finding.better]) if finding.better else ""


def rule_name(finding: Finding) -> str:
    """Whose rule it is; its address is ``rules.guards.RULES``."""
    return str(RULE_NAMES[finding.rule])


def effect_words(effect: RateEffect) -> str:
    """What an outcome of the case does to a rate, from what it is now."""
    texts = {
        (RateName.TIMELY, Outcome.COMPLETED_NOW): _(
            "Completed now, the timely rate goes from %(before)s to %(after)s."
        ),
        (RateName.TIMELY, Outcome.OVERDUE): _("Late, the timely rate goes from %(before)s to %(after)s."),
        (RateName.REPEAT, Outcome.REPEATED): _("With a repeat, the repeat rate goes from %(before)s to %(after)s."),
    }
    text = texts.get((effect.before.definition.name, effect.outcome), _("The rate goes from %(before)s to %(after)s."))
    return str(text) % {
        "before": percent(effect.before.basis_points),
        "after": percent(effect.after.basis_points),
    }


def percent(basis_points: int | None) -> str:
    """9820 is ``98.20%``; without a single case there is no rate."""
    if basis_points is None:
        return gettext("no case yet")
    return f"{basis_points // 100}.{basis_points % 100:02d}%"


def _worded(name: str, value: int | str | datetime) -> str:
    """A value as people read it: yuan for fen, hours for many minutes, Beijing time for an instant."""
    if isinstance(value, datetime):
        return f"{value.astimezone(BEIJING):%Y-%m-%d %H:%M}"
    if isinstance(value, int):
        if name.endswith("_minutes"):
            return duration(value * 60)
        return _yuan(value) if name.endswith("_fen") else str(value)
    return str(VERBS.get(value, value)) if name == "verb" else value


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}¥{abs(fen) // 100}.{abs(fen) % 100:02d}"
