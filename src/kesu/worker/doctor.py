"""What is wrong with an installation, and what to do about it: invariants of the data, and the health of the parts."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kesu import clock
from kesu.accounts.models import User
from kesu.alerts.health import Health, State, healths
from kesu.alerts.models import Channel, Clock, Message
from kesu.alerts.reach import unreachable
from kesu.intake.models import Notice, Rejection
from kesu.merchants.models import Account
from kesu.merchants.queries import account_problems, limited_sub_merchants, unwatched_accounts
from kesu.retention.sizes import megabytes, sizes
from kesu.sync.models import Poll, Refresh
from kesu.worker import watchdog
from kesu.worker.models import Heartbeat

LATE = timedelta(minutes=5)
GONE = timedelta(seconds=60)
LEAST_FREE = 1_000_000_000
HOUR = timedelta(hours=1)
KEY_REASONS = ("unknown_serial", "not_decryptable", "stale_timestamp")


@dataclass(frozen=True)
class Finding:
    """``level`` is ok, warning or failed; ``text`` says what and, where not ok, what to do."""

    check: str
    level: str
    text: str


def examine(configuration: Any) -> list[Finding]:
    """Every check, in the order of a complaint's way."""
    now = clock.now()
    return [
        _virtual_time(),
        _accounts(),
        *_account_problems(),
        *_refused_notices(now),
        _people(),
        _polls(now),
        _count(
            "notices_parked",
            Notice.objects.filter(state=Notice.State.PARKED).count(),
            _("notices could not be processed; see the system page"),
        ),
        _count(
            "complaints_unread",
            Refresh.objects.filter(state=Refresh.State.PARKED).count(),
            _("complaints could not be read from the platform; kesu sync shows why"),
        ),
        _clocks(),
        _invariants(now),
        _count(
            "clocks_late",
            Clock.objects.filter(stopped_at__isnull=True, due_at__lt=now - LATE).count(),
            _("reminders are overdue to be raised: is a worker running?"),
        ),
        _count(
            "pushes_late",
            Message.objects.filter(state=Message.State.PENDING, due_at__lt=now - LATE).count(),
            _("pushes wait longer than they should: is a worker running?"),
        ),
        _count(
            "pushes_failed",
            Message.objects.filter(state=Message.State.FAILED).count(),
            _("pushes failed for good; kesu outbox list --state failed shows why, kesu outbox resend sends one again"),
        ),
        *_channels(now),
        _ladders(now),
        _worker(now),
        _database(),
        _disk(),
    ]


def _virtual_time() -> Finding:
    if clock.is_virtual():
        return Finding("clock", "warning", _("The desk follows a sandbox's clock (demonstration)."))
    return Finding("clock", "ok", _("The desk follows the machine's clock."))


def _accounts() -> Finding:
    total = Account.objects.filter(enabled=True).count()
    if not total:
        return Finding("accounts", "warning", _("No merchant number is connected: kesu merchants add."))
    without = Account.objects.filter(enabled=True, notify_url="").values_list("mchid", flat=True)[:5]
    if without:
        return Finding(
            "accounts",
            "warning",
            _("No callback address is registered for %s: complaints come by polling only.") % ", ".join(without),
        )
    return Finding("accounts", "ok", _("%s merchant numbers are connected.") % total)


def _account_problems() -> list[Finding]:
    """What the watch over each account's line to the platform has found."""
    found = [
        Finding("account", problem.level, f"{problem.account.mchid}: {problem.headline}. {problem.advice}")
        for problem in account_problems()
    ]
    unwatched = _("%(mchid)s is not looked after: kesu merchants callback %(mchid)s.")
    found += [Finding("account", "warning", unwatched % {"mchid": mchid}) for mchid in unwatched_accounts()]
    limited = limited_sub_merchants()
    if limited:
        names = ", ".join(row.sub_mchid for row in limited[:5])
        text = _("%(count)s sub-merchants are limited by the platform: %(names)s")
        found.append(Finding("limitations", "warning", text % {"count": len(limited), "names": names}))
    return found


def _refused_notices(now: datetime) -> list[Finding]:
    """Genuine-looking notices that no key fits: the platform repeats them for a day only."""
    recent = Rejection.objects.filter(at__gt=now - HOUR, reason__in=KEY_REASONS, account__isnull=False)
    counted = recent.values("account__mchid", "reason").annotate(total=Sum("count")).order_by("account__mchid")
    text = _("%(mchid)s: %(count)s recent notices were refused (%(reason)s): kesu merchants check %(mchid)s.")
    return [
        Finding("notices_refused", "failed", text % {"mchid": mchid, "count": count, "reason": reason})
        for mchid, reason, count in counted.values_list("account__mchid", "reason", "total")
    ]


def _people() -> Finding:
    if User.objects.filter(is_active=True).exists():
        return Finding("people", "ok", _("Somebody can sign in."))
    return Finding("people", "warning", _("Nobody can sign in: kesu users add NAME."))


def _polls(now: datetime) -> Finding:
    failing = Poll.objects.filter(failures__gte=3, account__enabled=True).select_related("account").first()
    if failing:
        return Finding(
            "polls",
            "failed",
            _("Polling %(mchid)s fails: %(error)s") % {"mchid": failing.account.mchid, "error": failing.error},
        )
    late = Poll.objects.filter(due_at__lt=now - LATE, account__enabled=True).count()
    if late:
        return Finding("polls", "failed", _("Polls are late: is a worker running?"))
    return Finding("polls", "ok", _("Polls are on time."))


def _clocks() -> Finding:
    missing = watchdog.open_without_clock()
    if missing:
        return Finding(
            "clocks",
            "failed",
            _("%s open complaints have no running clock: please report this; a running worker arms them.") % missing,
        )
    return Finding("clocks", "ok", _("Every open complaint has a running clock."))


