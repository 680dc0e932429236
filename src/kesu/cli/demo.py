"""``kesu demo``: everything at once against a simulated platform, or a scripted 72 hours that prove it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.panel import Panel

from kesu.cli.environment import configuration, desk, errors, fail, output, use_data
from kesu.cli.language import _

NAME = "demo"
START_SECONDS = 120
# (hours ago, what the control interface is asked for, answered already): cases of every urgency to look at.
FIRST_COMPLAINTS: tuple[tuple[float, dict[str, Any], bool], ...] = (
    (23.3, {"detail": "说好三天发货, 一周了没人理我", "amount": 19900, "problem_type": "REFUND"}, False),
    (0.1, {"detail": "会员扣了钱, 一直没有到账", "amount": 1990, "problem_type": "SERVICE_NOT_WORK"}, False),
    (69.5, {"detail": "收到的杯子是碎的, 客服不回", "amount": 3990, "problem_type": "REFUND", "pictures": 2}, True),
    (9.0, {"detail": "孩子误充了游戏, 请退款", "amount": 64800, "user_tag_list": ["HIGH_RISK"]}, False),
    (26.0, {"detail": "外卖洒了一半, 商家电话打不通", "amount": 2350, "need_immediate_service": True}, False),
)
Directory = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help=_("Where the demonstration keeps its data (default: ~/.local/share/kesu-demo)."),
        show_default=False,
    ),
]


def demo(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help=_("Play a scripted 72 hours on a virtual clock, print what was expected and what happened.")
        ),
    ] = False,
    data: Directory = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help=_("Port of the desk."))] = 8000,
    sandbox_port: Annotated[
        int, typer.Option("--sandbox-port", min=1, max=65535, help=_("Port of the simulated platform."))
    ] = 8100,
) -> None:
    """With --check, exit status 0 only if every expectation held."""
    if check:
        _check(data)
        return
    base = (data or Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "kesu-demo").absolute()
    (base / "sandbox").mkdir(parents=True, exist_ok=True)
    port, sandbox_port = _free(port), _free(sandbox_port)
    children: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with errors.status(_("Starting the simulated platform and the desk ...")):
            _start(children, base, port, sandbox_port)
            password = _connect(base, port)
            _first_complaints(base)
        _announce(port, sandbox_port, password)
        while all(child.poll() is None for child in children):
            time.sleep(0.3)
        fail(_("A process of the demonstration ended; see the messages above."))
    except KeyboardInterrupt:
        output.print(_("Stopped. The data stays in %s.") % base, markup=False, soft_wrap=True)
    finally:
        for child in reversed(children):
            child.terminate()
        for child in children:
            child.wait()


def _check(data: Path | None) -> None:
    """The script runs on a database of its own, in a directory that is removed afterwards unless one is given."""
    import tempfile

    os.environ.setdefault("KESU_POLL_NEWEST_SECONDS", "600")
    os.environ.setdefault("KESU_POLL_RECENT_SECONDS", "3600")
    os.environ.setdefault("KESU_REREAD_OPEN_SECONDS", "3600")
    os.environ.setdefault("KESU_LOG_LEVEL", "critical")
    with (
        tempfile.TemporaryDirectory(prefix="kesu-check-", ignore_cleanup_errors=True) as temporary,
        desk(data or Path(temporary)),
    ):
        from kesu.cli.story_report import show
        from kesu.demo.story import play

        began = time.monotonic()
        with errors.status(_("Playing 72 hours ...")) as status:
            expectations = asyncio.run(play(lambda hours: status.update(_("Playing 72 hours: hour %s") % hours)))
        held = show(expectations, time.monotonic() - began)
    raise typer.Exit(0 if held else 1)


def _start(children: list[subprocess.Popen[bytes]], base: Path, port: int, sandbox_port: int) -> None:
    command = [sys.executable, "-m", "kesu.cli"]
    description = base / "sandbox" / "sandbox.json"
    description.unlink(missing_ok=True)
    sandbox = ["sandbox", "--dir", str(base / "sandbox"), "--port", str(sandbox_port)]
    serve = ["serve", "--data", str(base / "desk"), "--port", str(port)]
    environment = os.environ | {"KESU_PUBLIC_URL": f"http://127.0.0.1:{port}", "KESU_LOG_LEVEL": "warning"}
    for arguments in (sandbox, serve):
        # Their own session: Ctrl-C reaches this process alone, which then ends them in order.
        children.append(
            subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
        )
    _wait(children, description.exists)
    _wait(children, lambda: _answers(f"http://127.0.0.1:{port}/readyz"))


def _wait(children: list[subprocess.Popen[bytes]], ready: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if any(child.poll() is not None for child in children) or time.monotonic() > deadline:
            fail(_("The demonstration did not start; see the messages above."))
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


def _connect(base: Path, port: int) -> str:
    """Connect the sandbox and make the login; returns its password, new at every start."""
    use_data(base / "desk")
    with desk(base / "desk"):
        from kesu.accounts.models import User
        from kesu.cli.merchants import register
        from kesu.cli.sandbox_import import connect

        accounts = connect(
            json.loads((base / "sandbox" / "sandbox.json").read_text()), configuration(None).data_directory
        )
        problem = asyncio.run(register(accounts, f"http://127.0.0.1:{port}", replace=True))
        if problem:
            fail(problem)
        password = secrets.token_urlsafe(9)
        user, _made = User.objects.get_or_create(username=NAME, defaults={"display_name": "演示"})
        user.set_password(password)
        user.save()
    return password


def _first_complaints(base: Path) -> None:
    """A desk with something on it: cases of different ages, on the first start only."""
    sandbox = json.loads((base / "sandbox" / "sandbox.json").read_text())
    with httpx2.Client(timeout=10, trust_env=False) as client:
        state = client.get(f"{sandbox['control_url']}/state").json()
        if state["complaints"]["total"]:
            return
        now = datetime.fromisoformat(state["now"])
        shops = [
            merchant for account in sandbox["merchants"] for merchant in account["sub_mchids"] or [account["mchid"]]
        ]
        for index, (hours_ago, fields, replied) in enumerate(FIRST_COMPLAINTS):
            wish = fields | {
                "mchid": shops[index % len(shops)],
                "complaint_time": (now - timedelta(hours=hours_ago)).isoformat(),
            }
            made = client.post(f"{sandbox['control_url']}/complaints", json=wish).raise_for_status().json()
            if replied:
                path = f"{sandbox['control_url']}/complaints/{made['complaint_ids'][0]}/merchant"
                client.post(
                    path, json={"do": "reply", "text": "您好, 已收到您的反馈, 正在为您核实, 请稍候。"}
                ).raise_for_status()


def _announce(port: int, sandbox_port: int, password: str) -> None:
    lines = [
        f"{_('Desk')}      http://127.0.0.1:{port}/",
        f"{_('Sign in')}   {NAME} / {password}",
        f"{_('Sandbox')}   http://127.0.0.1:{sandbox_port}/   {_('(the WeCom group, the payers, the clock)')}",
        "",
        _("Complaints arrive by themselves. On the sandbox's page move the clock forward and watch the pushes."),
        _("Ctrl-C stops everything."),
    ]
    output.print(Panel("\n".join(lines), title=_("Kesu demonstration"), expand=False), highlight=False)


def _free(port: int) -> int:
    """The port, or another free one where it is taken: a demonstration should simply start."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return port
