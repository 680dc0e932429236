"""A desk in the middle of a working day with one row of everything that an address can name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from tests.desk.conftest import _language_is_reset, day, desk, now
from tests.security.rows import Rows, rows_of

__all__ = ["_language_is_reset", "day", "desk", "now"]


@pytest.fixture
def rows(day: dict[str, Any], desk: Client, now: datetime) -> Rows:
    """Of the case with the longest story; ``desk`` is signed in as the one who handles it, an owner."""
    return rows_of(day["case"], day["user"], day["other_user"], day["channel"], now=now)
