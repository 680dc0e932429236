"""What hangs on a merchant number: its keys, which go in and come out nowhere, what its replies may say, the names of
the merchants below it, and what the platform did to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.api.authentication import actor_of
from kesu.api.fields import Number
from kesu.api.merchants import Line, Mchid, MerchantOut, Name, Pem, account_of, whole
from kesu.api.shapes import Input, Whole
from kesu.commands import allowances
from kesu.commands.models import Allowance
from kesu.merchants import verbs
from kesu.merchants.models import Limitation, SubMerchant, ViolationNotice
from kesu.merchants.queries import limited_sub_merchants, violation_notices
from kesu.merchants.rotation import LONGEST_GRACE

router = Router(tags=["merchants"])

PAGE = 50
HOUR = timedelta(hours=1)
Serial = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[0-9A-Za-z_]+$")]
SerialPath = Annotated[str, Path(pattern=r"^[0-9A-Za-z_]{1,80}$")]
SubMchid = Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z]*$")]
SubMchidPath = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,64}$")]
After = Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z]*$")]


class CertificateIn(Input):
    """PEM texts, both from the same download."""

    certificate: Pem
    private_key: Pem


class ApiV3KeyIn(Input):
    """``grace_hours``: how long the previous key opens notices too."""

    apiv3_key: Line
    grace_hours: Annotated[int, Field(ge=0, le=LONGEST_GRACE // HOUR), Whole] = 48


class PlatformKeyIn(Input):
    """``serial``: ``PUB_KEY_ID_...`` of a public key, or a certificate's serial number."""

    serial: Serial
    public_key: Pem


class AllowanceIn(Input):
    """``sub_mchid`` empty: for the whole merchant number."""

    kind: Literal["phone", "wechat_id", "mini_program", "domain", "word"]
    value: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
    sub_mchid: SubMchid = ""


class AllowanceOut(Schema):
    id: int
    kind: str
    value: str
    sub_mchid: str
    created_at: datetime


class SubMerchantIn(Input):
    """Empty shows the number."""

    name: Name


class SubMerchantOut(Schema):
    mchid: str
    name: str


class SubMerchantPage(Schema):
    items: list[SubMerchantOut]
    next: str | None


class ViolationOut(Schema):
    """处置通知, in the platform's own words."""

    received_at: datetime
    event: str
    record_id: str
    sub_mchid: str
    company: str
    risk_type: str
    risk: str
    plan: str
    described: str
    punished_at: datetime | None


class WayOut(Schema):
    reason: str
    way: str


class LimitationOut(Schema):
    """管控: what a sub-merchant may not do now, and each reason with its way out, in the platform's own words."""

    sub_mchid: str
    functions: list[str]
    other: str
    ways_out: list[WayOut]
    changed_at: datetime | None
    asked_at: datetime | None


class PlatformActsOut(Schema):
    violations: list[ViolationOut]
    limitations: list[LimitationOut]


@router.post("/merchants/{mchid}/certificate", response=MerchantOut)
def rotate_certificate(request: HttpRequest, mchid: Mchid, body: CertificateIn) -> dict[str, Any]:
    """Sign with a new certificate, within 20 seconds. Revoke the old one at the platform no earlier."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    verbs.rotate_certificate(actor, account, body.private_key, body.certificate, now=clock.now())
    return whole(account)


@router.post("/merchants/{mchid}/apiv3-key", response=MerchantOut)
def rotate_apiv3_key(request: HttpRequest, mchid: Mchid, body: ApiV3KeyIn) -> dict[str, Any]:
    """Open notices with a new key. Here first and then at the platform, or the other way round."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    verbs.rotate_apiv3_key(actor, account, body.apiv3_key, grace=body.grace_hours * HOUR, now=clock.now())
    return whole(account)


@router.post("/merchants/{mchid}/platform-keys", response=MerchantOut)
def trust_platform_key(request: HttpRequest, mchid: Mchid, body: PlatformKeyIn) -> dict[str, Any]:
    """Believe one more key of the platform, beside those already believed."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    verbs.trust_platform_key(actor, account, body.serial, body.public_key, now=clock.now())
    return whole(account)


@router.delete("/merchants/{mchid}/platform-keys/{serial}", response=MerchantOut)
def forget_platform_key(request: HttpRequest, mchid: Mchid, serial: SerialPath) -> dict[str, Any]:
    """Believe it no more. The last one stays: nothing could be verified."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    verbs.forget_platform_key(actor, account, serial, now=clock.now())
    return whole(account)


