"""What Prometheus reads says how the desk does."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families

from kesu.alerts.models import Attempt, Channel
from kesu.intake.models import Rejection
from kesu.merchants.models import Account
from kesu.metrics import Gate, MetricsPage
from kesu.metrics.figures import CAP, Figures, SendCounter
from kesu.sync.models import Refresh
from kesu.threads import in_thread
from kesu.worker import watchdog
from kesu.worker.models import Heartbeat
from tests.desk_seeds import attempt, make_channel, make_complaint, make_merchant, push, working_day
from tests.factories import NOW

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]


def figures(now: Any = NOW) -> dict[str, float]:
    """Every sample as ``name{label}``: a label's name is left out."""
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}" if sample.labels else sample.name: sample.value
        for metric in Figures().read(now=now)
        for sample in metric.samples
    }


def read(page: MetricsPage, times: int = 1) -> list[httpx2.Response]:
    async def ask() -> list[httpx2.Response]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(page), base_url="http://127.0.0.1") as client:
            return list(await asyncio.gather(*(client.get("/metrics") for _ in range(times))))

    return asyncio.run(ask())


@pytest.fixture
def day(db: Any) -> dict[str, Any]:
    return working_day(NOW)


def test_open_cases_are_counted_by_the_time_left(day):
    found = figures()
    left = {name: found[f"kesu_complaints_open{{{name}}}"] for name in ("overdue", "under_1h", "under_6h", "under_24h")}
    assert left == {"overdue": 1, "under_1h": 1, "under_6h": 1, "under_24h": 4}
    assert found["kesu_complaints_open{later}"] == 1


def test_queues_say_how_deep_and_how_old_they_are(db):
    account = make_merchant(NOW)
    wanted = {"account": account, "reason": "x", "requested_at": NOW}
    Refresh.objects.create(complaint_id="1", priority=0, due_at=NOW - 2 * HOUR, **wanted)
    Refresh.objects.create(complaint_id="2", priority=0, due_at=NOW + HOUR, **wanted)
    Refresh.objects.create(complaint_id="3", priority=3, due_at=NOW, state="parked", **wanted)
    found = figures()
    assert found["kesu_refresh_queue{heard}"] == 2
    assert found["kesu_refresh_age_seconds{heard}"] == 7200
    assert found["kesu_refresh_queue{backfill}"] == 0
    assert found["kesu_refresh_parked"] == 1
    assert found["kesu_inbox_depth"] == found["kesu_inbox_age_seconds"] == 0


def test_pushes_channels_and_workers_are_told(day):
    push(day["channel"], None, "test", NOW - HOUR, state="pending")
    Heartbeat.objects.all().delete()
    Heartbeat.objects.create(name="a:1", version="0", started_at=NOW, seen_at=NOW - timedelta(seconds=5))
    Heartbeat.objects.create(name="b:1", version="0", started_at=NOW, seen_at=NOW - HOUR)
    found = figures()
    assert found["kesu_messages{pending}"] >= 1
    assert found["kesu_message_age_seconds"] >= 3600
    assert found["kesu_channel_dead{值班群,wecom_robot}"] == 1
    assert found["kesu_channel_dead{客服群,wecom_robot}"] == 0
    assert (found["kesu_workers"], found["kesu_worker_heartbeat_age_seconds"]) == (1, 5)
    assert found["kesu_database_bytes"] > 1_000_000
    assert found["kesu_table_bytes{complaints_complaint}"] > 0


def test_a_case_without_a_clock_is_told(db):
    make_complaint(make_merchant(NOW), 1, now=NOW)
    watchdog.watch(now=NOW)
    found = figures(NOW + timedelta(seconds=7))
    assert found["kesu_complaints_open_without_clock"] == 1
    assert found["kesu_watchdog_violations{open_without_clock}"] == 1
    assert found["kesu_watchdog_repairs_total{open_without_clock}"] == 1
    assert found["kesu_watchdog_age_seconds"] == 7


def test_a_send_is_counted_once_and_when_it_is_settled(db):
    message = push(make_channel(NOW), None, "test", NOW, state="pending")
    attempt(message, NOW, "rate")
    counter = SendCounter()
    assert sum(counter.read(now=NOW).values()) == 0  # what was before this process is not its own
    first, second = attempt(message, NOW, "sending"), attempt(message, NOW, "sent")
    assert sum(counter.read(now=NOW).values()) == 0
    Attempt.objects.filter(pk=first.pk).update(outcome="transient")
    assert counter.read(now=NOW) == counter.read(now=NOW)
    assert (counter.read(now=NOW)["transient"], counter.read(now=NOW)["sent"]) == (1, 1)
    assert second.pk > first.pk


def test_a_send_that_never_ends_does_not_hold_back_the_others(db):
    message = push(make_channel(NOW), None, "test", NOW, state="pending")
    counter = SendCounter()
    counter.read(now=NOW)
    attempt(message, NOW, "sending")
    attempt(message, NOW, "sent")
    assert counter.read(now=NOW + HOUR)["sent"] == 1


def test_accounts_that_no_channel_serves_are_counted(day):
    assert figures()["kesu_accounts_without_channel"] == 0
    others = Account.objects.exclude(pk=day["account"].pk)
    for channel in Channel.objects.all():
        channel.accounts.add(day["account"])
    assert figures()["kesu_accounts_without_channel"] == others.count() > 0
    Channel.objects.filter(enabled=True).first().accounts.add(*others)
    assert figures()["kesu_accounts_without_channel"] == 0


