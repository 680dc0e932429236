"""Give each merchant of a data directory a robot of its own: `python -m tests.bench.robots DATA < {mchid: address}`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from kesu.cli.environment import desk

with desk(Path(sys.argv[1])):
    from kesu import clock
    from kesu.alerts.models import Channel
    from kesu.alerts.services import add_channel, switch
    from kesu.merchants.models import Account

    now = clock.now()
    for common in Channel.objects.all():
        switch(common, enabled=False, now=now)
    for mchid, address in json.load(sys.stdin).items():
        add_channel(
            name=mchid,
            kind="wecom_robot",
            settings={"webhook_url": address},
            accounts=[Account.objects.get(mchid=mchid)],
            mentions=["zhangsan"],
            now=now,
        )
