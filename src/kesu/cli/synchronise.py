"""``kesu sync``."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from kesu.cli.environment import Data, desk, errors, fail, output
from kesu.cli.language import _


def sync(
    data: Data = None,
    mchid: Annotated[str, typer.Option(help=_("Only this account."))] = "",
    days: Annotated[int, typer.Option(min=1, max=30, help=_("How many days back: 2, 8 or 30 are the tiers."))] = 30,
) -> None:
    """Lists the last days at the platform and reads what is new or differs. Safe beside a running worker."""
    with desk(data):
        from kesu.merchants.models import Account

        accounts = list(Account.objects.filter(enabled=True, **({"mchid": mchid} if mchid else {})).order_by("mchid"))
        if not accounts:
            fail(_("No such account. kesu merchants list shows them; kesu merchants add connects one."))
        problems = asyncio.run(_run([account.pk for account in accounts], days))
        if problems:
            fail("\n".join(problems))
        output.print(_("Up to date with the platform."))


async def _run(account_ids: list[int], days: int) -> list[str]:
    from kesu import clock
    from kesu.sync import polling, refreshing
    from kesu.sync.gateway import Gateway
    from kesu.sync.models import Poll, Refresh
    from kesu.sync.requests import unpark, waiting
    from kesu.threads import in_thread

    tier = min(
        (name for name, tier in polling.tiers().items() if tier.days >= days), key=lambda n: polling.tiers()[n].days
    )
    gateway = Gateway(clock.now)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not errors.is_terminal,
    )
    problems: list[str] = []
    with bars:
        for account_id in account_ids:
            poll = await in_thread(_poll, account_id, tier, clock.now())
            listing = bars.add_task(_("Listing %s") % poll.account.mchid, total=None)

            def shown(poll: Poll, task: TaskID = listing) -> None:
                bars.update(task, completed=poll.listed, total=poll.total)

            await polling.run_poll(gateway, poll, shown)
            await in_thread(poll.refresh_from_db)
            if poll.error:
                problems.append(f"{poll.account.mchid}: {poll.error}")
        await in_thread(unpark, account_ids, now=clock.now())
        todo = await in_thread(waiting)
        reading = bars.add_task(_("Reading complaints"), total=todo)
        while await refreshing.refresh_due(gateway, limit=8):
            left = await in_thread(waiting)
            bars.update(reading, completed=max(0, todo - left), total=todo)
        parked = await in_thread(
            lambda: list(Refresh.objects.filter(error__gt="").values_list("complaint_id", "error")[:20])
        )
        problems += [f"{complaint_id}: {error}" for complaint_id, error in parked]
    await gateway.close()
    return problems


def _poll(account_id: int, tier: str, now: datetime) -> Any:
    from kesu.sync.models import Poll

    return Poll.objects.select_related("account").get_or_create(
        account_id=account_id, tier=tier, defaults={"due_at": now}
    )[0]
