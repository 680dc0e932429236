"""What the database says about the whole desk, whichever process is asked: take the maximum over processes.

Every query is the first entry of an index, a count that stops at ``CAP``, or over a table of a few rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kesu import __version__
from kesu.alerts.health import State, healths
from kesu.alerts.models import Attempt, Channel
from kesu.rules.deadlines import RED_BELOW
from kesu.sync.requests import Priority
from kesu.webhooks.models import Endpoint
from kesu.worker.models import Heartbeat, Watch

CAP = 100_000
CHANNELS = 500
ATTEMPTS_AT_ONCE = 5000
STATEMENT_MILLISECONDS = 3000
POLL_LATE = timedelta(minutes=5)
WORKER_GONE = timedelta(seconds=60)
UNDER_WAY = timedelta(minutes=5)


_SERVING = """
    select 1 from alerts_channel c where c.enabled and (
        not exists (select 1 from alerts_channel_accounts l where l.channel_id = c.id)
        or exists (select 1 from alerts_channel_accounts l where l.channel_id = c.id and l.account_id = a.id)
    )
"""


class SendCounter:
    """Tries to deliver, by outcome, counted once they are settled, from this process's start on."""

    def __init__(self) -> None:
        self._seen: int | None = None
        self._counts = dict.fromkeys((str(outcome) for outcome in Attempt.Outcome), 0)

    def read(self, *, now: datetime) -> dict[str, int]:
        """The counts so far. A try that is under way holds back those after it, for at most ``UNDER_WAY``."""
        if self._seen is None:
            self._seen = Attempt.objects.order_by("-id").values_list("id", flat=True).first() or 0
        rows = Attempt.objects.filter(id__gt=self._seen).order_by("id").values_list("id", "outcome", "at")
        for number, outcome, at in rows[:ATTEMPTS_AT_ONCE]:
            if outcome == Attempt.Outcome.SENDING and at > now - UNDER_WAY:
                break
            self._counts[outcome] = self._counts.get(outcome, 0) + 1
            self._seen = number
        return self._counts


class Figures:
    """Reads all figures at one moment. Raises django.db.Error when the database does not answer in time."""

    def __init__(self) -> None:
        self._sends = SendCounter()

    def read(self, *, now: datetime) -> list[Metric]:
        with transaction.atomic():
            _value("select set_config('statement_timeout', %s, true)", str(STATEMENT_MILLISECONDS))
            found = [metric for part in _PARTS for metric in part(now)]
            sends = CounterMetricFamily("kesu_sends", "Tries to deliver a push, by outcome.", labels=["outcome"])
            for outcome, number in self._sends.read(now=now).items():
                sends.add_metric([outcome], number)
        return [*found, sends, _gauge("kesu_database_up", "1 while the database answers.", 1)]


def without_database() -> list[Metric]:
    """What is left to say when the database is gone."""
    return [_gauge("kesu_database_up", "1 while the database answers.", 0)]


def _inbox(now: datetime) -> Iterator[Metric]:
    received, parked = "intake_notice where state = 'received'", "intake_notice where state = 'parked'"
    yield _gauge("kesu_inbox_depth", "Notices acknowledged and not yet processed.", _count(received))
    yield _gauge(
        "kesu_inbox_age_seconds",
        "How long the oldest due notice has waited.",
        _age(received, now),
    )
    yield _gauge("kesu_inbox_parked", "Notices that could not be processed.", _count(parked))


def _refreshes(now: datetime) -> Iterator[Metric]:
    depth = GaugeMetricFamily("kesu_refresh_queue", "Complaints waiting to be read, by lane.", labels=["lane"])
    age = GaugeMetricFamily(
        "kesu_refresh_age_seconds", "How long the oldest due reading has waited, by lane.", labels=["lane"]
    )
    for lane in Priority:
        waiting = f"sync_refresh where state = 'waiting' and priority = {lane:d}"
        depth.add_metric([lane.name.lower()], _count(waiting))
        age.add_metric([lane.name.lower()], _age(waiting, now))
    yield depth
    yield age
    parked = _count("sync_refresh where state = 'parked'")
    yield _gauge("kesu_refresh_parked", "Complaints that could not be read.", parked)


def _polls(now: datetime) -> Iterator[Metric]:
    enabled = "sync_poll p join merchants_account a on a.id = p.account_id and a.enabled"
    late = _count(f"{enabled} where p.due_at < %s", now - POLL_LATE)
    yield _gauge("kesu_polls_late", "Polls more than five minutes late.", late)
    yield _gauge(
        "kesu_polls_failing", "Polls that failed three times running.", _count(f"{enabled} where p.failures >= 3")
    )
    lag = _age("alerts_clock where stopped_at is null", now)
    yield _gauge("kesu_clock_lag_seconds", "How late the next reminder is: above a few seconds nobody ticks.", lag)


def _complaints(now: datetime) -> Iterator[Metric]:
    """Counted over the index of open cases alone."""
    edges = [("overdue", now), ("under_1h", now + timedelta(hours=1)), ("under_6h", now + RED_BELOW)]
    edges += [("under_24h", now + timedelta(hours=24)), ("later", now + timedelta(days=36_500))]
    columns = ", ".join("count(*) filter (where next_due_at <= %s)" for _edge in edges)
    statement = f"select {columns} from complaints_complaint where open"  # noqa: S608 - constants
    row = _row(statement, *(moment for _name, moment in edges))
    family = GaugeMetricFamily("kesu_complaints_open", "Open complaints by time left to answer.", labels=["urgency"])
    below = 0
    for (name, _moment), number in zip(edges, row, strict=True):
        family.add_metric([name], number - below)
        below = number
    yield family


