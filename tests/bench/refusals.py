"""Deliveries reported as sent that were refused: China's robots answer HTTP 200 and put the refusal into the body.

Kesu's channels and Apprise's plugins get the same answers, in process.
"""

from __future__ import annotations

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import apprise
import httpx2
import requests

KEY = "abcdefabcdefabcdefabcdefabcdefab"
# (how Apprise names the robot, how Kesu does, its address): the refusals of it that are tried.
MATRIX: dict[tuple[str, str, str], list[dict[str, Any]]] = {
    (f"wecombot://{KEY}", "wecom_robot", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"): [
        {"errcode": code, "errmsg": "refused"} for code in (45009, 93000, 40058, 45002, 40008, 40033, 42045, 45033, -1)
    ],
    (f"dingtalk://{KEY * 2}", "dingtalk_robot", f"https://oapi.dingtalk.com/robot/send?access_token={KEY * 2}"): [
        {"errcode": 310000, "errmsg": "sign not match"},
        {"errcode": 130101, "errmsg": "send too fast"},
    ],
    (f"feishu://{KEY}", "feishu_robot", f"https://open.feishu.cn/open-apis/bot/v2/hook/{KEY}"): [
        {"code": 9499, "msg": "too many request"},
        {"code": 19021, "msg": "sign match fail"},
    ],
}


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "kesu.config.settings"
    import django

    django.setup()
    tries = [(*robot, answer) for robot, answers in MATRIX.items() for answer in answers]
    ours = sum(_kesu_says_sent(kind, url, answer) for _, kind, url, answer in tries)
    theirs = sum(_apprise_says_sent(url, answer) for url, _, _, answer in tries)
    return [
        {
            "what": "refused deliveries reported as sent, against Apprise",
            "measured": f"{ours} of {len(tries)}, against {theirs} of {len(tries)}",
            "target": "0",
            "reached": ours == 0,
        }
    ]


def _apprise_says_sent(url: str, answer: dict[str, Any]) -> bool:
    response = requests.Response()
    response.status_code = 200
    response._content = json.dumps(answer).encode()
    target = apprise.Apprise.instantiate(url)
    with patch("requests.post", return_value=response), patch("time.sleep"):
        return bool(target.notify("投诉待回复"))  # type: ignore[union-attr]


def _kesu_says_sent(kind_name: str, url: str, answer: dict[str, Any]) -> bool:
    from kesu.alerts.channels import kind_named
    from kesu.alerts.channels.base import Push, SendError
    from kesu.alerts.content import Content

    kind = kind_named(kind_name)
    push = Push("1-1", "new", datetime(2026, 11, 20, 1, 12, tzinfo=UTC), Content("投诉待回复", ""))

    async def send() -> bool:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json=answer))
        async with httpx2.AsyncClient(transport=transport) as client:
            try:
                await kind.send(push, kind.parse({"webhook_url": url}), client)
            except SendError:
                return False
        return True

    return asyncio.run(send())
