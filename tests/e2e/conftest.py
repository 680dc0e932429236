"""A real browser in front of real pages, with a working day behind them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from kesu import clock
from tests.cannot_run import cannot_run
from tests.desk_seeds import working_day
from tests.e2e.judging import SHIFTS
from tests.e2e.lived_in import session
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
SHAPES = [(1440, "zh-hans", "light"), (390, "en", "dark")]
"""For what is pressed and then looked at; ``test_every_page`` sees every page otherwise too."""
SCREENSHOTS = os.environ.get("KESU_TEST_SCREENSHOTS")

compile_translations()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """A browser for this directory, gone before other tests: its driver keeps an event loop running in this thread, and
    nothing that needs a loop of its own can run beside it."""
    if CHROMIUM is None:
        cannot_run("no Chromium on this machine (apt install chromium, or set KESU_TEST_CHROMIUM)")
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
def window(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Opens windows of ``width`` in front of the desk; ``page.sign_in`` takes the cookie of a session, or none.

    What the browser complained about is in ``page.complaints``.
    """
    contexts = []

    def open_(*, width: int = 1440, language: str = "zh-hans", theme: str = "light", **more: Any) -> Any:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 844 if width < 600 else 900},
            color_scheme=theme,
            locale="zh-CN" if language == "zh-hans" else "en-GB",
            has_touch=width < 600,
            device_scale_factor=2 if width < 600 and SCREENSHOTS else 1,
            **more,
        )
        contexts.append(context)
        context.add_init_script(SHIFTS)
        context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": live_server.url}])
        page = context.new_page()
        page.sign_in = partial(_sign_in, context, live_server.url)
        page.language = language
        page.complaints = []
        page.on("console", lambda said: said.type in ("error", "warning") and page.complaints.append(said.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("requestfailed", lambda request: _note_failure(page, request))
        return page

    yield open_
    for context in contexts:
        context.close()


def _sign_in(context: Any, url: str, session: str | None) -> None:
    context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    if session:
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


def _note_failure(page: Any, request: Any) -> None:
    """A page that is left while it asks for something is no failure."""
    if request.failure != "net::ERR_ABORTED":
        page.complaints.append(f"failed: {request.url}: {request.failure}")


@pytest.fixture
def open_page(window: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a page as ``user`` in a window of its own."""

    def open_(address: str, user: Any = None, **look: Any) -> Any:
        page = window(**look)
        page.sign_in(session(user) if user is not None else None)
        page.goto(address, wait_until="load")
        return page

    return open_


def photograph(page: Any, name: str, *, full: bool = True, part: str = "") -> None:
    """Keep a picture of the page, or of a part of it, where ``KESU_TEST_SCREENSHOTS`` names a directory."""
    if SCREENSHOTS:
        width, theme = page.viewport_size["width"], page.get_attribute("html", "data-bs-theme")
        file = Path(SCREENSHOTS) / f"{name}-{width}-{page.language}-{theme}.png"
        if part:
            page.locator(part).screenshot(path=file)
        else:
            page.screenshot(path=file, full_page=full, caret="initial")
