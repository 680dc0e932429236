"""Before the payer is written to: 回复用户 and 即时服务回复."""

from collections.abc import Iterator
from datetime import datetime

from kesu.rules.guards.acts import Jump, Reply
from kesu.rules.guards.codes import GuardCode, Level
from kesu.rules.guards.context import circumstances, readiness
from kesu.rules.guards.facts import CaseFacts
from kesu.rules.guards.findings import Finding, found
from kesu.rules.operations import MERCHANT_REPLIES
from kesu.rules.states import ComplaintState


def reply(act: Reply, facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """A reply reaches the payer at once and cannot be taken back; `/response` has no idempotency key."""
    yield from readiness(facts, now=now)
    if act.immediate and not facts.need_immediate_service:
        yield found(GuardCode.IMMEDIATE_SERVICE_NOT_WANTED)
    yield from _content(act, facts)
    if act.jumps and not facts.restrictions.jumps_allowed:
        yield found(GuardCode.LINKS_NOT_ALLOWED)
    for jump in act.jumps:
        yield from _jump(jump, facts, immediate=act.immediate)
    yield from _timing(facts, now=now)
    yield from (
        finding
        for finding in circumstances(facts, now=now, closing=False)
        if not (act.immediate and finding.code is GuardCode.IMMEDIATE_SERVICE_OWED)
    )


def _content(act: Reply, facts: CaseFacts) -> Iterator[Finding]:
    """Characters are counted as code points; how the platform counts is not documented (assumption).

    Nor are the limits of an immediate answer: there the plain reply's call for a yes only.
    """
    profile = facts.profile
    level = Level.CONFIRM if act.immediate else None
    text = act.text.strip()
    # The plain endpoint wants words; an immediate answer may be pictures and buttons alone.
    if not text and not (act.immediate and act.pictures):
        yield found(GuardCode.REPLY_EMPTY)
    if len(act.text) > profile.reply_limit:
        yield found(GuardCode.REPLY_TOO_LONG, level=level, length=len(act.text), limit=profile.reply_limit)
    if act.pictures > profile.most_pictures:
        yield found(GuardCode.TOO_MANY_PICTURES, level=level, pictures=act.pictures, limit=profile.most_pictures)
    sent = [entry for entry in facts.history if entry.operate_type in MERCHANT_REPLIES]
    newest = max(sent, key=lambda entry: (entry.operate_time, entry.log_id), default=None)
    if newest is not None and text and newest.operate_details.strip() == text:
        yield found(GuardCode.REPLY_SAME, sent_at=newest.operate_time)


def _jump(jump: Jump, facts: CaseFacts, *, immediate: bool) -> Iterator[Finding]:
    """A link needs its text, a mini program all three parts (an immediate answer: its appid).

    Both need 灰度 in a plain reply; the page of immediate answers is silent, and the same is assumed.
    """
    if _is_incomplete(jump, immediate=immediate):
        yield found(GuardCode.LINK_INCOMPLETE)
    if jump.url and not jump.url.startswith("https://"):
        yield found(GuardCode.LINK_NOT_HTTPS)
    limit = facts.profile.link_text_limit
    if not immediate and len(jump.text) > limit:
        yield found(GuardCode.LINK_TEXT_TOO_LONG, length=len(jump.text), limit=limit)


def _is_incomplete(jump: Jump, *, immediate: bool) -> bool:
    if jump.is_mini_program:
        return not jump.appid if immediate else not (jump.appid and jump.path and jump.text)
    return not (jump.url and jump.text)


def _timing(facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    if facts.unread:
        yield found(GuardCode.MESSAGE_UNREAD, level=Level.CONFIRM, said_at=facts.last_words_at)
    if facts.state == ComplaintState.PROCESSED:
        yield found(GuardCode.REPLY_TO_PROCESSED)
    elif not facts.current.replied and now >= facts.current.reply_due_at:
        yield found(GuardCode.REPLY_LATE, due_at=facts.current.reply_due_at, profile=facts.deadlines.name)
