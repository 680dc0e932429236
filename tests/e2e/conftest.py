"""A real browser in front of real pages, with a working day behind them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from kesu import clock
from tests.desk_seeds import working_day
from tests.translations import compile_translations

CHROMIUM = os.environ.get("KESU_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"

compile_translations()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for one file of tests, gone before the next: its driver keeps an event loop running in this thread,
    and nothing that needs a loop of its own can run beside it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (apt install chromium, or set KESU_TEST_CHROMIUM)")
    from playwright.sync_api import sync_playwright

    # Django must not take the driver's loop for asynchronous code.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()
    asyncio.run(asyncio.sleep(0))  # fails here, by name, should the driver ever leave its loop behind


@pytest.fixture
def virtual_clock(tmp_path: Path) -> Iterator[Callable[[float], None]]:
    """Sixty minutes an hour until a test says otherwise: call it with a speed. The time begins at the present."""
    file = tmp_path / "clock.json"

    def run_at(speed: float) -> None:
        present = clock.now().timestamp()
        temporary = file.with_suffix(".tmp")
        temporary.write_text(json.dumps({"real": time.time(), "virtual": present, "speed": speed}))
        temporary.replace(file)

    run_at(1)
    clock.link(tmp_path, file)
    clock.follow(tmp_path)
    yield run_at
    clock.follow(settings.KESU_DATA)


@pytest.fixture
def now() -> datetime:
    return clock.now().astimezone(UTC)


@pytest.fixture
def day(transactional_db: None, now: datetime) -> dict[str, Any]:
    return working_day(now)


@pytest.fixture
def open_page(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages as ``user`` in a window of ``width``. What the browser complained about is in ``page.complaints``."""
    contexts = []

    def open_(
        address: str,
        user: Any = None,
        *,
        width: int = 1440,
        language: str = "zh-hans",
        theme: str = "light",
        **more: Any,
    ) -> Any:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme=theme,
            locale="zh-CN" if language == "zh-hans" else "en-GB",
            has_touch=width < 600,
            device_scale_factor=2 if width < 600 else 1,
            **more,
        )
        contexts.append(context)
        cookies = [{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}]
        if user is not None:
            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            cookies.append({"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url})
        context.add_cookies(cookies)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: said.type in ("error", "warning") and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("requestfailed", lambda request: page.complaints.append(f"failed: {request.url}"))
        page.goto(address, wait_until="networkidle")
        return page

    yield open_
    for context in contexts:
        context.close()
