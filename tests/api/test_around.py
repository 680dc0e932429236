"""What stands around a case, by the API: the payer's complaints as one conversation, and who did what."""

from __future__ import annotations

from datetime import timedelta

from kesu.commands.models import CaseView
from tests.desk_seeds import make_complaint, make_merchant, say


def test_all_complaints_of_a_payer_are_one_conversation_of_those_that_may_be_seen(call, token, case, now):
    case.payer_phone_fingerprint = "f" * 64
    case.save()
    other = make_complaint(case.account, 4711, now=now, payer_phone_fingerprint="f" * 64)
    say(other, "USER_RESPONSE", now - timedelta(days=900), "上次也是这样")
    say(case, "USER_RESPONSE", now, "这次又来了")
    address = f"/complaints/{case.complaint_id}/conversation"
    told = call("get", address, secret=token("manager")).told
    assert [row["complaint_id"] for row in told["complaints"]] == [case.complaint_id, other.complaint_id]
    times = [entry["operate_time"] for entry in told["entries"]]
    assert times == sorted(times)
    assert (told["entries"][0]["complaint_id"], told["entries"][0]["details"]) == (other.complaint_id, "上次也是这样")
    assert told["entries"][-1]["complaint_id"] == case.complaint_id
    assert [view.complaint_id for view in CaseView.objects.all()] == [case.pk]
    elsewhere = make_complaint(make_merchant(now, "1900000777"), 4712, now=now, payer_phone_fingerprint="f" * 64)
    assert elsewhere.complaint_id in str(call("get", address).told)
    elsewhere.payer_phone_fingerprint = ""
    elsewhere.save()
    assert elsewhere.complaint_id not in str(call("get", address).told)


def test_who_sees_a_case_reads_what_was_done_about_it_page_after_page(call, token, case):
    for number in range(52):
        assert (
            call("post", f"/complaints/{case.complaint_id}/notes", {"text": f"第 {number} 次电话"}).status_code == 201
        )
    address = f"/complaints/{case.complaint_id}/audit"
    first = call("get", address, secret=token("viewer", ("read",))).told
    rest = call("get", f"{address}?before={first['next']}", secret=token("viewer", ("read",))).told
    assert (len(first["items"]), rest["next"]) == (50, None)
    step = first["items"][0]
    assert (step["username"], step["via"], step["action"], step["address"]) == ("api-owner", "api", "noted", "")
    assert "token" not in step["details"]
    assert call("get", address).told["items"][0]["details"]["token"] == "test"
    # A token that may only look learns no more of machines than its scope lets it, whoever it belongs to.
    assert call("get", address, secret=token(scopes=("read",))).told["items"][0]["address"] == ""
