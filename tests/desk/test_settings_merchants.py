"""Connecting a merchant number and a robot against a sandbox that is really served: each ends with its proof."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from kesu import clock
from kesu.alerts.models import Channel, Message
from kesu.audit.models import AuditEntry
from kesu.commands.models import Allowance
from kesu.merchants.models import Account, SubMerchant
from kesu.sync.models import Poll
from tests.desk_seeds import make_merchant, make_user
from tests.keys import private_pem
from tests.sandboxes import ServedSandbox, serving_sandbox


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSandbox]:
    directory = tmp_path_factory.mktemp("settings") / "sandbox"
    directory.mkdir()
    with serving_sandbox(directory) as served:
        yield served


@pytest.fixture
def desk(transactional_db: None, sandbox: ServedSandbox, tmp_path: Path) -> Iterator[Client]:
    """An owner's, English, at a desk that follows the sandbox's clock."""
    clock.link(tmp_path, Path(sandbox.described["clock_file"]))
    clock.follow(tmp_path)
    client = Client()
    client.cookies["django_language"] = "en"
    client.force_login(make_user())
    yield client
    clock.follow(settings.KESU_DATA)


def keys(sandbox: ServedSandbox, role: str = "merchant", **changes: Any) -> dict[str, Any]:
    """What an owner enters for a merchant number of the sandbox."""
    merchant = sandbox.merchant(role)
    return {
        "mchid": merchant["mchid"],
        "role": role,
        "name": "云上书店",
        "certificate": merchant["certificate_pem"],
        "private_key": merchant["private_key_pem"],
        "apiv3_key": merchant["apiv3_key"],
        "public_key_id": sandbox.platform["public_key_id"],
        "public_key": sandbox.platform["public_key_pem"],
        "base_url": sandbox.platform["base_url"],
        **changes,
    }


def secrets_of(sandbox: ServedSandbox, role: str = "merchant") -> list[str]:
    merchant = sandbox.merchant(role)
    middle = merchant["private_key_pem"].splitlines()[5]
    return [merchant["apiv3_key"], middle]


def assert_nowhere(secrets: list[str], *texts: str) -> None:
    written = " ".join([*texts, *(json.dumps(entry.details) + entry.subject for entry in AuditEntry.objects.all())])
    assert [secret for secret in secrets if secret in written] == []


def test_keys_are_kept_once_a_real_call_proved_them(desk: Client, sandbox: ServedSandbox, caplog: Any):
    caplog.set_level(logging.DEBUG)
    sandbox.complain(sandbox.merchant()["mchid"])
    answer = desk.post("/settings/connect", keys(sandbox), follow=True)
    page = answer.content.decode()
    assert "Connected: the platform answered a real call. Complaints today: 1" in page
    account = Account.objects.get()
    assert account.name == "云上书店"
    assert Poll.objects.filter(account=account).count() == 3
    assert_nowhere([*secrets_of(sandbox), account.token], page, caplog.text)
    asked = desk.post(f"/settings/merchants/{account.pk}/ask").content.decode()
    assert "The platform answered: 1 complaint today." in asked
    _set_and_take_over_the_callback(desk, sandbox, account)


def _set_and_take_over_the_callback(desk: Client, sandbox: ServedSandbox, account: Account) -> None:
    """One story: registered, read back, changed by somebody else, left alone until taken over, looked at."""
    address = f"/settings/merchants/{account.pk}/callback"
    refused = desk.post(address, {"public_url": "http://desk.example.com"})
    assert refused.status_code == 422
    assert "must begin with https://" in refused.content.decode()
    here = {"public_url": "http://127.0.0.1:8000"}
    assert "reads it back as it should be" in desk.post(address, here, follow=True).content.decode()
    account.refresh_from_db()
    assert account.notify_url.endswith(account.token)
    Account.objects.filter(pk=account.pk).update(token="another-desk", notify_url="")
    foreign = desk.post(address, here)
    assert foreign.status_code == 409
    assert "The platform calls another address" in foreign.content.decode()
    assert "reads it back" in desk.post(address, {**here, "replace": "1"}, follow=True).content.decode()
    assert (
        "Looked at callback address"
        in desk.post(f"/settings/merchants/{account.pk}/look", follow=True).content.decode()
    )


def test_without_a_public_key_the_certificates_are_downloaded(desk: Client, sandbox: ServedSandbox):
    desk.post("/settings/connect", keys(sandbox, public_key_id="", public_key=""))
    serials = list(Account.objects.get().platform_keys.values_list("serial", flat=True))
    assert serials == [sandbox.platform["certificate_serial"]]


def test_files_do_as_well_as_pasted_texts(desk: Client, sandbox: ServedSandbox):
    given = keys(sandbox)
    files = {
        f"{name}_file": SimpleUploadedFile(f"{name}.pem", given.pop(name).encode())
        for name in ("certificate", "private_key", "public_key")
    }
    assert desk.post("/settings/connect", {**given, **files}).status_code == 302
    assert Account.objects.exists()


WRONG: list[tuple[dict[str, str], str]] = [
    ({"mchid": "12a"}, "A merchant number consists of digits only."),
    ({"private_key": "OTHER"}, "This key is not the certificate&#x27;s."),
    ({"private_key": "-----BEGIN"}, "This is no private key."),
    ({"private_key": "CERTIFICATE"}, "This is the certificate. The private key is in apiclient_key.pem."),
    ({"certificate": ""}, "The certificate is missing."),
    ({"apiv3_key": "k" * 31}, "this one has 31"),
    ({"public_key_id": "7132D72A03E9"}, "The id begins with PUB_KEY_ID_"),
    ({"public_key": "nonsense"}, "This is no public key."),
    ({"base_url": "https://evil.example.com"}, "only a sandbox on this machine may differ"),
]


@pytest.mark.parametrize(("wrong", "said"), WRONG)
def test_what_is_wrong_is_said_at_once_and_nothing_is_kept(
    desk: Client, sandbox: ServedSandbox, wrong: dict[str, str], said: str
):
    stand_ins = {"OTHER": private_pem("other"), "CERTIFICATE": sandbox.merchant()["certificate_pem"]}
    given = keys(sandbox, **{name: stand_ins.get(value, value) for name, value in wrong.items()})
    answer = desk.post("/settings/connect", given)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert not Account.objects.exists()
    assert_nowhere(secrets_of(sandbox), page)
    step = "number" if {"mchid", "base_url"} & set(wrong) else "pair"
    step = "apiv3" if "apiv3_key" in wrong else "platform" if {"public_key_id", "public_key"} & set(wrong) else step
    assert said in desk.post(f"/settings/connect/check?step={step}", given).content.decode()


def test_a_key_of_another_number_is_refused_by_the_platform_with_its_code(desk: Client, sandbox: ServedSandbox):
    given = keys(sandbox, mchid="1999999999")
    answer = desk.post("/settings/connect", given)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "The platform refused the call" in page
    assert "Request-ID" in page
    assert not Account.objects.exists()


def test_another_apiv3_key_is_found_out_where_certificates_are_downloaded(desk: Client, sandbox: ServedSandbox):
    page = desk.post("/settings/connect", keys(sandbox, apiv3_key="x" * 32, public_key_id="", public_key=""))
    assert "could not be opened with this APIv3 key" in page.content.decode()
    assert not Account.objects.exists()


def test_another_public_key_is_found_out_by_the_answers_signature(desk: Client, sandbox: ServedSandbox):
    page = desk.post("/settings/connect", keys(sandbox, public_key_id="PUB_KEY_ID_42"))
    assert page.status_code == 422
    assert not Account.objects.exists()


def test_a_platform_that_is_away_lets_the_keys_be_kept_unproved(desk: Client, sandbox: ServedSandbox):
    given = keys(sandbox, base_url="http://127.0.0.1:9")
    answer = desk.post("/settings/connect", given)
    assert "could not be reached" in answer.content.decode()
    assert not Account.objects.exists()
    kept = desk.post("/settings/connect", {**given, "anyway": "1"}, follow=True)
    assert "The keys were kept, but not proved" in kept.content.decode()
    assert Account.objects.exists()


def test_a_real_number_is_not_connected_to_a_desk_that_follows_a_sandbox(desk: Client, sandbox: ServedSandbox):
    page = desk.post("/settings/connect", keys(sandbox, base_url=""))
    assert "follows a sandbox&#x27;s clock" in page.content.decode()


def test_a_robot_is_added_pushed_to_and_seen(desk: Client, sandbox: ServedSandbox):
    url = sandbox.described["wecom"]["webhook_url"]
    given = {"name": "客服群", "webhook_url": url, "mentions": "zhangsan", "language": "zh-hans", "quiet_hours": ""}
    page = desk.post("/settings/channels/new/wecom_robot", given, follow=True).content.decode()
    channel = Channel.objects.get()
    assert "Nobody has said yet that a test push was seen." in page
    page = desk.post(f"/settings/channels/{channel.pk}/test").content.decode()
    assert "did you see it?" in page
    assert Message.objects.get().state == "sent"
    page = desk.post(f"/settings/channels/{channel.pk}/seen", {"seen": "1"}, follow=True).content.decode()
    assert "Good: this channel reaches people." in page
    key = url.partition("key=")[2]
    assert_nowhere([key], page)
    assert "1 of 18" in page or "1 of 20" in page
    page = desk.post(f"/settings/channels/{channel.pk}/switch", {"enabled": "0"}, follow=True).content.decode()
    assert "Channel 客服群 is off." in page


def test_a_robot_that_is_gone_says_what_to_do(desk: Client, sandbox: ServedSandbox):
    url = sandbox.described["wecom"]["webhook_url"].partition("key=")[0] + "key=00000000-0000-0000-0000-000000000000"
    desk.post("/settings/channels/new/wecom_robot", {"name": "群", "webhook_url": url, "language": "en"})
    page = desk.post(f"/settings/channels/{Channel.objects.get().pk}/test").content.decode()
    assert "Not accepted" in page
    assert "Copy it again" in page


def test_a_change_keeps_the_address_that_was_left_empty(desk: Client, sandbox: ServedSandbox):
    url = sandbox.described["wecom"]["webhook_url"]
    desk.post("/settings/channels/new/wecom_robot", {"name": "群", "webhook_url": url, "language": "en"})
    channel = Channel.objects.get()
    given = {"webhook_url": "", "mobiles": "13800000000", "everyone": "on", "language": "zh-hans", "mentions": "a, b"}
    desk.post(f"/settings/channels/{channel.pk}", given)
    channel.refresh_from_db()
    stored = json.loads(channel.settings)
    assert (stored["webhook_url"], stored["mobiles"], stored["everyone"]) == (url, ["13800000000"], True)
    assert channel.mentions == ["a", "b"]


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("wecom_robot", {"webhook_url": "https://example.com/send?key=12345678"}, "not the address of a WeCom robot"),
        ("dingtalk_robot", {"webhook_url": "https://example.com"}, "not the address of a DingTalk robot"),
        ("feishu_robot", {"webhook_url": "https://example.com"}, "not the address of a Feishu robot"),
        ("webhook", {"url": "http://example.com/hook"}, "It must begin with https://"),
        ("apprise", {"url": "json://localhost"}, "Apprise does not know this address"),
        ("email", {"host": "a b", "sender": "x", "recipients": "y", "security": "ssl"}, "A server&#x27;s name"),
        (
            "wecom_app",
            {"corpid": "!", "agentid": "1", "secret": "s3cr3t-value", "receivers": "a", "style": "card"},
            "ww123",
        ),
    ],
)
def test_each_kind_says_what_its_address_looks_like(desk: Client, kind: str, given: dict[str, str], said: str):
    answer = desk.post(f"/settings/channels/new/{kind}", {"name": "群", "language": "en", **given})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Channel.objects.exists()


def test_a_webhooks_secret_is_made_and_shown_once(desk: Client):
    page = desk.post(
        "/settings/channels/new/webhook", {"name": "ERP", "url": "https://example.com/h", "language": "en"}
    )
    secret = json.loads(Channel.objects.get().settings)["secret"]
    assert secret in page.content.decode()
    assert secret not in desk.get(f"/settings/channels/{Channel.objects.get().pk}").content.decode()


def test_how_a_number_is_treated_and_what_its_replies_may_say(desk: Client):
    account = make_merchant(datetime.now(UTC))
    address = f"/settings/merchants/{account.pk}"
    treated = {"name": "书店", "deadline_profile": "calendar", "reply_limit": "500", "enabled": "on"}
    desk.post(address, treated)
    account.refresh_from_db()
    assert (account.name, account.deadline_profile, account.reply_limit) == ("书店", "calendar", 500)
    assert (account.repair_callback, account.enabled) == (False, True)
    assert desk.post(address, {**treated, "reply_limit": "501"}).status_code == 422
    desk.post(f"{address}/allow", {"allow-kind": "phone", "allow-value": "400-800-1234"})
    row = Allowance.objects.get(account=account)
    assert "400-800-1234" in desk.get(address).content.decode()
    assert_nowhere(["400-800-1234"])
    desk.post(f"/settings/allowances/{row.pk}/remove")
    assert not Allowance.objects.exists()


def test_sub_merchants_get_names(desk: Client):
    account = make_merchant(datetime.now(UTC), role="partner")
    row = SubMerchant.objects.create(account=account, mchid="1900000211", created_at=datetime.now(UTC))
    desk.post(f"/settings/sub-merchants/{row.pk}", {"name": "果园"})
    assert "果园" in desk.get(f"/settings/merchants/{account.pk}").content.decode()


def test_keys_are_rotated_and_wrong_ones_refused(desk: Client, sandbox: ServedSandbox):
    desk.post("/settings/connect", keys(sandbox))
    account = Account.objects.get()
    address = f"/settings/merchants/{account.pk}/keys"
    refused = desk.post(address, {"what": "apiv3", "apiv3_key": "k" * 31})
    assert "exactly 32 characters" in refused.content.decode()
    told = desk.post(address, {"what": "apiv3", "apiv3_key": "n" * 32}, follow=True).content.decode()
    assert "The new APIv3 key opens notices." in told
    assert "the previous one until" in told
    wrong = {
        "what": "certificate",
        "certificate": sandbox.merchant()["certificate_pem"],
        "private_key": private_pem("x"),
    }
    assert "do not belong together" in desk.post(address, wrong).content.decode()
    serial = sandbox.platform["certificate_serial"]
    more = {"what": "platform", "serial": serial, "public_key": sandbox.platform["certificate_pem"]}
    assert "are believed" in desk.post(address, more, follow=True).content.decode()
    assert "believed no more" in desk.post(address, {"what": "forget", "serial": serial}, follow=True).content.decode()
    last = sandbox.platform["public_key_id"]
    assert "only platform key" in desk.post(address, {"what": "forget", "serial": last}).content.decode()
    assert_nowhere(["n" * 32, *secrets_of(sandbox)], told)


def test_the_first_run_ends_with_a_complaint_and_a_push_that_was_seen(desk: Client, sandbox: ServedSandbox):
    first = desk.get("/").content.decode()
    assert "A few steps, and complaints come in by themselves" in first
    assert "0 of 5 done" in desk.get("/settings/").content.decode()
    desk.post("/settings/connect", keys(sandbox))
    url = sandbox.described["wecom"]["webhook_url"]
    desk.post("/settings/channels/new/wecom_robot", {"name": "客服群", "webhook_url": url, "language": "en"})
    channel = Channel.objects.get()
    desk.post(f"/settings/channels/{channel.pk}/test")
    desk.post(f"/settings/channels/{channel.pk}/seen", {"seen": "1"})
    page = desk.get("/welcome").content.decode()
    assert page.count("data-done") == 3
    assert "Just looking around?" not in page
    desk.post("/welcome/dismiss")
    assert "A few steps" not in desk.get("/").content.decode()
