"""A message that failed is sent once more, because a person says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, require
from kesu.alerts import digests, queries, recipients
from kesu.alerts.models import Channel, Message
from kesu.alerts.relevance import overtaken_by
from kesu.audit.actions import Action
from kesu.audit.services import record

log = structlog.get_logger(__name__)

MAY_HAVE_ARRIVED = "may_have_arrived"
NOT_FAILED = "not_failed"


class ResendError(Exception):
    """It is not sent. ``reason`` is a word for programs; as text it says in the active language what to do."""

    def __init__(self, reason: str, **values: str) -> None:
        super().__init__(reason)
        self.reason, self.values = reason, values

    @property
    def needs_yes(self) -> bool:
        """Whether a yes is all that is missing."""
        return self.reason == MAY_HAVE_ARRIVED

    def __str__(self) -> str:
        known: dict[str, Callable[[], str]] = {
            NOT_FAILED: lambda: _(
                "This push is not failed, or not any more: perhaps somebody sent it again just now. "
                "The delivery log tells how it is."
            ),
            "test_push": lambda: _("A test is not sent again. Send a new one on the channel's page."),
            "channel_off": lambda: (
                _("The channel %(channel)s is off. Switch it on in the settings first.") % self.values
            ),
            "overtaken": lambda: (
                _("%(why)s So it is not sent; there is nothing to do.") % {"why": _overtaken(self.values["by"])}
            ),
            MAY_HAVE_ARRIVED: lambda: _(
                "Nobody answered when this push was sent, so it may have been seen already. Look where it should be; "
                "if you cannot find it, send it again. It will say that it may be a repetition."
            ),
        }
        return known[self.reason]()


@transaction.atomic
def resend(actor: Actor, message_pk: int, *, now: datetime, yes: bool = False) -> Message:
    """Owe a failed message once more, with as many tries as a new one; the log of its earlier tries stays.

    What the loop would drop as overtaken is refused. A digest takes along what failed with it. ``yes``: send it though
    it may have arrived. Raises ResendError, Message.DoesNotExist for what this person does not see, Forbidden.
    """
    require(actor.user, Permission.RESEND)
    message = _locked(actor.user, message_pk)
    doubtful = _may_have_arrived(message)
    _check(message)
    if doubtful and not yes:
        raise ResendError(MAY_HAVE_ARRIVED)
    details: dict[str, Any] = {"push": message.pk, "channel": message.channel.name, "kind": message.kind}
    if message.kind == digests.KIND:
        details["covers"] = digests.take_back(message, now=now)
        if not details["covers"]:
            raise ResendError("overtaken", by=digests.KIND)
    _owe_again(message, doubtful, now)
    subject = f"complaint:{message.complaint.complaint_id}" if message.complaint else f"push:{message.pk}"
    record(actor, Action.PUSH_RESENT, subject, details | {"may_have_arrived": doubtful}, now=now)
    log.info("message.resent", message=message.pk, channel=message.channel_id, actor=actor.user.pk)
    return message


def _locked(user: User, message_pk: int) -> Message:
    """Its row, held; then its channel's, so that nobody switches it off meanwhile and leaves the message behind."""
    rows = queries.visible_to(user).select_for_update(no_key=True, of=("self",))
    rows = rows.select_related("channel", "complaint", "digest").defer(
        "channel__settings", "complaint__raw", "complaint__payer_phone", "complaint__payer_openid"
    )
    message = rows.get(pk=message_pk)
    channels = Channel.objects.select_for_update(no_key=True).defer("settings")
    message.channel = channels.get(pk=message.channel_id)
    return message


def _check(message: Message) -> None:
    """Raises ResendError for what is not sent, whatever is said."""
    if message.kind == recipients.TEST:
        raise ResendError("test_push")
    if message.state != Message.State.FAILED:
        raise ResendError(NOT_FAILED)
    if not message.channel.enabled:
        raise ResendError("channel_off", channel=message.channel.name)
    if reason := overtaken_by(message):
        raise ResendError("overtaken", by=reason)


def _may_have_arrived(message: Message) -> bool:
    """By itself, or in the digest that it failed with."""
    return message.doubtful or (message.digest is not None and message.digest.doubtful)


def _owe_again(message: Message, doubtful: bool, now: datetime) -> None:
    """``attempts`` counts on: by that number a worker knows its own try."""
    message.state, message.error, message.due_at = Message.State.PENDING, "", now
    message.failures, message.shortened, message.doubtful = 0, False, doubtful
    message.resent_after = message.log.aggregate(last=Max("pk"))["last"] or 0
    message.digest = None
    fields = ["state", "error", "due_at", "failures", "shortened", "doubtful", "resent_after", "digest"]
    message.save(update_fields=fields)


def _overtaken(reason: str) -> str:
    """``relevance.overtaken_by`` as a sentence."""
    known: dict[str, Callable[[], str]] = {
        "closed": lambda: _("The complaint is finished by now."),
        "answered": lambda: _("The complaint has been answered by now."),
        "claimed": lambda: _("Somebody has taken the case by now."),
        "released": lambda: _("Nobody handles the case any more."),
        "a later round runs": lambda: _("The payer has complained again since; that was told by itself."),
        "complained again": lambda: _("The payer has complained again since; that was told by itself."),
        "a newer reminder": lambda: _("A newer reminder of the same has gone this way."),
        digests.KIND: lambda: _("All cases in this digest were dealt with by now, or told by themselves."),
    }
    return known[reason]()
