"""Many cases at once: give them to somebody, write one text to all their payers. Pages and the REST API call these.

Every case goes through the same verb as alone, and is answered alone: done, refused with the reason, or changed
meanwhile. Nothing here is all or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, require
from kesu.alerts.services import ClaimedError
from kesu.commands import verbs, wording
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.models import Command
from kesu.commands.verbs import NO_CONSENT, Consent
from kesu.complaints.models import Complaint
from kesu.rules.guards import Level

MOST = 50
DONE, REFUSED, CHANGED = "done", "refused", "changed"

Consents = Mapping[int, Consent]
"""By the complaint's primary key; a case that is not there has none."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case. ``accept``: the warnings that only have to be accepted, by code; empty where that is
    not enough, or not needed."""

    complaint: Complaint
    outcome: str
    sentences: tuple[str, ...] = ()
    accept: tuple[str, ...] = ()
    command: Command | None = None


def assign(
    actor: Actor, chosen: Sequence[Complaint], assignee: User, *, consents: Consents, now: datetime
) -> list[Outcome]:
    """Give each to ``assignee``. Raises Forbidden."""
    require(actor.user, Permission.ASSIGN)

    def give(complaint: Complaint) -> Outcome:
        verbs.assign(actor, complaint, assignee, consent=consents.get(complaint.pk, NO_CONSENT), now=now)
        return Outcome(complaint, DONE, (_("Given to %(name)s.") % {"name": assignee},))

    return [_attempt(give, complaint) for complaint in chosen]


def reply(actor: Actor, chosen: Sequence[Complaint], text: str, *, consents: Consents, now: datetime) -> list[Outcome]:
    """Write ``text`` to each payer. Raises Forbidden."""
    require(actor.user, Permission.REPLY)

    def send(complaint: Complaint) -> Outcome:
        command = verbs.reply(actor, complaint, text, consent=consents.get(complaint.pk, NO_CONSENT), now=now)
        return Outcome(complaint, DONE, (wording.outcome(command),), command=command)

    return [_attempt(send, complaint) for complaint in chosen]


def _attempt(act: Callable[[Complaint], Outcome], complaint: Complaint) -> Outcome:
    try:
        return act(complaint)
    except InvalidCommand as wrong:
        return Outcome(complaint, REFUSED, (wording.invalid(wrong),))
    except Refused as refused:
        standing = refused.standing
        acceptable = all(concern.level == Level.CONFIRM for concern in standing)
        codes = tuple(sorted({concern.code for concern in standing})) if acceptable else ()
        return Outcome(complaint, REFUSED, tuple(dict.fromkeys(concern.message for concern in standing)), codes)
    except Conflict as conflict:
        return Outcome(complaint, CHANGED, tuple(wording.difference(conflict).split("\n")))
    except ClaimedError as claimed:
        said = _("%(name)s was faster and handles this case.") % {"name": claimed.owner}
        return Outcome(complaint, CHANGED, (said,))
    except Complaint.DoesNotExist:
        return Outcome(complaint, CHANGED, (_("The case is no longer yours to see."),))
