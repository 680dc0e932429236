"""How far the first run has come: from nothing to a real complaint seen and a real push received."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from kesu.accounts.models import Invitation, User
from kesu.alerts.channel_state import seen_at
from kesu.alerts.models import Channel, Message
from kesu.complaints.models import Complaint
from kesu.merchants.models import Account

DISMISSED_COOKIE = "kesu_welcome"


@dataclass(frozen=True)
class FirstRun:
    """What is there. ``accepted`` is a push that the other side took, ``seen`` one that somebody saw."""

    account: Account | None
    channel: Channel | None
    accepted: bool
    seen: bool
    complaint: Complaint | None
    colleagues: bool

    @property
    def proved(self) -> bool:
        """A real complaint here, a real push taken: what the checklist is for. Seeing the push and inviting people
        are up to whoever reads it."""
        return bool(self.account and self.channel and self.accepted and self.complaint)

    @property
    def done(self) -> int:
        return sum(map(bool, (self.account, self.channel, self.seen, self.complaint, self.colleagues)))


def first_run() -> FirstRun:
    channels = list(Channel.objects.filter(enabled=True).order_by("pk").defer("settings")[:50])
    return FirstRun(
        account=Account.objects.order_by("pk").defer("token").first(),
        channel=channels[0] if channels else None,
        accepted=Message.objects.filter(state=Message.State.SENT).exists(),
        seen=bool(seen_at([channel.name for channel in channels])),
        complaint=Complaint.objects.order_by("pk").only("pk").first(),
        colleagues=User.objects.filter(is_active=True).count() > 1 or Invitation.objects.filter(used_at=None).exists(),
    )


def dismissed(request: HttpRequest) -> bool:
    return request.COOKIES.get(DISMISSED_COOKIE) == "done"
