"""What loops ask every second costs PostgreSQL one look at an index, and Django nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

import kesu.worker.due
import kesu.worker.loops  # noqa: F401 - whatever a loop asks is loaded with it
from kesu.sync import polling, refreshing
from kesu.sync.models import Poll
from kesu.threads import Prepared, waiting
from tests.factories import make_account

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
OF_FEW_ROWS = ("webhooks_endpoint", "webhooks_lookout", "merchants_accounthealth", "merchants_limitation")
"""As many as a desk has accounts or receivers."""


def test_it_tells_the_first_value_at_each_moment_that_is_asked():
    poll = Poll.objects.create(account=make_account(now=NOW), tier="newest", due_at=NOW)
    first = Prepared(lambda now: Poll.objects.filter(due_at__lte=now).order_by("due_at").values_list("due_at"))
    anything = waiting(lambda now: Poll.objects.filter(due_at__lte=now))
    early, late = NOW - timedelta(microseconds=1), NOW + timedelta(hours=1)
    assert (first(early), anything(early)) == (None, None)
    assert (first(NOW), anything(NOW)) == (first(late), anything(late)) == (NOW, poll.pk)


def test_what_is_reckoned_from_the_moment_cannot_be_prepared():
    soon = waiting(lambda now: Poll.objects.filter(due_at__lte=now + timedelta(hours=1)))
    with pytest.raises(ValueError, match="as it is"):
        soon(NOW)


def test_every_loop_finds_by_an_index_whether_it_has_anything_to_do():
    for lane in (polling.FREQUENT, polling.LONG):
        polling.claim(lane, NOW, 1)
    for reads in (refreshing.FOREGROUND, refreshing.BACKGROUND):
        refreshing.claim(reads, NOW, 1)
    assert len(Prepared.known) > 25
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        for one in Prepared.known:
            statement, given = one.compiled
            cursor.execute("explain " + statement, given)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            if not any(f" on {table}" in plan for table in OF_FEW_ROWS):
                assert "Seq Scan" not in plan, plan
