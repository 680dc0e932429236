"""Merchant numbers: connected, proved, looked after. Keys go in by the body and come out nowhere.

What only the platform can say is asked there while the caller waits; where it does not agree the answer is a 409 with
what happened and what to do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.api.authentication import actor_of
from kesu.api.fields import Merchant
from kesu.api.problems import Problem, failed
from kesu.api.shapes import AccountOut, Input, Whole
from kesu.merchants import verbs
from kesu.merchants.changes import LONGEST_REPLY
from kesu.merchants.grants import accounts_visible_to
from kesu.merchants.models import Account
from kesu.merchants.queries import account_problems
from kesu.sync import account_verbs

router = Router(tags=["merchants"])

Mchid = Annotated[str, Path(pattern=r"^[0-9]{1,32}$")]
Name = Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00]*$")]
Pem = Annotated[str, StringConstraints(max_length=64 * 1024, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]


class MerchantIn(Input):
    """Certificate, keys and ``public_key`` are PEM texts. Without ``public_key_id`` the platform's certificates are
    downloaded. ``anyway`` keeps the keys although the platform did not answer just now; a refusal is never passed
    over. ``base_url`` is for a sandbox on this machine."""

    mchid: Merchant
    role: Literal["merchant", "partner", "channel", "institution"] = "merchant"
    name: Name = ""
    certificate: Pem
    private_key: Pem
    apiv3_key: Line
    public_key_id: Line = ""
    public_key: Pem = ""
    base_url: Line = ""
    anyway: bool = False


class MerchantChangeIn(Input):
    """What is left out stays. ``repair_callback``: a changed callback address is set right, else only told."""

    name: Name = ""
    deadline_profile: Literal["rolling", "calendar"] = "rolling"
    reply_limit: Annotated[int, Field(ge=1, le=LONGEST_REPLY), Whole] = 200
    jumps_allowed: bool = False
    repair_callback: bool = True
    enabled: bool = True


class CallbackIn(Input):
    """``public_url``: where the platform reaches this desk; ``KESU_PUBLIC_URL`` stands before it. ``replaces`` takes
    the callback over from another system."""

    public_url: Line = ""
    replaces: bool = False


class MerchantProblemOut(Schema):
    kind: str
    level: Literal["warning", "failed"]
    headline: str
    advice: str
    since: datetime


class CertificateOut(Schema):
    serial: str
    expires_at: datetime | None


class ApiV3KeyOut(Schema):
    """``accepted_until`` null: the present one."""

    created_at: datetime
    accepted_until: datetime | None


class PlatformKeyOut(Schema):
    serial: str
    expires_at: datetime | None


class MerchantOut(AccountOut):
    """``callback_shown`` is the registered address without its secret, empty where none is. ``error``: what kept the
    platform from answering the last look."""

    jumps_allowed: bool
    repair_callback: bool
    callback_shown: str
    sub_merchants: int
    certificate: CertificateOut | None
    apiv3_keys: list[ApiV3KeyOut]
    platform_keys: list[PlatformKeyOut]
    problems: list[MerchantProblemOut]
    error: str


class ConnectedOut(Schema):
    """``complaints`` of today, as the platform answered; null where it did not, and the keys were kept anyway."""

    merchant: MerchantOut
    complaints: int | None


class AskedOut(Schema):
    """``first``: the number of today's first complaint, empty where there is none."""

    complaints: int
    first: str


@router.get("/merchants", response=list[AccountOut])
def list_merchants(request: HttpRequest) -> list[dict[str, Any]]:
    """The merchant numbers that you see."""
    seen = accounts_visible_to(actor_of(request).user).select_related("health").defer("token")
    return [_brief(account) for account in seen.order_by("mchid")]


@router.post("/merchants", response={201: ConnectedOut})
def connect(request: HttpRequest, body: MerchantIn) -> tuple[int, dict[str, Any]]:
    """Keep a number's keys once a real call proved them (409 ``not_proved`` else, ``keys_refused`` before any call).
    A number that is known gets the new keys; nothing of it is lost."""
    actor = actor_of(request, Permission.SETTINGS)
    given = body.dict(exclude={"anyway"})
    found = account_verbs.connect(actor, given, anyway=body.anyway, now=clock.now)
    if found.account is None:
        raise failed(found.failure) if found.failure else Problem(409, "not_proved", "The platform did not answer.")
    return 201, {"merchant": whole(found.account), "complaints": found.complaints}


