"""The negotiation history as a conversation: payer left, merchant right, platform and system between them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.translation import ngettext

from kesu.complaints.models import Complaint, Media, Round, TimelineEntry
from kesu.desk import words
from kesu.rules.operations import PAYER_MESSAGES, Actor, actor_of, is_known_operation

SIDES = {Actor.PAYER: "left", Actor.MERCHANT: "right"}
BY_THEMSELVES = frozenset({Actor.SYSTEM})
"""System entries are whole sentences; the others are told as "who did what"."""

CREATED = "USER_CREATE_COMPLAINT"


@dataclass(frozen=True)
class Moment:
    """One entry. ``side`` is left, right or middle; ``unknown_word`` is an ``operate_type`` never published.

    ``choices``: buttons, links and questions that a message offers; ``by``: who wrote it at this desk;
    ``is_message``: words of the payer that may be an agreement, ``agreed`` when somebody marked them so.
    """

    at: datetime
    side: str
    actor: str
    act: str
    text: str
    operator: str = ""
    notes: tuple[str, ...] = ()
    pictures: list[Media] = field(default_factory=list)
    unknown_word: str = ""
    choices: tuple[str, ...] = ()
    log_id: str = ""
    by: str = ""
    is_message: bool = False
    agreed: bool = False


@dataclass(frozen=True)
class Passage:
    """The entries of one round. ``number`` is 1 for the first complaint. ``complaint`` is named where several are
    shown as one."""

    number: int
    started_at: datetime
    moments: list[Moment]
    complaint: Complaint | None = None


def passages(
    complaint: Complaint, *, authors: Mapping[str, str] | None = None, agreed: Collection[str] = ()
) -> list[Passage]:
    """The whole history, oldest first, cut where a new round began. Reads prefetched relations only. ``authors``:
    which member of staff wrote an entry, by its ``log_id``; ``agreed``: entries marked as agreement."""
    moments = [
        replace(moment, by=(authors or {}).get(moment.log_id, ""), agreed=moment.log_id in agreed)
        for moment in _moments(complaint)
    ]
    rounds = sorted(complaint.rounds.all(), key=lambda item: item.number)
    return [
        Passage(number, started_at, [moment for moment in moments if _is_within(moment, number, started_at, until)])
        for number, started_at, until in _spans(complaint, rounds)
    ]


def together(complaints: Iterable[Complaint], **known: Any) -> list[Passage]:
    """The histories of one payer's complaints as one conversation: in the order of time, and a passage ends where the
    next entry belongs to another complaint or round."""
    every = [
        (moment.at, complaint.pk, index, complaint, passage, moment)
        for complaint in complaints
        for passage in passages(complaint, **known)
        for index, moment in enumerate(passage.moments)
    ]
    told: list[Passage] = []
    for _at, _pk, _index, complaint, passage, moment in sorted(every, key=lambda row: row[:3]):
        last = told[-1] if told else None
        if last is None or last.complaint is not complaint or last.number != passage.number:
            last = Passage(passage.number, moment.at, [], complaint)
            told.append(last)
        last.moments.append(moment)
    return told


def _spans(complaint: Complaint, rounds: Iterable[Round]) -> Iterator[tuple[int, datetime, datetime | None]]:
    starts = [(item.number, item.started_at) for item in rounds] or [(1, complaint.complaint_time)]
    # Two rounds with one start: the platform told of a continuation that its history does not show.
    starts = [start for index, start in enumerate(starts) if index == 0 or start[1] > starts[index - 1][1]]
    for index, (number, started_at) in enumerate(starts):
        yield number, started_at, starts[index + 1][1] if index + 1 < len(starts) else None


def _is_within(moment: Moment, number: int, started_at: datetime, until: datetime | None) -> bool:
    return (number == 1 or moment.at >= started_at) and (until is None or moment.at < until)


def _moments(complaint: Complaint) -> Iterator[Moment]:
    pictures: dict[str, list[Media]] = defaultdict(list)
    for media in complaint.media.all():
        pictures[media.log_id].append(media)
    entries = list(complaint.timeline.all())
    opening = next((entry for entry in entries if entry.operate_type == CREATED), None)
    if opening is None:
        yield _opening(complaint, pictures[""])
    for entry in entries:
        shown = pictures[entry.log_id]
        if entry is opening:
            shown = _without_copies(pictures[""], shown)
        yield _moment(entry, shown)


def _opening(complaint: Complaint, pictures: list[Media]) -> Moment:
    """The complaint itself, where the history does not hold it."""
    return Moment(
        at=complaint.complaint_time,
        side="left",
        actor=words.say(words.ACTORS, Actor.PAYER.value),
        act=words.say(words.OPERATIONS, CREATED),
        text=complaint.detail,
        pictures=pictures,
    )


def _moment(entry: TimelineEntry, pictures: list[Media]) -> Moment:
    actor = actor_of(entry.operate_type)
    known = is_known_operation(entry.operate_type)
    return Moment(
        at=entry.operate_time,
        side=SIDES.get(actor, "middle"),
        actor="" if actor in BY_THEMSELVES else words.say(words.ACTORS, actor.value),
        act=words.say(words.OPERATIONS, entry.operate_type) if known else "",
        text=entry.details,
        operator=entry.operator,
        notes=tuple(note for note in _notes(entry, pictures) if note and note != entry.details),
        pictures=pictures,
        unknown_word="" if known else entry.operate_type,
        choices=tuple(_choices(entry)),
        log_id=entry.log_id,
        is_message=entry.operate_type in PAYER_MESSAGES,
    )


def _without_copies(own: list[Media], shown: list[Media]) -> list[Media]:
    """The complaint's own pictures and those of its first entry; the same bytes are shown once."""
    seen: set[str] = set()
    kept = []
    for media in (*shown, *own):
        if media.blob_id and media.blob_id in seen:
            continue
        seen.add(media.blob_id or "")
        kept.append(media)
    return kept


