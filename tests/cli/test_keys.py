"""Keys are changed from the command line, against a sandbox that changes its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kesu.wechatpay import Client, MerchantCredentials, PlatformKeys, load_private_key, load_public_key
from tests.cli.conftest import PUBLIC_URL, Shell, secrets_of
from tests.prepared import database_of
from tests.processes import environment
from tests.sandboxes import ServedSandbox, serving_sandbox


@pytest.fixture(scope="module")
def own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSandbox]:
    """Its keys change, so no other test may use it."""
    with serving_sandbox(tmp_path_factory.mktemp("own-sandbox")) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def own_shell(tmp_path_factory: pytest.TempPathFactory, own_sandbox: ServedSandbox) -> Iterator[Shell]:
    data: Path = tmp_path_factory.mktemp("own-desk")
    with database_of(data):
        shell = Shell(environment(data), secrets_of(own_sandbox))
        done = shell.run("merchants", "import-sandbox", str(own_sandbox.file), "--public-url", PUBLIC_URL)
        assert done.returncode == 0, done.stderr
        yield shell


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def make(name: str, content: str) -> str:
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return make


def ordered(shell: Shell, *arguments: str) -> str:
    done = shell.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def delete_callback(sandbox: ServedSandbox, merchant: dict[str, Any]) -> None:
    """Somebody with the same keys removes the address."""
    key = load_private_key(merchant["private_key_pem"])
    platform = PlatformKeys({sandbox.platform["public_key_id"]: load_public_key(sandbox.platform["public_key_pem"])})
    credentials = MerchantCredentials(merchant["mchid"], merchant["serial_no"], key)
    async with Client(credentials, platform, now=sandbox.now, base_url=sandbox.platform["base_url"]) as client:
        await client.delete_notify_url()


def test_every_key_is_changed_and_the_account_works_on(
    own_shell: Shell, own_sandbox: ServedSandbox, write: Any
) -> None:
    mchid = own_sandbox.merchant()["mchid"]
    apiv3_key = own_sandbox.control("/keys", dict(rotate="apiv3_key", mchid=mchid))["apiv3_key"]
    own_shell.secrets.add(apiv3_key)
    ordered(
        own_shell, "merchants", "rotate-apiv3", mchid, "--key-file", write("key", apiv3_key + "\n"), "--grace", "2d"
    )
    new = own_sandbox.control("/keys", dict(rotate="merchant_certificate", mchid=mchid, revoke_old=True))
    files = [
        "--private-key",
        write("k.pem", new["private_key_pem"]),
        "--certificate",
        write("c.pem", new["certificate_pem"]),
    ]
    assert new["serial_no"] in ordered(own_shell, "merchants", "rotate-certificate", mchid, *files)
    for step in ("announce", "use", "retire"):
        own_sandbox.control("/keys", dict(rotate="platform_certificate", step=step))
    described = json.loads(own_sandbox.file.read_text())["wechatpay"]
    platform = write("platform.pem", described["certificate_pem"])
    serial = ["--serial", described["certificate_serial"]]
    ordered(own_shell, "merchants", "add-platform-key", mchid, *serial, "--public-key", platform)
    ordered(own_shell, "merchants", "remove-platform-key", mchid, "--serial", described["public_key_id"])
    own_sandbox.control("/keys", dict(rotate="signing", to="certificate"))
    assert all(row["ok"] for row in own_shell.result("merchants", "check", mchid))


def test_a_key_that_does_not_fit_is_refused_with_a_reason(
    own_shell: Shell, own_sandbox: ServedSandbox, write: Any
) -> None:
    mchid = own_sandbox.merchant("partner")["mchid"]
    short = own_shell.refusal("merchants", "rotate-apiv3", mchid, "--key-file", write("key", "short"))
    assert "32" in short
    assert "PUB_KEY_ID_0" in own_shell.refusal("merchants", "remove-platform-key", mchid, "--serial", "ABCD")


def test_a_changed_callback_is_told_or_repaired_as_the_account_says(
    own_shell: Shell, own_sandbox: ServedSandbox
) -> None:
    partner = own_sandbox.merchant("partner")
    assert own_shell.result("merchants", "callback", partner["mchid"]) == []
    asyncio.run(delete_callback(own_sandbox, partner))
    told = own_shell.run("merchants", "callback", partner["mchid"], "--report-only", "--json")
    assert (told.returncode, [row["level"] for row in json.loads(told.stdout)]) == (1, ["failed"])
    assert own_shell.result("merchants", "callback", partner["mchid"], "--repair") == []


def test_limitations_and_violations_of_sub_merchants_are_listed(own_shell: Shell, own_sandbox: ServedSandbox) -> None:
    partner = own_sandbox.merchant("partner")
    limited = partner["sub_mchids"][0]
    own_sandbox.control("/limitations", dict(sub_mchid=limited, limited_functions=["NO_WITHDRAWAL"]))
    (row,) = own_shell.result("merchants", "limitations", partner["mchid"], limited)
    assert (row["limited"], row["way_out"]) == ("NO_WITHDRAWAL", "RESOLVE_TRANSACTION_DISPUTES")
    assert "INVALID_REQUEST" in own_shell.refusal("merchants", "limitations", partner["mchid"], "1900099999")
    assert own_shell.result("merchants", "violations") == []
