"""Quick replies: the texts that staff begin with. Those filled in for a case are among ``judging``'s addresses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.api.authentication import actor_of
from kesu.api.fields import Number, Title
from kesu.api.shapes import Input, Whole
from kesu.commands import quick_replies
from kesu.commands.models import QuickReply
from kesu.complaints import redline_wording
from kesu.merchants.grants import accounts_visible_to
from kesu.merchants.models import Account
from kesu.rules.redlines import Finding

router = Router(tags=["quick replies"])


class QuickReplyIn(Input):
    """``mchid``: only for this merchant number; empty for every one; left out it stays."""

    name: Title
    text: Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]
    problem_type: Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Z_]*$")] = ""
    mchid: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,32}$")] | None = None
    enabled: bool = True
    position: Annotated[int, Field(ge=0, le=10_000), Whole] = 0


class MoveIn(Input):
    """-1 up, 1 down."""

    by: Annotated[Literal[-1, 1], Whole]


class TextIn(Input):
    text: Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")]


class QuickReplyOut(Schema):
    id: int
    name: str
    text: str
    problem_type: str
    mchid: str
    enabled: bool
    position: int


class FindingOut(Schema):
    """``start`` and ``end``: where in the text; null where variables stand in it."""

    rule: str
    severity: str
    name: str
    explanation: str
    suggestion: str
    source: str
    start: int | None
    end: int | None


class CheckedOut(Schema):
    findings: list[FindingOut]
    unknown_variables: list[str]
    variables: list[str]


@router.get("/quick-replies", response=list[QuickReplyOut])
def list_quick_replies(request: HttpRequest) -> list[dict[str, Any]]:
    """Those for every merchant, and those of merchants that this person sees, in their order."""
    return _listed(actor_of(request).user)


@router.post("/quick-replies", response={201: QuickReplyOut})
def add_quick_reply(request: HttpRequest, body: QuickReplyIn) -> tuple[int, dict[str, Any]]:
    """Refused when its text crosses a red line."""
    actor = actor_of(request, Permission.TEMPLATES)
    return 201, _told(quick_replies.save(actor, None, **_wanted(actor.user, body, None), now=clock.now()))


@router.post("/quick-replies/check", response=CheckedOut)
def check_quick_reply(request: HttpRequest, body: TextIn) -> dict[str, Any]:
    """What the red lines say of a text before it is saved, and which variables there are. Nothing is kept."""
    actor_of(request, Permission.TEMPLATES)
    found = quick_replies.findings_in(body.text) if body.text.strip() else ()
    return {
        "findings": [_finding(one, placed="{" not in body.text) for one in found],
        "unknown_variables": quick_replies.unknown_variables(body.text),
        "variables": list(quick_replies.SAMPLE),
    }


@router.put("/quick-replies/{reply_id}", response=QuickReplyOut)
def change_quick_reply(request: HttpRequest, reply_id: Number, body: QuickReplyIn) -> dict[str, Any]:
    actor = actor_of(request, Permission.TEMPLATES)
    row = _found(actor.user, reply_id)
    return _told(quick_replies.save(actor, row, **_wanted(actor.user, body, row.account), now=clock.now()))


@router.post("/quick-replies/{reply_id}/move", response=list[QuickReplyOut])
def move_quick_reply(request: HttpRequest, reply_id: Number, body: MoveIn) -> list[dict[str, Any]]:
    """One place up or down; all of them in their new order."""
    actor = actor_of(request, Permission.TEMPLATES)
    quick_replies.move(actor, _found(actor.user, reply_id), by=body.by, now=clock.now())
    return _listed(actor.user)


@router.delete("/quick-replies/{reply_id}", response={204: None})
def remove_quick_reply(request: HttpRequest, reply_id: Number) -> tuple[int, None]:
    actor = actor_of(request, Permission.TEMPLATES)
    quick_replies.remove(actor, _found(actor.user, reply_id), now=clock.now())
    return 204, None


def _listed(user: User) -> list[dict[str, Any]]:
    rows = quick_replies.visible_to(user).select_related("account").defer("account__token")
    return [_told(row) for row in rows.order_by("position", "pk")]


def _found(user: User, number: int) -> QuickReply:
    return quick_replies.visible_to(user).select_related("account").defer("account__token").get(pk=number)


def _wanted(user: User, body: QuickReplyIn, account: Account | None) -> dict[str, Any]:
    given = body.dict()
    mchid = given.pop("mchid")
    if mchid is not None:
        account = accounts_visible_to(user).defer("token").get(mchid=mchid) if mchid else None
    return given | {"account": account}


def _told(row: QuickReply) -> dict[str, Any]:
    same = ("name", "text", "problem_type", "enabled", "position")
    mchid = row.account.mchid if row.account else ""
    return {"id": row.pk, "mchid": mchid} | {name: getattr(row, name) for name in same}


def _finding(found: Finding, *, placed: bool) -> dict[str, Any]:
    return {
        "rule": found.rule.value,
        "severity": found.severity.value,
        "name": redline_wording.name(found.rule),
        "explanation": redline_wording.explanation(found),
        "suggestion": found.suggestion,
        "source": found.source.url,
        "start": found.start if placed else None,
        "end": found.end if placed else None,
    }
