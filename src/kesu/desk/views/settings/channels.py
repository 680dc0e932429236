"""Robots and other channels: added, proved by a push that somebody saw, changed, switched off."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.alerts.changes import ChannelChange, change_channel, ladders_naming
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import SettingsError
from kesu.alerts.models import Attempt, BudgetKey, Channel
from kesu.alerts.queries import ChannelHealth, channel_health
from kesu.alerts.services import add_channel, set_quiet_hours, test_channel
from kesu.audit.models import AuditEntry
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.channel_fields import FIELDS
from kesu.desk.views.settings.channel_form import ChannelForm
from kesu.desk.views.settings.noting import note


@require_GET
@needs(Permission.SETTINGS)
def channels(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    found = channel_health(now=now)
    context = {
        "rows": [_row(health, now) for health in found],
        "kinds": Channel.Kind.choices,
        "now": now,
    }
    return private(render(request, "desk/settings/channels.html", context))


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@needs(Permission.SETTINGS)
def new_channel(request: HttpRequest, kind: str) -> HttpResponse:
    if kind not in FIELDS:
        raise Http404
    form = ChannelForm(kind, None, request.POST or None, initial={"language": settings.LANGUAGE_CODE})
    if request.method == "POST" and form.is_valid():
        channel, made = _add(request, form)
        if channel is not None:
            if made:
                return _page(request, channel, secret=made)
            messages.success(request, _("The channel was added. Send it a test push: that is the proof."))
            return redirect("desk:settings_channel", pk=channel.pk)
    context = {"form": form, "kind": kind, "kind_label": dict(Channel.Kind.choices)[kind]}
    status = 422 if form.errors else 200
    return private(render(request, "desk/settings/channel_new.html", context, status=status))


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@needs(Permission.SETTINGS)
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Channel, pk=pk)
    form = ChannelForm(row.kind, row, request.POST or None, initial=_initial(row))
    if request.method == "POST" and form.is_valid() and _change(request, row, form):
        messages.success(request, _("Saved."))
        return redirect("desk:settings_channel", pk=pk)
    return _page(request, row, form=form, status=422 if form.errors else 200)


@require_POST
@needs(Permission.SETTINGS)
def push_test(request: HttpRequest, pk: int) -> HttpResponse:
    """One real push. Its answer is shown, and the question whether anybody saw it."""
    row = get_object_or_404(Channel, pk=pk)
    attempt = test_channel(row, now=clock.now())
    note(request, f"channel:{row.name}", test_push=attempt.outcome)
    return _page(request, Channel.objects.get(pk=pk), attempt=attempt)


@require_POST
@needs(Permission.SETTINGS)
def push_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """``seen`` 1: somebody saw the test push. That is what the proof is."""
    row, seen = get_object_or_404(Channel, pk=pk), request.POST.get("seen") == "1"
    note(request, f"channel:{row.name}", test_push_seen=seen)
    if seen:
        messages.success(request, _("Good: this channel reaches people."))
    else:
        messages.warning(
            request,
            _("Accepted, but not seen: look whether it went to the right group, and whether the group is muted."),
        )
    return redirect("desk:settings_channel", pk=pk)


@require_POST
@needs(Permission.SETTINGS)
def switch_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """``enabled`` 1 or 0. What a channel still owed when switched off is told nowhere."""
    row, enabled = get_object_or_404(Channel, pk=pk), request.POST.get("enabled") == "1"
    with transaction.atomic():
        change_channel(row, ChannelChange(enabled=enabled), now=clock.now())
        note(request, f"channel:{row.name}", enabled=enabled)
    if not enabled and (naming := ladders_naming(row)):
        told = _("Ladders name it: %s. Their steps go to every channel now.") % ", ".join(naming)
        messages.warning(request, told)
    messages.success(request, _("Channel %s is on.") % row if enabled else _("Channel %s is off.") % row)
    return redirect("desk:settings_channel", pk=pk)


def seen_at(names: list[str]) -> dict[str, datetime]:
    """When somebody last said that they saw a test push of these channels."""
    subjects = [f"channel:{name}" for name in names]
    rows = AuditEntry.objects.filter(subject__in=subjects, details__test_push_seen=True).order_by("sequence")
    return {subject.removeprefix("channel:"): at for subject, at in rows.values_list("subject", "at")}


def _add(request: HttpRequest, form: ChannelForm) -> tuple[Channel | None, str]:
    """The channel, and the secret that was made for it; None where it was refused."""
    given, own, made, now = form.cleaned_data, form.settings(), "", clock.now()
    if form.kind == "webhook" and not own.get("secret"):
        own["secret"] = made = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
    try:
        with transaction.atomic():
            row = add_channel(
                given["name"],
                form.kind,
                {name: value for name, value in own.items() if value != ""},
                accounts=given["accounts"],
                mentions=_names(given["mentions"]),
                second_mentions=_names(given["second_mentions"]),
                language=given["language"],
                fallback=given["fallback"],
                standby=given["standby"],
                now=now,
            )
            set_quiet_hours(row, given["quiet_hours"], now=now)
            note(request, f"channel:{row.name}", added=form.kind)
    except SettingsError as error:
        form.refuse(error)
        return None, ""
    return row, made


def _change(request: HttpRequest, row: Channel, form: ChannelForm) -> bool:
    given, now = form.cleaned_data, clock.now()
    own = {name: value for name, value in form.settings().items() if name in form.changed_data}
    wanted = ChannelChange(
        settings=own or None,
        mentions=_names(given["mentions"]),
        second_mentions=_names(given["second_mentions"]),
        accounts=given["accounts"],
        language=given["language"],
        fallback=given["fallback"] or False,
        standby=given["standby"],
    )
    try:
        with transaction.atomic():
            changed = change_channel(row, wanted, now=now)
            if changed.quiet_hours != given["quiet_hours"]:
                set_quiet_hours(changed, given["quiet_hours"], now=now)
            note(request, f"channel:{row.name}", changed=form.changed_data)
    except SettingsError as error:
        form.refuse(error)
        return False
    return True


def _initial(row: Channel) -> dict[str, Any]:
    return {
        "mentions": ", ".join(row.mentions),
        "second_mentions": ", ".join(row.second_mentions),
        "quiet_hours": row.quiet_hours,
        "language": row.language,
        "accounts": list(row.accounts.all()),
        "fallback": row.fallback,
        "standby": row.standby,
    }


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.replace("，", ",").split(",") if name.strip()]


def _row(health: ChannelHealth, now: datetime) -> dict[str, Any]:
    """A channel with what its key has spent of its budget."""
    budget = kind_named(health.channel.kind).budget
    row = BudgetKey.objects.filter(pk=health.channel.budget_key).first()
    since = (now - budget.window).timestamp()
    used = sum(stamp > since for stamp in row.used_at) if row else 0
    return {
        "health": health,
        "used": used,
        "limit": budget.limit,
        "window_seconds": int(budget.window.total_seconds()),
        "in_digests": bool(row and row.digest_since),
    }


def _page(
    request: HttpRequest,
    row: Channel,
    *,
    form: ChannelForm | None = None,
    attempt: Attempt | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    health = next(found for found in channel_health(now=now) if found.channel.pk == row.pk)
    context = {
        "channel": row,
        "row": _row(health, now),
        "form": form or ChannelForm(row.kind, row, initial=_initial(row)),
        "attempt": attempt,
        "accepted": attempt is not None and attempt.outcome == Attempt.Outcome.SENT,
        "seen": seen_at([row.name]).get(row.name),
        "secret": secret,
        "callback_path": _callback_path(row),
        "now": now,
    }
    return private(render(request, "desk/settings/channel.html", context, status=status))


def _callback_path(row: Channel) -> str:
    """Where WeCom is to send presses of buttons."""
    if row.kind != Channel.Kind.WECOM_APP or not json.loads(row.settings).get("callback_token"):
        return ""
    return f"{settings.KESU_PUBLIC_URL}/callbacks/wecom/{row.pk}"
