"""Forgetting a payer on request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Q

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.complaints.models import Complaint
from kesu.complaints.services import OPENID, PHONE
from kesu.retention.models import Erasure, Forgotten
from kesu.retention.personal import Erased, erase
from kesu.vault import keyring

log = structlog.get_logger(__name__)

CHINA = "86"
MOBILE_DIGITS = 11


@dataclass(frozen=True)
class Forgetting:
    """What a request came to. The lists hold the platform's complaint numbers."""

    erased: list[str] = field(default_factory=list)
    postponed: list[str] = field(default_factory=list)
    amount: Erased = field(default_factory=Erased)

    @property
    def found(self) -> int:
        return len(self.erased) + len(self.postponed)


def of_phone(phone: str) -> Q:
    """Complaints that left this number, however it is written."""
    return Q(payer_phone_fingerprint__in=[keyring().fingerprint(form, PHONE) for form in _forms(phone)])


def of_openid(openid: str) -> Q:
    return Q(payer_openid_fingerprint=keyring().fingerprint(openid.strip(), OPENID))


def of_payer_of(complaint_id: str) -> Q:
    """The complaint with this number and every other of the same payer."""
    same = Q(complaint_id=complaint_id)
    known = Complaint.objects.filter(complaint_id=complaint_id)
    for phone, openid in known.values_list("payer_phone_fingerprint", "payer_openid_fingerprint"):
        same |= Q(payer_phone_fingerprint=phone) if phone else Q()
        same |= Q(payer_openid_fingerprint=openid) if openid else Q()
    return same


SEARCHES: Mapping[str, Callable[[str], Q]] = {"complaint": of_payer_of, "phone": of_phone, "openid": of_openid}


def find(same_payer: Q) -> Forgetting:
    """What would be erased and what would have to wait, without touching anything."""
    return _sorted(Complaint.objects.filter(same_payer).values_list("pk", "complaint_id", "open"))[0]


@transaction.atomic
def forget(actor: str, subject: str, same_payer: Q, *, now: datetime) -> Forgetting:
    """Erase a payer's phone, openid, words and pictures from closed cases, postpone open ones, and record it.

    An open case needs its words: somebody is answering it, and the platform would tell them again at the next reading.
    It is erased when it is closed, by the sweep. So is a case that the platform opens again.
    """
    rows = list(Complaint.objects.filter(same_payer).select_for_update().values_list("pk", "complaint_id", "open"))
    planned, closed = _sorted(rows)
    amount = erase(closed, texts=True)
    for pk, _complaint_id, is_open in rows:
        values = {"texts": True, "asked_at": now, "erased_at": None if is_open else now}
        Forgotten.objects.update_or_create(complaint_id=pk, defaults=values)
    Erasure.objects.create(
        at=now,
        actor=actor[:80],
        subject=subject,
        found=planned.found,
        erased=len(planned.erased),
        postponed=len(planned.postponed),
        texts=amount.texts,
        pictures=amount.pictures,
    )
    log.info(
        "payer_forgotten", actor=actor, subject=subject, erased=amount.complaints, postponed=len(planned.postponed)
    )
    return Forgetting(planned.erased, planned.postponed, amount)


@transaction.atomic
def forget_payer(actor: Actor, searched: str, value: str, *, by: str = "", now: datetime) -> Forgetting:
    """``forget``, asked for by a person of the desk and written into the audit. ``searched`` is a key of ``SEARCHES``,
    ``by`` who gave the order. Raises Forbidden. The value is kept nowhere."""
    require(actor.user, Permission.SETTINGS)
    done = forget(by or actor.user.username, searched, SEARCHES[searched](value), now=now)
    details = {"by": by, "searched": searched, "erased": len(done.erased), "postponed": len(done.postponed)}
    record(actor, Action.ERASED, "payer", details, now=now)
    return done


def _sorted(rows: Iterable[tuple[int, str, bool]]) -> tuple[Forgetting, list[int]]:
    plan, closed = Forgetting(), []
    for pk, complaint_id, is_open in rows:
        (plan.postponed if is_open else plan.erased).append(complaint_id)
        if not is_open:
            closed.append(pk)
    return plan, closed


def _forms(phone: str) -> set[str]:
    """A number as given, and as the platform may have written it."""
    digits = re.sub(r"\D", "", phone)
    bare = digits[len(CHINA) :] if digits.startswith(CHINA) and len(digits) > MOBILE_DIGITS else digits
    return {phone.strip(), digits, bare, CHINA + bare, f"+{CHINA}{bare}", f"+{CHINA} {bare}"}
