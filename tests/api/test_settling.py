"""Settling by hand, and taking and giving cases, as the API does them."""

from __future__ import annotations

import pytest

from kesu.accounts.models import Role, User
from kesu.audit.models import AuditEntry
from kesu.commands.models import Command
from kesu.complaints.models import Complaint

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"
HOW = "商户平台可查到"


@pytest.fixture
def unknown(call, case, now) -> Command:
    """A reply of which nobody knows what became of it."""
    call("get", f"/complaints/{case.complaint_id}")
    done = call("post", f"/complaints/{case.complaint_id}/reply", {"text": WORDS})
    assert done.status_code == 202, done.told
    Command.objects.update(state="unknown", sent_at=now)
    return Command.objects.get()


def settle(call, command, **body):
    secret = body.pop("secret", None)
    wanted = {"carried_out": True, "reason": HOW} | body
    return call("post", f"/commands/{command.pk}/settle", wanted, secret=secret)


@pytest.mark.parametrize(("carried_out", "state", "failure"), [(True, "confirmed", ""), (False, "failed", "not_found")])
def test_each_outcome_is_told_kept_and_audited_once(call, unknown, carried_out, state, failure):
    done = settle(call, unknown, carried_out=carried_out)
    assert (done.status_code, done.told["state"], done.told["failure"]) == (200, state, failure)
    assert (HOW in done.told["message"]) is not carried_out
    entry = AuditEntry.objects.get(action="command_settled")
    assert (entry.username, entry.via) == ("api-owner", "api")
    assert entry.subject == f"complaint:{unknown.complaint.complaint_id}"
    told = {"command": unknown.pk, "kind": "reply", "carried_out": carried_out, "reason": HOW}
    assert entry.details == told | {"token": "test"}
    again = settle(call, unknown)
    assert (again.status_code, again.told["code"]) == (409, "conflict")
    assert again.told["commands"][0]["state"] == state
    assert AuditEntry.objects.filter(action="command_settled").count() == 1


@pytest.mark.parametrize("state", ["planned", "sending"])
def test_what_is_still_on_its_way_is_not_settled_by_hand(call, unknown, state):
    Command.objects.update(state=state)
    assert settle(call, unknown).status_code == 409
    unknown.refresh_from_db()
    assert unknown.state == state


def test_who_may_not_override_who_only_reads_and_who_does_not_see_the_case_settle_nothing(call, token, unknown):
    refused = settle(call, unknown, secret=token("agent"))
    assert (refused.status_code, refused.told["code"]) == (403, "forbidden")
    assert settle(call, unknown, secret=token("manager", ("read",))).told["code"] == "scope_missing"
    User.objects.filter(username="api-manager").update(all_merchants=False)
    assert settle(call, unknown, secret=token("manager")).status_code == 404
    unknown.refresh_from_db()
    assert unknown.state == "unknown"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": ""}, 422, None),
        ({"reason": "字" * 301}, 422, None),
        ({"reason": "   "}, 409, "settle_reason_missing"),
        ({"carried_out": "perhaps"}, 422, None),
    ],
)
def test_how_it_is_known_has_to_be_said(call, unknown, body, status, code):
    refused = settle(call, unknown, **body)
    assert refused.status_code == status, refused.told
    assert code is None or refused.told["code"] == code
    unknown.refresh_from_db()
    assert unknown.state == "unknown"


def test_a_case_is_claimed_with_and_without_a_body(call, case):
    address = f"/complaints/{case.complaint_id}"
    for body in ("", "{}", '{"acknowledged": []}'):
        Complaint.objects.filter(pk=case.pk).update(claimed_by=None, claimed_at=None)
        claimed = call("post", f"{address}/claim", data=body, content_type="application/json")
        assert (claimed.status_code, claimed.told.get("claimed_by")) == (200, "api-owner"), claimed.told
    assert call("post", f"{address}/claim", {"seen": "1.1"}).status_code == 422
    assert AuditEntry.objects.filter(action="claimed").count() == 3


def test_nobody_who_has_left_is_given_a_case_whatever_is_accepted(call, case):
    User.objects.create(username="left", role=Role.AGENT, is_active=False)
    for accepted in ([], ["assignee_inactive", "claimed_by_other"]):
        body = {"username": "left", "acknowledged": accepted}
        stopped = call("post", f"/complaints/{case.complaint_id}/assign", body)
        assert (stopped.status_code, stopped.told["code"]) == (409, "refused")
        levels = {one["code"]: one["level"] for one in stopped.told["concerns"]}
        assert levels["assignee_inactive"] == "block"
    assert not AuditEntry.objects.filter(action="assigned").exists()
    assert call("post", f"/complaints/{case.complaint_id}/assign", {"username": "nobody"}).status_code == 404
