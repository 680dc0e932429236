"""A working day in a real browser, against a served desk and a served platform: from signing in to the payer's return.

What counts is the platform's own record after each press. Two shapes of it are played; ``KESU_TEST_STORY=all`` plays
both languages in both widths.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import photograph
from tests.forking import run_kesu
from tests.prepared import lay_database
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(280)]

PASSWORD = "a-long-password-of-staff"
GOOD = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者退款, 请问您希望怎样处理?"
CROSSING = "请加我微信 kefu_8899 私下沟通, 撤诉后给您退款"
PICTURE = Path(__file__).with_name("picture.png")
SHAPES = [("zh-hans", 1440, "light"), ("en", 390, "dark")]
if os.environ.get("KESU_TEST_STORY") == "all":
    SHAPES += [("en", 1440, "dark"), ("zh-hans", 390, "light")]
SECONDS = 40


class Day:
    """A desk at work, with an agent and a manager."""

    def __init__(self, directory: Path, sandbox: ServedSandbox) -> None:
        self.sandbox = sandbox
        self.env = environment(directory / "desk", KESU_LANGUAGE="zh-hans")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        lay_database(directory / "desk")
        self.run("merchants", "import-sandbox", str(sandbox.file), "--public-url", self.url)
        for name in ("owner", "agent", "manager"):
            self.run("users", "add", name, "--role", name, "--password-stdin", stdin=f"{PASSWORD}\n")

    def run(self, *arguments: str, stdin: str = "") -> None:
        done = run_kesu(*arguments, env=self.env, stdin=stdin, timeout=90)
        assert done.returncode == 0, done.stderr

    def truth(self, number: str) -> dict[str, Any]:
        told: dict[str, Any] = self.sandbox.control(f"/complaints/{number}")
        return told

    def entries(self, number: str, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.truth(number)["history"] if entry["operate_type"] == kind]


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    directory = tmp_path_factory.mktemp("story")
    (directory / "sandbox").mkdir()
    with serving_sandbox(directory / "sandbox") as sandbox:
        found = Day(directory, sandbox)
        command = kesu("serve", "--port", str(found.port))
        with running(command, directory / "desk.log", found.env, ready=lambda: answers(f"{found.url}/readyz")):
            yield found


@pytest.fixture
def window(browser: Any, working: Day) -> Iterator[Callable[..., Any]]:
    """A window of somebody who signed in by the form."""
    contexts = []

    def open_(name: str, *, language: str, width: int, theme: str) -> Any:
        context = browser.new_context(
            base_url=working.url,
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            has_touch=width < 600,
            locale="zh-CN" if language == "zh-hans" else "en-GB",
        )
        contexts.append(context)
        context.add_cookies([{"name": "django_language", "value": language, "url": working.url}])
        context.set_default_timeout(SECONDS * 1000)
        page = context.new_page()
        page.language = language
        page.goto("/sign-in")
        page.fill("#id_username", name)
        page.fill("#id_password", PASSWORD)
        page.click("form[action*='sign-in'] button.btn-primary")
        page.wait_for_url(lambda url: urlsplit(url).path in ("/", "/welcome"))
        return page

    yield open_
    for context in contexts:
        context.close()


def open_case(page: Any, working: Day, number: str) -> None:
    """Find the case by its number in the inbox's search, as staff do."""

    def shown() -> bool:
        page.goto(f"/?view=all&q={number}")
        return page.locator("a[href*='/cases/']").count() > 0

    until(shown, SECONDS, "the case in the inbox")
    page.locator("a[href*='/cases/']").first.click()
    page.wait_for_url(lambda url: urlsplit(url).path.startswith("/cases/"))
    page.wait_for_load_state("networkidle")


def accept(form: Any) -> None:
    """Tick every warning of a form."""
    boxes = form.locator("input[name=acknowledged]:not(:checked)")
    while boxes.count():
        boxes.first.check()


def unfold(page: Any, part: str) -> None:
    """Open a part that is folded on a phone."""
    if page.locator(part).evaluate("fold => !fold.open"):
        page.locator(f"{part} > summary").click()


def press(page: Any, form: str, button: str, done: Callable[[], object], what: str, *, reason: str = "") -> None:
    """Press a form's button; what it then asks to accept is accepted, and it is pressed again."""
    for _ in range(3):
        accept(page.locator(form))
        if page.locator(f"{form} input[name=override_reason]").count():
            page.fill(f"{form} input[name=override_reason]", reason)
        page.locator(f"{form} {button}").click()
        until(lambda: done() or page.locator(f"{form} .finding-stands").count(), SECONDS, what)
        if done():
            return
    raise AssertionError(f"{what}: {page.locator(form).inner_text()}")


