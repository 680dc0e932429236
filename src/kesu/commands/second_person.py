"""Four eyes: what one person may not do alone is written down, and told to those who may decide until one did.

``refunding.decide`` carries out what was granted.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.models import Role, User
from kesu.accounts.roles import PERMISSIONS, Permission, Person
from kesu.alerts.second_person import silence_waiting, tell_refund_decided, tell_refund_waiting
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import checks
from kesu.commands.errors import Conflict, Refused
from kesu.commands.models import Command, RefundRequest
from kesu.commands.verbs import Consent, audit_overridden, subject
from kesu.complaints.models import Complaint
from kesu.complaints.queries import visible_to
from kesu.merchants.models import Grant
from kesu.rules.second_person import remind
from kesu.sync.requests import wake_loop
from kesu.threads import waiting

MOST_TOLD = 30
"""Nobody needs to call a whole company for one refund."""
WAITING = Q(state=RefundRequest.State.WAITING)


def ask(
    actor: Actor,
    complaint: Complaint,
    wish: RefundRequest,
    kind: Command.Kind,
    payload: Mapping[str, Any],
    consent: Consent,
    *,
    now: datetime,
) -> RefundRequest:
    """Write down what somebody else has to decide on, or return what this person asked for already. ``wish``: a request
    that is not kept yet; ``kind`` and ``payload``: of the command that it becomes. Raises Conflict while another one
    waits for the same order, Refused for what could not be done either way."""
    rows = RefundRequest.objects.select_related("requested_by").filter(WAITING, order=wish.order)
    waiting = rows.first()
    if waiting is not None:
        if _is_same(waiting, actor, wish):
            return waiting
        raise Conflict(requests=[waiting])
    verdict = checks.judge(actor, complaint, kind, payload, consent.acknowledged, consent.override_reason, now=now)
    if not verdict.allowed:
        raise Refused(verdict.concerns, verdict.standing)
    wish.acknowledged, wish.requested_by, wish.requested_at = sorted(consent.acknowledged), actor.user, now
    wish.remind_at = remind(now, complaint.next_due_at, (), now=now).look_at
    wish.save(force_insert=True)
    told = {"request": wish.pk, "amount": wish.amount, "order": wish.order.transaction_id, "kind": kind.value}
    record(actor, Action.REFUND_REQUESTED, subject(complaint), told, now=now)
    audit_overridden(actor, complaint, verdict, {"request": wish.pk}, consent.override_reason[:300], now=now)
    tell_refund_waiting(complaint, _told(wish), _names(wish), now=now)
    wake_loop("outbox")
    return wish


def tell_of_decision(request: RefundRequest, *, now: datetime) -> None:
    """Let whoever asked hear of it, and nobody else be called for it any more."""
    silence_waiting(request.complaint_id, request.pk, now=now)
    asker = request.requested_by
    decided = {
        "granted": request.state == RefundRequest.State.GRANTED,
        "decided_by": str(request.decided_by or ""),
        "note": request.decision_note,
    }
    name = asker.username if asker is not None and asker.is_active else ""
    tell_refund_decided(request.complaint, _told(request) | decided, name, now=now)
    wake_loop("outbox")


def _due(now: datetime) -> QuerySet[RefundRequest]:
    due = Q(remind_at__lte=now) | Q(remind_at__isnull=True)  # an older version writes none
    return RefundRequest.objects.filter(WAITING, due)


_ANY_DUE = waiting(_due)


def remind_due(*, now: datetime, limit: int = 100) -> int:
    """Speak again of what still waits; how many requests were looked at. Several workers may call it at once."""
    return _remind(now, limit) if _ANY_DUE(now) else 0


@transaction.atomic
def _remind(now: datetime, limit: int) -> int:
    rows = _due(now).select_for_update(skip_locked=True, no_key=True, of=("self",))
    found = list(rows.select_related("complaint", "requested_by").order_by("remind_at", "pk")[:limit])
    for row in found:
        complaint = row.complaint
        said = remind(row.requested_at, complaint.next_due_at, tuple(row.reminders), now=now)
        if said.speaks:
            tell_refund_waiting(complaint, _told(row), _names(row), key=said.key, urgency=said.urgency, now=now)
        row.reminders, row.remind_at = list(said.done), said.look_at
        row.save(update_fields=["reminders", "remind_at"])
    return len(found)


def deciders(request: RefundRequest) -> QuerySet[User]:
    """Those who may decide on a request: by their role, in their merchants, and not whoever asked."""
    able = [role for role in Role if Permission.SECOND_PAIR_OF_EYES in PERMISSIONS[role]]
    complaint = request.complaint
    mine = Grant.objects.filter(
        user=OuterRef("pk"), account=complaint.account_id, sub_mchid__in=["", complaint.complainted_mchid]
    )
    everywhere = Q(all_merchants=True) | Q(role__in=roles.SEE_ALL_MERCHANTS)
    found = User.objects.filter(everywhere | Q(Exists(mine)), is_active=True, role__in=able)
    return found.exclude(pk=request.requested_by_id).order_by("pk") if request.requested_by_id else found


def to_decide(user: Person) -> QuerySet[RefundRequest]:
    """What waits for this person's decision; nothing for whoever may not decide. By a partial index."""
    if not roles.may(user, Permission.SECOND_PAIR_OF_EYES):
        return RefundRequest.objects.none()
    seen = visible_to(user).values("pk") if not roles.sees_all_merchants(user) else None
    found = RefundRequest.objects.filter(WAITING).exclude(requested_by=user.pk)
    return found if seen is None else found.filter(complaint__in=seen)


def _names(request: RefundRequest) -> list[str]:
    """Whom to tell: those whose own limit covers it, for only they can grant it; where there are none, all who can
    decline."""
    found = list(deciders(request)[:MOST_TOLD])
    covering = [user for user in found if roles.covers_refund(user, request.amount)]
    return [user.username for user in covering or found]


def _is_same(waiting: RefundRequest, actor: Actor, wish: RefundRequest) -> bool:
    """Whether this person asks for the same once more."""
    return waiting.requested_by_id == actor.user.pk and _asked(waiting) == _asked(wish)


def _asked(request: RefundRequest) -> tuple[Any, ...]:
    return request.amount, request.reason, request.approval, request.resends_id, request.resend_to, request.card


def _told(request: RefundRequest) -> dict[str, Any]:
    return {
        "number": request.pk,
        "amount": request.amount,
        "by": str(request.requested_by or ""),
        "resend": request.resends_id is not None,
    }
