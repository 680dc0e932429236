"""What templates need to say: money, moments, lengths of time, the platform's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from kesu import clock
from kesu.alerts.models import Message
from kesu.clock import BEIJING
from kesu.complaints import durations
from kesu.desk import patterns, pushes, words
from kesu.merchants.models import Account

register = template.Library()


@register.filter
def money(fen: int | None) -> str:
    """Fen as yuan: 1990 is "¥19.90", 123456789 is "¥1,234,567.89"; a dash where the platform named no amount."""
    if fen is None:
        return "—"
    yuan, cents = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}¥{yuan:,}.{cents:02d}"


@register.filter
def moment(when: datetime | None, now: datetime | None = None) -> str:
    """Beijing time, as short as it stays clear: "11-20 09:12", with the year when it is not this one."""
    if when is None:
        return "—"
    local = when.astimezone(BEIJING)
    this_year = (now or clock.now()).astimezone(BEIJING).year
    return local.strftime("%m-%d %H:%M" if local.year == this_year else "%Y-%m-%d %H:%M")


@register.filter
def exactly(when: datetime) -> str:
    """For ``<time datetime>`` and tool tips: Beijing time to the second with its offset."""
    return when.astimezone(BEIJING).isoformat(timespec="seconds")


@register.filter
def ago(when: datetime | None, now: datetime) -> str:
    """How long ago: "3 h 12 min ago"."""
    if when is None:
        return gettext("never")
    seconds = (now - when).total_seconds()
    if seconds < timedelta(minutes=1).total_seconds():
        return gettext("just now")
    return gettext("%(time)s ago") % {"time": durations.duration(seconds)}


@register.filter
def milliseconds(when: datetime) -> int:
    """Unix milliseconds, for the browser."""
    return round(when.timestamp() * 1000)


@register.filter
def state(word: str) -> str:
    """A complaint's state."""
    return words.say(words.STATES, word)


@register.filter
def service_state(word: str) -> str:
    """A service order's state."""
    return words.say(words.SERVICE_ORDER_STATES, word)


@register.filter
def push_title(message: Message) -> str:
    """What a push was about, with the ladder's step that it stands for: "No reply yet · 4 h left"."""
    complaint = message.complaint
    kind = pushes.kind(message.kind, complaint.user_complaint_times if complaint else 1)
    step = message.facts.get("step") if isinstance(message.facts, dict) else None
    said = pushes.step(step) if isinstance(step, str) else ""
    return f"{kind} · {said}" if said else kind


@register.filter
def push_state(word: str) -> str:
    return words.say(pushes.STATES, word)


@register.filter
def outcome(word: str) -> str:
    """What came of one attempt."""
    return words.say(pushes.OUTCOMES, word)


@register.filter
def rejection(word: str) -> str:
    """Why a notice was refused."""
    return words.say(words.REJECTIONS, word)


@register.filter
def poll_tier(word: str) -> str:
    """Which days a poll lists."""
    return words.say(words.POLL_TIERS, word)


@register.filter
def callback_host(account: Account) -> str:
    """The callback address without its secret part."""
    return urlsplit(account.notify_url).netloc


@register.simple_tag(takes_context=True)
def case_rows(context: Any, rows: Sequence[Mapping[str, str | bool]]) -> SafeString:
    """``row.html`` for each, in one go; the list's address is where its forms lead back to."""
    names = ("csrf_token", "list_address", "here", "live")
    around = {name: context.get(name, "") for name in names}
    return patterns.filled(context.template.engine.get_template("desk/parts/row.html"), "row", rows, around)


@register.simple_tag(takes_context=True)
def unchanging(context: Any, template_name: str) -> SafeString:
    """A part that says the same to everybody, in each language."""
    return patterns.filled(context.template.engine.get_template(template_name), "part", [{}], {})
