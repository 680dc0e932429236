"""Telling people about a merchant number where no complaint is the cause: its line to the platform, punishments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.utils.translation import pgettext

from kesu.alerts.content import Content, Row, Tone
from kesu.alerts.models import Message
from kesu.alerts.outbox import carriers
from kesu.alerts.text import neutralise, shorten
from kesu.clock import BEIJING
from kesu.merchants import wording
from kesu.rules.escalations import UrgencyClass

log = structlog.get_logger(__name__)

PROBLEM, VIOLATION, LIMITATION = "account_problem", "violation", "limitation"
ACCOUNT_KINDS = frozenset({PROBLEM, VIOLATION, LIMITATION})
WORDS = 200


@dataclass(frozen=True, slots=True)
class AccountCause:
    """Why people are to be told about an account. ``key`` names it within the account for ever.

    ``facts`` are JSON, hold no secret, and are all that the text is made of.
    """

    account_pk: int
    mchid: str
    key: str
    kind: str
    urgency: UrgencyClass
    mention: bool
    facts: dict[str, Any] = field(default_factory=dict)


def owe_about_accounts(causes: Collection[AccountCause], *, now: datetime) -> int:
    """Write a message for each cause and each channel that serves its account; told once, a cause is never told again.

    Part of the caller's transaction. Returns how many rows were asked for.
    """
    if not causes:
        return 0
    serving = carriers({cause.account_pk for cause in causes})
    rows = [
        Message(
            channel=channel,
            kind=cause.kind,
            facts={**cause.facts, "account": cause.account_pk, "mchid": cause.mchid},
            urgency=cause.urgency,
            mention=cause.mention,
            dedupe_key=f"account:{cause.account_pk}:{cause.key}"[:200],
            created_at=now,
            due_at=now,
        )
        for cause in causes
        for channel in serving[cause.account_pk].of(cause.kind)
    ]
    if any(not serving[cause.account_pk].channels for cause in causes):
        log.warning("alerts.no_channel", causes=len(causes))
    Message.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def machine_facts(message: Message) -> dict[str, Any]:
    """What programs get of such a message: other people's words neutralised, numbers as they are."""
    facts = message.facts
    if message.kind == PROBLEM:
        problem = facts["problem"]
        told = {"problem": problem["kind"], "step": problem["step"], "level": problem["level"]}
    else:
        told = {
            name: [_clean(item) for item in value] if isinstance(value, list) else _identifier(value)
            for name, value in facts.items()
            if value and name not in ("account", "mchid")
        }
    return {**told, "kind": message.kind, "urgency": message.urgency, "mchid": facts.get("mchid")}


def about_account(message: Message) -> Content:
    """What such a message says; the language is active already."""
    build = {VIOLATION: _violation, LIMITATION: _limitation}.get(message.kind, _problem)
    return build(message, message.facts)


def _problem(message: Message, facts: Mapping[str, Any]) -> Content:
    mchid = _identifier(facts.get("mchid", ""))
    problem = facts["problem"]
    said = {name: _clean(problem["facts"][name]) for name in ("host", "error") if name in problem["facts"]}
    problem = {**problem, "facts": {**problem["facts"], **said}}
    return Content(
        headline=_own(wording.headline(problem)),
        title=_own(wording.advice(problem, mchid)),
        tone=_tone(message),
        rows=(_merchant_number(mchid),),
    )


def _violation(message: Message, facts: Mapping[str, Any]) -> Content:
    headlines = {
        "VIOLATION.PUNISH": pgettext("push", "The platform punished a merchant"),
        "VIOLATION.INTERCEPT": pgettext("push", "The platform intercepts a merchant's orders"),
        "VIOLATION.APPEAL": pgettext("push", "Result of an appeal"),
    }
    rows = [
        _merchant_number(str(facts.get("sub_mchid") or facts.get("mchid", "")), str(facts.get("company_name", ""))),
        Row(pgettext("push", "Risk"), _clean(f"{facts.get('risk_type', '')} {facts.get('risk_description', '')}")),
        Row(pgettext("push", "When"), _moment(facts.get("punished_at"))),
        Row(pgettext("push", "Record"), _identifier(facts.get("record_id", ""))),
    ]
    return Content(
        headline=headlines.get(str(facts.get("event_type")), pgettext("push", "Violation notice")),
        title=_clean(facts.get("punish_plan", "")),
        tone=_tone(message),
        rows=tuple(row for row in rows if row.value),
        quote=_clean(facts.get("punish_description", "")),
        quote_label=pgettext("push", "The platform says"),
    )


def _limitation(message: Message, facts: Mapping[str, Any]) -> Content:
    added, lifted = ("、".join(limitation_name(word) for word in facts.get(name) or []) for name in ("added", "lifted"))
    rows = [
        _merchant_number(str(facts.get("sub_mchid", ""))),
        Row(pgettext("push", "Limited"), added),
        Row(pgettext("push", "Lifted"), lifted),
        Row(pgettext("push", "Way out"), _clean(facts.get("recover_way", ""))),
    ]
    return Content(
        headline=pgettext("push", "The platform limits a merchant")
        if added
        else pgettext("push", "Limitations of a merchant lifted"),
        title=_clean(facts.get("reason", "")),
        tone=_tone(message),
        rows=tuple(row for row in rows if row.value),
    )


def limitation_name(word: str) -> str:
    """A limited function in words, for a push; one that was never published is shown as it is."""
    return published_limitation(word) or _clean(word, 60)


def published_limitation(word: str) -> str:
    """A limited function in words; "" for one that was never published."""
    names = {
        "NO_TRANSACTION_AND_RECHARGE": pgettext("push", "no receiving, no recharging"),
        "NO_PAYMENT": pgettext("push", "no paying"),
        "NO_WITHDRAWAL": pgettext("push", "no withdrawing"),
        "NO_REFUND": pgettext("push", "no refunding"),
        "NO_TRANSACTION": pgettext("push", "no receiving"),
        "NO_PROFIT_SHARING": pgettext("push", "no profit sharing"),
        "NO_PAYMENT_POINT_COMPLETE_ORDER": pgettext("push", "no completing of PayScore orders"),
    }
    return names.get(word, "")


def _merchant_number(mchid: str, name: str = "") -> Row:
    return Row(pgettext("push", "Merchant"), f"{_clean(name, 40)} {_identifier(mchid)}".strip())


def _own(words: str) -> str:
    """Our own words. A robot reads only this one of their signs as markup."""
    return words.replace(">", "＞")


def _identifier(found: object) -> str:
    """A platform's number as it is; anything that does not look like one is somebody's text."""
    words = str(found)
    return words if words.isascii() and words.replace("-", "").isalnum() else _clean(words, 64)


def _clean(words: object, longest: int = WORDS) -> str:
    return shorten(neutralise(str(words)).strip(), longest)


def _tone(message: Message) -> Tone:
    return Tone.WARNING if message.urgency == UrgencyClass.URGENT else Tone.INFO


def _moment(written: object) -> str:
    return f"{datetime.fromisoformat(str(written)).astimezone(BEIJING):%m-%d %H:%M}" if written else ""
