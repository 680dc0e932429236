"""All tasks of the settings, each with its state in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, may
from kesu.alerts.channel_state import seen_at
from kesu.alerts.models import Channel, PersonHours, Rota
from kesu.alerts.people import on_call
from kesu.alerts.preview import preview
from kesu.alerts.queries import channel_health
from kesu.alerts.reach import unreachable
from kesu.audit.models import AuditHead
from kesu.commands.models import Allowance, QuickReply
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.first_run import first_run
from kesu.desk.views.settings.wake import shown
from kesu.merchants.models import Account
from kesu.merchants.queries import account_problems
from kesu.retention.lifetimes import lifetimes
from kesu.webhooks.models import Delivery, Endpoint


@dataclass(frozen=True)
class Task:
    """``level`` is good, warn, bad or quiet."""

    name: str
    address: str
    level: str
    state: str


@require_GET
@needs(Permission.SETTINGS)
def overview(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    tasks = [_merchants(), _channels(now), _wake(now), _rota(now), _quiet(), _people(), _templates(), _allowed()]
    tasks += [_webhooks(), _retention()]
    if may(request.user, Permission.AUDIT):
        tasks.append(_audit())
    context = {"tasks": tasks, "run": first_run(), "now": now}
    return private(render(request, "desk/settings/overview.html", context))


def _merchants() -> Task:
    rows = list(Account.objects.filter(enabled=True).only("notify_url"))
    name = _("Merchant numbers")
    if not rows:
        return Task(name, reverse("desk:settings_connect"), "warn", _("None is connected yet."))
    address, number = reverse("desk:settings_merchants"), len(rows)
    said = ngettext("%(number)s is connected", "%(number)s are connected", number) % {"number": number}
    problems = account_problems()
    if problems:
        level = "bad" if any(problem.level == "failed" for problem in problems) else "warn"
        return Task(name, address, level, f"{said} · {problems[0].account}: {problems[0].headline}")
    if not all(row.notify_url for row in rows):
        return Task(name, address, "warn", said + " · " + _("a callback address is missing"))
    return Task(name, address, "good", said + " · " + _("callbacks in order"))


def _channels(now: datetime) -> Task:
    name, address = _("Robots and channels"), reverse("desk:settings_channels")
    found = [health for health in channel_health(now=now) if health.state != "off"]
    if not found:
        return Task(name, address, "warn", _("Nobody can be reached yet."))
    dead = [health.channel.name for health in found if health.state == "dead"]
    if dead:
        return Task(name, address, "bad", _("Gone: %s") % ", ".join(dead))
    for state, level, said in _TROUBLES:
        if names := [health.channel.name for health in found if health.state == state]:
            return Task(name, address, level, said % ", ".join(names))
    unseen = sorted({health.channel.name for health in found} - set(seen_at([h.channel.name for h in found])))
    if unseen:
        return Task(name, address, "warn", _("No test push was seen yet: %s") % ", ".join(unseen))
    return Task(name, address, "good", _("Test pushes seen: %s") % ", ".join(h.channel.name for h in found))


_TROUBLES = (
    ("down", "bad", gettext_lazy("Does not answer: %s")),
    ("failing", "warn", gettext_lazy("The last try was not answered: %s")),
    ("partial", "warn", gettext_lazy("Not all of its robots answer: %s")),
)


def _wake(now: datetime) -> Task:
    name, address = _("Who is woken"), reverse("desk:settings_wake")
    fatal = [problem for problem in unreachable(now=now) if problem.fatal]
    account = Account.objects.order_by("pk").first()
    if account is None or not Channel.objects.filter(enabled=True).exists():
        return Task(name, address, "warn", _("Nobody yet: a merchant number and a channel are needed."))
    if fatal:
        return Task(name, address, "bad", _("Some reminders reach nobody by name."))
    called = [row["people"] for row in shown(preview(account, at=now)) if row["people"]]
    first = ", ".join(called[0]) if called else ""
    return Task(name, address, "good", _("For a complaint raised now: %s") % first if first else _("The whole group"))


def _rota(now: datetime) -> Task:
    name, address = _("Rota"), reverse("desk:settings_rotas")
    rows = list(Rota.objects.order_by("name"))
    if not rows:
        return Task(name, address, "quiet", _("None: whoever is on duty stands in the channel."))
    found = [(row.name, on_call(row.name, now=now)) for row in rows]
    said = ", ".join(f"{rota}: {person or '—'}" for rota, person in found)
    return Task(name, address, "good" if all(person for _rota, person in found) else "warn", _("On call %s") % said)


def _quiet() -> Task:
    channels = Channel.objects.filter(enabled=True).exclude(quiet_hours="").count()
    people = PersonHours.objects.count()
    parts = [
        ngettext("%(number)s channel", "%(number)s channels", channels) % {"number": channels} if channels else "",
        ngettext("%(number)s person", "%(number)s people", people) % {"number": people} if people else "",
    ]
    said = " · ".join(filter(None, parts)) or _("None")
    return Task(_("Quiet hours"), reverse("desk:settings_quiet"), "quiet", said)


def _people() -> Task:
    name, address = _("People and roles"), reverse("desk:settings_people")
    counted = User.objects.aggregate(
        all=Count("pk", filter=Q(is_active=True)), owners=Count("pk", filter=Q(is_active=True, role="owner"))
    )
    guarded = Authenticator.objects.exclude(type="recovery_codes").values("user_id")
    bare = User.objects.filter(is_active=True, role="owner").exclude(pk__in=guarded).count()
    said = ngettext("%(number)s person", "%(number)s people", counted["all"]) % {"number": counted["all"]}
    if bare:
        return Task(name, address, "warn", said + " · " + _("owners without a second step: %s") % bare)
    return Task(name, address, "good", said + " · " + _("owners: %s") % counted["owners"])


def _templates() -> Task:
    number = QuickReply.objects.filter(enabled=True).count()
    said = ngettext("%(number)s template", "%(number)s templates", number) % {"number": number}
    return Task(_("Templates"), reverse("desk:settings_templates"), "quiet", said)


def _allowed() -> Task:
    number = Allowance.objects.count()
    said = (
        ngettext("%(number)s exception", "%(number)s exceptions", number) % {"number": number} if number else _("None")
    )
    return Task(_("What replies may say"), reverse("desk:settings_merchants"), "quiet", said)


def _webhooks() -> Task:
    name, address, number = _("Webhooks"), reverse("desk:settings_webhooks"), Endpoint.objects.count()
    if not number:
        return Task(name, address, "quiet", _("None"))
    said = ngettext("%(number)s program is told", "%(number)s programs are told", number) % {"number": number}
    failed = Delivery.objects.filter(state=Delivery.State.FAILED).count()
    if failed:
        told = ngettext("%(number)s delivery failed", "%(number)s deliveries failed", failed) % {"number": failed}
        return Task(name, address, "warn", f"{said} · {told}")
    return Task(name, address, "quiet", said)


def _retention() -> Task:
    personal = next(one.days for one in lifetimes() if one.name == "personal")
    said = _("Personal data is erased after %s days") % personal if personal else _("Personal data is kept for ever")
    return Task(_("How long what is kept"), reverse("desk:settings_retention"), "quiet", said)


def _audit() -> Task:
    head = AuditHead.objects.first()
    number = head.sequence if head else 0
    said = ngettext("%(number)s entry", "%(number)s entries", number) % {"number": number}
    return Task(_("Audit"), reverse("desk:settings_audit"), "quiet", said)