@router.get("/merchants/{mchid}", response=MerchantOut)
def show_merchant(request: HttpRequest, mchid: Mchid) -> dict[str, Any]:
    """How it is treated, what its keys are called, and what is wrong."""
    actor_of(request, Permission.SETTINGS)
    return whole(account_of(mchid))


@router.patch("/merchants/{mchid}", response=MerchantOut)
def change_merchant(request: HttpRequest, mchid: Mchid, body: MerchantChangeIn) -> dict[str, Any]:
    """Complaints under way follow a new ``deadline_profile`` when they are read the next time. ``enabled`` false:
    nothing is polled and nobody is woken for it; what is stored stays."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    verbs.change(actor, account, body.model_dump(include=body.model_fields_set), now=clock.now())
    return whole(account)


@router.post("/merchants/{mchid}/ask", response=AskedOut)
def ask(request: HttpRequest, mchid: Mchid) -> account_verbs.Asked:
    """List today's complaints at the platform: the keys work, and it lets them. 409 ``not_proved`` when not."""
    actor = actor_of(request, Permission.SETTINGS)
    return account_verbs.ask(actor, account_of(mchid), now=clock.now)


@router.post("/merchants/{mchid}/callback", response=MerchantOut)
def set_callback(request: HttpRequest, mchid: Mchid, body: CallbackIn) -> dict[str, Any]:
    """Register this desk's address and read it back. Another system's is left alone: 409 ``foreign_callback``."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    if not account_verbs.set_callback(actor, account, body.public_url, replaces=body.replaces, now=clock.now):
        raise Problem(409, "not_as_set", "The platform took the address, but reads back another one. Set it once more.")
    return whole(account)


@router.post("/merchants/{mchid}/look", response=MerchantOut)
def look(request: HttpRequest, mchid: Mchid) -> dict[str, Any]:
    """What the watch does twice an hour, now: callback address, keys, certificates, clock. ``problems`` and ``error``
    say what it found."""
    actor, account = actor_of(request, Permission.SETTINGS), account_of(mchid)
    error = account_verbs.look(actor, account, now=clock.now)
    return whole(account) | {"error": error}


def account_of(mchid: str) -> Account:
    """Raises Account.DoesNotExist."""
    return Account.objects.get(mchid=mchid)


def whole(account: Account) -> dict[str, Any]:
    """Nothing sealed is opened."""
    row = Account.objects.select_related("health").defer("token").get(pk=account.pk)
    certificate = row.merchant_keys.filter(current=True).values("serial_no", "not_after").first()
    names = ("kind", "level", "headline", "advice", "since")
    health = getattr(row, "health", None)
    return _brief(row) | {
        "jumps_allowed": row.jumps_allowed,
        "repair_callback": row.repair_callback,
        "callback_shown": _shown(row.notify_url),
        "sub_merchants": row.sub_merchants.count(),
        "certificate": certificate and {"serial": certificate["serial_no"], "expires_at": certificate["not_after"]},
        "apiv3_keys": list(row.apiv3_keys.order_by("-created_at").values("created_at", "accepted_until")),
        "platform_keys": [
            {"serial": serial, "expires_at": ends}
            for serial, ends in row.platform_keys.order_by("pk").values_list("serial", "not_after")
        ],
        "problems": [{name: getattr(problem, name) for name in names} for problem in account_problems(account=row)],
        "error": health.error if health else "",
    }


def _shown(url: str) -> str:
    """An address without its secret part."""
    before, slash, secret = url.rpartition("/")
    return f"{before}{slash}****{secret[-4:]}" if url else ""


def _brief(account: Account) -> dict[str, Any]:
    """``account`` comes with its health."""
    same = ("mchid", "name", "role", "enabled", "reply_limit", "deadline_profile")
    health = getattr(account, "health", None)
    levels = {problem["level"] for problem in health.problems} if health else set()
    state = "unwatched" if health is None else "failed" if "failed" in levels else "warning" if levels else "good"
    return {name: getattr(account, name) for name in same} | {
        "state": state if account.enabled else "off",
        "callback_registered": bool(account.notify_url),
        "looked_at": health.checked_at if health else None,
    }
