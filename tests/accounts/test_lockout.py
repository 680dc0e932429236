"""How often one may guess."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from kesu.accounts import attempts
from kesu.accounts.models import SignInAttempt
from tests.accounts.conftest import enter, said, signed_in
from tests.desk_seeds import make_user

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def fail(name: str = "wang", address: str = "198.51.100.7", *, at: datetime = NOW) -> None:
    attempts.begin(name, address, now=at)


def test_after_five_failures_a_name_waits_even_with_the_right_password(wang):
    for _ in range(5):
        assert "用户名或密码不正确" in said(enter(Client(), password="wrong-password"))
    client = Client()
    assert "请等待 15 分钟" in said(enter(client))
    assert not signed_in(client)


def test_an_unknown_name_waits_alike(wang):
    pages = []
    for name in ("wang", "nobody"):
        for _ in range(6):
            answer = enter(Client(), name, "wrong-password")
        pages.append(said(answer).replace(name, "").partition("<body>")[2].split("csrfmiddlewaretoken")[0])
    assert pages[0] == pages[1]
    assert "请等待 15 分钟" in pages[0]


def test_somebody_else_is_not_held_up(wang):
    make_user("li")
    for _ in range(6):
        enter(Client(), password="wrong-password")
    client = Client()
    enter(client, "li")
    assert signed_in(client)


def test_an_address_waits_after_twenty_failures_whatever_the_names(wang):
    for number in range(20):
        fail(f"name{number}")
    with pytest.raises(attempts.LockedOutError):
        fail("wang")
    fail("wang", "203.0.113.9")


def test_the_wait_ends_when_the_first_of_the_five_is_fifteen_minutes_old(db):
    for minute in range(5):
        fail(at=NOW + timedelta(minutes=minute))
    with pytest.raises(attempts.LockedOutError) as locked:
        fail(at=NOW + timedelta(minutes=10))
    assert locked.value.until == NOW + timedelta(minutes=15)
    fail(at=NOW + timedelta(minutes=15))


def test_tries_while_waiting_do_not_make_it_longer(db):
    for _ in range(5):
        fail()
    for minute in range(14):
        with pytest.raises(attempts.LockedOutError):
            fail(at=NOW + timedelta(minutes=minute))
    fail(at=NOW + timedelta(minutes=15))


def test_signing_in_rightly_counts_nothing_and_forgives_nothing(wang):
    for _ in range(8):
        client = Client()
        enter(client)
        assert signed_in(client)
    assert SignInAttempt.objects.count() == 0
    enter(Client(), password="wrong-password")
    enter(Client())
    assert SignInAttempt.objects.count() == 1


@pytest.mark.parametrize("spelling", ["WANG", " wang ", "Wang"])
def test_spelling_a_name_differently_gives_no_more_tries(db, spelling):
    for _ in range(5):
        fail()
    with pytest.raises(attempts.LockedOutError):
        fail(spelling)


def test_a_subscribers_whole_ipv6_network_is_one_address(db):
    for number in range(20):
        fail(f"name{number}", f"2001:db8:1:2::{number:x}")
    with pytest.raises(attempts.LockedOutError):
        fail("another", "2001:db8:1:2:ffff::1")
    fail("another", "2001:db8:1:3::1")
    fail("another", "not an address")


def test_an_invented_forwarding_header_gives_no_more_tries(wang):
    for number in range(20):
        enter(Client(), f"name{number}", "wrong-password", headers={"X-Forwarded-For": f"192.0.2.{number}"})
    answer = enter(Client(), headers={"X-Forwarded-For": "192.0.2.200"})
    assert "请等待" in said(answer)


def test_neither_name_nor_address_is_kept(db):
    fail("typed-my-password-here", "198.51.100.7")
    row = SignInAttempt.objects.get()
    assert "password" not in row.name_key
    assert "198" not in row.address_key[:4] or len(row.address_key) == 64


def test_what_counts_no_more_is_deleted(db):
    fail(at=NOW - timedelta(hours=1))
    fail("li", at=NOW)
    assert SignInAttempt.objects.count() == 1


def test_whoever_runs_the_desk_can_forgive(db):
    for _ in range(5):
        fail()
    assert attempts.forgive("Wang") == 5
    fail()


def test_confirming_by_password_counts_too(wang):
    client = Client()
    enter(client)
    for _ in range(5):
        client.post("/me/confirm", {"password": "wrong-password"})
    assert "请等待" in said(enter(Client()))


def test_of_many_tries_at_once_only_five_are_looked_at(transactional_db):
    """Each try is counted before the password is looked at."""
    barrier, let_in = threading.Barrier(12), []

    def guess() -> None:
        barrier.wait()
        try:
            attempts.begin("wang", "198.51.100.7", now=NOW)
            let_in.append(1)
        except attempts.LockedOutError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(let_in) == 5


OTHER_PROCESS = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "kesu.config.settings"
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
import django
django.setup()
from django.test import Client
for _ in range(int(sys.argv[2])):
    answer = Client().post("/sign-in", {"username": "wang", "password": sys.argv[3]}, REMOTE_ADDR="198.51.100.7",
                           headers={"Cookie": "django_language=en"})
print("wait" if "please wait" in answer.content.decode() else answer.status_code)
"""


def in_another_process(tries: int, password: str) -> str:
    command = [sys.executable, "-c", OTHER_PROCESS, connection.settings_dict["NAME"], str(tries), password]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_failures_in_one_process_count_in_every_other(transactional_db):
    make_user()
    assert in_another_process(3, "wrong-password") == "200"
    for _ in range(2):
        enter(Client(), password="wrong-password")
    assert in_another_process(1, "a-long-password-1") == "wait"
    assert "请等待" in said(enter(Client()))
