"""The delivery log over the API, and sending again what failed."""

from __future__ import annotations

import pytest

from kesu.accounts.models import User
from kesu.alerts.models import Channel, Message
from kesu.audit.models import AuditEntry
from tests.desk_seeds import push


@pytest.fixture
def failed(day, now) -> Message:
    return push(day["channel"], day["case"], "high_risk", now, state="failed", error="40058 too long", attempts=2)


def test_what_failed_is_listed_and_sent_again(call, failed):
    told = call("get", "/deliveries?state=failed").told["items"]
    assert {row["state"] for row in told} == {"failed"}
    first = told[0]
    assert (first["id"], first["error"], first["may_have_arrived"]) == (failed.pk, "40058 too long", False)
    sent = call("post", f"/deliveries/{failed.pk}/resend", {})
    assert (sent.status_code, sent.told["state"], sent.told["error"]) == (202, "pending", "")
    assert AuditEntry.objects.get(action="push_resent").via == "api"
    again = call("post", f"/deliveries/{failed.pk}/resend", {})
    assert (again.status_code, again.told["code"]) == (409, "not_failed")


def test_what_may_have_arrived_has_to_be_acknowledged(call, failed):
    Message.objects.filter(pk=failed.pk).update(doubtful=True)
    asked = call("post", f"/deliveries/{failed.pk}/resend", {"acknowledged": ["outcome_unknown"]})
    assert (asked.status_code, asked.told["code"]) == (409, "refused")
    assert [(one["code"], one["level"]) for one in asked.told["concerns"]] == [("may_have_arrived", "confirm")]
    assert call("post", f"/deliveries/{failed.pk}/resend", {"acknowledged": ["may_have_arrived"]}).status_code == 202


def test_each_refusal_has_a_code(call, failed, day, now):
    def code(message: Message) -> str:
        answer = call("post", f"/deliveries/{message.pk}/resend", {})
        assert answer.status_code == 409
        return answer.told["code"]

    assert code(push(day["channel"], None, "test", now, state="failed")) == "test_push"
    done = push(day["channel"], day["case"], "new", now, state="failed")
    type(day["case"]).objects.filter(pk=day["case"].pk).update(replied=True)
    assert code(done) == "overtaken"
    Channel.objects.update(enabled=False)
    assert code(failed) == "channel_off"


def test_neither_an_agent_nor_a_token_that_reads_sends_again(call, token, failed):
    path = f"/deliveries/{failed.pk}/resend"
    assert call("post", path, {}, secret=token("agent")).told["code"] == "forbidden"
    assert call("post", path, {}, secret=token("manager", ("read",))).told["code"] == "scope_missing"
    User.objects.filter(username="api-manager").update(all_merchants=False)
    assert call("post", path, {}, secret=token("manager", ("act",))).status_code == 404


def test_what_is_about_no_complaint_is_told_to_whoever_sees_every_merchant(call, token, day, now):
    digest = push(day["channel"], None, "digest", now, state="failed")
    listed = [row["id"] for row in call("get", "/deliveries").told["items"]]
    assert digest.pk in listed
    secret = token("manager")
    User.objects.filter(username="api-manager").update(all_merchants=False)
    assert call("get", "/deliveries", secret=secret).told["items"] == []
