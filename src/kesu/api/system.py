"""The desk itself: the state of its machinery, the audit and its proof, how long data is kept, forgetting a payer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import StringConstraints

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.api import shapes
from kesu.api.authentication import actor_of
from kesu.api.fields import Before
from kesu.audit import queries as audit
from kesu.audit import services as audit_services
from kesu.retention import services as retention
from kesu.retention.lifetimes import lifetimes
from kesu.retention.models import Erasure
from kesu.worker import doctor as health
from kesu.worker import queries

router = Router(tags=["desk"])

PAGE = 50
Noted = Annotated[str, Query(pattern=r"^([0-9]{1,18}:[0-9a-f]{64})?$")]
Asked = Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")]


class PollOut(Schema):
    tier: str
    finished_at: datetime | None
    failures: int
    error: str


class AccountStateOut(Schema):
    """``callback``: host of the registered address, empty where none is. ``polls``: by how recent the days are."""

    mchid: str
    name: str
    role: str
    enabled: bool
    callback: str
    polls: list[PollOut]


class ChannelStateOut(Schema):
    """``state`` and ``reason`` as at ``/channels``. ``accepted`` and ``refused`` count lately made attempts."""

    name: str
    kind: str
    state: str
    robots: int
    answering: int
    since: datetime | None
    until: datetime | None
    reason: str
    waiting: int
    failed: int
    accepted: int
    refused: int
    last_at: datetime | None


class StuckOut(Schema):
    """A notice or a read that was given up after several tries; it holds up nothing else."""

    what: Literal["notice", "read"]
    mchid: str
    complaint_id: str
    since: datetime
    attempts: int
    error: str


class RefusedOut(Schema):
    reason: str
    mchid: str | None
    count: int
    last_at: datetime


class LateOut(Schema):
    """Work that should have been taken up by now."""

    notices: int
    refreshes: int
    messages: int


class WorkerOut(Schema):
    name: str
    version: str
    seen_at: datetime


class StateOut(Schema):
    last_notice_at: datetime | None
    late: LateOut
    workers: list[WorkerOut]
    accounts: list[AccountStateOut]
    channels: list[ChannelStateOut]
    parked: list[StuckOut]
    refused_notices: list[RefusedOut]


class FindingOut(Schema):
    check: str
    level: Literal["ok", "warning", "failed"]
    text: str


class VerdictOut(Schema):
    """``sequence`` is the first entry that is not as it was written. Keep ``head`` outside of the machine."""

    intact: bool
    checked: int
    head: str
    sequence: int | None
    problem: str


class LifetimeOut(Schema):
    """``days`` 0 is for ever. It is set by ``setting`` in the environment of the installation only."""

    kind: str
    days: int
    setting: str


class EraseIn(shapes.Input):
    """``value``: a complaint's number, the phone or the openid, as ``searched`` says; it is kept nowhere. ``by``: who
    gave the order. ``dry_run`` says what would go and changes nothing."""

    searched: Literal["complaint", "phone", "openid"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]*\S[^\x00]*$")]
    by: Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00]*$")] = ""
    dry_run: bool = False


class ErasedOut(Schema):
    """``postponed`` are open; they are erased as soon as they are closed."""

    found: int
    erased: list[str]
    postponed: list[str]
    texts: int
    pictures: int


class ErasureOut(Schema):
    id: int
    at: datetime
    actor: str
    subject: str
    found: int
    erased: int
    postponed: int
    texts: int
    pictures: int


class ErasurePage(Schema):
    items: list[ErasureOut]
    next: str | None


@router.get("/system", response=StateOut)
def system(request: HttpRequest) -> dict[str, Any]:
    """What arrives, what is stuck and who can be reached, of the merchants that you see."""
    state = queries.state(actor_of(request, Permission.SYSTEM).user, now=clock.now())
    parked: list[tuple[str, Any, datetime]]
    parked = [("notice", row, row.received_at) for row in state.parked_notices]
    parked += [("read", row, row.requested_at) for row in state.parked_refreshes]
    return {
        "last_notice_at": state.last_notice.received_at if state.last_notice else None,
        "late": state.late,
        "workers": state.workers,
        "accounts": [
            {
                "mchid": account.mchid,
                "name": account.name,
                "role": account.role,
                "enabled": account.enabled,
                "callback": urlsplit(account.notify_url).netloc,
                "polls": list(account.poll_set.all()),
            }
            for account in state.accounts
        ],
        "channels": [_channel(one) for one in state.channels],
        "parked": [
            {
                "what": what,
                "mchid": row.account.mchid if row.account else "",
                "complaint_id": row.complaint_id,
                "since": since,
                "attempts": row.attempts,
                "error": row.error,
            }
            for what, row, since in parked
        ],
        "refused_notices": [
            {"reason": one.reason, "mchid": one.account.mchid if one.account else None, "count": one.count}
            | {"last_at": one.last_at}
            for one in state.rejections
        ],
    }


@router.get("/doctor", response=list[FindingOut])
def doctor(request: HttpRequest) -> list[health.Finding]:
    """Every check of the installation, as ``kesu doctor``."""
    actor_of(request, Permission.SETTINGS)
    return health.examine(settings.CONFIGURATION)


@router.get("/audit", response=shapes.AuditPage)
def list_audit(
    request: HttpRequest,
    before: Before = 0,
    username: Annotated[str, Query(max_length=150, pattern=r"^[^\x00]*$")] = "",
    action: Annotated[str, Query(max_length=40, pattern=r"^[a-z_]*$")] = "",
    subject: Asked = "",
) -> dict[str, Any]:
    """Who did what, the newest first; ``next`` is the following page's ``before``. ``subject``: complaint:NUMBER,
    user:NAME, merchant:NUMBER and the like, in full."""
    actor_of(request, Permission.AUDIT)
    found = audit.entries(username=username, action=action, subject=subject, before=before, limit=PAGE + 1)
    return {"items": found[:PAGE], "next": str(found[PAGE - 1].sequence) if len(found) > PAGE else None}


@router.get("/audit/verify", response=VerdictOut)
def verify_audit(request: HttpRequest, noted: Noted = "") -> dict[str, Any]:
    """Walk the whole chain now: was an entry changed, removed or put in? ``noted`` is the ``head`` of an earlier
    answer that was kept elsewhere, NUMBER:HASH."""
    actor_of(request, Permission.AUDIT)
    verdict = audit_services.verify(noted=noted)
    names = ("intact", "checked", "head", "sequence", "problem")
    return {name: getattr(verdict, name) for name in names}


@router.get("/retention", response=list[LifetimeOut])
def list_lifetimes(request: HttpRequest) -> list[dict[str, Any]]:
    """How long what is kept."""
    actor_of(request, Permission.SETTINGS)
    return [
        {"kind": one.name, "days": one.days, "setting": f"KESU_KEEP_{one.name.upper()}_DAYS"} for one in lifetimes()
    ]


@router.post("/privacy/erase", response=ErasedOut)
def forget_payer(request: HttpRequest, body: EraseIn) -> dict[str, Any]:
    """Forget a payer: phone, openid, words and pictures in every case of theirs, for ever. Numbers, times, states and
    amounts stay."""
    actor = actor_of(request, Permission.SETTINGS)
    if body.dry_run:
        done = retention.find(retention.SEARCHES[body.searched](body.value))
    else:
        done = retention.forget_payer(actor, body.searched, body.value, by=body.by, now=clock.now())
    return {
        "found": done.found,
        "erased": done.erased,
        "postponed": done.postponed,
        "texts": done.amount.texts,
        "pictures": done.amount.pictures,
    }


@router.get("/privacy/log", response=ErasurePage)
def list_erasures(request: HttpRequest, before: Before = 0) -> dict[str, Any]:
    """What was erased on whose word, the newest first; ``next`` is the following page's ``before``."""
    actor_of(request, Permission.SETTINGS)
    rows = Erasure.objects.order_by("-pk")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    return {"items": found[:PAGE], "next": str(found[PAGE - 1].pk) if len(found) > PAGE else None}


def _channel(one: queries.ChannelHealth) -> dict[str, Any]:
    condition = {name: getattr(one.health, name) for name in ("robots", "answering", "since", "until", "reason")}
    return condition | {
        "name": one.channel.name,
        "kind": one.channel.kind,
        "state": str(one.health.state),
        "waiting": one.waiting,
        "failed": one.failed,
        "accepted": one.accepted,
        "refused": one.refused,
        "last_at": one.last.at if one.last else None,
    }
