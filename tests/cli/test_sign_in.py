"""``kesu users invite`` and what helps somebody who cannot come in, as real commands."""

from __future__ import annotations

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


def test_somebody_is_helped_back_in(shell: Shell):
    assert "0" in shell.run("users", "unlock", "nobody").stdout
    assert "No such person" in shell.refusal("users", "reset-second-step", "nobody")
    shell.run("users", "add", "helped")
    assert shell.run("users", "reset-second-step", "helped").returncode == 0
