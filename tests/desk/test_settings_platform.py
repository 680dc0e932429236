"""The page of a provider's merchant number shows what the platform did to its sub-merchants, and to nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from kesu import clock
from kesu.merchants.models import Account, Limitation, ViolationNotice
from kesu.sync.limiting import PUNISHED_FOR, plan
from tests.desk_seeds import make_complaint, make_merchant, make_user

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def provider(db: None) -> Account:
    return make_merchant(clock.now(), "1900000200", "服务商", role=Account.Role.PARTNER)


def punish(account: Account, sub_mchid: str, **fields: Any) -> ViolationNotice:
    given = {
        "event_type": "VIOLATION.PUNISH",
        "record_id": f"P{sub_mchid}",
        "company_name": "山里果园",
        "punish_plan": "延迟结算",
        "punish_description": HOSTILE,
        "raw": "{}",
        "received_at": clock.now(),
    }
    return ViolationNotice.objects.create(account=account, sub_mchid=sub_mchid, **given | fields)


def limit(account: Account, sub_mchid: str, **fields: Any) -> Limitation:
    way = {"limitation_reason_describe": "交易纠纷较多", "recover_way": "RESOLVE_TRANSACTION_DISPUTES"}
    given = {"functions": ["NO_WITHDRAWAL", "NO_SINGING"], "recoveries": [way, "odd"], "changed_at": clock.now()}
    return Limitation.objects.create(account=account, sub_mchid=sub_mchid, **given | fields)


def page(account: Account, language: str = "en") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(make_user(f"owner-{language}", role="owner"))
    client.cookies["django_language"] = language
    answer = client.get(f"/settings/merchants/{account.pk}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_punishments_and_limitations_are_shown_with_the_platforms_words_and_ways_out(provider: Account):
    punish(provider, "1900000309")
    limit(provider, "1900000310")
    shown = page(provider)
    for text in ("1900000309", "Punished", "延迟结算", "P1900000309", "1900000310", "no withdrawing", "NO_SINGING"):
        assert text in shown, text
    assert "交易纠纷较多" in shown
    assert "RESOLVE_TRANSACTION_DISPUTES" in shown
    assert HOSTILE not in shown
    chinese = page(provider, "zh-hans")
    assert "平台对其子商户的处置" in chinese
    assert "已处罚" in chinese


def test_those_of_another_provider_and_of_the_free_are_not(provider: Account):
    other = make_merchant(clock.now(), "1900000201", "另一家", role=Account.Role.PARTNER)
    punish(other, "1900000411")
    limit(provider, "1900000412", functions=[])
    shown = page(provider)
    assert "1900000411" not in shown
    assert "1900000412" not in shown
    assert "What the platform did" not in shown


def test_whoever_was_punished_of_late_is_asked_about_though_nobody_complains(provider: Account):
    now = clock.now()
    punish(provider, "1900000309", received_at=now - timedelta(days=1))
    punish(provider, "1900000310", received_at=now - PUNISHED_FOR - timedelta(hours=1))
    make_complaint(provider, 1, now=now, complainted_mchid="1900000311")
    plan(provider, now=now)
    assert set(Limitation.objects.values_list("sub_mchid", flat=True)) == {"1900000309", "1900000311"}