def _watches(now: datetime) -> Iterator[Metric]:
    rows = list(Watch.objects.order_by("name"))
    violations = GaugeMetricFamily("kesu_watchdog_violations", "Rows that violate an invariant.", labels=["invariant"])
    repairs = CounterMetricFamily("kesu_watchdog_repairs", "Repairs made or asked for.", labels=["invariant"])
    for row in rows:
        violations.add_metric([row.name], row.violations)
        repairs.add_metric([row.name], row.healed)
    yield violations
    yield repairs
    without = next((row.violations for row in rows if row.name == "open_without_clock"), 0)
    yield _gauge(
        "kesu_complaints_open_without_clock", "Open complaints that nothing would remind of: must be 0.", without
    )
    if rows:
        age = max(0.0, (now - min(row.checked_at for row in rows)).total_seconds())
        yield _gauge("kesu_watchdog_age_seconds", "Since the watchdog looked last.", age)


def _messages(now: datetime) -> Iterator[Metric]:
    pending = "alerts_message where state = 'pending'"
    family = GaugeMetricFamily("kesu_messages", "Pushes owed, and pushes that failed for good.", labels=["state"])
    family.add_metric(["pending"], _count(pending))
    family.add_metric(["failed"], _count("alerts_message where state = 'failed'"))
    yield family
    age = _age(pending, now)
    yield _gauge("kesu_message_age_seconds", "How long the oldest due push has waited.", age)


def _channels(now: datetime) -> Iterator[Metric]:
    labels = ["channel", "kind"]
    dead = GaugeMetricFamily("kesu_channel_dead", "1 while a channel takes nothing until somebody acts.", labels=labels)
    states = GaugeMetricFamily(
        "kesu_channel_state",
        "1 for the state a channel is in: live, untried, partial, failing, paused, down, dead.",
        labels=[*labels, "state"],
    )
    robots = GaugeMetricFamily(
        "kesu_channel_robots", "Robots of a channel, by whether they answer.", labels=[*labels, "answers"]
    )
    channels = list(Channel.objects.filter(enabled=True).defer("settings").order_by("id")[:CHANNELS])
    found = healths(channels, now=now)
    for channel in channels:
        health, named = found[channel.pk], [channel.name, channel.kind]
        dead.add_metric(named, int(health.state is State.DEAD))
        for state in State:
            if state is not State.OFF:
                states.add_metric([*named, str(state)], int(health.state is state))
        robots.add_metric([*named, "yes"], health.answering)
        robots.add_metric([*named, "no"], health.robots - health.answering)
    yield dead
    yield states
    yield robots


def _accounts(now: datetime) -> Iterator[Metric]:
    number = _count(f"merchants_account a where a.enabled and not exists ({_SERVING})")
    yield _gauge("kesu_accounts_without_channel", "Accounts of whose complaints nobody is told: must be 0.", number)


def _webhooks(now: datetime) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "kesu_webhook_deliveries", "Webhook deliveries owed, and those that failed for good.", labels=["state"]
    )
    for state in ("pending", "failed"):
        family.add_metric([state], _count(f"webhooks_delivery where state = '{state}'"))
    yield family
    off = GaugeMetricFamily("kesu_webhook_off", "1 while a webhook was switched off by the desk.", labels=["webhook"])
    failing = GaugeMetricFamily("kesu_webhook_failing", "1 while a webhook takes nothing.", labels=["webhook"])
    rows = Endpoint.objects.order_by("id").values_list("name", "enabled", "disabled_reason", "failing_since")
    for name, enabled, reason, failing_since in rows[:CHANNELS]:
        off.add_metric([name], int(bool(reason)))
        failing.add_metric([name], int(enabled and failing_since is not None))
    yield off
    yield failing


def _workers(now: datetime) -> Iterator[Metric]:
    seen = list(Heartbeat.objects.values_list("seen_at", flat=True))
    alive = sum(now - moment < WORKER_GONE for moment in seen)
    yield _gauge("kesu_workers", "Workers that gave a sign of life within a minute.", alive)
    if seen:
        age = max(0.0, (now - max(seen)).total_seconds())
        yield _gauge("kesu_worker_heartbeat_age_seconds", "Since any worker gave a sign of life.", age)


def _sizes(now: datetime) -> Iterator[Metric]:
    yield _gauge("kesu_database_bytes", "Size of the database.", _value("select pg_database_size(current_database())"))
    family = GaugeMetricFamily("kesu_table_bytes", "Size of a table with its indexes.", labels=["table"])
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, pg_total_relation_size(oid) from pg_class"
            " where relkind = 'r' and relnamespace = 'public'::regnamespace order by 2 desc limit 60"
        )
        for name, size in cursor.fetchall():
            family.add_metric([name], size)
    yield family
    info = GaugeMetricFamily("kesu_info", "Always 1; the version is its label.", labels=["version"])
    info.add_metric([__version__], 1)
    yield info


_PARTS = (
    *(_inbox, _refreshes, _polls, _complaints, _watches),
    *(_messages, _channels, _accounts, _webhooks, _workers, _sizes),
)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _count(rows: str, *arguments: Any) -> int:
    """How many, at most ``CAP`` + 1: beyond it the exact number helps nobody."""
    return int(_value(f"select count(*) from (select 1 from {rows} limit {CAP + 1}) counted", *arguments))  # noqa: S608 - the same


def _age(rows: str, now: datetime) -> float:
    """Seconds since the earliest was due; 0 when it is yet to come or there is none."""
    moment = _value(f"select min(due_at) from {rows}")  # noqa: S608 - constants of this file
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0


def _value(statement: str, *arguments: Any) -> Any:
    return _row(statement, *arguments)[0]


def _row(statement: str, *arguments: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
