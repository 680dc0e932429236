"""What a digest says: how many cases of whom, of what type, with how much time left; the ten most urgent; one link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import override, pgettext

from kesu.alerts import digests, links
from kesu.alerts.content import Content, Row, Tone
from kesu.alerts.messages import headline, money
from kesu.alerts.models import Message
from kesu.alerts.recipients import Recipients, is_personal, of_push
from kesu.alerts.text import neutralise, shorten
from kesu.alerts.titles import problem_name, title_of
from kesu.complaints.models import Complaint
from kesu.merchants.models import SubMerchant
from kesu.rules.digest import LISTED, URGENT_WITHIN

NAMED = 5
NAME_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest ready to be sent. ``facts`` is JSON for machines."""

    content: Content
    recipients: Recipients
    facts: dict[str, Any]


def compose(message: Message, *, language: str, now: datetime) -> Digest:
    """From its cases as they stand now; a case is counted once, however many messages were owed for it."""
    messages = list(digests.covered(message))
    cases = list({found.complaint_id: found.complaint for found in messages if found.complaint}.values())
    cases.sort(key=lambda case: (case.next_due_at is None, case.next_due_at, case.pk))
    with override(language):
        content = _content(message, messages, cases, now)
    told = _recipients(message, messages, now)
    facts = {
        "kind": message.kind,
        "number": message.pk,
        "complaint_ids": [case.complaint_id for case in cases],
        "kinds": dict(Counter(found.kind for found in messages)),
    }
    return Digest(content, told, facts)


def _recipients(digest: Message, messages: Sequence[Message], now: datetime) -> Recipients:
    """A group may be shown a digest that calls nobody; a person who is left out of one would never see it."""
    if not digest.mention and not is_personal(digest.channel):
        return Recipients(())
    for message in messages:  # the channel that carries the digest may be another than theirs
        message.channel = digest.channel
    return of_push(digest.channel, messages, now=now)


def _content(message: Message, messages: Sequence[Message], cases: Sequence[Complaint], now: datetime) -> Content:
    names = _merchant_names(cases)
    count = pgettext("push", "%(count)s cases") % {"count": len(cases)}
    kinds = Counter(title_of(found.kind, 2) if found.kind != "continued" else _again() for found in messages)
    rows = [
        Row(pgettext("push", "What"), _counted(kinds)),
        Row(pgettext("push", "Time left"), _counted(_by_time_left(cases, now), most=3)),
        Row(pgettext("push", "Merchants"), _counted(Counter(names[_merchant(case)] for case in cases))),
        Row(pgettext("push", "Types"), _counted(Counter(problem_name(case.problem_type) for case in cases))),
    ]
    rows += [
        Row(str(place), f"{_time_left(case, now)} {names[_merchant(case)]} {problem_name(case.problem_type)}")
        for place, case in enumerate(cases[:LISTED], start=1)
    ]
    return Content(
        headline=f"{count} {_time_left(cases[0], now, amount=False)}" if cases else count,
        title=pgettext("push", "Digest no. %(number)s") % {"number": message.pk},
        tone=Tone.WARNING if message.facts.get("urgent") else Tone.INFO,
        notes=_notes(message),
        rows=tuple(rows),
        link=links.list_address(_only(cases, now), callback=cases[0].account.notify_url if cases else ""),
        link_text=pgettext("push", "Open the list"),
    )


def _notes(message: Message) -> tuple[str, ...]:
    notes = [pgettext("push", "too many to send one by one")]
    if message.doubtful:
        notes.append(pgettext("push", "may be a repetition"))
    if instead_of := message.facts.get("instead_of"):
        notes.append(pgettext("push", "in place of “%(name)s”") % {"name": neutralise(str(instead_of))})
    return tuple(notes)


def _again() -> str:
    return pgettext("push", "Complained again")


def _counted(counts: Counter[str], most: int = NAMED) -> str:
    """``商户A 20 · 商户B 17 · 其他 3``."""
    named = counts.most_common(most)
    left = sum(counts.values()) - sum(number for _, number in named)
    parts = [f"{name} {number}" for name, number in named]
    return " · ".join([*parts, *([f"{pgettext('push', 'others')} {left}"] if left else [])])


def _by_time_left(cases: Iterable[Complaint], now: datetime) -> Counter[str]:
    counts: Counter[str] = Counter()
    for case in cases:
        if case.next_due_at is None:
            counts[pgettext("push", "closed")] += 1
        elif case.next_due_at <= now:
            counts[pgettext("push", "overdue")] += 1
        elif case.next_due_at < now + URGENT_WITHIN:
            counts[pgettext("push", "under 6 h")] += 1
        else:
            counts[pgettext("push", "more")] += 1
    return counts


def _time_left(case: Complaint, now: datetime, *, amount: bool = True) -> str:
    fen = money(case.amount) if amount else ""
    if case.next_due_at is None:
        return f"{pgettext('push', 'Closed')} {fen}".strip()
    return headline("complete" if case.replied else "reply", (case.next_due_at - now).total_seconds(), fen)


def _only(cases: Sequence[Complaint], now: datetime) -> str:
    """The narrowest view of the inbox that holds all of them."""
    if all(case.open and case.claimed_by_id is None for case in cases):
        return "unclaimed"
    if all(case.next_due_at and now < case.next_due_at < now + URGENT_WITHIN for case in cases):
        return "soon"
    return ""


def _merchant(case: Complaint) -> tuple[int, str]:
    return case.account_id, case.complainted_mchid or case.account.mchid


def _merchant_names(cases: Iterable[Complaint]) -> dict[tuple[int, str], str]:
    """A short harmless name for each merchant: what people called it, else its number."""
    wanted = {_merchant(case): case.account for case in cases}
    subs = SubMerchant.objects.filter(account__in={pk for pk, _ in wanted}, mchid__in={mchid for _, mchid in wanted})
    named = {(account, mchid): name for account, mchid, name in subs.values_list("account", "mchid", "name")}
    return {
        key: shorten(neutralise(named.get(key) or (account.name if key[1] == account.mchid else "")), NAME_CHARACTERS)
        or (key[1] if key[1].isalnum() and key[1].isascii() else neutralise(key[1]))
        for key, account in wanted.items()
    }