def _notes(entry: TimelineEntry, pictures: list[Media]) -> Iterator[str]:
    """What newer kinds of entries say outside ``operate_details``. Pictures in a message's blocks are counted: the
    platform gives no address for them.
    """
    raw = _object(entry.raw)
    for name in ("user_appy_platform_service_reason", "user_appy_platform_service_reason_description"):
        if isinstance(raw.get(name), str) and raw[name]:
            yield raw[name]
    click = raw.get("click_message")
    pressed = click.get("message_content") if isinstance(click, dict) else None
    # Typed as text in one place of the documents and as an object in another.
    yield pressed if isinstance(pressed, str) else _text_of(pressed, "content") or _text_of(pressed)
    texts = [text for block in _blocks(raw) if (text := _text_of(block.get("text")))]
    # Where the entry's own words are these texts, they are not said twice.
    if "\n".join(texts) != entry.details:
        yield from texts
    images = sum("image" in block or block.get("type") == "IMAGE" for block in _blocks(raw))
    if images and not pictures:
        yield ngettext("%(count)s picture", "%(count)s pictures", images) % {"count": images}


def _choices(entry: TimelineEntry) -> Iterator[str]:
    """What a message lets the payer press."""
    for block in _blocks(_object(entry.raw)):
        group, listed = block.get("button_group"), block.get("faq_list")
        buttons = group.get("buttons") if isinstance(group, dict) else None
        faqs = listed.get("faqs") if isinstance(listed, dict) else None
        parts = [block.get("link"), block.get("button"), *_list(buttons)]
        for text in [*map(_text_of, parts), *(_text_of(faq, "faq_title") for faq in _list(faqs))]:
            if text:
                yield text


def _blocks(raw: dict[str, Any]) -> list[dict[str, Any]]:
    message = raw.get("normal_message")
    return [block for block in _list(message.get("blocks") if isinstance(message, dict) else None) if block]


def _list(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; whatever else the platform sends there is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text_of(part: Any, name: str = "text") -> str:
    text = part.get(name) if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def _object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}
