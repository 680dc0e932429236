"""Apprise looks up names and follows redirects by itself: every connection of it is checked all the same."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kesu.alerts.channels.apprise.network import OutsideError, fenced
from kesu.alerts.channels.base import PayloadError, TransientError
from tests.security.networks import Names, names, outside, push, serving

__all__ = ["names"]


@pytest.mark.parametrize(
    "url",
    [
        "ntfy://10.0.0.1/topic",
        "ntfy://[::ffff:10.0.0.1]/topic",
        "ntfy://user:word@192.168.1.1:8080/topic",
        "ntfys://169.254.169.254/topic?redirect=yes",
        "gotify://10.0.0.1/AbCdEfGhIjKlMnO",
        "mmost://172.16.0.1/abcdefghijklmnopqrstuvwx",
        "rsyslog://10.0.0.1:514",
        "mailto://user:word@example.com?smtp=10.0.0.1&to=a@example.com",
        "apprise://10.0.0.1/abcdefgh",
    ],
)
def test_apprise_reaches_nothing_inside_a_network(url: str) -> None:
    with pytest.raises(PayloadError) as refused:
        push("apprise", {"url": url}, outside([]))
    assert refused.value.receipt.code == "private_address"


def test_apprise_reaches_no_name_that_leads_inside_or_to_this_machine(names: Names) -> None:
    with serving() as service:
        for number in ("10.0.0.1", "127.0.0.1"):
            names["push.example"] = [number]
            with pytest.raises(PayloadError):
                push("apprise", {"url": f"ntfy://push.example:{service.port}/topic"}, outside([]))
        assert service.came == 0


@pytest.mark.parametrize("follow", ["", "?redirect=yes"])
def test_apprise_is_led_nowhere_else(names: Names, follow: str) -> None:
    names["inside.example"] = ["10.0.0.1"]
    with serving() as service:
        service.leads_to = "http://inside.example/topic"
        with pytest.raises((PayloadError, TransientError)):
            push("apprise", {"url": f"ntfy://127.0.0.1:{service.port}/topic{follow}"}, outside([]))
        assert service.came == 1
        service.leads_to = ""
        push("apprise", {"url": f"ntfy://127.0.0.1:{service.port}/topic"}, outside([]))


@pytest.mark.parametrize("asked", [lambda s: s.connect(("10.0.0.1", 9)), lambda s: s.sendto(b"x", ("10.0.0.1", 9))])
def test_the_fence_holds_for_every_socket_of_its_thread_and_for_no_other(asked: Callable[[Any], Any]) -> None:
    elsewhere: list[Any] = []

    def beside() -> None:
        with socket.socket() as other:
            elsewhere.append(other.connect_ex(("127.0.0.1", 1)))

    with fenced(loopback=False, anywhere=False) as fence, socket.socket(type=socket.SOCK_DGRAM) as own:
        with pytest.raises(OutsideError):
            asked(own)
        thread = threading.Thread(target=beside)
        thread.start()
        thread.join()
    assert fence.refused
    assert elsewhere == [errno.ECONNREFUSED]  # by nobody who listens, not by us


def test_the_installation_may_open_its_network_to_apprise_too(settings: Any, names: Names) -> None:
    settings.KESU_WEBHOOK_ALLOW_PRIVATE = True
    names["push.example"] = ["127.0.0.1"]
    with serving() as service:
        push("apprise", {"url": f"ntfy://push.example:{service.port}/topic"}, outside([]))
        assert service.came == 1
