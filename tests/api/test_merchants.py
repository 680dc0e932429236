"""Merchant numbers by the API: connected once they are proved, looked after, and no key ever comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kesu.accounts import tokens
from kesu.audit.models import AuditEntry
from kesu.commands.models import Allowance
from kesu.merchants import grants
from kesu.merchants.models import Account, AccountHealth, ApiV3Key, Limitation, ViolationNotice
from kesu.merchants.services import set_apiv3_key
from kesu.sync.models import Poll
from tests.desk.test_settings_merchants import assert_nowhere, desk, keys, sandbox, secrets_of  # noqa: F401 - fixtures
from tests.desk_seeds import make_merchant, make_user
from tests.keys import PUBLIC_KEY_ID, certificate_pem, private_pem, public_pem

HERE = {"public_url": "http://127.0.0.1:8000"}


@pytest.fixture
def account(db: None, now: Any) -> Account:
    return make_merchant(now, notify_url="https://desk.example.com/notify/wechatpay/secret-token")


def test_a_number_is_connected_once_a_real_call_proved_its_keys_and_none_comes_back(call, desk, sandbox):  # noqa: F811
    given = keys(sandbox)
    told = [call("post", "/merchants", given | wrong) for wrong in ({"mchid": "1999999999"}, {"private_key": "x"})]
    assert [(answer.status_code, answer.told["code"]) for answer in told] == [
        (409, "not_proved"),
        (409, "keys_refused"),
    ]
    assert told[0].told["platform_code"]
    assert list(told[1].told["problems"]) == ["private_key"]
    away = given | {"base_url": "http://127.0.0.1:9"}
    assert call("post", "/merchants", away).told["passing"] is True
    assert not Account.objects.exists()

    sandbox.complain(sandbox.merchant()["mchid"])
    made = call("post", "/merchants", given)
    assert (made.status_code, made.told["complaints"] >= 1) == (201, True)
    account = Account.objects.get()
    assert Poll.objects.filter(account=account).count() == 3
    address = f"/merchants/{account.mchid}"
    asked = call("post", f"{address}/ask").told
    assert (asked["complaints"] >= 1, bool(asked["first"])) == (True, True)
    answers = [
        call("post", f"{address}/callback", {**HERE, "public_url": wrong}) for wrong in ("https://[", "http://x.cn")
    ]
    assert {answer.told["code"] for answer in answers} == {"merchant_refused"}
    assert "****" in call("post", f"{address}/callback", HERE).told["callback_shown"]
    Account.objects.update(token="another-desk", notify_url="")
    foreign = call("post", f"{address}/callback", HERE)
    assert (foreign.status_code, foreign.told["code"]) == (409, "foreign_callback")
    assert call("post", f"{address}/callback", HERE | {"replaces": True}).told["callback_registered"] is True
    looked = call("post", f"{address}/look").told
    assert (looked["error"], looked["looked_at"] is not None) == ("", True)
    assert_nowhere([*secrets_of(sandbox), account.token, "another-desk"], json.dumps([made.told, looked, told[1].told]))
    done = [
        sorted(set(entry.details) - {"token"}) for entry in AuditEntry.objects.filter(via="api").order_by("sequence")
    ]
    assert done == [["proved", "role", "saved"], ["asked"], *[["callback_set", "replaced"]] * 2, ["looked"]]


def test_keys_go_in_and_only_their_names_and_ends_come_out(call, account, now):
    set_apiv3_key(account, "previous" * 4, accept_previous_until=None, now=now)
    address = f"/merchants/{account.mchid}"
    pair = {"private_key": private_pem("a"), "certificate": certificate_pem("a")}
    told = [
        call("post", f"{address}/certificate", pair).told,
        call("post", f"{address}/apiv3-key", {"apiv3_key": "present-" * 4, "grace_hours": 1}).told,
        call("post", f"{address}/platform-keys", {"serial": PUBLIC_KEY_ID, "public_key": public_pem("p")}).told,
        call("post", f"{address}/platform-keys", {"serial": "PUB_KEY_ID_2", "public_key": public_pem("q")}).told,
        call("delete", f"{address}/platform-keys/{PUBLIC_KEY_ID}").told,
    ]
    assert told[-1]["certificate"]["serial"] == "1234ABCD"
    assert [key["accepted_until"] is None for key in told[-1]["apiv3_keys"]] == [True, False]
    assert [key["serial"] for key in told[-1]["platform_keys"]] == ["PUB_KEY_ID_2"]
    last = call("delete", f"{address}/platform-keys/PUB_KEY_ID_2")
    crossed = call("post", f"{address}/certificate", pair | {"private_key": private_pem("b")})
    short = call("post", f"{address}/apiv3-key", {"apiv3_key": "short"})
    assert [answer.told["code"] for answer in (last, crossed, short)] == ["merchant_refused"] * 3
    assert ApiV3Key.objects.get(accepted_until=None).key == "present-" * 4
    secrets = ["present-", "previous", "secret-token", pair["private_key"].splitlines()[5]]
    assert_nowhere(secrets, json.dumps([*told, last.told, crossed.told, short.told]))
    assert AuditEntry.objects.filter(subject=f"merchant:{account.mchid}", via="api").count() == 5


def test_how_a_number_is_treated_is_changed_in_part_and_written_down(call, account):
    address = f"/merchants/{account.mchid}"
    changed = call("patch", address, {"deadline_profile": "calendar", "enabled": False}).told
    assert (changed["deadline_profile"], changed["state"], changed["name"]) == ("calendar", "off", "云上书店")
    details = AuditEntry.objects.get(subject=f"merchant:{account.mchid}").details
    assert details == {"deadline_profile": "calendar", "enabled": False, "token": "test"}
    assert call("patch", address, {"reply_limit": 501}).status_code == 422
    assert call("patch", "/merchants/42", {"name": "x"}).status_code == 404


def test_what_replies_may_say_and_what_sub_merchants_are_called(call, account, now):
    address = f"/merchants/{account.mchid}"
    word = {"kind": "word", "value": " 云上书店 "}
    made = [call("post", f"{address}/allowances", word).told for _ in range(2)]
    assert (made[0]["id"], made[0]["value"]) == (made[1]["id"], "云上书店")
    assert call("get", f"{address}/allowances").told == [made[0]]
    assert call("delete", f"/allowances/{made[0]['id']}").status_code == 204
    assert not Allowance.objects.exists()
    for number in range(60):
        account.sub_merchants.create(mchid=f"{1900001000 + number}", created_at=now)
    first = call("get", f"{address}/sub-merchants").told
    second = call("get", f"{address}/sub-merchants?after={first['next']}").told
    assert (len(first["items"]), len(second["items"]), second["next"]) == (50, 10, None)
    assert call("put", f"{address}/sub-merchants/1900001003", {"name": "分店"}).told["name"] == "分店"
    assert call("put", f"{address}/sub-merchants/1", {"name": "分店"}).status_code == 404
    written = [entry.details for entry in AuditEntry.objects.order_by("sequence")]
    assert [sorted(set(details) - {"token"}) for details in written] == [
        ["allowance", "allowed"],
        ["allowance", "disallowed"],
        ["name", "sub_merchant"],
    ]
    assert "云上书店" not in str(written)


def test_everybody_is_told_how_the_numbers_that_they_see_do_and_owners_the_rest(call, account, now):
    other = make_merchant(now, "1900000309", "别家")
    problem = {"kind": "callback", "step": "missing", "facts": {}, "level": "failed", "since": now.isoformat()}
    AccountHealth.objects.create(
        account=account, due_at=now, certificates_due_at=now, checked_at=now, problems=[problem]
    )
    assert [row["state"] for row in call("get", "/merchants").told] == ["failed", "unwatched"]
    viewer = make_user("narrow", role="viewer", all_merchants=False)
    grants.grant(viewer, other)
    _, secret = tokens.create(viewer, "x", ["read"], expires_at=None, now=now)
    assert [row["mchid"] for row in call("get", "/merchants", secret=secret).told] == [other.mchid]
    assert call("get", f"/merchants/{other.mchid}", secret=secret).status_code == 403
    whole = call("get", f"/merchants/{account.mchid}").told
    assert [one["kind"] for one in whole["problems"]] == ["callback"]
    assert (whole["callback_shown"], whole["certificate"]) == (
        "https://desk.example.com/notify/wechatpay/****oken",
        None,
    )


def test_what_the_platform_did_to_sub_merchants_is_told_with_the_ways_out(call, account, now):
    ViolationNotice.objects.create(
        account=account, event_type="VIOLATION.PUNISH", record_id="R1", sub_mchid="1900000211", company_name="甲公司",
        risk_type="FRAUD", punish_plan="关闭支付权限", raw="{}", received_at=now,
    )  # fmt: skip
    ways = [{"limitation_reason": "COMPLAINTS", "recover_way": "处理投诉"}, "nonsense"]
    Limitation.objects.create(account=account, sub_mchid="1900000211", functions=["NO_TRANSACTION"], recoveries=ways)
    Limitation.objects.create(account=account, sub_mchid="1900000212")
    told = call("get", f"/merchants/{account.mchid}/platform-acts").told
    assert [(one["record_id"], one["plan"]) for one in told["violations"]] == [("R1", "关闭支付权限")]
    (limited,) = told["limitations"]
    assert (limited["functions"], limited["ways_out"]) == (
        ["NO_TRANSACTION"],
        [{"reason": "COMPLAINTS", "way": "处理投诉"}],
    )
