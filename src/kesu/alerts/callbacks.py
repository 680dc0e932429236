"""What WeCom calls: the check of the address, and the buttons of cards. Included under ``callbacks/``.

Source: 接收消息与事件 https://developer.work.weixin.qq.com/document/path/90238. An answer is due within 5 s (1 s for
the check); WeCom repeats a call up to three times.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from kesu import clock
from kesu.alerts import clicks
from kesu.alerts.channels.wecom_app import KIND as WECOM_APP
from kesu.alerts.channels.wecom_app.crypto import ForgedError
from kesu.alerts.channels.wecom_app.envelopes import click_of, encrypted_part, envelope, grey_button
from kesu.alerts.channels.wecom_app.settings import WecomAppSettings
from kesu.alerts.models import Channel

log = structlog.get_logger(__name__)

BODY_BYTES = 64 * 1024
FRESH_FOR = timedelta(days=1)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "POST"])
def wecom_app(request: HttpRequest, channel_pk: int) -> HttpResponse:
    """The address that a WeCom application calls (API接收消息). Whatever WeCom did not sign gets 403."""
    now = clock.now()
    channel, settings = _application(channel_pk)
    try:
        answer = _check(request, settings) if request.method == "GET" else _event(request, channel, settings, now)
    except ForgedError:
        log.warning("callback.refused", channel=channel_pk)
        return HttpResponse("refused", status=403, content_type="text/plain")
    return HttpResponse(answer, content_type="text/plain" if request.method == "GET" else "application/xml")


def _application(channel_pk: int) -> tuple[Channel, WecomAppSettings]:
    channel = Channel.objects.filter(pk=channel_pk, kind=WECOM_APP.name, enabled=True).first()
    settings = WECOM_APP.parse(json.loads(channel.settings)) if channel else None
    if channel is None or settings is None or not settings.callback_token:
        raise Http404
    return channel, settings


def _check(request: HttpRequest, settings: WecomAppSettings) -> bytes:
    """The decrypted ``echostr``, bare."""
    # A plus that was not encoded arrives as a space, and base64 has no spaces.
    return settings.crypto.open(*_signed_by(request), request.GET.get("echostr", "").replace(" ", "+"))


def _event(request: HttpRequest, channel: Channel, settings: WecomAppSettings, now: datetime) -> bytes:
    """The encrypted passive answer to a press; nothing for every other event."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > BODY_BYTES:
        raise ForgedError
    signature, timestamp, nonce = _signed_by(request)
    message = settings.crypto.open(signature, timestamp, nonce, encrypted_part(request.body))
    if not _is_fresh(timestamp, now):
        raise ForgedError
    pressed = click_of(message)
    if pressed is None or pressed.agentid != str(settings.agentid):
        return b""
    label = clicks.receive(channel, pressed, now=now)
    if not label:
        return b""
    answered_at, nonce = str(int(now.timestamp())), secrets.token_hex(8)
    answer = grey_button(pressed.userid, settings.corpid, label, now=now)
    return envelope(settings.crypto.seal(answer, answered_at, nonce), answered_at, nonce)


def _signed_by(request: HttpRequest) -> tuple[str, str, str]:
    found = request.GET
    return found.get("msg_signature", ""), found.get("timestamp", ""), found.get("nonce", "")


def _is_fresh(timestamp: str, now: datetime) -> bool:
    """Whether a signed call is of these days: older presses are forgotten, and must not be played again."""
    seconds = int(timestamp) if timestamp.isdecimal() and len(timestamp) < 12 else 0
    return abs(seconds - now.timestamp()) < FRESH_FOR.total_seconds()


urlpatterns = [path("wecom/<int:channel_pk>", wecom_app, name="wecom_app_callback")]
