"""What was done about one thing: the whole of it for auditors, the deeds for everybody, read by an index."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kesu.accounts.actor import Actor, Via
from kesu.audit import queries, services
from kesu.audit.actions import Action
from kesu.audit.models import AuditEntry
from tests.desk_seeds import make_user

NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
SUBJECT = "complaint:200000000001"

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor() -> Actor:
    return Actor(make_user("wang", "小王"), Via.API, "203.0.113.7", "ERP", "root")


def test_who_may_not_read_the_audit_learns_of_deeds_and_not_of_machines(actor: Actor):
    services.record(actor, Action.ASSIGNED, SUBJECT, {"to": "li"}, now=NOW)
    services.record(actor, Action.NOTED, "complaint:200000000002", now=NOW)
    [step] = queries.trail(SUBJECT, whole=False).steps
    assert (step.by, step.username, step.via, step.details) == ("小王", "wang", "api", {"to": "li"})
    assert step.address == ""
    [step] = queries.trail(SUBJECT, whole=True).steps
    assert (step.address, step.details) == ("203.0.113.7", {"to": "li", "token": "ERP", "operator": "root"})


def test_a_person_who_is_gone_and_the_desk_itself_have_steps_too(actor: Actor):
    services.record(actor, Action.CLAIMED, SUBJECT, now=NOW)
    services.record(None, Action.RELEASED, SUBJECT, now=NOW)
    actor.user.delete()
    assert [step.by for step in queries.trail(SUBJECT, whole=False).steps] == ["", "wang"]


def test_pages_follow_each_other_and_end(actor: Actor):
    for _ in range(5):
        services.record(actor, Action.NOTED, SUBJECT, now=NOW)
    first = queries.trail(SUBJECT, whole=False, size=3)
    second = queries.trail(SUBJECT, whole=False, size=3, before=first.next_before)
    shown = [step.sequence for step in (*first.steps, *second.steps)]
    assert (shown, second.next_before) == (sorted(shown, reverse=True), 0)
    assert len(set(shown)) == 5


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def test_a_trail_among_many_entries_is_read_by_its_index(actor: Actor):
    AuditEntry.objects.bulk_create(
        AuditEntry(
            sequence=number,
            at=NOW,
            via="page",
            action="noted",
            subject=f"complaint:{number % 1000:012}",
            hash=str(number),
        )
        for number in range(1, 5001)
    )
    with connection.cursor() as cursor:
        cursor.execute("analyze audit_auditentry")
    for before, left in ((0, 5), (2500, 3)):
        with CaptureQueriesContext(connection) as asked:
            found = queries.trail("complaint:000000000007", whole=False, before=before, size=20)
            assert len(found.steps) == left
        with connection.cursor() as cursor:
            cursor.execute("explain (format json) " + asked[0]["sql"])
            plan = cursor.fetchone()[0]
        [top] = plan if isinstance(plan, list) else json.loads(plan)
        nodes = list(_nodes(top["Plan"]))
        assert {node.get("Index Name") for node in nodes} - {None} == {"audit_by_subject"}
        assert "Seq Scan" not in {node["Node Type"] for node in nodes}
