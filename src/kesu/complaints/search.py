"""Finding complaints by what a person types into one box: a number, an order, a phone's last digits, words.

Chinese has no spaces, and a search engine's dictionary misses names. So the payer's words are kept as the set of all
pairs of neighbouring characters (``PayerText.pairs``, a GIN index): whoever has all pairs of what was typed is a
candidate, and comparing the text itself decides. Two characters are enough, in any language.

``index`` follows the mirror; ``fill`` reads what an older version left, a batch at a time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet

from kesu.complaints.models import Complaint, PayerText, PayerTextBacklog, TimelineEntry

LONGEST_QUERY = 64
LONGEST_TEXT = 8000
MOST_TERMS = 8
MOST_NUMBERED = 1000
"""How many complaints one number can find, the newest first: four digits of a phone fit a hundred in a million."""
BATCH = 500
BACKLOG = 1
BACKLOG_LOCK = 0x6B737374  # "ksst"

_NUMBER = re.compile(r"(?=.*\d)[0-9A-Za-z_\-|*@]{4,64}")
_SHORTEST_PREFIX = 8
_BY_PAYER = "USER_"
_SPACES = re.compile(r"\s+")


def typed(text: str) -> str:
    """What was typed, without what no text holds: control characters, odd widths, more than anybody types."""
    plain = unicodedata.normalize("NFKC", text[: 4 * LONGEST_QUERY])
    kept = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in plain)
    return _SPACES.sub(" ", kept).strip()[:LONGEST_QUERY]


def normalise(text: str) -> str:
    """As texts are compared: width, case and spaces do not matter."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).lower().replace("\0", "")[:LONGEST_TEXT]


def pairs(text: str) -> list[int]:
    """Every two neighbouring characters as one signed 32-bit number, each once. Rare characters may share one: the
    text decides in the end."""
    points = [ord(character) & 0xFFFF for character in text]
    numbers = {(first << 16) | second for first, second in pairwise(points)}
    return sorted(number - (1 << 32) if number >= 1 << 31 else number for number in numbers)


def terms(text: str) -> list[str]:
    """The words that all have to be there."""
    return list(dict.fromkeys(filter(None, map(normalise, typed(text).split(" ")))))[:MOST_TERMS]


def too_short(text: str) -> bool:
    """Whether there is no word of two characters to look for."""
    return all(len(term) < 2 for term in terms(text))


def narrow(complaints: QuerySet[Complaint], text: str) -> QuerySet[Complaint]:
    """Those of ``complaints`` (what somebody may see) that ``text`` finds. Nothing for less than two characters.

    A number is looked up wherever numbers are: complaint (its first digits will do), WeChat Pay's and the merchant's
    order, 支付分 order, phone tail, and the payer's words.
    """
    if too_short(text):
        return complaints.none()
    plain = typed(text)
    if _NUMBER.fullmatch(plain):
        return complaints.filter(pk__in=_numbered(complaints, plain))
    return _saying(complaints, text)


def said_in(complaint: Complaint) -> tuple[str, str]:
    """The payer's words on the complaint itself."""
    return complaint.detail, complaint.problem_description


def adds_words(entries: Iterable[TimelineEntry]) -> bool:
    return any(entry.details and entry.operate_type.startswith(_BY_PAYER) for entry in entries)


def index(complaint: Complaint) -> None:
    """Read the payer's words of one complaint anew; the mirror calls this when they changed."""
    _write([complaint], keep=False)


def forget(complaints: Sequence[int]) -> None:
    """Nothing of these complaints (primary keys) can be found by words any more."""
    PayerText.objects.filter(complaint__in=complaints).delete()


@transaction.atomic
def fill() -> int:
    """Read one batch of the complaints that an older version mirrored, the newest first; how many. One process at a
    time does it; 0 when none are left."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [BACKLOG_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    mark = PayerTextBacklog.objects.filter(pk=BACKLOG).first()
    if mark is None:
        newest: int | None = Complaint.objects.aggregate(newest=Max("pk"))["newest"]
        mark = PayerTextBacklog(pk=BACKLOG, below=(newest or 0) + 1)
    elif not mark.below:
        return 0
    waiting = Complaint.objects.filter(pk__lt=mark.below).only("detail", "problem_description")
    batch = list(waiting.order_by("-pk")[:BATCH])
    _write(batch, keep=True)
    mark.below = batch[-1].pk if batch else 0
    mark.save()
    return len(batch)


def _numbered(complaints: QuerySet[Complaint], number: str) -> list[int]:
    lookups = [
        complaints.filter(Q(orders__transaction_id=number) | Q(orders__out_trade_no=number)),
        complaints.filter(Q(service_orders__order_id=number) | Q(service_orders__out_order_no=number)),
        _saying(complaints, number),
    ]
    if len(number) >= _SHORTEST_PREFIX:
        lookups.append(complaints.filter(complaint_id__startswith=number))
    if len(number) == 4 and number.isdigit():
        lookups.append(complaints.filter(payer_phone_tail=number).order_by("-complaint_time"))
    first, *others = (lookup.values_list("pk", flat=True)[:MOST_NUMBERED] for lookup in lookups)
    return list(first.union(*others))


def _saying(complaints: QuerySet[Complaint], text: str) -> QuerySet[Complaint]:
    for term in terms(text):
        if len(term) > 1:
            complaints = complaints.filter(payer_text__pairs__contains=pairs(term))
        complaints = complaints.filter(payer_text__text__contains=term)
    return complaints


def _write(complaints: Sequence[Complaint], *, keep: bool) -> None:
    """``keep``: what stands already is newer than what was read here."""
    said = _said([complaint.pk for complaint in complaints])
    rows = []
    for complaint in complaints:
        lines = [*said_in(complaint), *said.get(complaint.pk, [])]
        text = normalise("\n".join(dict.fromkeys(lines)))
        rows.append(PayerText(complaint=complaint, text=text, pairs=pairs(text)))
    if keep:
        PayerText.objects.bulk_create(rows, ignore_conflicts=True)
    else:
        PayerText.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["complaint"], update_fields=["text", "pairs"]
        )


def _said(complaints: Iterable[int]) -> dict[int, list[str]]:
    """What the payers wrote in the histories, in its order."""
    entries = TimelineEntry.objects.filter(complaint__in=complaints, operate_type__startswith=_BY_PAYER)
    found: dict[int, list[str]] = {}
    for pk, details in (
        entries.exclude(details="").order_by("operate_time", "log_id").values_list("complaint_id", "details")
    ):
        found.setdefault(pk, []).append(details)
    return found
