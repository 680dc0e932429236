"""`kesu outbox resend`: the same verb as the page's, with exit statuses for scripts."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.cli.conftest import Shell
from tests.cli.test_acting import acting, case

__all__ = ["case"]

SPOIL = """
from kesu.cli.environment import desk
with desk(None):
    from kesu.alerts.models import Message
    Message.objects.filter(pk={number}).update(state="failed", error="no answer", doubtful=True, failures=4)
"""


def test_a_push_that_may_have_arrived_is_sent_again_after_a_yes(shell: Shell, case: str) -> None:
    who = acting(shell)
    pending = shell.result("outbox", "list", "--state", "pending")
    number = next(row["id"] for row in pending if row["complaint_ids"] == [case])
    english = {"KESU_LANGUAGE": "en"}
    assert shell.run("outbox", "resend", str(number), *who).returncode == 4
    subprocess.run([sys.executable, "-c", SPOIL.format(number=number)], env=shell.env, check=True)
    asked = shell.run("outbox", "resend", str(number), *who, **english)
    assert (asked.returncode, "--yes" in asked.stderr) == (3, True)
    sent = shell.run("outbox", "resend", str(number), "--yes", "--json", *who)
    assert (sent.returncode, json.loads(sent.stdout)["state"]) == (0, "pending"), sent.stderr
    row = next(row for row in shell.result("outbox", "list") if row["id"] == number)
    assert (row["state"], row["error"]) == ("pending", "")
    entry = next(one for one in shell.result("audit", "list") if one["action"] == "push_resent")
    assert (entry["username"], entry["via"], entry["details"]["may_have_arrived"]) == (who[1], "cli", True)
    assert "kesu outbox list" in shell.refusal("outbox", "resend", "999999", *who, **english)
