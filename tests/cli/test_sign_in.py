"""``kesu users invite`` and what helps somebody who cannot come in, as real commands."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.conftest import Shell


def test_an_invitation_is_made_listed_and_withdrawn(shell: Shell):
    made = shell.result("users", "invite", "--role", "viewer", "--display-name", "Li", "--granted-merchants-only")
    assert set(made) == {"id", "link", "role", "expires_at"}
    assert "/join/" in made["link"]
    [waiting] = shell.result("users", "invitations")
    assert (waiting["id"], waiting["role"], waiting["all_merchants"]) == (made["id"], "viewer", False)
    assert made["link"].rpartition("/")[2] not in str(waiting)
    assert shell.run("users", "withdraw", str(made["id"])).returncode == 0
    assert shell.result("users", "invitations") == []
    assert "No invitation" in shell.refusal("users", "withdraw", str(made["id"]))


def test_the_link_alone_is_printed_for_people(shell: Shell):
    printed = shell.run("users", "invite").stdout
    assert len(printed.splitlines()) == 1
    assert printed.startswith("http")


def test_an_unknown_role_is_refused(shell: Shell):
    assert "No such role: emperor" in shell.refusal("users", "invite", "--role", "emperor")


SIGNED_IN = """
from kesu.cli.environment import desk
with desk(None):
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.backends.db import SessionStore
    from kesu.accounts.models import User
    for name in ("leaving", "staying"):
        for device in ("phone", "desk"):
            store = SessionStore()
            store["_auth_user_id"] = name
            store.create()
            user = User.objects.get(username=name)
            UserSession.objects.create(user=user, session_key=store.session_key, ip="192.0.2.1", user_agent=device)
"""
LEFT = """
from kesu.cli.environment import desk
with desk(None):
    from allauth.usersessions.models import UserSession
    from django.contrib.sessions.models import Session
    keys = UserSession.objects.filter(user__username__in=["leaving", "staying"]).values_list("session_key", flat=True)
    print(len(keys), Session.objects.filter(session_key__in=list(keys)).count())
"""


def python(shell: Shell, script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], env=shell.env, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_somebody_is_signed_out_everywhere_and_nobody_else(shell: Shell):
    for name in ("leaving", "staying"):
        shell.run("users", "add", name, "--password-stdin", stdin="a-long-password\n")
    python(shell, SIGNED_IN)
    assert "2" in shell.run("users", "end-sessions", "leaving").stdout
    assert python(shell, LEFT) == "2 2"
    entry = next(one for one in shell.result("audit", "list") if one["subject"] == "user:leaving")
    assert (entry["action"], entry["details"]) == ("person_changed", {"sessions_ended": 2})
    assert "0" in shell.run("users", "end-sessions", "leaving").stdout
    assert "No such person" in shell.refusal("users", "end-sessions", "nobody")


def test_somebody_is_helped_back_in(shell: Shell):
    assert "0" in shell.run("users", "unlock", "nobody").stdout
    assert "No such person" in shell.refusal("users", "reset-second-step", "nobody")
    shell.run("users", "add", "helped")
    assert shell.run("users", "reset-second-step", "helped").returncode == 0
