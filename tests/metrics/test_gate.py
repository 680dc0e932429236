"""Strangers learn nothing from the metrics."""

from __future__ import annotations

from typing import Any

import pytest

from kesu.config.configuration import Configuration
from kesu.metrics import Gate


def scope(client: str | None = "127.0.0.1", **headers: str) -> dict[str, Any]:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"client": (client, 4711) if client else None, "headers": named}


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.3.0.9"])
def test_named_networks_may_read(client: str):
    assert Gate("127.0.0.1, ::1, 10.3.0.0/24").lets_in(scope(client))


@pytest.mark.parametrize("client", ["10.3.1.9", "203.0.113.5", "fe80::1%eth0", "not-an-address", None])
def test_everybody_else_may_not(client: str | None):
    assert not Gate("127.0.0.1,::1,10.3.0.0/24").lets_in(scope(client))


@pytest.mark.parametrize("header", ["x_forwarded_for", "x_real_ip", "forwarded", "via"])
def test_a_proxy_on_the_same_machine_opens_the_door_to_nobody(header: str):
    assert not Gate("127.0.0.1").lets_in(scope(**{header: "127.0.0.1"}))


def test_the_token_opens_from_anywhere():
    gate = Gate("", "a-long-token")
    assert gate.lets_in(scope("203.0.113.5", x_forwarded_for="1.2.3.4", authorization="Bearer a-long-token"))
    assert not gate.lets_in(scope("203.0.113.5", authorization="Bearer a-long-toke"))
    assert not gate.lets_in(scope("127.0.0.1"))


def test_an_empty_token_opens_nothing():
    assert not Gate("").lets_in(scope("203.0.113.5", authorization="Bearer "))


def test_a_wrong_network_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KESU_METRICS_ALLOW", "127.0.0.1,everybody")
    with pytest.raises(ValueError, match="everybody"):
        Configuration()


def test_the_token_is_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KESU_METRICS_TOKEN", "a-long-token")
    assert "a-long-token" not in repr(Configuration())
