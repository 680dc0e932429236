"""What a message says, in the channel's language: from the case as it stands at the moment of sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import override, pgettext

from kesu.alerts.accounts import ACCOUNT_KINDS, about_account, machine_facts
from kesu.alerts.commands import command_rows
from kesu.alerts.content import Content, Row, Tone
from kesu.alerts.models import Message
from kesu.alerts.second_person import request_headline, request_rows
from kesu.alerts.text import neutralise, shorten
from kesu.alerts.titles import LADDER_KINDS, problem_name, title_of
from kesu.clock import BEIJING
from kesu.complaints.models import Complaint
from kesu.rules.deadlines import split_duration
from kesu.rules.escalations import UrgencyClass

PREVIEW_CHARACTERS = 20
QUOTE_CHARACTERS = 120
NAME_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Case:
    """What a message is about, read when it is sent. ``said`` is the payer's or platform's text that it quotes."""

    complaint: Complaint
    merchant: str
    said: str
    sequence: int
    link: str


def compose(message: Message, case: Case | None, *, language: str, now: datetime) -> Content:
    """The content of a message; ``case`` is None for those about the desk itself (a test, a dead channel)."""
    with override(language):
        return _about_case(message, case, now) if case else _about_desk(message)


def facts_for_machines(message: Message, case: Case | None) -> dict[str, Any]:
    """The same for programs. No phone, no openid; times are UTC, amounts fen; words of other people are neutralised."""
    if case is None:
        return machine_facts(message) if message.kind in ACCOUNT_KINDS else {"kind": message.kind}
    complaint = case.complaint
    ours = {name: message.facts[name] for name in ("refund", "command", "request") if message.facts.get(name)}
    return {
        "kind": message.kind,
        "urgency": message.urgency,
        "sequence": case.sequence,
        "complaint_id": complaint.complaint_id,
        "complainted_mchid": complaint.complainted_mchid or complaint.account.mchid,
        "merchant": neutralise(case.merchant),
        "state": neutralise(complaint.state),
        "amount": complaint.amount,
        "problem_type": neutralise(complaint.problem_type),
        "user_complaint_times": complaint.user_complaint_times,
        "complaint_time": complaint.complaint_time.isoformat(),
        "reply_due_at": complaint.reply_due_at.isoformat() if complaint.open and not complaint.replied else None,
        "complete_due_at": complaint.complete_due_at.isoformat() if complaint.open else None,
        "said": shorten(neutralise(case.said), QUOTE_CHARACTERS),
        **ours,
    }


def money(fen: int | None) -> str:
    """``¥199.00``; "" when the platform did not say."""
    return "" if fen is None else f"¥{fen // 100}.{fen % 100:02d}"


def headline(clock: str, seconds_left: float, amount: str) -> str:
    """Time left and amount in PREVIEW_CHARACTERS: the smaller unit goes first when both do not fit."""
    patterns = {
        ("reply", True): pgettext("push", "Reply %(time)s %(amount)s"),
        ("reply", False): pgettext("push", "Reply late %(time)s %(amount)s"),
        ("complete", True): pgettext("push", "Finish %(time)s %(amount)s"),
        ("complete", False): pgettext("push", "Finish late %(time)s %(amount)s"),
    }
    pattern = patterns[(clock, seconds_left > 0)]
    texts = [(pattern % {"time": time, "amount": amount}).strip() for time in _durations(seconds_left)]
    return next((text for text in texts if len(text) <= PREVIEW_CHARACTERS), texts[-1])


def _durations(seconds: float) -> list[str]:
    """From exact to coarse; always cut down, so that time left is never overstated."""
    days, hours, minutes = split_duration(seconds)
    counts = {"days": days, "hours": hours, "minutes": minutes}
    if days:
        patterns = [pgettext("push", "%(days)sd%(hours)sh")] if hours else []
        patterns.append(pgettext("push", "%(days)sd"))
    elif hours:
        patterns = [pgettext("push", "%(hours)sh%(minutes)sm")] if minutes else []
        patterns.append(pgettext("push", "%(hours)sh"))
    else:
        patterns = [pgettext("push", "%(minutes)sm")]
    return [pattern % counts for pattern in patterns]


def _about_case(message: Message, case: Case, now: datetime) -> Content:
    complaint = case.complaint
    return Content(
        headline=_headline_of(message, complaint, now),
        title=title_of(message.kind, complaint.user_complaint_times),
        tone=_tone(message),
        notes=_notes(message, case),
        rows=_rows(message, case),
        quote=shorten(neutralise(case.said), QUOTE_CHARACTERS),
        quote_label=pgettext("push", "Says"),
        link=case.link,
        link_text=pgettext("push", "Open the case"),
        claim_text=pgettext("push", "Claim") if complaint.open and complaint.claimed_by_id is None else "",
        cut_mark=pgettext("push", "… (cut: too long)"),
    )


def _about_desk(message: Message) -> Content:
    if message.kind in ACCOUNT_KINDS:
        return about_account(message)
    name = neutralise(str(message.facts.get("channel", message.channel.name)))
    if message.kind == "test":
        return Content(
            headline=pgettext("push", "Kesu test message"),
            title=pgettext("push", "The channel “%(name)s” works.") % {"name": name},
        )
    if message.kind == "robot_gone":
        return Content(
            headline=pgettext("push", "Robot gone: %(name)s") % {"name": name},
            title=pgettext("push", "%(left)s of its %(robots)s robots still answer.")
            % {"left": message.facts.get("left"), "robots": message.facts.get("robots")},
            tone=Tone.WARNING,
            rows=(Row(pgettext("push", "Answer"), neutralise(str(message.facts.get("reason", "")))),),
        )
    if message.kind == "channel_down":
        return Content(
            headline=pgettext("push", "Channel does not answer: %(name)s") % {"name": name},
            title=pgettext("push", "It is tried again by itself; meanwhile others carry what they can."),
            tone=Tone.WARNING,
            rows=(Row(pgettext("push", "Answer"), neutralise(str(message.facts.get("reason", "")))),),
        )
    return Content(
        headline=pgettext("push", "Channel dead: %(name)s") % {"name": name},
        title=pgettext("push", "It takes no more messages; this channel stands in until it is repaired."),
        tone=Tone.WARNING,
        rows=(Row(pgettext("push", "Answer"), neutralise(str(message.facts.get("reason", "")))),),
    )


def _headline_of(message: Message, complaint: Complaint, now: datetime) -> str:
    amount = money(complaint.amount)
    if asked := message.facts.get("request"):
        return request_headline(message.kind, asked, money(asked.get("amount")))
    if not complaint.open:
        return f"{pgettext('push', 'Closed')} {amount}".strip()
    clock = message.facts.get("clock", "") if message.kind in LADDER_KINDS else ""
    clock = clock or ("complete" if complaint.replied else "reply")
    due_at = complaint.reply_due_at if clock == "reply" else complaint.complete_due_at
    return headline(clock, (due_at - now).total_seconds(), amount)


def _tone(message: Message) -> Tone:
    tones = {UrgencyClass.URGENT: Tone.WARNING, UrgencyClass.SYSTEM: Tone.COMMENT}
    return tones.get(UrgencyClass(message.urgency), Tone.INFO)


def _notes(message: Message, case: Case) -> tuple[str, ...]:
    notes = []
    if message.kind in LADDER_KINDS:
        notes.append(pgettext("push", "reminder %(number)s") % {"number": case.sequence})
    if message.doubtful:
        notes.append(pgettext("push", "may be a repetition"))
    if instead_of := message.facts.get("instead_of"):
        notes.append(pgettext("push", "in place of “%(name)s”") % {"name": neutralise(str(instead_of))})
    if (as_of := message.facts.get("as_of")) and case.complaint.history_read_at <= datetime.fromisoformat(as_of):
        notes.append(
            pgettext("push", "as of %(time)s, not read since") % {"time": _moment(datetime.fromisoformat(as_of))}
        )
    return tuple(notes)


def _rows(message: Message, case: Case) -> tuple[Row, ...]:
    complaint = case.complaint
    mchid = _identifier(complaint.complainted_mchid or complaint.account.mchid)
    name = shorten(neutralise(case.merchant), NAME_CHARACTERS)
    rows = [
        *_refund_rows(message.facts.get("refund")),
        *command_rows(message.facts.get("command")),
        *_request_rows(message.facts.get("request")),
        Row(pgettext("push", "Merchant"), f"{name} {mchid}".strip() if name != mchid else mchid),
        Row(pgettext("push", "Type"), " · ".join(_marks(complaint))),
        Row(pgettext("push", "Raised"), _moment(complaint.complaint_time)),
    ]
    if complaint.open:
        due = [] if complaint.replied else [(pgettext("push", "Reply by"), complaint.reply_due_at)]
        due.append((pgettext("push", "Complete by"), complaint.complete_due_at))
        rows += [Row(label, _moment(at)) for label, at in due]
    owner = complaint.claimed_by
    if owner is not None:
        rows.append(Row(pgettext("push", "Claimed by"), shorten(neutralise(str(owner)), NAME_CHARACTERS)))
    rows.append(Row(pgettext("push", "Complaint"), _identifier(complaint.complaint_id)))
    return tuple(rows)


def _request_rows(asked: Mapping[str, Any] | None) -> list[Row]:
    return request_rows(asked, money(asked.get("amount"))) if asked else []


def _refund_rows(refund: Mapping[str, Any] | None) -> list[Row]:
    """What became of a refund that failed, and what to do."""
    if refund is None:
        return []
    advice = {
        "abnormal": pgettext("push", "stuck: send it elsewhere on the case's page, do not refund again"),
        "closed": pgettext("push", "closed, no money moved: look at the case and refund anew"),
        "unfollowed": pgettext("push", "not settled after 60 days, no longer looked for: see the merchant platform"),
    }
    told = f"{money(refund.get('amount'))} {advice.get(str(refund.get('state')), '')}".strip()
    return [
        Row(pgettext("push", "Refund"), told),
        Row(pgettext("push", "Refund number"), _identifier(str(refund.get("number", "")))),
    ]


def _marks(complaint: Complaint) -> list[str]:
    marks = [problem_name(complaint.problem_type)]
    if complaint.user_complaint_times > 1:
        marks.append(pgettext("push", "complaint no. %(number)s") % {"number": complaint.user_complaint_times})
    if "HIGH_RISK" in complaint.user_tags:
        marks.append(pgettext("push", "high risk"))
    if complaint.need_immediate_service:
        marks.append(pgettext("push", "immediate service"))
    if complaint.in_platform_service:
        marks.append(pgettext("push", "platform service"))
    return marks


def _identifier(found: str) -> str:
    """A platform's id as it is; anything that does not look like one is somebody's text."""
    return found if found.isascii() and found.isalnum() else neutralise(found)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%m-%d %H:%M}"
