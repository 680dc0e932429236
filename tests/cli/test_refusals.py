"""What goes wrong is said on standard error, with what to do about it, and ends with status 1."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Shell, secrets_of
from tests.keys import certificate_pem, private_pem
from tests.processes import environment
from tests.sandboxes import ServedSandbox

GOOD_KEY = "a-good-apiv3-key-of-32-letters!!"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, str]:
    """Good key files, by option; a test spoils one."""
    contents = {
        "--private-key": private_pem("merchant"),
        "--certificate": certificate_pem("merchant"),
        "--apiv3-key-file": GOOD_KEY,
    }
    files = {}
    for option, content in contents.items():
        file = tmp_path / option.strip("-")
        file.write_text(content)
        files[option] = str(file)
    return files


def add(shell: Shell, keys: dict[str, str], *more: str, mchid: str = "1900000009") -> str:
    options = [part for pair in keys.items() for part in pair]
    return shell.refusal("merchants", "add", mchid, *options, *more)


def test_an_unknown_account_is_not_checked(shell: Shell):
    assert "kesu merchants list" in shell.refusal("merchants", "check", "1999999999")


def test_an_unknown_complaint_is_not_shown(shell: Shell):
    assert "kesu sync" in shell.refusal("complaints", "show", "200201820200101080076610000")


def test_an_unknown_channel_is_not_tried(shell: Shell):
    assert "kesu channels list" in shell.refusal("channels", "test", "nobody")


def test_a_file_that_is_no_private_key_is_refused(shell: Shell, keys: dict[str, str]):
    Path(keys["--private-key"]).write_text("not a key")
    assert "apiclient_key.pem" in add(shell, keys)


def test_a_file_that_is_no_certificate_is_refused(shell: Shell, keys: dict[str, str]):
    Path(keys["--certificate"]).write_text("not a certificate")
    assert "certificate" in add(shell, keys).lower()


def test_a_certificate_of_another_key_is_refused(shell: Shell, keys: dict[str, str]):
    Path(keys["--certificate"]).write_text(certificate_pem("stranger"))
    assert "do not belong together" in add(shell, keys)


def test_an_apiv3_key_of_31_characters_is_refused_without_being_repeated(shell: Shell, keys: dict[str, str]):
    Path(keys["--apiv3-key-file"]).write_text(GOOD_KEY[:31])
    said = add(shell, keys)
    assert "32" in said
    assert GOOD_KEY[:20] not in said


def test_a_merchant_number_that_is_none_is_refused(shell: Shell, keys: dict[str, str]):
    assert "digits" in add(shell, keys, mchid="wx123")


@pytest.mark.parametrize("url", ["http://desk.example.com", "https://desk.example.com/?a=b", "desk.example.com"])
def test_a_public_address_that_the_platform_would_refuse_is_refused(shell: Shell, sandbox: ServedSandbox, url: str):
    said = shell.refusal("merchants", "import-sandbox", str(sandbox.file), "--public-url", url)
    assert "https://" in said


def test_a_file_that_describes_no_sandbox_is_refused(shell: Shell, tmp_path: Path):
    (tmp_path / "sandbox.json").write_text('{"wechatpay": {}}')
    assert "sandbox" in shell.refusal("merchants", "import-sandbox", str(tmp_path / "sandbox.json"))


def test_a_robot_that_is_gone_is_told(sandbox: ServedSandbox, tmp_path: Path):
    shell = Shell(environment(tmp_path), secrets_of(sandbox))
    url = sandbox.described["wecom"]["webhook_url"]
    added = shell.run("channels", "add", "the group", "--url", url.replace("key=", "key=no-such-"))
    assert added.returncode == 0, added.stderr
    assert "93000" in shell.refusal("channels", "test", "the group")


def test_an_address_that_is_no_robot_is_refused_without_being_repeated(shell: Shell):
    said = shell.refusal("channels", "add", "third", "--url", "https://example.com/hook?key=hidden-from-all")
    assert "qyapi.weixin.qq.com" in said
    assert "hidden-from-all" not in said


def test_a_taken_port_is_told_before_anything_is_started(shell: Shell):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = shell.run("serve", "--port", port)
    assert done.returncode == 1
    assert "--port" in done.stderr
    assert port in done.stderr


def test_another_database_than_postgresql_is_refused(shell: Shell):
    said = shell.refusal("complaints", "list", KESU_DATABASE_URL="mysql://localhost/kesu")
    assert "postgresql://" in said


def test_a_database_that_does_not_answer_is_told_without_its_password(shell: Shell):
    url = "postgresql://kesu:password-to-hide@127.0.0.1:1/kesu"
    said = shell.refusal("complaints", "list", KESU_DATABASE_URL=url)
    assert "database" in said.lower()
    assert "password-to-hide" not in said


def test_a_setting_that_cannot_be_is_named(shell: Shell):
    assert "KESU_WEB_THREADS" in shell.refusal("complaints", "list", KESU_WEB_THREADS="many")
