"""The desk itself by the API: its state, the audit and its proof, forgetting a payer."""

from __future__ import annotations

import pytest

from kesu.accounts import tokens
from kesu.audit.models import AuditEntry
from kesu.complaints.models import Complaint
from kesu.complaints.services import PHONE
from kesu.merchants import grants
from kesu.retention.models import Erasure
from kesu.vault import keyring
from tests.desk_seeds import make_channel, make_merchant, make_user

PHONE_NUMBER = "13800000000"


@pytest.fixture
def payer(day) -> Complaint:
    """A closed case of somebody who left their number."""
    case = day["case"]
    Complaint.objects.filter(pk=case.pk).update(
        payer_phone=PHONE_NUMBER,
        payer_phone_fingerprint=keyring().fingerprint(PHONE_NUMBER, PHONE),
        open=False,
        state="PROCESSED",
        next_due_at=None,
    )
    return case


def test_the_state_of_the_machinery_is_told_for_ones_own_merchants(call, token, day, now):
    make_channel(now, "夜班群")
    elsewhere = make_merchant(now, "1900000309", "别家", notify_url="https://desk.example.com/notify/secret")
    told = call("get", "/system", secret=token("manager", ("read",))).told
    assert {"1900000309", day["account"].mchid} <= {row["mchid"] for row in told["accounts"]}
    assert [row["callback"] for row in told["accounts"] if row["mchid"] == "1900000309"] == ["desk.example.com"]
    assert ("夜班群", "untried") in {(row["name"], row["state"]) for row in told["channels"]}
    assert set(told["late"]) == {"notices", "refreshes", "messages"}
    assert "secret" not in str(told)
    manager = make_user("narrow", role="manager", all_merchants=False)
    grants.grant(manager, day["account"])
    _, secret = tokens.create(manager, "x", ["read"], expires_at=None, now=now)
    assert elsewhere.mchid not in str(call("get", "/system", secret=secret).told)


def test_the_installation_is_looked_over_and_lifetimes_are_told(call, token):
    findings = call("get", "/doctor").told
    assert {"people", "channels", "database"} <= {one["check"] for one in findings}
    assert {one["kind"] for one in call("get", "/retention").told} >= {"personal", "complaints"}
    assert call("get", "/doctor", secret=token("manager")).status_code == 403


def test_the_audit_is_narrowed_and_proved(call, token, case):
    call("post", f"/complaints/{case.complaint_id}/notes", {"text": "仓库已确认"})
    auditor = token("auditor", ("admin",))
    for query in (f"subject=complaint:{case.complaint_id}", "action=noted", "username=api-owner&action=noted"):
        assert [one["action"] for one in call("get", f"/audit?{query}", secret=auditor).told["items"]] == ["noted"]
    whole = call("get", "/audit/verify", secret=auditor).told
    assert (whole["intact"], whole["head"].partition(":")[0]) == (True, str(whole["checked"]))
    broken = call("get", f"/audit/verify?noted=1:{'0' * 64}", secret=auditor).told
    assert (broken["intact"], broken["sequence"], broken["problem"]) == (False, 1, "not_as_noted")


def test_a_payer_is_forgotten_on_somebodys_word_and_the_number_is_kept_nowhere(call, payer):
    wish = {"searched": "phone", "value": f"+86 {PHONE_NUMBER}", "by": "法务 小陈"}
    looked = call("post", "/privacy/erase", wish | {"dry_run": True})
    assert looked.told["erased"] == [payer.complaint_id]
    assert not Erasure.objects.exists()
    assert call("post", "/privacy/erase", wish).told["erased"] == [payer.complaint_id]
    payer.refresh_from_db()
    assert not payer.payer_phone
    [told] = call("get", "/privacy/log").told["items"]
    assert (told["actor"], told["subject"], told["erased"]) == ("法务 小陈", "phone", 1)
    entry = AuditEntry.objects.get(action="erased")
    assert (entry.username, entry.details["searched"], entry.details["by"]) == ("api-owner", "phone", "法务 小陈")
    assert PHONE_NUMBER not in str(entry.details) + str(told)


def test_nobody_is_forgotten_by_whoever_does_not_run_the_desk(call, token, payer):
    body = {"searched": "complaint", "value": payer.complaint_id}
    for secret in (token("manager"), token("owner", ("read", "act"))):
        assert call("post", "/privacy/erase", body, secret=secret).status_code == 403
    assert not Erasure.objects.exists()
