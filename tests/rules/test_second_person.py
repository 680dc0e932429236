"""A refund that waits for a second person is spoken of again, harder as the deadline comes near, and for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kesu.rules.escalations import UrgencyClass
from kesu.rules.second_person import LOOK_EVERY, remind

ASKED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def spoken(due_at: datetime | None, until: datetime) -> list[tuple[float, str]]:
    """Hours after the request at which it is spoken of, and how loudly, for a worker that looks when it should."""
    found, done, now = [], (), ASKED
    while now <= until:
        said = remind(ASKED, due_at, done, now=now)
        assert now < said.look_at <= now + LOOK_EVERY
        if said.speaks:
            found.append(((now - ASKED) / HOUR, said.urgency.value))
        done, now = said.done, said.look_at
    return found


def test_it_speaks_soon_then_urgently_towards_the_deadline_and_on_after_it():
    normal, urgent = UrgencyClass.NORMAL.value, UrgencyClass.URGENT.value
    assert spoken(ASKED + 24 * HOUR, ASKED + 29 * HOUR) == [
        (0.5, normal),
        (2, normal),
        (12, normal),
        (18, urgent),
        (21, urgent),
        (23, urgent),
        (24, urgent),
        (26, urgent),
        (28, urgent),
    ]


def test_a_case_that_owes_nothing_is_urgent_only_near_the_end_of_three_days():
    assert [hours for hours, _loud in spoken(None, ASKED + 73 * HOUR)] == [0.5, 2, 60, 66, 69, 71, 72]


def test_a_deadline_that_came_nearer_is_heeded_at_the_next_look():
    first = remind(ASKED, ASKED + 72 * HOUR, (), now=ASKED + 3 * HOUR)
    assert first.key.startswith("after:2h")
    nearer = remind(ASKED, ASKED + 9 * HOUR, first.done, now=first.look_at)
    assert (nearer.key.partition("@")[0], nearer.urgency) == ("before:6h", UrgencyClass.URGENT)


def test_after_a_pause_only_the_newest_step_speaks():
    said = remind(ASKED, ASKED + 24 * HOUR, (), now=ASKED + 22 * HOUR)
    assert said.key.startswith("before:3h")
    assert not remind(ASKED, ASKED + 24 * HOUR, said.done, now=ASKED + 22 * HOUR + MINUTE).speaks
