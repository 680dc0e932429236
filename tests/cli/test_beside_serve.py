"""Commands work alone, starting the database for themselves, and beside a running `kesu serve`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import PUBLIC_URL, Shell, secrets_of
from tests.processes import answers, environment, free_port, kesu, running
from tests.sandboxes import ServedSandbox, serving_sandbox


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[ServedSandbox]:
    """One of its own: the complaint of this story is not to be found by the other tests' desk."""
    (tmp_path / "sandbox").mkdir()
    with serving_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


def test_commands_work_with_and_without_serve(tmp_path: Path, sandbox: ServedSandbox):
    shell = Shell(environment(tmp_path / "desk"), secrets_of(sandbox))
    connected = shell.run("merchants", "import-sandbox", str(sandbox.file), "--public-url", PUBLIC_URL)
    assert connected.returncode == 0, connected.stderr
    [complaint_id] = sandbox.complain(sandbox.merchant()["mchid"])
    assert shell.run("sync", "--days", "2").returncode == 0
    alone = shell.result("complaints", "show", complaint_id)
    port = free_port()
    serve = kesu("serve", "--port", str(port))
    ready = f"http://127.0.0.1:{port}/readyz"
    with running(serve, tmp_path / "serve.log", shell.env, ready=lambda: answers(ready)) as process:
        assert shell.result("complaints", "show", complaint_id)["timeline"] == alone["timeline"]
        assert shell.run("sync", "--days", "2").returncode == 0
        assert shell.run("migrate").returncode == 0
        assert all(finding["ok"] for finding in shell.result("merchants", "check"))
        second = shell.run("serve", "--port", str(free_port()))
        assert second.returncode == 1
        assert f"process {process.pid}" in second.stderr
    assert shell.result("complaints", "show", complaint_id)["complaint_id"] == complaint_id
