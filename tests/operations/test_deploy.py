"""The files for deployment name commands and settings that exist, and are well formed as far as we can tell here."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from kesu.cli import app
from kesu.config.configuration import Configuration
from tests.cannot_run import cannot_run

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").glob("*.service"))
KNOWN = {f"KESU_{name.upper()}" for name in Configuration.model_fields} | {"KESU_KEYS"}
COMPOSE_ONLY = {"KESU_DATABASE_PASSWORD"}


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())


def test_every_setting_that_is_named_exists():
    texts = [path.read_text() for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json"]
    named = set(re.findall(r"\bKESU_[A-Z_]*[A-Z]\b", "\n".join(texts)))
    assert len(named) > 5
    assert named <= KNOWN | COMPOSE_ONLY


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_starts_a_command_that_exists(unit: str):
    text = (DEPLOY / "systemd" / unit).read_text()
    [words] = re.findall(r"^ExecStart=.*?bin/kesu (.*)$", text, re.MULTILINE)
    command, *options = words.split()
    known = get_command(app).commands[command]
    flags = {flag for parameter in known.params for flag in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= flags


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_has_no_rights_it_does_not_need(unit: str):
    text = (DEPLOY / "systemd" / unit).read_text()
    assert "User=kesu" in text
    for line in ("NoNewPrivileges=yes", "CapabilityBoundingSet=\n", "ProtectSystem=strict", "UMask=0077"):
        assert line in text


@pytest.mark.parametrize("unit", [*UNITS, "kesu-backup.timer"])
def test_systemd_understands_every_line(unit: str, tmp_path: Path):
    if shutil.which("systemd-analyze") is None:
        cannot_run("systemd is not installed (apt install systemd)")
    shutil.copytree(DEPLOY / "systemd", tmp_path / "units")
    done = subprocess.run(
        ["systemd-analyze", "verify", f"./{unit}"], cwd=tmp_path / "units", capture_output=True, text=True
    )
    complaints = [
        line for line in done.stderr.splitlines() if unit.split("@")[0] in line and "not executable" not in line
    ]
    assert complaints == []


def test_compose_starts_web_and_worker_after_the_migration():
    services = compose()["services"]
    assert set(services) == {"database", "migrate", "web", "worker"}
    for name in ("web", "worker"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    commands = get_command(app).commands
    assert all(services[name]["command"][0] in commands for name in ("migrate", "web", "worker"))


def test_compose_publishes_on_loopback_only():
    ports = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_the_image_runs_as_nobody_special_and_knows_its_health():
    lines = (DEPLOY / "docker/Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert lines.index("USER 10001") < lines.index('ENTRYPOINT ["kesu"]')
    assert any(line.startswith("HEALTHCHECK") for line in lines)
    copied = next(line for line in lines if line.startswith("COPY pyproject.toml")).split()[1:-1]
    root = DEPLOY.parent
    ignored = (DEPLOY / "docker/Dockerfile.dockerignore").read_text()
    assert all((root / name).exists() and f"!{name}" in ignored for name in copied)


@pytest.mark.parametrize("proxy", ["nginx.conf", "Caddyfile"])
def test_a_proxy_shows_the_metrics_to_nobody_and_logs_no_notice_address(proxy: str):
    text = (DEPLOY / "proxy" / proxy).read_text()
    assert re.search(r"(location = /metrics \{\s+return 403|respond /metrics 403)", text)
    assert re.search(r"(notify/wechatpay/  /notify/wechatpay/-|log_skip /notify/wechatpay/\*)", text)
