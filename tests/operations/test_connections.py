"""What an address says about encryption and time-outs holds for every connection."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.db import connection

from kesu.config.archive import Place
from kesu.config.database import django_settings
from kesu.intake.writer import connection_parameters

URL = "postgresql://desk@db.internal/desk"


def test_the_receiver_and_the_listener_connect_as_the_address_says(db, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c statement_timeout=4711")
    with psycopg.connect(**connection_parameters()) as other:  # type: ignore[arg-type]
        assert other.execute("show statement_timeout").fetchone() == ("4711ms",)


def test_machines_that_vanish_are_given_up_soon(tmp_path: Path):
    options = django_settings(tmp_path, URL)["OPTIONS"]
    assert options["tcp_user_timeout"] <= 30_000
    assert "tcp_keepalives_idle" in options["options"]


def test_the_address_has_the_last_word(tmp_path: Path):
    options = django_settings(tmp_path, URL + "?tcp_user_timeout=1000&options=-c%20jit%3Doff")["OPTIONS"]
    assert (options["tcp_user_timeout"], options["options"]) == ("1000", "-c jit=off")


def test_backups_connect_alike_and_the_password_is_on_no_command_line(tmp_path: Path):
    place = Place.of(tmp_path, "postgresql://desk:p%40ss@db.internal:5433/desk?sslmode=verify-full")
    assert "sslmode=verify-full" in place.conninfo
    assert "p@ss" not in place.conninfo + repr(place)
    assert place.environment()["PGPASSWORD"] == "p@ss"
