"""The pages, the verbs behind them, and the API beside them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from kesu import clock
from kesu.accounts import tokens
from kesu.audit.models import AuditEntry
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import Wanted
from kesu.webhooks.models import Delivery, Endpoint
from tests.desk_seeds import make_user
from tests.translations import compile_translations

compile_translations()
pytestmark = pytest.mark.django_db
PAGE = "/settings/webhooks"
FILLED = {"name": "工单系统", "url": "https://example.com/hook/t0ken", "events": ["complaint.created"]}


@pytest.fixture(autouse=True)
def _chinese() -> Any:
    with translation.override("zh-hans"):
        yield


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


@pytest.fixture
def endpoint(now: datetime) -> Endpoint:
    wanted = Wanted("工单系统", "https://example.com/hook/t0ken", ["complaint.created"])
    return endpoints.add(wanted, created_by=None, now=now)[0]


def test_the_secret_is_shown_once_and_the_address_never(desk: Client) -> None:
    said = desk.post(PAGE, FILLED).content.decode()
    secret = Endpoint.objects.get().secret
    assert secret in said.replace("&#x2B;", "+")
    assert Endpoint.objects.get().created_by is not None
    for page in (PAGE, f"{PAGE}/{Endpoint.objects.get().pk}"):
        answer = desk.get(page)
        assert secret not in answer.content.decode().replace("&#x2B;", "+")
        assert "t0ken" not in answer.content.decode()
        assert answer.headers["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(subject="webhook:工单系统")
    assert entry.username == "wang"
    assert secret not in str(entry.details)
    assert "t0ken" not in str(entry.details)


def test_what_cannot_be_right_is_said_beside_its_field(desk: Client) -> None:
    said = desk.post(PAGE, FILLED | {"url": "http://example.com"}).content.decode()
    assert "地址须以 https:// 开头" in said
    assert not Endpoint.objects.exists()


def test_a_change_without_an_address_keeps_it(desk: Client, endpoint: Endpoint) -> None:
    answer = desk.post(f"{PAGE}/{endpoint.pk}", FILLED | {"url": "", "name": "新名称"})
    assert answer.status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.url) == ("新名称", "https://example.com/hook/t0ken")


def test_a_test_stands_in_the_log_and_is_delivered_again_from_there(desk: Client, endpoint: Endpoint) -> None:
    desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "test"})
    delivery = Delivery.objects.get()
    Delivery.objects.update(state="failed", error="HTTP 500")
    said = desk.get(f"{PAGE}/{endpoint.pk}?state=failed").content.decode()
    assert "HTTP 500" in said
    assert "再次投递" in said
    desk.post(f"{PAGE}/deliveries/{delivery.pk}/redeliver")
    delivery.refresh_from_db()
    assert delivery.state == "pending"
    assert AuditEntry.objects.filter(subject="webhook:工单系统").count() == 2


def test_rotating_switching_and_removing(desk: Client, endpoint: Endpoint) -> None:
    before = endpoint.secret
    said = desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "rotate"}).content.decode().replace("&#x2B;", "+")
    endpoint.refresh_from_db()
    assert endpoint.secret != before
    assert endpoint.secret in said
    desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "off"})
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "test"})
    assert not Delivery.objects.exists()
    desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "on"})
    endpoint.refresh_from_db()
    assert endpoint.enabled
    desk.post(f"{PAGE}/{endpoint.pk}/act", {"do": "remove"})
    assert not Endpoint.objects.exists()


def test_what_the_other_side_answers_is_text(desk: Client, endpoint: Endpoint) -> None:
    delivery = endpoints.send_test(endpoint, now=clock.now())
    delivery.log.create(number=1, at=clock.now(), outcome="failed", status=500, response="<script>alert(1)</script>")
    said = desk.get(f"{PAGE}/{endpoint.pk}").content.decode()
    assert "<script>alert" not in said
    assert "&lt;script&gt;alert" in said


def test_the_pages_are_english_where_asked_for(desk: Client, endpoint: Endpoint) -> None:
    desk.cookies["django_language"] = "en"
    for page in (PAGE, f"{PAGE}/{endpoint.pk}"):
        said = desk.get(page).content.decode().replace("工单系统", "").replace("中文", "")
        body = said[said.index("<main") : said.index("</main")]
        assert not re.search(r"[\u4e00-\u9fff]", body)


def test_the_api_does_the_same(now: datetime) -> None:
    owner = make_user()
    secret = tokens.create(owner, "test", ["read", "act", "admin"], expires_at=None, now=now)[1]
    client = Client(headers={"Authorization": f"Bearer {secret}"})

    def call(method: str, path: str, body: Any = None) -> Any:
        given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1{path}", **given)
        return answer.status_code, json.loads(answer.content) if answer.content else None

    status, made = call("post", "/webhooks", FILLED)
    assert (status, made["address"]) == (201, "https://example.com/…")
    assert made["secret"].startswith("whsec_")
    assert call("post", "/webhooks", FILLED)[0] == 409
    number = made["id"]
    status, delivery = call("post", f"/webhooks/{number}/test")
    assert (status, delivery["type"], delivery["state"]) == (202, "webhook.test", "pending")
    status, page = call("get", f"/webhook-deliveries?webhook={number}")
    assert (status, [item["id"] for item in page["items"]]) == (200, [delivery["id"]])
    assert call("post", f"/webhooks/{number}/switch", {"enabled": False})[1]["state"] == "off"
    assert call("post", f"/webhook-deliveries/{delivery['id']}/redeliver")[0] == 409
    assert call("put", f"/webhooks/{number}", {"name": "B", "events": ["complaint.due_soon"]})[1]["name"] == "B"
    assert "secret" not in call("get", "/webhooks")[1][0]
    assert call("delete", f"/webhooks/{number}")[0] == 204
