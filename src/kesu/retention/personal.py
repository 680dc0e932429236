"""What of a complaint is the payer's own, and taking it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef

from kesu.commands.journal import UNSETTLED
from kesu.commands.models import Command, Note, RefundRequest
from kesu.complaints import search
from kesu.complaints.media import MAX_ATTEMPTS_EVER
from kesu.complaints.models import Complaint, Media, MediaBlob, TimelineEntry
from kesu.webhooks import endpoints as webhooks

NOTHING = "{}"
GONE = "kept no longer"


@dataclass(frozen=True)
class Erased:
    """How much was taken away."""

    complaints: int = 0
    texts: int = 0
    pictures: int = 0


@transaction.atomic
def erase(complaints: Sequence[int], *, texts: bool) -> Erased:
    """Take phone, openid, their fingerprints and the raw answers from complaints (primary keys).

    ``texts``: the payer's words, the history's and the pictures too. What the merchant needs for its books and rates
    stays: number, times, state, amount, orders, kinds and times of the history.
    """
    nobody = {"payer_phone": None, "payer_phone_tail": "", "payer_phone_fingerprint": ""}
    nobody |= {"payer_openid": None, "payer_openid_fingerprint": "", "raw": NOTHING}
    silent = {"detail": "", "problem_description": ""} if texts else {}
    found = Complaint.objects.filter(pk__in=complaints).update(**nobody, **silent)
    entries = TimelineEntry.objects.filter(complaint__in=complaints)
    told = entries.exclude(details="").count() if texts else 0
    entries.update(raw=NOTHING, **({"details": ""} if texts else {}))
    if texts:
        search.forget(complaints)
        _erase_our_words(complaints)
        webhooks.forget(complaints)
    return Erased(found, told, _erase_pictures(complaints) if texts else 0)


def drop_blobs(digests: Sequence[str]) -> int:
    """Remove stored pictures; their places stay and say that they were removed. They are not fetched again."""
    Media.objects.filter(blob__in=digests).update(**_gone())
    return MediaBlob.objects.filter(pk__in=digests).delete()[0]


def _erase_our_words(complaints: Sequence[int]) -> None:
    """Replies and notes repeat what the payer said. That something was sent, by whom and when, stays."""
    Command.objects.filter(complaint__in=complaints).exclude(state__in=UNSETTLED).update(payload=NOTHING)
    Note.objects.filter(complaint__in=complaints).update(text="")
    RefundRequest.objects.filter(complaint__in=complaints, card__isnull=False).update(card=None)


def _erase_pictures(complaints: Sequence[int]) -> int:
    """A picture that another payer's case shows as well stays there."""
    mine = Media.objects.filter(complaint__in=complaints)
    digests = list(mine.exclude(blob=None).values_list("blob_id", flat=True).distinct())
    removed = mine.exclude(blob=None).count()
    mine.update(**_gone())
    elsewhere = Exists(Media.objects.filter(blob=OuterRef("pk")))
    MediaBlob.objects.filter(pk__in=digests).filter(~elsewhere).delete()
    return removed


def _gone() -> dict[str, object]:
    return {"state": Media.State.LOST, "blob": None, "url": "", "attempts": MAX_ATTEMPTS_EVER, "error": GONE}
