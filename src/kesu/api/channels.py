"""Robots and other channels. Their secrets go in and never come out; addresses are masked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.alerts import channel_verbs
from kesu.alerts.changes import ChannelChange
from kesu.alerts.channel_state import callback_path, seen_at, settings_shown, spent
from kesu.alerts.channel_verbs import NewChannel
from kesu.alerts.channels.base import SettingsError
from kesu.alerts.ladders import namings
from kesu.alerts.models import Attempt, Channel
from kesu.alerts.queries import ChannelHealth, channel_health
from kesu.api.authentication import actor_of
from kesu.api.fields import Hours, Merchant, Number, Title
from kesu.api.problems import Problem
from kesu.api.shapes import Input, Whole
from kesu.api.shapes import Number as Id
from kesu.merchants.models import Account

router = Router(tags=["channels"])

Kind = Literal["wecom_robot", "wecom_app", "dingtalk_robot", "feishu_robot", "email", "webhook", "apprise"]
Language = Literal["zh-hans", "en"]
Word = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]
Called = Annotated[
    list[Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*\S[^\x00]*$")]], Field(max_length=50)
]
Value = Word | bool | Annotated[int, Field(ge=0, le=10**9), Whole] | Annotated[list[Word], Field(max_length=50)]
Settings = Annotated[dict[str, Value], Field(max_length=20)]
Merchants = Annotated[list[Merchant], Field(max_length=1000)]


class ChannelChangeIn(Input):
    """What is left out stays. ``settings`` are some of the kind's own; an empty value takes one back to its default.
    ``mchids`` empty is every merchant number; ``fallback`` null is none."""

    settings: Settings = {}
    mentions: Called | None = None
    second_mentions: Called | None = None
    mchids: Merchants | None = None
    quiet_hours: Hours | None = None
    language: Language | None = None
    fallback: Id | None = None
    standby: bool | None = None


class ChannelIn(Input):
    """``settings`` are the kind's own, as ``docs/en/connect.md`` names them. A webhook without a ``secret`` is given
    one. ``fallback`` takes over when this one is gone."""

    name: Title
    kind: Kind
    settings: Settings
    mentions: Called = []
    second_mentions: Called = []
    mchids: Merchants = []
    quiet_hours: Hours = ""
    language: Language = "zh-hans"
    fallback: Id | None = None
    standby: bool = False


class OnOffIn(Input):
    enabled: bool


class SeenIn(Input):
    seen: bool


class BudgetOut(Schema):
    """``used`` of ``limit`` in ``window_seconds``, counted by robot; ``free_at``: when one more may be sent."""

    used: int
    limit: int
    window_seconds: int
    in_digests: bool
    free_at: datetime


class ChannelOut(Schema):
    """``state`` is off, dead, down, paused, failing, partial, untried or live; ``answering`` of its ``robots`` are not
    left alone. ``since``: when it died or fell silent; ``until``: when it may send again, or is tried next. ``reason``
    is the answer that decided. ``settings`` without secrets; ``secrets`` names those that are set.
    ``test_push_seen_at``: when somebody last said that they saw a test push. ``ladders`` name it in a step."""

    id: int
    name: str
    kind: str
    enabled: bool
    state: str
    robots: int
    answering: int
    since: datetime | None
    until: datetime | None
    reason: str
    address: str
    settings: dict[str, Any]
    secrets: list[str]
    mentions: list[str]
    second_mentions: list[str]
    mchids: list[str]
    quiet_hours: str
    language: str
    fallback: int | None
    standby: bool
    pending: int
    failed: int
    last_attempt_at: datetime | None
    last_outcome: str
    last_sent_at: datetime | None
    budget: BudgetOut
    test_push_seen_at: datetime | None
    callback_path: str
    ladders: list[str]


class NewChannelOut(ChannelOut):
    """``secret`` was made for a webhook, and is shown only now; empty for others."""

    secret: str


class TestPushOut(Schema):
    """``outcome`` sent: the other side took it. Whether somebody saw it is told at ``seen``."""

    outcome: str
    http_status: int | None
    code: str
    answer: str
    milliseconds: int


@router.get("/channels", response=list[ChannelOut])
def list_channels(request: HttpRequest) -> list[dict[str, Any]]:
    actor_of(request, Permission.SETTINGS)
    return _told(channel_health(now=clock.now()))


@router.post("/channels", response={201: NewChannelOut})
def add_channel(request: HttpRequest, body: ChannelIn) -> tuple[int, dict[str, Any]]:
    """Send it a test push then: that is the proof."""
    actor, given = actor_of(request, Permission.SETTINGS), body.dict()
    given |= {"accounts": _accounts(given.pop("mchids")), "fallback": _fallback(body.fallback)}
    try:
        row, secret = channel_verbs.add(actor, NewChannel(**given), now=clock.now())
    except ValueError as error:
        raise _refused(error) from None
    return 201, _one(row) | {"secret": secret}


@router.get("/channels/{channel_id}", response=ChannelOut)
def show_channel(request: HttpRequest, channel_id: Number) -> dict[str, Any]:
    actor_of(request, Permission.SETTINGS)
    return _one(Channel.objects.get(pk=channel_id))


@router.patch("/channels/{channel_id}", response=ChannelOut)
def change_channel(request: HttpRequest, channel_id: Number, body: ChannelChangeIn) -> dict[str, Any]:
    """One that is gone is tried again at once when its own settings change."""
    actor, row = actor_of(request, Permission.SETTINGS), Channel.objects.get(pk=channel_id)
    fallback = _fallback(body.fallback) or False if "fallback" in body.model_fields_set else None
    wanted = ChannelChange(
        settings=body.settings or None,
        mentions=body.mentions,
        second_mentions=body.second_mentions,
        accounts=None if body.mchids is None else _accounts(body.mchids),
        language=body.language,
        fallback=fallback,
        standby=body.standby,
    )
    try:
        channel_verbs.change(actor, row, wanted, quiet_hours=body.quiet_hours, now=clock.now())
    except ValueError as error:
        raise _refused(error) from None
    return _one(row)


@router.post("/channels/{channel_id}/switch", response=ChannelOut)
def switch_channel(request: HttpRequest, channel_id: Number, body: OnOffIn) -> dict[str, Any]:
    """What it still owed when switched off is told nowhere. Steps of ``ladders`` that name it go to every channel."""
    actor, row = actor_of(request, Permission.SETTINGS), Channel.objects.get(pk=channel_id)
    channel_verbs.switch(actor, row, enabled=body.enabled, now=clock.now())
    return _one(row)


@router.post("/channels/{channel_id}/test", response=TestPushOut)
def push_test(request: HttpRequest, channel_id: Number) -> Attempt:
    """One real push, and what the other side answered."""
    actor, row = actor_of(request, Permission.SETTINGS), Channel.objects.get(pk=channel_id)
    return channel_verbs.send_test(actor, row, now=clock.now())


@router.post("/channels/{channel_id}/seen", response=ChannelOut)
def mark_seen(request: HttpRequest, channel_id: Number, body: SeenIn) -> dict[str, Any]:
    """Whether somebody saw the test push."""
    actor, row = actor_of(request, Permission.SETTINGS), Channel.objects.get(pk=channel_id)
    channel_verbs.mark_seen(actor, row, seen=body.seen, now=clock.now())
    return _one(row)


def _accounts(mchids: list[str]) -> QuerySet[Account]:
    found = Account.objects.filter(mchid__in=mchids).defer("token")
    if unknown := sorted(set(mchids) - {account.mchid for account in found}):
        raise Problem(409, "no_such_merchant", f"No such merchant number: {', '.join(unknown)}")
    return found


def _fallback(number: int | None) -> Channel | None:
    if number is None:
        return None
    found = Channel.objects.filter(pk=number).first()
    if found is None:
        raise Problem(409, "no_such_fallback", f"There is no channel {number} to take over.")
    return found


def _refused(error: ValueError) -> Problem:
    """No text repeats a value."""
    if not isinstance(error, SettingsError):
        return Problem(409, "quiet_hours", str(error))
    if "name" in error.problems:
        return Problem(409, "name_taken", "Another channel has this name.")
    return Problem(409, "settings_refused", str(error), problems=error.problems)


def _one(row: Channel) -> dict[str, Any]:
    return _told(channel_health(only=row.pk, now=clock.now()))[0]


def _told(found: list[ChannelHealth]) -> list[dict[str, Any]]:
    rows, now = [health.channel for health in found], clock.now()
    budgets, seen = spent(rows, now=now), seen_at([row.name for row in rows])
    links = Channel.accounts.through.objects.filter(channel__in=rows).values_list("channel_id", "account__mchid")
    used = namings()
    mchids: dict[int, list[str]] = {row.pk: [] for row in rows}
    for pk, mchid in links.order_by("account__mchid"):
        mchids[pk].append(mchid)
    return [
        _channel(health)
        | {
            "mchids": mchids[health.channel.pk],
            "budget": _budget(health, budgets[health.channel.pk]),
            "test_push_seen_at": seen.get(health.channel.name),
            "ladders": used.get(f"robot:{health.channel.name}", []),
        }
        for health in found
    ]


def _budget(health: ChannelHealth, used: Any) -> dict[str, Any]:
    names = ("used", "limit", "window_seconds", "in_digests")
    return {name: getattr(used, name) for name in names} | {"free_at": health.free_at}


def _channel(health: ChannelHealth) -> dict[str, Any]:
    row = health.channel
    own, secrets = settings_shown(row)
    same = "name kind enabled mentions second_mentions quiet_hours language standby"
    known = "state address pending failed last_attempt_at last_outcome last_sent_at"
    return (
        {"id": row.pk, "settings": own, "secrets": secrets, "fallback": row.fallback_id}
        | {name: getattr(row, name) for name in same.split()}
        | {name: getattr(health, name) for name in known.split()}
        | {name: getattr(health.health, name) for name in ("robots", "answering", "since", "until", "reason")}
        | {"callback_path": callback_path(row)}
    )
