"""The way of a press: from the button on the case page to the platform's own record, and back onto the page."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from kesu import clock
from kesu.threads import in_thread

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"


@pytest.fixture
def same_time(tmp_path: Path) -> Iterator[Any]:
    """Pages ask the machine's clock: they are made to ask the office's."""
    file = tmp_path / "clock.json"

    def show(office: Any) -> None:
        now = office.now().timestamp()
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"real": time.time(), "virtual": now, "speed": 0.0}))
        temporary.replace(file)

    clock.link(tmp_path, file)
    clock.follow(tmp_path)
    yield show
    clock.follow(settings.KESU_DATA)


class Desk:
    """Somebody's browser without JavaScript."""

    def __init__(self, office: Any, show: Any, name: str) -> None:
        self.office, self.show = office, show
        self.client = Client()
        self.client.cookies["django_language"] = "en"
        self.user = office.people[name].user

    async def page(self, case: Any) -> str:
        self.show(self.office)
        return await in_thread(lambda: self.client.get(f"/cases/{case.pk}").content.decode())

    async def press(self, case: Any, act: str, **fields: Any) -> Any:
        seen = re.search(r'name="seen" value="([\d.]+)"', await self.page(case))
        data = {"seen": seen[1] if seen else "", "key": f"key-{act}-{len(fields)}", **fields}
        return await in_thread(lambda: self.client.post(f"/cases/{case.pk}/{act}", data))


def test_a_reply_and_a_refund_go_out_and_the_page_shows_what_became_of_them(play, same_time):
    async def steps(office):
        case = await office.case(amount=1990)
        desk = Desk(office, same_time, "agent")
        await in_thread(lambda: desk.client.force_login(desk.user))
        assert (await desk.press(case, "reply", text=WORDS)).status_code == 302
        assert "on its way to WeChat Pay" in await desk.page(case)
        await office.settle()
        assert [entry["operate_details"] for entry in await office.history(case)] == [WORDS]
        page = await desk.page(case)
        assert WORDS in page
        assert "(agent)" in page
        assert "sending-good" in page
        assert "Refund ¥19.90 to the payer" in page
        order = await in_thread(lambda: case.orders.get().pk)
        assert (await desk.press(case, "refund", fen="1990", order=str(order))).status_code == 302
        await office.settle()
        await office.advance_seconds(3600)
        page = await desk.page(case)
        assert "arrived" in page
        assert "Refund ¥19.90 to the payer" not in page

    play(steps)


def test_what_the_platform_refuses_is_told_and_the_words_can_be_sent_again(play, same_time):
    async def steps(office):
        case = await office.case()
        desk = Desk(office, same_time, "agent")
        await in_thread(lambda: desk.client.force_login(desk.user))
        await office.fault("errcode", value="NO_AUTH", count=1, path="/response")
        await desk.press(case, "reply", text=WORDS)
        await office.settle()
        page = await desk.page(case)
        assert "sending-danger" in page
        assert "Nothing was changed" in page
        again = re.search(r'href="(/cases/\d+\?again=\d+)#reply"', page)[1]
        shown = await in_thread(lambda: desk.client.get(again).content.decode())
        assert WORDS in shown[shown.index('id="reply"') : shown.index('id="found-reply"')]

    play(steps)
