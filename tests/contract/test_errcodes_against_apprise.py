"""Refused deliveries that are reported as sent: Apprise's four of four for China's robots, Kesu's none.

The robots answer HTTP 200 and put the refusal into the body. Apprise's network is replaced, since it must not be used
here; Kesu's channel talks to the sandbox's robot.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from unittest.mock import patch

import apprise
import httpx2
import pytest
import requests

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import Push, SendError
from kesu.alerts.content import Content
from kesu.sandbox import Sandbox
from kesu.sandbox.faults import Fault

pytestmark = pytest.mark.contract

TOKEN = "abcdefabcdefabcdefabcdefabcdefab"
REFUSED = {
    "wecom": (f"wecombot://{TOKEN}", {"errcode": 45009, "errmsg": "api freq out of limit"}),
    "dingtalk": (f"dingtalk://{TOKEN * 2}", {"errcode": 130101, "errmsg": "send too fast"}),
    "feishu": (f"feishu://{TOKEN}", {"code": 9499, "msg": "too many request"}),
    "lark": (f"lark://{TOKEN}", {"code": 11232, "msg": "frequency limited"}),
}
NOW = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)


def apprise_says(url: str, body: dict[str, object]) -> bool:
    answer = requests.Response()
    answer.status_code = 200
    answer._content = json.dumps(body).encode()
    with patch("requests.post", return_value=answer), patch("time.sleep"):
        return bool(apprise.Apprise.instantiate(url).notify("投诉待回复"))  # type: ignore[union-attr]


def kesu_says(errcode: int) -> bool:
    sandbox = Sandbox.create(start=NOW, speed=0)
    sandbox.faults.order(Fault("wecom", "errcode", errcode))
    kind = KINDS["wecom_robot"]
    url = f"http://127.0.0.1:1/cgi-bin/webhook/send?key={sandbox.identity.robot_key}"

    async def once() -> bool:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=sandbox.app)) as client:
            try:
                await kind.send(
                    Push("1-1", "new", NOW, Content("投诉待回复", "")), kind.parse({"webhook_url": url}), client
                )
            except SendError:
                return False
            return True

    return asyncio.run(once())


def test_apprise_reports_every_refusal_as_sent() -> None:
    assert {name: apprise_says(url, body) for name, (url, body) in REFUSED.items()} == dict.fromkeys(REFUSED, True)


@pytest.mark.parametrize("errcode", [45009, 93000, 40058, -1])
def test_kesu_reports_none_as_sent(errcode: int) -> None:
    assert kesu_says(errcode) is False


def test_kesu_lets_none_of_those_addresses_through_apprise() -> None:
    refused = []
    for url, _ in REFUSED.values():
        with pytest.raises(ValueError, match="reports success"):
            KINDS["apprise"].parse({"url": url})
        refused.append(url)
    assert len(refused) == 4
