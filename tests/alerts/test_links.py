"""A link opens one case, for a while, and cannot be made by anybody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.signing import Signer
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts import links

NOW = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)


def test_a_link_names_its_case_for_seven_days() -> None:
    token = links.token(4711, 12, now=NOW)
    assert links.resolve(token, now=NOW) == 4711
    assert links.resolve(token, now=NOW + timedelta(days=7, seconds=-1)) == 4711
    assert links.resolve(token, now=NOW + timedelta(days=7)) is None


def test_the_time_allowed_is_a_setting(settings: object) -> None:
    settings.KESU_LINK_MAX_AGE = timedelta(hours=1)  # type: ignore[attr-defined]
    token = links.token(4711, 12, now=NOW)
    assert links.resolve(token, now=NOW + timedelta(minutes=59)) == 4711
    assert links.resolve(token, now=NOW + timedelta(hours=1)) is None


@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_changed_token_opens_nothing(position: int, character: str) -> None:
    token = links.token(4711, 12, now=NOW)
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    assert links.resolve(changed, now=NOW) == (4711 if changed == token else None)


@pytest.mark.parametrize("found", ["", ".", "a.b", "4711-12-9999999999", "..", "\x00", "1-2.x", "١-٢-٣.x"])
def test_what_is_no_token_opens_nothing(found: str) -> None:
    assert links.resolve(found, now=NOW) is None


def test_a_signature_made_for_something_else_opens_nothing() -> None:
    foreign = Signer(salt="something.else", sep=".").sign("4711-12-9999999999")
    assert links.resolve(foreign, now=NOW) is None


def test_the_address_stands_below_the_public_one(settings: object) -> None:
    settings.KESU_PUBLIC_URL = "https://desk.example.com"  # type: ignore[attr-defined]
    address = links.address(4711, 12, now=NOW)
    token = address.removeprefix("https://desk.example.com/open/")
    assert links.resolve(token, now=NOW) == 4711
