"""Connecting a sandbox: everything but the calls to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from kesu import clock
from kesu.alerts.models import Channel
from kesu.alerts.services import add_channel, change_settings
from kesu.cli.language import _
from kesu.merchants.models import Account
from kesu.merchants.services import AccountError, name_merchants, sandbox_accounts, save_account
from kesu.sync.polling import start_polling

LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")
ROBOT_NAME = "沙箱企微群"


def connect(sandbox: dict[str, Any], data: Path) -> list[Account]:
    """Store accounts and robot and follow the sandbox's clock. Raises AccountError before anything is written.

    Refused where an account of the real platform exists: a virtual clock would move its deadlines.
    """
    new = sandbox_accounts(sandbox)
    if any(not account.base_url.startswith(LOOPBACK) for account in Account.objects.all()):
        raise AccountError(_("This desk has real accounts; connect a sandbox to another --data directory."))
    clock_file = sandbox.get("clock_file")
    if clock_file:
        clock.link(data, Path(clock_file))
        clock.follow(data)
    now = clock.now()
    accounts = [save_account(account, now=now) for account in new]
    name_merchants(sandbox.get("shops") or {})
    for account in accounts:
        start_polling(account, now=now)
    _connect_robot({"webhook_url": sandbox["wecom"]["webhook_url"]}, now)
    return accounts


def _connect_robot(settings: dict[str, str], now: datetime) -> None:
    known = Channel.objects.filter(name=ROBOT_NAME).first()
    if known is not None:
        change_settings(known, settings, now=now)
        return
    add_channel(
        name=ROBOT_NAME, kind="wecom_robot", settings=settings, mentions=["zhangsan"], second_mentions=["lisi"], now=now
    )
