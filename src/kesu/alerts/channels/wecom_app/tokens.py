"""The application's access token: one for all processes, in one sealed row, renewed early by one at a time.

Source: 获取access_token https://developer.work.weixin.qq.com/document/path/91039. It lives 7200 s; asking often
is punished; WeCom may end it early.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from django.db import transaction

from kesu.alerts.channels.answers import json_object
from kesu.alerts.channels.base import ERRORS, WHOLE_CALL_SECONDS, TransientError
from kesu.alerts.channels.wecom_app.settings import WecomAppSettings
from kesu.alerts.models import AppToken
from kesu.rules.classify import ErrorClass, classify_wecom
from kesu.threads import in_thread
from kesu.vault import keyring

RENEW_BEFORE = timedelta(minutes=5)
LEASE = timedelta(seconds=30)
PAUSE_SECONDS = 0.1
WAITED_AT_MOST = 50
WRONG_CREDENTIALS = frozenset({40001, 40013, 40091, 41002, 41004})
"""Of gettoken only: the secret or the company's id is wrong (elsewhere 40001 means a token that has run out)."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """``token`` if there is one to use; otherwise ``ours`` says whether this caller is to fetch one."""

    token: str
    ours: bool


async def access_token(
    settings: WecomAppSettings, client: httpx2.AsyncClient, *, now: datetime, refused: str = ""
) -> str:
    """A token to use at ``now``; another one than ``refused``. Raises SendError when none can be had."""
    key = keyring().fingerprint(f"{settings.corpid} {settings.secret}", "wecom_app.token")
    for _ in range(WAITED_AT_MOST):
        turn = await in_thread(_take_turn, key, refused, now)
        if turn.token:
            return turn.token
        if turn.ours:
            return await _renew(key, settings, client, now)
        await asyncio.sleep(PAUSE_SECONDS)  # another process fetches it
    raise TransientError("the access token is still being fetched")


async def _renew(key: str, settings: WecomAppSettings, client: httpx2.AsyncClient, now: datetime) -> str:
    token, lifetime = "", timedelta(0)
    try:
        token, lifetime = await _fetch(settings, client)
    finally:
        await in_thread(_store, key, token, now + lifetime)
    return token


@transaction.atomic
def _take_turn(key: str, refused: str, now: datetime) -> _Turn:
    AppToken.objects.bulk_create([AppToken(key=key)], ignore_conflicts=True)
    row = AppToken.objects.select_for_update().get(pk=key)
    lasts = row.expires_at - now if row.expires_at and row.token and row.token != refused else timedelta(0)
    renewing = row.renewing_until is not None and row.renewing_until > now
    if lasts > RENEW_BEFORE or (renewing and lasts > timedelta(0)):
        return _Turn(row.token or "", ours=False)
    if not renewing:
        row.renewing_until = now + LEASE
        row.save(update_fields=["renewing_until"])
    return _Turn("", ours=not renewing)


def _store(key: str, token: str, expires_at: datetime) -> None:
    """Keep a fetched token and give the turn back; without a token only the latter."""
    row = AppToken(key=key, token=token, expires_at=expires_at, renewing_until=None)
    row.save(update_fields=["token", "expires_at", "renewing_until"] if token else ["renewing_until"])


async def _fetch(settings: WecomAppSettings, client: httpx2.AsyncClient) -> tuple[str, timedelta]:
    """Ask once. Nothing was sent to anybody yet, so every failure is without doubt."""
    parameters = {"corpid": settings.corpid, "corpsecret": settings.secret}
    try:
        async with asyncio.timeout(WHOLE_CALL_SECONDS):
            url = f"{settings.api_url}/cgi-bin/gettoken"
            response = await client.get(url, params=parameters, follow_redirects=False)
    except (httpx2.HTTPError, TimeoutError) as error:
        raise TransientError(f"no access token ({type(error).__name__})") from None
    found = json_object(response.content)
    if found is None or "errcode" not in found:
        raise TransientError("no access token: the answer was not WeCom's", http_status=response.status_code)
    errcode, token, seconds = found["errcode"], found.get("access_token"), found.get("expires_in")
    if errcode == 0 and isinstance(token, str) and token and isinstance(seconds, int):
        return token, timedelta(seconds=seconds)
    answer = f"no access token: {found.get('errmsg', '')}".replace(settings.secret, "****")
    error_class = ErrorClass.CHANNEL_DEAD if errcode in WRONG_CREDENTIALS else classify_wecom(errcode)
    kind = ERRORS.get(error_class, TransientError)
    raise kind(answer, http_status=response.status_code, code=str(errcode))
