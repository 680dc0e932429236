"""Channels of every kind are added on the command line; a robot of each is tried for real."""

from __future__ import annotations

import pytest

from tests.sandboxes import ServedSandbox

from .conftest import Shell


@pytest.mark.parametrize("kind", ["dingtalk", "feishu"])
def test_a_robot_with_a_secret_is_added_and_tried(shell: Shell, sandbox: ServedSandbox, kind: str) -> None:
    made = sandbox.control(f"/{kind}/robots", {"secret": "SEC-of-this-robot"})
    shell.secrets |= {made["token"], "SEC-of-this-robot"}
    added = shell.run(
        *("channels", "add", kind, "--kind", f"{kind}_robot", "--url", made["webhook_url"]),
        *("--secret", "SEC-of-this-robot"),
    )
    assert added.returncode == 0, added.stderr
    assert shell.result("channels", "test", kind)["outcome"] == "sent"


def test_an_application_is_added_with_its_own_settings_and_names_its_callback(
    shell: Shell, sandbox: ServedSandbox
) -> None:
    made = sandbox.control("/wecom/apps", {"members": ["LiSi"]})
    shell.secrets |= {made["secret"]}
    settings = {
        "corpid": made["corpid"],
        "agentid": made["agentid"],
        "api_url": made["api_url"],
        "receivers": "LiSi",
        "callback_token": "QDG6eK",
        "callback_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    }
    options = [option for name, value in settings.items() for option in ("--set", f"{name}={value}")]
    added = shell.run("channels", "add", "app", "--kind", "wecom_app", "--secret", made["secret"], *options)
    assert added.returncode == 0, added.stderr
    assert "/callbacks/wecom/" in added.stdout
    assert shell.result("channels", "test", "app")["outcome"] == "sent"


def test_what_is_wrong_with_a_setting_is_said_without_repeating_it(shell: Shell) -> None:
    said = shell.refusal(
        *("channels", "add", "mail", "--kind", "email", "--set", "host=smtp.example.com"),
        *("--set", "sender=nobody", "--set", "recipients=team@example.com"),
    )
    assert "sender: must be an address" in said
    assert "NAME=VALUE" in shell.refusal("channels", "add", "mail", "--kind", "email", "--set", "host")
