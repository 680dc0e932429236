"""Robots and other channels: added, proved by a push that somebody saw, changed, switched off."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.alerts import channel_verbs
from kesu.alerts.changes import ChannelChange
from kesu.alerts.channel_state import callback_path, seen_at, spent
from kesu.alerts.channel_verbs import NewChannel
from kesu.alerts.channels.base import SettingsError
from kesu.alerts.models import Attempt, Channel
from kesu.alerts.queries import channel_health
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.channel_fields import FIELDS
from kesu.desk.views.settings.channel_form import ChannelForm


@require_GET
@needs(Permission.SETTINGS)
def channels(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    found = channel_health(now=now)
    budgets = spent([health.channel for health in found], now=now)
    context = {
        "rows": [{"health": health, "spent": budgets[health.channel.pk]} for health in found],
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
    attempt = channel_verbs.send_test(Actor.of(request), row, now=clock.now())
    return _page(request, Channel.objects.get(pk=pk), attempt=attempt)


@require_POST
@needs(Permission.SETTINGS)
def push_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """``seen`` 1: somebody saw the test push. That is what the proof is."""
    row, seen = get_object_or_404(Channel, pk=pk), request.POST.get("seen") == "1"
    channel_verbs.mark_seen(Actor.of(request), row, seen=seen, now=clock.now())
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
    if naming := channel_verbs.switch(Actor.of(request), row, enabled=enabled, now=clock.now()):
        told = _("Ladders name it: %s. Their steps go to every channel now.") % ", ".join(naming)
        messages.warning(request, told)
    messages.success(request, _("Channel %s is on.") % row if enabled else _("Channel %s is off.") % row)
    return redirect("desk:settings_channel", pk=pk)


def _add(request: HttpRequest, form: ChannelForm) -> tuple[Channel | None, str]:
    """The channel, and the secret that was made for it; None where it was refused."""
    given = form.cleaned_data
    wanted = NewChannel(
        given["name"],
        form.kind,
        form.settings(),
        mentions=_names(given["mentions"]),
        second_mentions=_names(given["second_mentions"]),
        accounts=given["accounts"],
        language=given["language"],
        fallback=given["fallback"],
        standby=given["standby"],
        quiet_hours=given["quiet_hours"],
    )
    try:
        return channel_verbs.add(Actor.of(request), wanted, now=clock.now())
    except SettingsError as error:
        form.refuse(error)
        return None, ""


def _change(request: HttpRequest, row: Channel, form: ChannelForm) -> bool:
    given = form.cleaned_data
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
        channel_verbs.change(Actor.of(request), row, wanted, quiet_hours=given["quiet_hours"], now=clock.now())
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
        "row": {"health": health, "spent": spent([row], now=now)[row.pk]},
        "form": form or ChannelForm(row.kind, row, initial=_initial(row)),
        "attempt": attempt,
        "accepted": attempt is not None and attempt.outcome == Attempt.Outcome.SENT,
        "seen": seen_at([row.name]).get(row.name),
        "secret": secret,
        "callback_path": f"{settings.KESU_PUBLIC_URL}{path}" if (path := callback_path(row)) else "",
        "now": now,
    }
    return private(render(request, "desk/settings/channel.html", context, status=status))
