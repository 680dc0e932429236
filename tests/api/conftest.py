"""A desk with one case, and tokens of people with different roles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from kesu import clock
from kesu.accounts import tokens
from kesu.accounts.models import Role, User
from kesu.complaints.models import Complaint
from tests.desk_seeds import working_day


@pytest.fixture
def now() -> datetime:
    return clock.now().astimezone(UTC)


@pytest.fixture
def day(db: None, now: datetime) -> dict[str, Any]:
    return working_day(now)


@pytest.fixture
def case(day: dict[str, Any]) -> Complaint:
    """One that nobody answered yet."""
    return Complaint.objects.filter(open=True, replied=False).order_by("pk")[0]


@pytest.fixture
def token(db: None, now: datetime) -> Callable[..., str]:
    """A token's secret for somebody of this role."""

    def make(role: str = "owner", scopes: tuple[str, ...] = ("read", "act", "admin")) -> str:
        user, _ = User.objects.get_or_create(username=f"api-{role}", defaults={"role": Role(role)})
        return tokens.create(user, "test", scopes, expires_at=None, now=now)[1]

    return make


@pytest.fixture
def call(token: Callable[..., str]) -> Callable[..., Any]:
    """Speak to the API; the answer's JSON stands in ``.told``, None for files."""

    def speak(method: str, path: str, body: Any = None, *, secret: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token() if secret is None else secret}"}
        if body is not None:
            more |= {"data": json.dumps(body), "content_type": "application/json"}
        response = getattr(Client(headers=headers), method)(f"/api/v1{path}", **more)
        readable = not response.streaming and response.content
        response.told = json.loads(response.content) if readable else None
        return response

    return speak
