"""The audit cannot be changed unnoticed, not even by somebody who writes to the database directly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import User
from kesu.audit import services
from kesu.audit.actions import Action
from kesu.audit.models import AuditEntry, AuditHead
from tests.desk_seeds import make_user

NOW = datetime(2026, 3, 1, 4, 5, 6, 789, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(db: None) -> Actor:
    return Actor(make_user(), Via.PAGE, "203.0.113.7")


@pytest.fixture
def chain(actor: Actor) -> list[AuditEntry]:
    return [
        services.record(actor, Action.NOTED, f"complaint:{number}", {"length": number}, now=NOW) for number in range(5)
    ]


def with_triggers_off(statement: str, *arguments: Any) -> None:
    """What a database administrator could do."""
    with connection.cursor() as cursor:
        for table in ("audit_auditentry", "audit_audithead"):
            cursor.execute(f"alter table {table} disable trigger user")
        cursor.execute(statement, arguments)
        for table in ("audit_auditentry", "audit_audithead"):
            cursor.execute(f"alter table {table} enable trigger user")


def test_an_entry_says_who_did_what_through_what_from_where(actor: Actor):
    entry = services.record(actor, Action.REPLIED, "complaint:1", {"text_sha256": "ab"}, now=NOW)
    entry.refresh_from_db()
    assert (entry.sequence, entry.at, entry.user_id, entry.username) == (1, NOW, actor.user.pk, "wang")
    assert (entry.via, entry.address, entry.action, entry.subject) == ("page", "203.0.113.7", "replied", "complaint:1")
    assert entry.details == {"text_sha256": "ab"}


def test_an_entry_names_the_token_that_was_used(actor: Actor):
    entry = services.record(Actor(actor.user, Via.API, token="nightly"), Action.EXPORTED, now=NOW)
    assert (entry.via, entry.details) == ("api", {"token": "nightly"})


def test_the_desk_itself_has_no_name():
    entry = services.record(None, Action.SETTING_CHANGED, now=NOW)
    assert (entry.user_id, entry.username, entry.via) == (None, "", "system")


def test_an_entry_outlives_its_person(actor: Actor, chain: list[AuditEntry]):
    actor.user.delete()
    assert services.verify().intact
    assert AuditEntry.objects.filter(username="wang").count() == 5


def test_an_empty_audit_is_intact():
    assert services.verify() == services.Verdict(0)


def test_an_untouched_chain_is_intact(chain: list[AuditEntry]):
    seen: list[tuple[int, int]] = []
    verdict = services.verify(progress=lambda done, total: seen.append((done, total)))
    assert verdict.intact
    assert (verdict.checked, verdict.head) == (5, f"5:{chain[-1].hash}")
    assert seen == [(5, 5)]


def test_what_is_rolled_back_leaves_no_gap(actor: Actor, chain: list[AuditEntry]):
    with transaction.atomic():
        services.record(actor, Action.NOTED, now=NOW)
        transaction.set_rollback(True)
    assert services.record(actor, Action.NOTED, now=NOW).sequence == 6
    assert services.verify().intact


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_auditentry set username = 'li' where sequence = 2",
        "delete from audit_auditentry where sequence = 5",
        "truncate audit_auditentry",
        "update audit_audithead set sequence = 4",
        "update audit_audithead set sequence = 7",
        "delete from audit_audithead",
        "truncate audit_audithead",
    ],
)
def test_triggers_refuse(statement: str, chain: list[AuditEntry]):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert services.verify().intact


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "user_id = 99",
        "user_id = null",
        "username = 'li'",
        "via = 'cli'",
        "address = ''",
        "action = 'noted.'",
        "subject = 'complaint:9'",
        """details = '{"length": 3}'""",
        """details = details || '{"more": null}'""",
        "previous_hash = repeat('0', 64)",
        "hash = repeat('0', 64)",
    ],
)
def test_a_changed_column_is_found(change: str, chain: list[AuditEntry]):
    with_triggers_off(f"update audit_auditentry set {change} where sequence = 3")
    verdict = services.verify()
    assert (verdict.sequence, verdict.problem, verdict.checked) == (3, "changed", 2)


@pytest.mark.parametrize(
    ("statement", "sequence", "problem"),
    [
        ("delete from audit_auditentry where sequence = 3", 3, "missing"),
        ("delete from audit_auditentry where sequence = 1", 1, "missing"),
        ("delete from audit_auditentry where sequence = 5", 5, "cut_off"),
        ("delete from audit_auditentry", 1, "cut_off"),
        ("delete from audit_audithead", 5, "head_missing"),
        ("update audit_audithead set hash = repeat('0', 64)", 5, "head_changed"),
        ("update audit_audithead set sequence = 4", 4, "head_changed"),
        ("update audit_auditentry set sequence = 9 where sequence = 3", 3, "missing"),
    ],
)
def test_a_missing_entry_is_found(statement: str, sequence: int, problem: str, chain: list[AuditEntry]):
    with_triggers_off(statement)
    verdict = services.verify()
    assert (verdict.sequence, verdict.problem) == (sequence, problem)


def test_the_last_entry_and_the_head_cut_off_together_are_found(chain: list[AuditEntry]):
    with_triggers_off("delete from audit_auditentry where sequence = 5")
    with_triggers_off("update audit_audithead set sequence = 4, hash = %s", chain[3].hash)
    assert services.verify().problem == "head_changed"


def test_everything_removed_with_the_mark_of_its_end_is_found_where_people_have_signed_in(
    actor: Actor, chain: list[AuditEntry]
):
    with_triggers_off("delete from audit_auditentry")
    with_triggers_off("delete from audit_audithead")
    assert services.verify().intact  # nobody has, so nothing need be there
    User.objects.update(last_login=NOW)
    assert services.verify().problem == "nothing_left"


def test_two_entries_that_changed_places_are_found(chain: list[AuditEntry]):
    with_triggers_off(
        "update audit_auditentry set sequence = case sequence when 2 then -3 else -2 end where sequence in (2, 3)"
    )
    with_triggers_off("update audit_auditentry set sequence = -sequence where sequence < 0")
    assert services.verify().sequence == 2


def test_an_entry_put_in_by_hand_is_found(actor: Actor, chain: list[AuditEntry]):
    with_triggers_off(
        "insert into audit_auditentry (sequence, at, username, via, address, action, subject, details,"
        " previous_hash, hash) select 6, at, username, via, address, action, subject, details, hash, repeat('a', 64)"
        " from audit_auditentry where sequence = 5"
    )
    assert services.verify().problem == "beyond_the_end"


def test_an_older_head_put_back_together_with_a_cut_is_found_by_a_noted_end(actor: Actor, chain: list[AuditEntry]):
    before = AuditHead.objects.get()
    services.record(actor, Action.NOTED, now=NOW)
    noted = services.verify().head
    with_triggers_off("delete from audit_auditentry where sequence = 6")
    with_triggers_off("update audit_audithead set sequence = 5, hash = %s, seal = %s", before.hash, before.seal)
    assert services.verify().intact  # nothing inside of the database can tell
    verdict = services.verify(noted=noted)
    assert (verdict.sequence, verdict.problem) == (6, "cut_off")


def test_a_noted_end_stays_good_while_the_chain_grows(actor: Actor, chain: list[AuditEntry]):
    noted = services.verify().head
    services.record(actor, Action.NOTED, now=NOW)
    assert services.verify(noted=noted).intact
    other = f"5:{'0' * 64}"
    assert services.verify(noted=other).problem == "not_as_noted"


@pytest.mark.parametrize("value", [1.5, b"x", NOW, object()])
def test_details_that_json_would_change_are_refused(value: object, actor: Actor):
    with pytest.raises(TypeError):
        services.record(actor, Action.NOTED, details={"value": value}, now=NOW)


@pytest.mark.parametrize(
    "details",
    [
        {"text": 'a\0b\u2028c\ud7ff😀\\ "'},
        {"z": 1, "a": [1, 2, {"deep": None}], "": True},
        {"large": 10**30, "negative": -1},
        {"名字": "客诉", 5: "a number as a name"},
    ],
)
def test_details_survive_the_database(details: dict[Any, Any], actor: Actor):
    services.record(actor, Action.NOTED, "complaint:\0x" + "y" * 300, details, now=NOW)
    assert services.verify().intact


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_one_chain(together: Callable[..., list[Any]]):
    user = make_user()

    def write(number: int) -> int:
        return services.record(Actor(user, Via.API), Action.NOTED, details={"number": number}, now=NOW).sequence

    assert sorted(together(write, range(20))) == list(range(1, 21))
    assert services.verify().checked == 20
