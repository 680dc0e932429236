"""What scripts read: `--json` on standard output, with the promised names."""

from __future__ import annotations

from datetime import datetime

import pytest

from kesu.cli.sandbox_import import ROBOT_NAME
from tests.cli.conftest import Shell
from tests.sandboxes import ServedSandbox

PROMISED = {
    "complaint_id",
    "complaint_state",
    "complainted_mchid",
    "complaint_time",
    "reply_due_at",
    "complete_due_at",
    "user_complaint_times",
}
PROMISED_OF_PUSHES = {
    "id",
    "channel",
    "kind",
    "complaint_ids",
    "state",
    "due_at",
    "sent_at",
    "attempts",
    "error",
}


def test_the_list_of_complaints_has_the_promised_names(shell: Shell):
    rows = shell.result("complaints", "list")
    assert len(rows) == 3
    assert all(set(row) >= PROMISED for row in rows)
    first = rows[0]
    assert (first["complaint_state"], first["user_complaint_times"]) == ("PENDING", 1)
    reply, complete = (datetime.fromisoformat(first[name]) for name in ("reply_due_at", "complete_due_at"))
    raised = datetime.fromisoformat(first["complaint_time"])
    assert [(due - raised).total_seconds() / 3600 for due in (reply, complete)] == [24, 72]


def test_the_list_can_be_narrowed_to_a_sub_merchant(shell: Shell, sandbox: ServedSandbox):
    sub_mchid = sandbox.merchant("partner")["sub_mchids"][0]
    [row] = shell.result("complaints", "list", "--mchid", sub_mchid)
    assert row["complainted_mchid"] == sub_mchid


def test_one_complaint_is_shown_with_its_timeline(shell: Shell):
    complaint_id = shell.result("complaints", "list", "--limit", "1")[0]["complaint_id"]
    shown = shell.result("complaints", "show", complaint_id)
    assert set(shown) >= PROMISED | {"timeline"}
    assert shown["timeline"][0]["operate_type"] == "USER_CREATE_COMPLAINT"
    assert {"log_id", "operate_type", "operate_time", "operator", "operate_details"} <= set(shown["timeline"][0])


def test_accounts_are_listed_without_their_keys(shell: Shell, sandbox: ServedSandbox):
    rows = shell.result("merchants", "list")
    assert {row["mchid"] for row in rows} == {merchant["mchid"] for merchant in sandbox.merchants}
    assert all(row["callback_registered"] for row in rows)


def test_a_check_of_the_accounts_makes_real_calls(shell: Shell, sandbox: ServedSandbox):
    findings = shell.result("merchants", "check")
    assert all(finding["ok"] for finding in findings)
    assert {finding["mchid"] for finding in findings} == {merchant["mchid"] for merchant in sandbox.merchants}


def test_every_complaint_owes_a_push(shell: Shell):
    rows = shell.result("outbox", "list", "--state", "pending")
    assert all(set(row) >= PROMISED_OF_PUSHES for row in rows)
    assert [(row["kind"], row["channel"]) for row in rows] == [("new", ROBOT_NAME)] * 3


def test_the_channel_is_listed_and_can_be_tried(shell: Shell):
    assert ROBOT_NAME in [channel["name"] for channel in shell.result("channels", "list")]
    tried = shell.result("channels", "test", ROBOT_NAME)
    assert (tried["outcome"], tried["code"]) == ("sent", "0")


@pytest.mark.parametrize(
    "command",
    [
        ("complaints", "list"),
        ("merchants", "list"),
        ("channels", "list"),
        ("outbox", "list"),
        ("users", "list"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_every_list_is_for_people_too(shell: Shell, command: tuple[str, ...]):
    done = shell.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""


def test_a_person_is_added_with_a_password_from_standard_input(shell: Shell):
    added = shell.run("users", "add", "zhangsan", "--password-stdin", stdin="correct horse battery\n")
    assert added.returncode == 0
    assert "correct horse" not in added.stdout + added.stderr
    assert "zhangsan" in [row["username"] for row in shell.result("users", "list")]


def test_the_doctor_names_every_check_and_its_level(shell: Shell):
    findings = shell.result("doctor")
    assert {"check", "level", "text"} == set(findings[0])
    assert {finding["level"] for finding in findings} <= {"ok", "warning", "failed"}
