"""People, their tokens, and the audit, on the command line."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kesu.config.database import EmbeddedPostgres
from tests.cli.conftest import Shell
from tests.prepared import database_of
from tests.processes import environment

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A desk of its own, with an owner."""
    directory = tmp_path_factory.mktemp("people")
    with database_of(directory):
        shell = Shell(environment(directory))
        added = shell.run("users", "add", "wang", "--password-stdin", stdin=PASSWORD + "\n")
        assert added.returncode == 0, added.stderr
        yield shell


def add(desk: Shell, name: str, *arguments: str) -> None:
    done = desk.run("users", "add", name, "--password-stdin", *arguments, stdin=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr


def person(desk: Shell, name: str) -> dict[str, object]:
    return next(row for row in desk.result("users", "list") if row["username"] == name)


def entries(desk: Shell, *arguments: str) -> list[dict[str, object]]:
    return desk.result("audit", "list", *arguments)


def test_the_first_person_is_an_owner_and_later_ones_are_agents(desk: Shell):
    add(desk, "li")
    assert (person(desk, "wang")["role"], person(desk, "li")["role"]) == ("owner", "agent")
    assert (person(desk, "wang")["refund_limit"], person(desk, "li")["refund_limit"]) == (None, 20_000)
    assert person(desk, "li")["all_merchants"] is True


def test_role_and_limit_are_given_and_changed(desk: Shell):
    add(desk, "zhao", "--role", "manager", "--refund-limit", "800.50")
    assert (person(desk, "zhao")["role"], person(desk, "zhao")["refund_limit"]) == ("manager", 80_050)
    desk.run("users", "role", "zhao", "agent", "--refund-limit", "role")
    assert (person(desk, "zhao")["role"], person(desk, "zhao")["refund_limit"]) == ("agent", 20_000)


def test_a_new_password_changes_nothing_else(desk: Shell):
    add(desk, "qian", "--role", "viewer")
    add(desk, "qian")
    assert person(desk, "qian")["role"] == "viewer"
    newest = entries(desk, "--subject", "user:qian")[0]["details"]
    assert newest == {"password_set": True, "role": "viewer"}


REFUSED = [
    (["users", "role", "li", "king"], "No such role: king"),
    (["users", "role", "nobody", "agent"], "No such person: nobody"),
    (["users", "role", "wang", "agent"], "wang is the only owner"),
    (["users", "disable", "wang"], "wang is the only owner"),
    (["users", "role", "li", "--refund-limit", "much"], "written in yuan"),
    (["users", "role", "li", "--refund-limit", "1.005"], "written in yuan"),
    (["users", "role", "li", "--refund-limit", "-1"], "written in yuan"),
    (["users", "role", "li", "--refund-limit", "NaN"], "written in yuan"),
    (["users", "role", "li", "--merchants", "1999999999"], "No such account: 1999999999"),
    (["tokens", "create", "--user", "nobody"], "No such person: nobody"),
    (["tokens", "create", "--user", "wang", "--scope", "root"], "A scope is one of"),
    (["tokens", "revoke", "4711"], "No such token: 4711"),
    (["audit", "verify", "--noted", "nonsense"], "NUMBER:HASH"),
]


def test_what_cannot_be_is_refused_and_changes_nothing(desk: Shell):
    before = entries(desk, "--limit", "1")
    for arguments, said in REFUSED:
        assert said in desk.refusal(*arguments)
    assert entries(desk, "--limit", "1") == before


def test_whoever_is_switched_off_stays_in_the_list(desk: Shell):
    add(desk, "sun")
    desk.run("users", "disable", "sun")
    assert person(desk, "sun")["is_active"] is False
    desk.run("users", "disable", "sun", "--undo")
    assert person(desk, "sun")["is_active"] is True


def test_a_token_is_shown_once_and_revoked(desk: Shell):
    made = desk.result("tokens", "create", "--user", "wang", "--name", "nightly", "--scope", "read", "--days", "7")
    assert made["token"].startswith("kesu_")
    assert (made["user"], made["name"], made["scopes"]) == ("wang", "nightly", ["read"])
    desk.secrets.add(made["token"])
    [listed] = [row for row in desk.result("tokens", "list", "--user", "wang") if row["id"] == made["id"]]
    assert "token" not in listed
    assert desk.run("tokens", "list").returncode == 0
    desk.run("tokens", "revoke", str(made["id"]))
    [listed] = [row for row in desk.result("tokens", "list") if row["id"] == made["id"]]
    assert listed["revoked_at"]
    assert [entry["action"] for entry in entries(desk, "--limit", "2")] == ["token_revoked", "token_created"]


def test_a_token_is_for_everything_that_its_person_may_unless_narrowed(desk: Shell):
    assert desk.result("tokens", "create", "--user", "wang")["scopes"] == ["read", "act", "admin"]


def test_the_audit_names_the_account_at_the_terminal(desk: Shell):
    env = desk.env
    desk.env = env | {"SSH_CONNECTION": "203.0.113.9 50000 10.0.0.1 22"}
    desk.env.pop("SUDO_USER", None)
    try:
        desk.run("users", "role", "li", "viewer")
    finally:
        desk.env = env
    newest = entries(desk, "--limit", "1")[0]
    assert (newest["username"], newest["via"], newest["address"]) == (getpass.getuser(), "cli", "203.0.113.9")
    assert (newest["action"], newest["subject"]) == ("person_changed", "user:li")
    assert newest["details"] == {"role_before": "agent", "role": "viewer"}


def test_no_password_is_in_the_audit(desk: Shell):
    assert PASSWORD not in json.dumps(entries(desk, "--limit", "10000"))


def test_a_change_made_behind_its_back_is_found(desk: Shell):
    whole = desk.result("audit", "verify")
    assert whole["intact"] is True
    assert desk.result("audit", "verify", "--noted", whole["head"])["intact"] is True
    number = whole["checked"] - 1
    with _database(desk) as connection:
        connection.execute("alter table audit_auditentry disable trigger user")
        connection.execute("update audit_auditentry set username = 'li' where sequence = %s", [number])
    done = desk.run("audit", "verify")
    assert done.returncode == 1
    assert f"Entry {number} was changed." in done.stderr
    told = desk.run("audit", "verify", "--json")
    assert told.returncode == 1
    assert json.loads(told.stdout)["sequence"] == number


def _database(desk: Shell) -> psycopg.Connection[tuple[object, ...]]:
    directory = EmbeddedPostgres(Path(desk.env["KESU_DATA"])).socket_directory
    return psycopg.connect(host=str(directory), user="kesu", dbname="kesu")
