"""Ladders in sentences, and what is wrong with one."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu.alerts.reach import ReachProblem
from kesu.complaints import durations
from kesu.desk import words
from kesu.rules.ladder_steps import Audience, ClockKind, LadderProblem, LadderStep, StepTrigger

CLOCKS: words.Words = {ClockKind.REPLY: gettext_lazy("Reply"), ClockKind.COMPLETE: gettext_lazy("Completion")}
CASE_KINDS: words.Words = {
    "repeat": gettext_lazy("Repeat"),
    "high_risk": gettext_lazy("High risk"),
    "immediate_service": gettext_lazy("Immediate service"),
    "platform_service": gettext_lazy("Platform service"),
    **words.PROBLEM_TYPES,
}


def when(step: LadderStep) -> str:
    """ "15 min after the complaint", "4 h before the deadline", "overdue, every 2 h"."""
    time = durations.duration(step.offset.total_seconds())
    if step.trigger is StepTrigger.AFTER_START:
        return _("%(time)s after the complaint") % {"time": time} if step.offset else _("at once")
    if step.trigger is StepTrigger.BEFORE_DEADLINE:
        return _("%(time)s before the deadline") % {"time": time}
    if step.trigger is StepTrigger.OVERDUE_EVERY:
        return _("overdue, every %(time)s") % {"time": time}
    return _("%(time)s after a claim that nothing followed") % {"time": time}


def whom(step: LadderStep) -> str:
    """Whom a step calls, and through which channels."""
    audience = {
        Audience.ON_DUTY: _("whoever is on duty"),
        Audience.SECOND: _("the second person"),
        Audience.NAMED: "",
    }[step.audience]
    people = [_("on call in %s") % target.name if target.kind == "rota" else target.name for target in step.people]
    called = ", ".join(filter(None, [audience, *people])) if step.mention else _("the group, nobody by name")
    robots = _("through %s") % ", ".join(step.robots) if step.robots else ""
    only = _("only while nobody claimed it") if step.only_unclaimed else ""
    return " · ".join(filter(None, [called, robots, only]))


def problem(found: LadderProblem) -> str:
    """Why a ladder is refused."""
    said = {
        "unordered": _("steps must follow in the order of time"),
        "duplicate": _("two steps speak at the same time"),
        "not_repeating": _("a step for overdue cases is missing that speaks for claimed cases too"),
        "too_frequent": _("an overdue step speaks every five minutes at most"),
        "unreachable": _("a step calls somebody who does not exist"),
    }.get(found.code, found.code)
    return f"{words.say(CLOCKS, found.clock.value)}: {said}"


def reach(found: ReachProblem) -> str:
    """Why a step does not reach whom it names."""
    if found.code == "no_channel":
        return _("%s: no channel serves this merchant, nobody at all is reached.") % found.name
    if found.code == "nobody":
        facts = {"ladder": found.ladder, "clock": words.say(CLOCKS, found.clock)}
        said = _("%(ladder)s, %(clock)s: nobody at all is reached. Name people in a channel or in a step.") % facts
        return f"{found.account}: {said}" if found.account else said
    said = {
        "no_such_person": _("%s does not exist or is switched off"),
        "no_wecom_id": _("%s has no WeCom account id and no other address, so nothing rings"),
        "no_address": _("%s has no address that the step's channels know, so nothing rings"),
        "no_such_rota": _("there is no rota %s"),
        "empty_rota": _("nobody is in rota %s"),
        "no_such_robot": _("channel %s is gone or switched off"),
    }.get(found.code, "%s")
    return f"{found.ladder}, {words.say(CLOCKS, found.clock)}: {said % found.name}"