def _invariants(now: datetime) -> Finding:
    """Everything else that must always hold; a running worker repairs it within a minute."""
    violated = [violation for violation in watchdog.look(now) if violation.invariant != "open_without_clock"]
    if violated:
        named = ", ".join(f"{violation.invariant} ({violation.count})" for violation in violated)
        return Finding(
            "invariants", "failed", _("Work that nobody could take up: %s. A running worker repairs it.") % named
        )
    return Finding("invariants", "ok", _("All planned work can be taken up."))


def _channels(now: datetime) -> list[Finding]:
    """Each channel that does not do well, and how many do."""
    channels = list(Channel.objects.filter(enabled=True).defer("settings").order_by("name"))
    if not channels:
        return [Finding("channels", "warning", _("Nobody is pushed to: kesu channels add."))]
    found = healths(channels, now=now)
    told = [
        Finding("channels", level, str(text) % _facts(channel, found[channel.pk]))
        for channel in channels
        for level, text in [_CONDITIONS.get(found[channel.pk].state, ("", ""))]
        if level
    ]
    live = sum(found[channel.pk].state not in _CONDITIONS for channel in channels)
    return [*told, Finding("channels", "ok", _("%s channels are live.") % live)] if live else told


def _facts(channel: Channel, health: Health) -> dict[str, Any]:
    return {
        "name": channel.name,
        "reason": health.reason,
        "answering": health.answering,
        "robots": health.robots,
        "since": f"{health.since.astimezone(clock.BEIJING):%Y-%m-%d %H:%M}" if health.since else "",
    }


_CONDITIONS = {
    State.DEAD: ("failed", gettext_lazy("Channel %(name)s is dead: %(reason)s")),
    State.DOWN: (
        "failed",
        gettext_lazy(
            "Channel %(name)s does not answer since %(since)s (%(reason)s); it is tried again by itself:"
            " kesu channels test %(name)s."
        ),
    ),
    State.PAUSED: ("warning", gettext_lazy("Channel %(name)s rests: the other side said that it is too fast.")),
    State.FAILING: (
        "warning",
        gettext_lazy("Channel %(name)s did not answer the last try: kesu channels test %(name)s."),
    ),
    State.PARTIAL: (
        "warning",
        gettext_lazy(
            "Only %(answering)s of %(robots)s robots of channel %(name)s answer: kesu channels change %(name)s"
            " --set more_webhook_urls=…"
        ),
    ),
    State.UNTRIED: (
        "warning",
        gettext_lazy("Nothing was sent through channel %(name)s yet: kesu channels test %(name)s."),
    ),
}


def _ladders(now: datetime) -> Finding:
    """Every ladder in use must reach somebody who can be reached. Without any channel ``_channels`` says it all."""
    found = unreachable(now=now) if Channel.objects.filter(enabled=True, dead_since__isnull=True).exists() else []
    if unserved := [problem.name for problem in found if problem.code == "no_channel"]:
        told = _("No channel serves %s: nobody is told of their complaints. kesu channels add.") % ", ".join(unserved)
        return Finding("ladders", "failed", told)
    named = [problem for problem in found if not problem.fatal]
    if named:
        problem = named[0]
        place = f"{problem.ladder}, {problem.clock} {problem.step}: {_REACH[problem.code] % {'name': problem.name}}"
        return Finding("ladders", "failed", _("A step of a ladder does not reach whom it names (%s).") % place)
    if found:
        clocks = ", ".join(f"{problem.ladder}, {problem.clock}" for problem in found)
        return Finding(
            "ladders",
            "warning",
            _("These ladders show messages to groups and call nobody by name: %s. kesu channels add --mention.")
            % clocks,
        )
    return Finding("ladders", "ok", _("Every ladder reaches somebody."))


_REACH = {
    "no_such_person": gettext_lazy("%(name)s is nobody who may sign in"),
    "no_wecom_id": gettext_lazy("%(name)s has no WeCom account id"),
    "no_address": gettext_lazy("%(name)s has no address that the step's channels know"),
    "no_such_rota": gettext_lazy("there is no rota %(name)s"),
    "empty_rota": gettext_lazy("rota %(name)s has no members"),
    "no_such_robot": gettext_lazy("there is no live channel %(name)s"),
}


def _worker(now: datetime) -> Finding:
    # Virtual clocks may have been moved by days since the last beat; a negative age is as good as a small one.
    seen = Heartbeat.objects.order_by("-seen_at").first()
    if seen is None or (now - seen.seen_at > GONE and not clock.is_virtual()):
        return Finding("worker", "warning", _("No worker is running: kesu serve."))
    return Finding("worker", "ok", _("A worker is running."))


def _database() -> Finding:
    found = sizes()
    largest = ", ".join(f"{name} {megabytes(size)}" for name, size in found.tables[:3])
    told = _("The database has %(size)s; largest: %(largest)s.") % {
        "size": megabytes(found.database),
        "largest": largest,
    }
    if found.database > settings.CONFIGURATION.database_warn_gb * 1_000_000_000:
        return Finding("database", "warning", told + " " + _("kesu retention show says what is kept, and how long."))
    return Finding("database", "ok", told)


def _disk() -> Finding:
    """Where the data directory is; another server's disk is its own affair."""
    free = shutil.disk_usage(settings.KESU_DATA).free
    if free < LEAST_FREE:
        text = _("Only %s are free on the disk of the data directory: notices are refused once it is full.")
        return Finding("disk", "failed", text % megabytes(free))
    return Finding("disk", "ok", _("%s are free on the disk of the data directory.") % megabytes(free))


def _count(check: str, number: int, text: str) -> Finding:
    return Finding(check, "failed" if number else "ok", f"{number} {text}" if number else f"{check}: 0")
