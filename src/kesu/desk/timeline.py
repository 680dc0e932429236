"""The negotiation history as a conversation: payer left, merchant right, platform and system between them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kesu.complaints.models import Complaint, Media, Round, TimelineEntry
from kesu.desk import words
from kesu.rules.operations import Actor, actor_of, is_known_operation

SIDES = {Actor.PAYER: "left", Actor.MERCHANT: "right"}
BY_THEMSELVES = frozenset({Actor.SYSTEM})
"""System entries are whole sentences; the others are told as "who did what"."""

CREATED = "USER_CREATE_COMPLAINT"


@dataclass(frozen=True)
class Moment:
    """One entry. ``side`` is left, right or middle; ``unknown_word`` is an ``operate_type`` never published."""

    at: datetime
    side: str
    actor: str
    act: str
    text: str
    operator: str = ""
    notes: tuple[str, ...] = ()
    pictures: list[Media] = field(default_factory=list)
    unknown_word: str = ""


@dataclass(frozen=True)
class Passage:
    """The entries of one round. ``number`` is 1 for the first complaint."""

    number: int
    started_at: datetime
    moments: list[Moment]


def passages(complaint: Complaint) -> list[Passage]:
    """The whole history, oldest first, cut where a new round began. Reads prefetched relations only."""
    moments = list(_moments(complaint))
    rounds = sorted(complaint.rounds.all(), key=lambda item: item.number)
    return [
        Passage(number, started_at, [moment for moment in moments if _is_within(moment, number, started_at, until)])
        for number, started_at, until in _spans(complaint, rounds)
    ]


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
        notes=tuple(note for note in _notes(entry) if note != entry.details),
        pictures=pictures,
        unknown_word="" if known else entry.operate_type,
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


def _notes(entry: TimelineEntry) -> Iterator[str]:
    """What newer kinds of entries say outside ``operate_details``."""
    raw = _object(entry.raw)
    for name in ("user_appy_platform_service_reason", "user_appy_platform_service_reason_description"):
        if isinstance(raw.get(name), str) and raw[name]:
            yield raw[name]
    click = raw.get("click_message")
    if isinstance(click, dict) and isinstance(click.get("message_content"), str):
        yield click["message_content"]
    message = raw.get("normal_message")
    blocks = message.get("blocks") if isinstance(message, dict) else None
    for block in blocks if isinstance(blocks, list) else ():
        yield from _block_texts(block)


def _block_texts(block: Any) -> Iterator[str]:
    for name in ("text", "link", "button"):
        part = block.get(name) if isinstance(block, dict) else None
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            yield part["text"]


def _object(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError:
        return {}
    return raw if isinstance(raw, dict) else {}
