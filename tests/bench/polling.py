"""Listing the complaints of 10,000 sub-merchants over and over with nothing new: how much of the platform's limit is
used (查询投诉单列表: 200 calls a minute), and what it does to memory.

The platform is a `kesu sandbox`, which refuses what is more. The desk knows every complaint already; the poll is the
one that a worker runs, cycle after cycle, and must ask for no complaint to be read.

    python -m tests.bench.polling DATA CYCLES < [complaint_id, ...]   ->   [{"pages": ..., "seconds": ..., ...}, ...]
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kesu.sandbox.identity import Account, Identity
from kesu.wechatpay import Endpoint
from kesu.wechatpay.pacing import RATES
from tests.processes import environment, kesu
from tests.sandboxes import serving_sandbox

SUB_MERCHANTS = 10_000
COMPLAINTS_EACH, EVERY = 10, 10
"""Every tenth sub-merchant has ten complaints."""
FLAT_WITHIN = 4.0
"""Megabytes more than after the first cycle."""


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    sub_merchants, cycles = (SUB_MERCHANTS // 5, 3) if quick else (SUB_MERCHANTS, 2)
    found = _run(directory, sub_merchants, cycles)
    first, *later = found  # the first one fills memory, and takes what may go at once
    seconds, pages = sum(cycle["seconds"] for cycle in later), sum(cycle["pages"] for cycle in later)
    used = pages / seconds * 60 / RATES[Endpoint.LIST]
    growth = max(cycle["mb"] for cycle in later) - first["mb"]
    refused = any(cycle["refused"] for cycle in found)
    return [
        {
            "what": f"polling {sub_merchants:,} sub-merchants with nothing new, {first['pages']} pages a cycle",
            "measured": f"{used:.2f} of the list limit, {seconds / len(later):.0f} s a cycle, "
            f"{'some' if refused else 'no'} calls refused; {first['mb']:.0f} MB, {growth:+.1f} MB afterwards",
            "target": f">= 0.9, none refused, < {FLAT_WITHIN:.0f} MB more",
            "reached": used >= 0.9 and not refused and growth < FLAT_WITHIN,
        }
    ]


def _run(directory: Path, sub_merchants: int, cycles: int) -> list[dict[str, Any]]:
    (directory / "sandbox").mkdir()
    env = environment(directory / "data")
    identity = Identity.create()
    partner = identity.accounts[1]
    mchids = [f"16{number:08d}" for number in range(sub_merchants)]
    identity.accounts = [Account(partner.mchid, partner.role, partner.keys, partner.apiv3_key, mchids)]
    identity.save(directory / "sandbox")
    with serving_sandbox(directory / "sandbox") as sandbox:
        raised = [one for mchid in mchids[::EVERY] for one in sandbox.complain(mchid, count=COMPLAINTS_EACH)]
        connect = kesu("merchants", "import-sandbox", str(sandbox.file))
        subprocess.run(connect, env=env, check=True, stdout=subprocess.DEVNULL)
        cycle = [sys.executable, "-m", "tests.bench.polling", str(directory / "data"), str(cycles)]
        done = subprocess.run(cycle, env=env, input=json.dumps(raised), stdout=subprocess.PIPE, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


async def run(complaint_ids: list[str], cycles: int) -> list[dict[str, Any]]:
    """In a process of its own, with a desk: what each cycle took, and the most memory used up to its end."""
    from kesu import clock
    from kesu.merchants.models import Account as Merchant
    from kesu.sync.gateway import Gateway
    from kesu.sync.models import Poll
    from kesu.sync.polling import run_poll
    from kesu.threads import in_thread

    gateway = Gateway(clock.now)
    account = await in_thread(Merchant.objects.get)
    await _know(gateway, account.pk, complaint_ids)
    _, client = await gateway.client(account.pk)
    found = []
    for _ in range(cycles):
        pages: list[float] = []
        poll = await in_thread(Poll.objects.select_related("account").get, tier=Poll.Tier.RECENT)
        started = time.monotonic()
        await run_poll(gateway, poll, lambda _, pages=pages: pages.append(_megabytes()))  # type: ignore[misc]
        seconds = time.monotonic() - started
        await in_thread(_check, poll, len(complaint_ids))
        refused = client.pacer.rate(Endpoint.LIST) < RATES[Endpoint.LIST]
        found.append({"pages": len(pages), "seconds": seconds, "mb": max(pages), "refused": refused})
    await gateway.close()
    return found


async def _know(gateway: Any, account_pk: int, complaint_ids: list[str]) -> None:
    """Read one complaint as a worker does, and copy its row for all; the copies take its place."""
    from kesu.sync.recording import record_snapshot
    from kesu.sync.refreshing import read_snapshot
    from kesu.threads import in_thread
    from tests.bench import seeds

    account, client = await gateway.client(account_pk)
    snapshot = await read_snapshot(client, complaint_ids[0])
    change = await in_thread(record_snapshot, account, snapshot, now=gateway.now())
    change.complaint.complaint_id = "copied"
    await in_thread(change.complaint.save)
    await in_thread(seeds.multiply, change.complaint, complaint_ids)


def _check(poll: Any, known: int) -> None:
    from kesu.sync.models import Refresh

    poll.refresh_from_db()
    if poll.error or poll.finished_at is None or Refresh.objects.exists():
        raise SystemExit(f"not a poll with nothing new: {poll.error!r}, {Refresh.objects.count()} of {known} asked for")


def _megabytes() -> float:
    """What this process holds in memory."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    from kesu.cli.environment import desk

    with desk(Path(sys.argv[1])):
        print(json.dumps(asyncio.run(run(json.load(sys.stdin), int(sys.argv[2])))))
