"""`kesu release`, `withdraw` and `decide`, and whose deed it is in the audit."""

from __future__ import annotations

import getpass
import json
import subprocess
import sys

import pytest

from tests.cli.test_acting import WORDS, acting
from tests.cli.test_refunding import open_case, refunded

__all__ = ["open_case"]

PLAN = """
from kesu.cli.environment import desk
with desk(None):
    from kesu import clock
    from kesu.accounts.actor import Actor, Via
    from kesu.accounts.models import User
    from kesu.commands import verbs
    from kesu.commands.reading import note_view
    from kesu.complaints.models import Complaint
    user, case = User.objects.get(username={user!r}), Complaint.objects.get(complaint_id={number!r})
    note_view(user, case, now=clock.now())
    verbs.reply(Actor(user, Via.PAGE), case, {words!r}, now=clock.now())
"""


@pytest.fixture
def people(shell):
    """An agent, and a manager who is the second person."""
    known = {person["username"] for person in shell.result("users", "list")}
    for name, role in (("xiaoli", "agent"), ("laowang", "manager")):
        if name not in known:
            shell.run("users", "add", name, "--role", role, "--password-stdin", stdin="a-long-password\n")


def test_a_case_is_given_back(shell, open_case):
    number, who = open_case(), acting(shell)
    assert shell.run("claim", number, *who).returncode == 0
    given = shell.run("release", number, "--json", *who)
    assert (given.returncode, json.loads(given.stdout)) == (0, {"claimed_by": ""})


def test_a_reply_that_was_not_sent_yet_is_taken_back(shell, sandbox, open_case):
    number, who = open_case(), acting(shell)
    assert "waits to be sent" in shell.refusal("withdraw", number, *who, KESU_LANGUAGE="en")
    plan = [sys.executable, "-c", PLAN.format(user=who[1], number=number, words=WORDS)]
    subprocess.run(plan, env=shell.env, check=True)
    taken = shell.run("withdraw", number, "--json", *who)
    assert (taken.returncode, json.loads(taken.stdout)["failure"]) == (0, "withdrawn")
    assert sandbox.control(f"/complaints/{number}")["complaint_state"] == "PENDING"


def test_a_refund_above_the_limit_is_granted_by_another_person(shell, sandbox, open_case, people):
    number = open_case(amount=30_000)
    assert "No refund" in shell.refusal("decide", number, "--grant", "--as", "laowang", KESU_LANGUAGE="en")
    asked = shell.run("refund", number, "--yes", "--json", "--as", "xiaoli")
    assert asked.returncode == 6, asked.stderr
    assert shell.run("decide", number, "--grant", "--as", "xiaoli").returncode == 1
    assert refunded(sandbox, number) == 0
    granted = shell.run("decide", number, "--grant", "--yes", "--json", "--as", "laowang")
    assert granted.returncode == 0, granted.stderr + granted.stdout
    done = json.loads(granted.stdout)
    assert (done["kind"], done["state"]) == ("refund", "confirmed")


def test_a_refund_above_the_limit_is_declined(shell, sandbox, open_case, people):
    number = open_case(amount=30_000)
    assert shell.run("refund", number, "--yes", "--as", "xiaoli").returncode == 6
    declined = shell.run("decide", number, "--decline", "--note", "先和付款人沟通", "--json", "--as", "laowang")
    assert (declined.returncode, json.loads(declined.stdout)["state"]) == (0, "declined")
    assert refunded(sandbox, number) == 0


def test_the_audit_names_who_sat_at_the_command_line_in_whose_name(shell, open_case, people):
    number = open_case()
    there = {"SSH_CONNECTION": "203.0.113.9 51000 192.0.2.1 22"}
    assert shell.run("note", number, "已联系仓库", "--as", "laowang", **there).returncode == 0
    entries = shell.result("audit", "list")
    entry = next(one for one in entries if one["action"] == "noted" and one["subject"] == f"complaint:{number}")
    assert (entry["username"], entry["via"], entry["address"]) == ("laowang", "cli", "203.0.113.9")
    assert entry["details"]["operator"] == getpass.getuser()


UNKNOWN = """
from kesu.cli.environment import desk
with desk(None):
    from kesu import clock
    from kesu.commands.models import Command
    Command.objects.filter(state="planned").update(state="unknown", sent_at=clock.now())
"""


def test_what_became_of_a_reply_is_said_by_hand_and_both_answers_succeed(shell, sandbox, open_case, people):
    number = open_case()
    reason = ["--reason", "商户平台查无此回复"]
    nothing = shell.refusal("settle", number, "--carried-out", *reason, "--as", "laowang", KESU_LANGUAGE="en")
    assert "nothing whose outcome is unknown" in nothing
    for answer, state in (("--not-carried-out", "failed"), ("--carried-out", "confirmed")):
        plan = PLAN.format(user="laowang", number=number, words=WORDS)
        subprocess.run([sys.executable, "-c", plan + UNKNOWN], env=shell.env, check=True)
        assert shell.run("settle", number, answer, *reason, "--as", "xiaoli").returncode == 1
        said = shell.run("settle", number, answer, *reason, "--json", "--as", "laowang")
        assert (said.returncode, json.loads(said.stdout)["state"]) == (0, state), said.stderr
    assert sandbox.control(f"/complaints/{number}")["complaint_state"] == "PENDING"
    settled = [one["details"] for one in shell.result("audit", "list") if one["action"] == "command_settled"]
    assert [one["carried_out"] for one in settled] == [True, False]


def test_the_list_shows_what_waits_for_a_second_person(shell, open_case, people):
    number, other = open_case(amount=30_000), open_case()
    assert shell.run("refund", number, "--yes", "--as", "xiaoli").returncode == 6
    shown = {one["complaint_id"] for one in shell.result("complaints", "list", "--second-person")}
    assert number in shown
    assert other not in shown
