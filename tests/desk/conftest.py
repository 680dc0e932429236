"""A desk with a working day in it, a signed-in member of staff, and the translations as they stand in the source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from kesu import clock
from tests.desk_seeds import make_user, working_day
from tests.translations import compile_translations

compile_translations()


@pytest.fixture(autouse=True)
def _language_is_reset():
    with translation.override("zh-hans"):
        yield


@pytest.fixture
def now() -> datetime:
    """Pages ask the real clock, so seeds are laid around it."""
    return clock.now().astimezone(UTC)


@pytest.fixture
def day(db: None, now: datetime) -> dict[str, Any]:
    return working_day(now)


@pytest.fixture
def desk(day: dict[str, Any]) -> Client:
    """Signed in, Chinese."""
    client = Client()
    client.force_login(day["user"])
    return client


@pytest.fixture
def english(desk: Client) -> Client:
    desk.cookies["django_language"] = "en"
    return desk


@pytest.fixture
def empty_desk(db: None) -> Client:
    """Signed in where nothing is connected."""
    client = Client()
    client.force_login(make_user())
    return client