@pytest.mark.parametrize(("language", "width", "theme"), SHAPES)
def test_a_working_day(window, working, language, width, theme):
    shape = {"language": language, "width": width, "theme": theme}
    mchid = working.sandbox.merchant()["mchid"]
    (first,) = working.sandbox.complain(mchid, amount=30_000, problem_type="OTHERS")
    (ticket,) = working.sandbox.complain(mchid, amount=1_990, problem_type="REFUND", user_tag_list=["TRUSTED"])

    agent = window("agent", **shape)
    open_case(agent, working, first)
    agent.locator("form[action$='/claim'] button:visible").first.click()
    agent.wait_for_load_state("networkidle")
    be_stopped_by_a_red_line(agent, working, first)
    reply_with_a_picture(agent, working, first)
    ask_for_a_refund_above_the_limit(agent, working, first)

    manager = window("manager", **shape)
    grant_the_refund(manager, working, first)
    approve_the_ticket(agent, working, ticket)
    complete_after_a_warning(manager, working, first)
    see_the_payer_return(manager, working, first)


def be_stopped_by_a_red_line(page, working, number):
    page.fill("#reply", CROSSING)
    page.locator("#found-reply .finding-block").first.wait_for()
    photograph(page, "story-1-red-line")
    page.locator("#reply-form .reply-send button[name=do]").first.click()
    page.locator("#case-reply [data-standing]").wait_for()
    assert page.locator("#reply").input_value() == CROSSING
    assert working.entries(number, "MERCHANT_RESPONSE") == []


def reply_with_a_picture(page, working, number):
    page.fill("#reply", GOOD)
    page.set_input_files("#files", PICTURE)
    page.locator("#case-reply .kept").first.wait_for()
    accept(page.locator("#reply-form"))
    page.locator("#reply-form .reply-send button[name=do]").first.click()
    until(lambda: working.entries(number, "MERCHANT_RESPONSE"), SECONDS, "the reply at the platform")
    (entry,) = working.entries(number, "MERCHANT_RESPONSE")
    assert (entry["operate_details"], len(entry["image_list"])) == (GOOD, 1)


def ask_for_a_refund_above_the_limit(page, working, number):
    page.reload(wait_until="networkidle")
    unfold(page, "#act-refund")
    form = page.locator("#act-refund form")
    form.locator("details summary").click()
    form.locator("input[name=amount]").fill("250.00")
    form.locator("button[value=look]").click()
    form.locator("button[value=refund]", has_text="250.00").wait_for()
    accept(form)
    form.locator("button[value=refund]").click()
    page.locator(".request").wait_for()
    photograph(page, "story-2-second-person")
    assert working.truth(number)["refunds"] == []


def grant_the_refund(page, working, number):
    open_case(page, working, number)
    press(page, ".request form", "button[value=grant]", lambda: working.truth(number)["refunds"], "the refund")
    photograph(page, "story-3-granted")


def approve_the_ticket(page, working, number):
    open_case(page, working, number)
    kind = "MERCHANT_APPROVE_REFUND"
    unfold(page, "#act-approve")
    press(page, "#act-approve form", "button[value=both]", lambda: working.entries(number, kind), "the approval")
    photograph(page, "story-4-approved")
    until(lambda: working.truth(number)["refunds"], SECONDS, "the refund that belongs to the approval")


def complete_after_a_warning(page, working, number):
    page.reload(wait_until="networkidle")
    unfold(page, "#act-complete")
    form = page.locator("#act-complete form")
    assert form.locator(".finding-block[data-code=refund_running]").is_visible()
    photograph(page, "story-5-too-early")
    form.locator("button.btn:not([name])").click()
    form.locator(".finding-stands").first.wait_for()
    assert working.entries(number, "MERCHANT_CONFIRM_COMPLETE") == []
    page.reload(wait_until="networkidle")
    unfold(page, "#act-complete")

    def done() -> bool:
        return bool(working.truth(number)["complaint_state"] == "PROCESSED")

    press(
        page, "#act-complete form", "button.btn:not([name])", done, "the completion", reason="退款已受理, 付款人已同意"
    )


def see_the_payer_return(page, working, number):
    working.sandbox.control(f"/complaints/{number}/payer", {"do": "continue", "text": "补发的也没有收到"})

    def returned() -> bool:
        page.reload(wait_until="networkidle")
        return "补发的也没有收到" in page.locator("main").inner_text()

    until(returned, SECONDS, "the payer's words on the page")
    assert page.locator(".mark-danger").count() > 0
    photograph(page, "story-6-returned")
