"""A working day in real processes, at their most talkative, in which everything happens that could say too much."""

from __future__ import annotations

import http.cookiejar
import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from kesu.config.archive import Place
from kesu.config.database import EmbeddedPostgres
from tests.forking import run_kesu
from tests.prepared import lay_database
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox
from tests.security.walking import filled, pages

PHONE = "13914725836"
SPOKEN = "139 1472 5836"
NOTED = "136 9258 1470"
"""A number that staff wrote into a note: the page has it, logs, metrics and the audit do not."""
WORDS = "我叫王小明住在人民路一号"
PASSWORD, WRONG = "correct-horse-battery", "wrong-horse-battery"
METRICS, DEADMAN = "metrics-token-8d1c", "dead-mans-path-77e0"
MAIL, ROBOT, CORP = "mail-password-41b7", "SEC" + "5f" * 32, "corp-secret-9a3e9a3e9a3e"
APPRISE = "apprise-word-c0ffee"
HOOK_PATH, HOOK_SECRET = "hook-path-5be2", "whsec_" + "Zm9v" * 11


@dataclass
class Day:
    """All that came out of it. ``answers``: address to what was answered there, pages and API alike."""

    log: str = ""
    metrics: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    revealed: str = ""
    entries: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, list[str]] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    cookies: set[str] = field(default_factory=set)
    callbacks: set[str] = field(default_factory=set)


class Browser:
    """Keeps cookies and sends forms with their proof, or speaks to the API with a token."""

    def __init__(self, url: str, day: Day, token: str = "") -> None:
        self.url, self.day, self.token = url, day, token
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def ask(
        self, path: str, body: Any = None, *, form: Any = None, keep: bool = True, method: str = ""
    ) -> tuple[int, str]:
        """Status and text; kept among the day's answers unless told otherwise."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if form is not None:
            proof = next((cookie.value for cookie in self.jar if cookie.name == "csrftoken"), "")
            data = urllib.parse.urlencode({"csrfmiddlewaretoken": proof, **form}, doseq=True).encode()
        elif body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method or None)
        try:
            with self.opener.open(request, timeout=30) as answer:
                status, found, told = answer.status, answer.read(), str(answer.headers)
        except urllib.error.HTTPError as error:
            status, found, told = error.code, error.read(), str(error.headers)
        text = found.decode(errors="replace")
        if keep:
            # Its own browser's session and proof are set and shown by design.
            told = re.sub(r"(?im)^set-cookie:.*$", "", told)
            self.day.answers[f"{request.get_method()} {path} {len(self.day.answers)}"] = f"{told}\n{text}"
        return status, text

    def sign_in(self, name: str, password: str) -> int:
        self.ask("/sign-in")
        return self.ask("/sign-in", form={"username": name, "password": password})[0]


def play(directory: Path) -> Day:
    day = Day()
    (directory / "sandbox").mkdir()
    with serving_sandbox(directory / "sandbox") as sandbox:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        env = environment(
            directory / "desk",
            KESU_LOG_FORMAT="json",
            KESU_PUBLIC_URL=url,
            KESU_METRICS_TOKEN=METRICS,
            KESU_DEADMAN_URL=f"http://127.0.0.1:1/{DEADMAN}",
        ) | {"KESU_LOG_LEVEL": "debug"}
        run = _Commands(env)
        log = directory / "desk.log"
        lay_database(directory / "desk")
        database = EmbeddedPostgres(directory / "desk")
        database.enter()  # kept running, for speed
        run(["merchants", "import-sandbox", str(sandbox.file), "--public-url", url])
        token = _people_and_channels(run, sandbox, day)
        with running(kesu("serve", "--port", str(port)), log, env, ready=lambda: answers(f"{url}/readyz")):
            api, page = Browser(url, day, token), Browser(url, day)
            _work(sandbox, api, page, day)
            _look_everywhere(api, page)
            printed = run(*LOOKING)
            day.entries = json.loads(printed[0])
            day.answers |= {f"kesu {number}": text for number, text in enumerate(printed)}
            day.metrics = Browser(url, day, METRICS).ask("/metrics")[1]
            with Place.of(directory / "desk", "").connected() as connection:
                day.tables = dict(_tables(connection))
        database.leave()
        registered = sandbox.control("/state")["notify_urls"].values()
        day.callbacks = {url.rpartition("/")[2] for url in registered}
        day.cookies = {cookie.value or "" for cookie in page.jar if cookie.name == "sessionid"}
        day.secrets |= _secrets_of(sandbox, directory / "desk") | day.cookies | day.callbacks
        day.log = log.read_text()
    return day


LOOKING = (["audit", "list", "--limit", "500", "--json"], ["channels", "list"], ["outbox", "list"], ["doctor"])
_IN_ONE_PROCESS = """
import json, sys
from kesu.cli import app
for words in json.load(sys.stdin):
    app(words, standalone_mode=False)
    print(chr(30), flush=True)