def test_reading_costs_a_bounded_number_of_queries(day):
    with CaptureQueriesContext(
        connection,
    ) as before:
        figures()
    for number in range(20, 40):
        make_complaint(day["account"], number, now=NOW)
    with CaptureQueriesContext(connection) as after:
        figures()
    assert len(after) == len(before) < 40
    counted = [query["sql"] for query in after if "count(*)" in query["sql"] and "filter" not in query["sql"]]
    assert counted
    assert all(f"limit {CAP + 1}" in sql for sql in counted)


def test_those_who_ask_at_once_are_answered_from_one_reading(transactional_db):
    readings = []

    async def run(function: Any, **arguments: Any) -> Any:
        readings.append(arguments["now"])
        return await in_thread(function, **arguments)

    page = MetricsPage(Gate("127.0.0.1"), now=lambda: NOW, run=run)
    answers = read(page, times=5)
    assert [answer.status_code for answer in answers] == [200] * 5
    assert readings == [NOW]
    names = {family.name for family in text_string_to_metric_families(answers[0].text)}
    assert {"kesu_database_up", "kesu_sends", "kesu_notices", "process_resident_memory_bytes"} <= names


def test_the_pages_show_what_their_process_takes():
    async def run(function: Any, **arguments: Any) -> Any:
        return ()

    async def pages() -> int:
        return os.getpid()

    [answer] = read(MetricsPage(Gate("127.0.0.1"), now=lambda: NOW, run=run, pages=pages))
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    [sample] = families["kesu_pages_process_resident_memory_bytes"].samples
    assert sample.value > 1024 * 1024


@pytest.mark.parametrize("pid", [None, 2**22 + 1], ids=["do not answer", "ended meanwhile"])
def test_pages_that_do_not_answer_take_nothing(pid: int | None):
    async def run(function: Any, **arguments: Any) -> Any:
        return ()

    async def pages() -> int | None:
        return pid

    [answer] = read(MetricsPage(Gate("127.0.0.1"), now=lambda: NOW, run=run, pages=pages))
    assert answer.status_code == 200
    assert "kesu_pages_process_resident_memory_bytes" not in answer.text


def test_a_stranger_is_refused_without_a_query():
    async def run(function: Any, **arguments: Any) -> Any:
        raise AssertionError("nothing must be read for a stranger")

    page = MetricsPage(Gate("10.0.0.1"), now=lambda: NOW, run=run)
    [answer] = read(page)
    assert answer.status_code == 403
    assert "kesu_" not in answer.text


def test_without_a_database_the_page_says_so_and_keeps_its_own_counters():
    async def run(function: Any, **arguments: Any) -> Any:
        raise OperationalError("the server is gone")

    page = MetricsPage(Gate("127.0.0.1"), now=lambda: NOW, run=run)
    page.notices.refused([Rejection(at=NOW, reason="bad_signature", count=3)])
    [answer] = read(page)
    assert answer.status_code == 200
    assert "kesu_database_up 0.0" in answer.text
    assert 'kesu_notice_rejections_total{reason="bad_signature"} 3.0' in answer.text


@pytest.mark.parametrize(("status", "outcome"), [(204, "accepted"), (401, "rejected"), (503, "not_stored")])
def test_a_notice_is_counted_by_its_answer(status: int, outcome: str):
    page = MetricsPage(Gate("127.0.0.1"), now=lambda: NOW, run=lambda: None)
    passed = []

    async def send(message: Any) -> None:
        passed.append(message["type"])

    async def answer() -> None:
        counted = page.notices.counting(send)
        await counted({"type": "http.response.start", "status": status, "headers": []})
        await counted({"type": "http.response.body", "body": b""})

    asyncio.run(answer())
    assert passed == ["http.response.start", "http.response.body"]
    assert page._registry.get_sample_value("kesu_notices_total", {"outcome": outcome}) == 1


def names_in(expressions: Iterator[str]) -> set[str]:
    import re

    return {name for text in expressions for name in re.findall(r"\bkesu_[a-z_]+", text)}


OF_A_PROCESS = ("process_resident_memory_bytes", "process_cpu_seconds_total")


def exported(day: Any) -> set[str]:
    names = {sample.name for metric in Figures().read(now=NOW) for sample in metric.samples}
    return names | {"kesu_notices_total", "kesu_notice_rejections_total"}


def test_the_dashboard_and_the_alerts_speak_of_metrics_that_exist(day):
    watchdog.watch(now=NOW)
    dashboard = json.loads((ROOT / "deploy/grafana/kesu.json").read_text())
    panels = [panel for panel in dashboard["panels"] if "targets" in panel]
    asked = names_in(target["expr"] for panel in panels for target in panel["targets"])
    warned = names_in(iter([(ROOT / "deploy/prometheus/kesu-alerts.yml").read_text().split("groups:")[1]]))
    assert len(asked) > 15
    known = exported(day) | {f"kesu_pages_{name}" for name in OF_A_PROCESS}
    assert asked - known == set()
    assert {name for name in warned if not name.endswith("_")} - known == set()
