"""One data directory and one sandbox for every command; commands are real processes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.forking import run_kesu
from tests.prepared import database_of
from tests.processes import environment
from tests.sandboxes import ServedSandbox, serving_sandbox

PUBLIC_URL = "http://127.0.0.1:1"
PHONE = "13812345678"


@dataclass
class Shell:
    """Runs `kesu`; whatever it prints must be free of the secrets it was given."""

    env: dict[str, str]
    secrets: set[str] = field(default_factory=set)

    def run(self, *arguments: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        done = run_kesu(*arguments, env=self.env | env, stdin=stdin, timeout=90)
        told = [secret for secret in self.secrets if secret in done.stdout + done.stderr]
        assert not told, f"{arguments} told a secret"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def result(self, *arguments: str) -> Any:
        """What a successful command with --json printed."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refusal(self, *arguments: str, stdin: str = "", **env: str) -> str:
        """What a command that must fail wrote to standard error; nothing may have gone to standard output."""
        done = self.run(*arguments, stdin=stdin, **env)
        assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
        assert done.stdout == ""
        return " ".join(done.stderr.split())


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSandbox]:
    with serving_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory, sandbox: ServedSandbox) -> Iterator[Shell]:
    """A desk connected to the sandbox, which knows three complaints. Its database is kept running, for speed."""
    data: Path = tmp_path_factory.mktemp("desk")
    with database_of(data):
        shell = Shell(environment(data), secrets_of(sandbox))
        connected = shell.run("merchants", "import-sandbox", str(sandbox.file), "--public-url", PUBLIC_URL)
        assert connected.returncode == 0, connected.stderr
        shell.secrets |= {url.rsplit("/", 1)[1] for url in sandbox.control("/state")["notify_urls"].values()}
        sandbox.complain(sandbox.merchant()["mchid"], count=2, phone=PHONE)
        sandbox.complain(sandbox.merchant("partner")["sub_mchids"][0], phone=PHONE)
        read = shell.run("sync", "--days", "2")
        assert read.returncode == 0, read.stderr
        yield shell


def secrets_of(sandbox: ServedSandbox) -> set[str]:
    """What no command may print: keys, the robot's address, a payer's phone number."""
    found = {merchant["apiv3_key"] for merchant in sandbox.merchants}
    for merchant in sandbox.merchants:
        found.add(merchant["private_key_pem"].splitlines()[1])
    found.add(sandbox.described["wecom"]["webhook_url"].rpartition("key=")[2])
    return found | {PHONE}