"""


class _Commands:
    """`kesu`, several commands in one process: what they print, in turn."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def __call__(self, *commands: Sequence[str]) -> list[str]:
        words = [sys.executable, "-c", _IN_ONE_PROCESS]
        done = subprocess.run(words, env=self.env, input=json.dumps(commands), capture_output=True, text=True)
        printed = done.stdout.split(chr(30))[:-1]
        assert len(printed) == len(commands) or "doctor" in commands[-1], (done.stdout, done.stderr)
        return [*printed, done.stderr]


def _people_and_channels(run: _Commands, sandbox: ServedSandbox, day: Day) -> str:
    """An owner with a token, and a channel of every kind that has something to hide; most lead nowhere."""
    added = run_kesu("users", "add", "wang", "--role", "owner", "--password-stdin", env=run.env, stdin=PASSWORD)
    assert added.returncode == 0, added.stderr
    nowhere = "http://127.0.0.1:1"
    mail = ("host=127.0.0.1", "port=1", "user=desk", f"password={MAIL}", "sender=a@example.com")
    company = ("corpid=ww1234567890abcdef", "agentid=1000002", "receivers=@all", f"api_url={nowhere}")
    channels: dict[str, list[str]] = {
        "email": _set(*mail, "recipients=b@example.com"),
        "webhook": ["--url", f"{nowhere}/{HOOK_PATH}", "--secret", HOOK_SECRET],
        "dingtalk_robot": ["--url", _robot(sandbox, "dingtalk"), "--secret", ROBOT],
        "wecom_app": ["--secret", CORP, *_set(*company)],
        "apprise": ["--url", f"ntfy://desk:{APPRISE}@127.0.0.1:1/topic"],
    }
    made, invited, *_rest = run(
        ["tokens", "create", "--user", "wang", "--json"],
        ["users", "invite", "--json"],
        *(["channels", "add", kind, "--kind", kind, *words] for kind, words in channels.items()),
    )
    token: str = json.loads(made)["token"]
    link: str = json.loads(invited)["link"]
    day.secrets |= {token, link.rpartition("/")[2], HOOK_SECRET, PASSWORD, WRONG, METRICS, DEADMAN}
    day.secrets |= {MAIL, ROBOT, CORP, APPRISE, HOOK_PATH}
    return token


def _set(*values: str) -> list[str]:
    return [word for value in values for word in ("--set", value)]


def _robot(sandbox: ServedSandbox, kind: str) -> str:
    made: str = sandbox.control(f"/{kind}/robots", {"secret": ROBOT})["webhook_url"]
    return made


