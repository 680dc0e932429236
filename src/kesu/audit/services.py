"""Writing an entry, and proving that none was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import User
from kesu.audit.actions import Action
from kesu.audit.chain import hash_of, plain, seal_of
from kesu.audit.models import AuditEntry, AuditHead

HEAD = 1
LOCK = 0x6B657375_61756469
"""Writers of entries take turns, held to the end of the transaction: the chain has one end."""
STRIDE = 2000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Verdict:
    """``sequence`` is the first entry that is not as it was written, None when all are. ``problem`` is missing,
    changed, unchained, not_as_noted, cut_off, beyond_the_end, head_missing, head_changed or nothing_left."""

    checked: int
    head: str = ""
    sequence: int | None = None
    problem: str = ""

    @property
    def intact(self) -> bool:
        return not self.problem


@transaction.atomic
def record(
    actor: Actor | None,
    action: Action,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
    *,
    now: datetime,
) -> AuditEntry:
    """Write down what is being done, in the caller's transaction: both happen or neither.

    Call it last in that transaction, for it holds up everybody else's entries until the commit. None is the desk
    itself. ``details`` hold no secret, phone number or word of a payer; a text that was sent goes in as its hash.
    """
    return write(
        user_id=actor.user.pk if actor else None,
        username=actor.user.username if actor else "",
        via=actor.via if actor else Via.SYSTEM,
        address=actor.address if actor else "",
        action=action,
        subject=subject,
        details={**(details or {}), **(_by(actor) if actor else {})},
        now=now,
    )


def _by(actor: Actor) -> dict[str, str]:
    return {name: value for name, value in (("token", actor.token), ("operator", actor.operator)) if value}


@transaction.atomic
def write(
    *,
    user_id: int | None,
    username: str,
    via: str,
    address: str,
    action: Action,
    subject: str,
    details: Mapping[str, Any],
    now: datetime,
) -> AuditEntry:
    """``record`` for whoever is no User: a command line's account, a name that failed to sign in."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [LOCK])
    head = AuditHead.objects.filter(pk=HEAD).first() or AuditHead(pk=HEAD, sequence=0, hash="")
    entry = AuditEntry(
        sequence=head.sequence + 1,
        at=now,
        user_id=user_id,
        username=plain(username)[:150],
        via=str(via),
        address=plain(address)[:64],
        action=str(action),
        subject=plain(subject)[:200],
        details=plain(details),
        previous_hash=head.hash,
    )
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    head.sequence, head.hash = entry.sequence, entry.hash
    head.seal = seal_of(head)
    head.save()
    return entry


def verify(*, noted: str = "", progress: Progress | None = None) -> Verdict:
    """Walk the whole chain. ``progress`` is told entries: done, all.

    ``noted`` is the ``head`` of an earlier verdict that was kept elsewhere: nothing inside of a database can tell
    that all of it was put back to how it once was. Raises ValueError for a text that is no head.
    """
    number, _, wanted = noted.partition(":")
    expected = {int(number): wanted} if noted else {}
    with transaction.atomic():
        # In this order: the head never lags behind an entry that can be seen.
        greatest = AuditEntry.objects.aggregate(greatest=Max("sequence"))["greatest"] or 0
        head = AuditHead.objects.filter(pk=HEAD).first()
        checked, last, broken = _walk(head.sequence if head else greatest, expected, progress)
    return broken or _end(head, greatest, checked, last, expected)


def _walk(total: int, expected: Mapping[int, str], progress: Progress | None) -> tuple[int, str, Verdict | None]:
    """How many entries are as they were written, the hash of the last, and what is wrong with the next."""
    checked, previous = 0, ""
    entries = AuditEntry.objects.filter(sequence__lte=total).order_by("sequence")
    for entry in entries.iterator(chunk_size=STRIDE):
        problem = _problem(entry, checked + 1, previous, expected)
        if problem:
            return checked, previous, Verdict(checked, sequence=checked + 1, problem=problem)
        checked, previous = entry.sequence, entry.hash
        if progress and checked % STRIDE == 0:
            progress(checked, total)
    if progress:
        progress(checked, total)
    return checked, previous, None


def _problem(entry: AuditEntry, sequence: int, previous: str, expected: Mapping[int, str]) -> str:
    if entry.sequence != sequence:
        return "missing"
    if entry.hash != hash_of(entry):
        return "changed"
    if entry.previous_hash != previous:
        return "unchained"
    return "not_as_noted" if expected.get(sequence, entry.hash) != entry.hash else ""


def _end(head: AuditHead | None, greatest: int, checked: int, last: str, expected: Mapping[int, str]) -> Verdict:
    if head is None:
        if checked:
            return Verdict(checked, sequence=checked, problem="head_missing")
        if User.objects.filter(last_login__isnull=False).exists():  # which was an entry
            return Verdict(0, sequence=1, problem="nothing_left")
    elif head.seal != seal_of(head):
        return Verdict(checked, sequence=head.sequence, problem="head_changed")
    elif head.sequence != checked:
        return Verdict(checked, sequence=checked + 1, problem="cut_off")
    elif head.hash != last:
        return Verdict(checked, sequence=checked, problem="changed")
    elif head.sequence < greatest:
        return Verdict(checked, sequence=checked + 1, problem="beyond_the_end")
    if checked < max(expected, default=0):
        return Verdict(checked, sequence=checked + 1, problem="cut_off")
    return Verdict(checked, head=f"{checked}:{last}" if checked else "")
