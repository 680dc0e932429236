"""What pressing a card's button does. Each press is a row, so that a repeated callback is answered and does nothing."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.utils.translation import override, pgettext

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, may
from kesu.alerts import cards, links, services
from kesu.alerts.channels.wecom_app.envelopes import Click as Pressed
from kesu.alerts.channels.wecom_app.render import CLAIM
from kesu.alerts.models import Channel, Click
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.complaints.models import Complaint
from kesu.complaints.queries import visible_to

log = structlog.get_logger(__name__)


@transaction.atomic
def receive(channel: Channel, pressed: Pressed, *, now: datetime) -> str:
    """Do what the button says, once; the words that grey it for whoever pressed it ("" leaves it as it is).

    The case is named by the signed token in the button's key, the person by the account id that WeCom vouches for.
    """
    known = {"userid": pressed.userid[:64], "task_id": pressed.task_id[:128], "received_at": now}
    row, new = Click.objects.get_or_create(channel=channel, identity=pressed.identity, defaults=known)
    if not new:
        return row.label
    cards.pressed(pressed.task_id, pressed.update_code, now=now)
    row.outcome, row.label = _act(channel, pressed, now)
    row.save(update_fields=["outcome", "label"])
    log.info("card.pressed", channel=channel.pk, outcome=row.outcome)
    return row.label


def _act(channel: Channel, pressed: Pressed, now: datetime) -> tuple[str, str]:
    """Outcome and label of one press."""
    verb, _, token = pressed.key.partition(":")
    if verb != CLAIM:
        return "unknown_button", ""
    actor = _person(pressed.userid)
    complaint_pk = links.resolve(token, now=now)
    with override(channel.language):
        if actor is None:
            return "unknown_person", pgettext("card", "Unknown account")
        complaint = visible_to(actor).filter(pk=complaint_pk).first() if complaint_pk is not None else None
        if complaint is None:
            return "expired", pgettext("card", "Expired")
        if not may(actor, Permission.CLAIM):
            return "not_allowed", pgettext("card", "Not allowed")
    return _claim(actor, complaint, now), cards.label_of(complaint, channel.language)


def _person(userid: str) -> User | None:
    """Who has this account id, if exactly one person has; WeCom does not tell upper from lower case in it."""
    found = list(User.objects.filter(is_active=True, wecom_userid__iexact=userid)[:2]) if userid else []
    return found[0] if len(found) == 1 else None


def _claim(actor: User, complaint: Complaint, now: datetime) -> str:
    if not complaint.open:
        return "closed"
    held = complaint.claimed_by_id
    try:
        services.claim(actor, complaint, now=now)
    except services.ClaimedError as error:
        complaint.claimed_by = error.owner
        return "taken"
    if held != actor.pk:
        record(Actor(actor, Via.CARD), Action.CLAIMED, f"complaint:{complaint.complaint_id}", now=now)
    return "claimed"