def _work(sandbox: ServedSandbox, api: Browser, page: Browser, day: Day) -> None:
    """Signing in and failing to, replies, refunds and completions that go well and badly, webhooks, a phone shown."""
    for password in (WRONG, WRONG, PASSWORD):
        page.sign_in("wang", password)
    assert page.ask("/")[0] == 200
    stranger = Browser(api.url, day, "kesu_" + "n0t-a-t0ken" * 3)
    assert stranger.ask("/api/v1/complaints")[0] == 401
    day.secrets.add(stranger.token)
    _, told = api.ask("/api/v1/webhooks", _hook(HOOK_PATH), keep=False)
    hook = json.loads(told)
    _, told = api.ask(f"/api/v1/webhooks/{hook['id']}/rotate", {}, keep=False)
    day.secrets |= {hook["secret"], json.loads(told)["secret"]}
    assert api.ask("/api/v1/webhooks", _hook(f"{HOOK_PATH}@10.0.0.1/{HOOK_PATH} "))[0] == 422
    api.ask(f"/api/v1/webhooks/{hook['id']}/test", {})
    mchid = sandbox.merchant()["mchid"]
    numbers = sandbox.complain(mchid, phone=PHONE, detail=WORDS, problem_type="REFUND", count=3, amount=9_900)
    other = sandbox.complain(mchid, phone=PHONE, detail=WORDS, need_immediate_service=True, pictures=1)
    for number in (*numbers, *other):
        until(lambda number=number: api.ask(f"/api/v1/complaints/{number}", keep=False)[0] == 200, 60, number)
    _speak(sandbox, api, numbers, other[0])
    _pay(sandbox, api, numbers)
    act(sandbox, api, other[0], "complete")
    _in_pages(api, page, day, numbers[0])
    sandbox.control(f"/complaints/{other[0]}/payer", {"do": "continue", "text": WORDS})
    sandbox.control("/clock", {"advance": "2h"})
    _settled(sandbox, api)


def _hook(path: str) -> dict[str, Any]:
    return {
        "name": "工单系统",
        "url": f"http://127.0.0.1:1/{path}",
        "events": ["complaint.created", "complaint.updated"],
    }


def _speak(sandbox: ServedSandbox, api: Browser, numbers: list[str], other: str) -> None:
    act(sandbox, api, numbers[0], "reply", text="您好, 已经为您核实, 商品可以退款, 请问您希望怎样处理?")
    assert api.ask(f"/api/v1/complaints/{numbers[1]}/reply", {"text": f"加我微信 {SPOKEN} 联系"})[0] == 409
    api.ask(f"/api/v1/complaints/{numbers[1]}/lint", {"text": "您这是恶意投诉, 我们会起诉您"})
    for path, kind, value in (("/response", "drop", "after"), ("/response", "errcode", "PARAM_ERROR")):
        sandbox.control("/faults", {"target": "wechatpay", "kind": kind, "value": value, "path": path, "count": 1})
        act(sandbox, api, numbers[2], "reply", text=f"您好, 第{value}次为您核实, 商品可以补发, 请问怎样处理?")
    block = {"type": "TEXT", "text": {"text": "您好, 我在, 请说"}}
    act(sandbox, api, other, "immediate-reply", blocks=[block])
    api.ask(f"/api/v1/complaints/{numbers[0]}/notes", {"text": f"付款人电话 {NOTED}"})


def _pay(sandbox: ServedSandbox, api: Browser, numbers: list[str]) -> None:
    for kind, value in (("errcode", "NOT_ENOUGH"), ("status", 500), ("drop", "after")):
        fault = {"target": "wechatpay", "kind": kind, "value": value, "path": "/refund/domestic", "count": 1}
        sandbox.control("/faults", fault)
        act(sandbox, api, numbers[1], "refund", amount=100)
    act(sandbox, api, numbers[0], "approve")
    act(sandbox, api, numbers[2], "reject", reason="商品已按约定提供并使用, 不符合退款条件。")
    api.ask(f"/api/v1/complaints/{PHONE}")
    api.ask("/api/v1/complaints/1/refund", b'{"amount": "' + PHONE.encode() + b'"', keep=False)