@router.get("/merchants/{mchid}/allowances", response=list[AllowanceOut])
def list_allowances(request: HttpRequest, mchid: Mchid) -> list[Allowance]:
    """What the red lines let pass in this number's replies."""
    actor_of(request, Permission.SETTINGS)
    return list(Allowance.objects.filter(account=account_of(mchid)).order_by("kind", "pk"))


@router.post("/merchants/{mchid}/allowances", response={201: AllowanceOut})
def allow(request: HttpRequest, mchid: Mchid, body: AllowanceIn) -> tuple[int, Allowance]:
    """Let a number, address, name or word pass. Again: nothing happens."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    return 201, allowances.allow(actor, account, body.kind, body.value, sub_mchid=body.sub_mchid, now=clock.now())


@router.delete("/allowances/{allowance_id}", response={204: None})
def disallow(request: HttpRequest, allowance_id: Number) -> tuple[int, None]:
    """From the next check on it is a finding again."""
    actor = actor_of(request, Permission.SETTINGS)
    allowances.disallow(actor, Allowance.objects.select_related("account").get(pk=allowance_id), now=clock.now())
    return 204, None


@router.get("/merchants/{mchid}/sub-merchants", response=SubMerchantPage)
def list_sub_merchants(request: HttpRequest, mchid: Mchid, after: After = "") -> dict[str, Any]:
    """The merchants below a provider by number, 50 a page; ``next`` is the following page's ``after``."""
    actor_of(request, Permission.SETTINGS)
    found = account_of(mchid).sub_merchants.filter(mchid__gt=after).order_by("mchid").values("mchid", "name")
    rows = list(found[: PAGE + 1])
    return {"items": rows[:PAGE], "next": rows[PAGE - 1]["mchid"] if len(rows) > PAGE else None}


@router.put("/merchants/{mchid}/sub-merchants/{sub_mchid}", response=SubMerchantOut)
def name_sub_merchant(request: HttpRequest, mchid: Mchid, sub_mchid: SubMchidPath, body: SubMerchantIn) -> SubMerchant:
    """What staff read for it."""
    actor = actor_of(request, Permission.SETTINGS)
    row = SubMerchant.objects.select_related("account").get(account__mchid=mchid, mchid=sub_mchid)
    verbs.rename_sub_merchant(actor, row, body.name, now=clock.now())
    return row


@router.get("/merchants/{mchid}/platform-acts", response=PlatformActsOut)
def platform_acts(request: HttpRequest, mchid: Mchid) -> dict[str, Any]:
    """What the platform did to a provider's sub-merchants: the newest 50 violation notices, and at most 50 that are
    limited now, the newest change first."""
    actor_of(request, Permission.SETTINGS)
    account = account_of(mchid)
    return {
        "violations": [_violation(row) for row in violation_notices(PAGE, account=account)],
        "limitations": [_limitation(row) for row in limited_sub_merchants(PAGE, account=account)],
    }


def _violation(row: ViolationNotice) -> dict[str, Any]:
    return {
        "received_at": row.received_at,
        "event": row.event_type,
        "record_id": row.record_id,
        "sub_mchid": row.sub_mchid,
        "company": row.company_name,
        "risk_type": row.risk_type,
        "risk": row.risk_description,
        "plan": row.punish_plan,
        "described": row.punish_description,
        "punished_at": row.punished_at,
    }


def _limitation(row: Limitation) -> dict[str, Any]:
    ways = [
        {
            "reason": str(way.get("limitation_reason_describe") or way.get("limitation_reason") or ""),
            "way": str(way.get("recover_way") or ""),
        }
        for way in row.recoveries
        if isinstance(way, Mapping)
    ]
    return {
        "sub_mchid": row.sub_mchid,
        "functions": [str(word) for word in row.functions],
        "other": row.other_functions,
        "ways_out": ways,
        "changed_at": row.changed_at,
        "asked_at": row.asked_at,
    }