def act(sandbox: ServedSandbox, api: Browser, number: str, verb: str, **body: Any) -> None:
    """Press, accept what is said against it, set aside what may be; then wait until it is known what became of it."""
    path = f"/api/v1/complaints/{number}/{verb}"
    status, told = api.ask(path, body)
    if status == 409 and json.loads(told)["code"] == "refused":
        codes = [found["code"] for found in json.loads(told)["concerns"]]
        status, told = api.ask(path, {**body, "acknowledged": codes, "override_reason": "试验"})
    _settled(sandbox, api)


def _settled(sandbox: ServedSandbox, api: Browser) -> None:
    """Minutes pass meanwhile: so long it takes until a reply of which nothing is known did not arrive."""

    def done() -> bool:
        sandbox.control("/clock", {"advance": "30s"})
        page = json.loads(api.ask("/api/v1/complaints?view=all", keep=False)[1])
        states: list[str] = []
        for row in page["items"]:
            told = api.ask(f"/api/v1/complaints/{row['complaint_id']}/commands", keep=False)[1]
            states += [command["state"] for command in json.loads(told)]
        return not {"planned", "sending", "unknown"} & set(states)

    until(done, 120, "commands to settle")


def _in_pages(api: Browser, page: Browser, day: Day, number: str) -> None:
    _, listed = page.ask("/?view=all")
    case = next(iter(re.findall(r'href="/cases/(\d+)"', listed)))
    _, shown = page.ask(f"/cases/{case}/phone", form={}, keep=False)
    day.revealed = shown
    for form in ({"format": "csv"}, {"format": "xlsx"}):
        page.ask("/export", form={"query": "view=all", **form})
    page.ask(f"/?view=all&q={urllib.parse.quote(SPOKEN)}", keep=False)
    page.ask(f"/?view=all&q={PHONE[-4:]}")
    page.ask(f"/cases/{case}/reply", form={"text": "加我微信聊"})
    page.ask(f"/cases/{case}/note", form={"text": f"电话 {NOTED}"})


def _look_everywhere(api: Browser, page: Browser) -> None:
    """Every page with every small number, and every address of the API's description that can be looked at."""
    values = {"": {"kind": "email", "name": "standard"}}
    for route in pages():
        if route in ("/sign-out", "/me/recovery-codes/download"):
            continue
        for number in ("1", "2", "3"):
            address = filled(route, {"": {**values[""], **dict.fromkeys(("pk", "request_pk", "command_pk"), number)}})
            page.ask(address)
            if address == route:
                break
    described = json.loads(api.ask("/api/v1/openapi.json")[1])["paths"]
    numbers = [row["complaint_id"] for row in json.loads(api.ask("/api/v1/complaints?view=all")[1])["items"]]
    for path, methods in described.items():
        for number in numbers if "get" in methods else []:
            address = re.sub(r"\{complaint_id\}", number, path)
            address = re.sub(r"\{\w+\}", "1", address)
            api.ask(address + ("?verb=complete" if address.endswith("/concerns") else ""))
            if address == path:
                break
    for address in ("/healthz", "/readyz", "/nothing-here", "/api/v1/nothing-here", "/admin/"):
        page.ask(address)


def _tables(connection: psycopg.Connection[Any]) -> Iterable[tuple[str, list[str]]]:
    names = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    for (name,) in names:
        rows = connection.execute(f'select t::text from "{name}" t').fetchall()  # type: ignore[call-overload]
        yield name, [row for (row,) in rows]


def _secrets_of(sandbox: ServedSandbox, data: Path) -> set[str]:
    found = {sandbox.described["wecom"]["webhook_url"].rpartition("key=")[2]}
    for merchant in sandbox.merchants:
        found |= {merchant["apiv3_key"], merchant["private_key_pem"].splitlines()[1]}
    keys = json.loads((data / "keys.json").read_text())
    found |= {text for text in re.findall(r"[A-Za-z0-9+/=_-]{32,}", json.dumps(keys))}
    return found
