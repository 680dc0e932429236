"""Quick replies through the API: kept for one merchant, moved, checked, and not shown beyond what a person sees."""

from __future__ import annotations

from kesu.accounts.models import User
from kesu.audit.models import AuditEntry
from kesu.commands.models import QuickReply
from kesu.merchants import grants
from tests.desk_seeds import make_merchant

TEXT = {"text": "您好, 非常抱歉给您带来不便"}


def names(call, **more) -> list[str]:
    return [one["name"] for one in call("get", "/quick-replies", **more).told]


def test_one_of_a_single_merchant_is_hidden_from_whoever_does_not_see_that(call, token, day, now):
    QuickReply.objects.all().delete()
    other = make_merchant(now, "1900000309", "别处")
    made = call("post", "/quick-replies", TEXT | {"name": "别处的", "mchid": "1900000309"})
    assert (made.status_code, made.told["mchid"]) == (201, "1900000309")
    secret = token("manager")
    grants.set_scope(User.objects.get(username="api-manager"), [day["case"].account.mchid])
    assert names(call, secret=secret) == []
    address = f"/quick-replies/{made.told['id']}"
    assert call("put", address, TEXT | {"name": "x"}, secret=secret).status_code == 404
    assert call("delete", address, secret=secret).status_code == 404
    assert call("post", "/quick-replies", TEXT | {"name": "y", "mchid": "1900000309"}, secret=secret).status_code == 404
    assert call("put", address, TEXT | {"name": "别处的"}).told["mchid"] == other.mchid
    assert call("put", address, TEXT | {"name": "别处的", "mchid": ""}).told["mchid"] == ""
    assert names(call, secret=secret) == ["别处的"]


def test_a_move_numbers_all_anew_and_is_written_down_once(call, day):
    QuickReply.objects.all().delete()
    numbers = {name: call("post", "/quick-replies", TEXT | {"name": name}).told["id"] for name in ("甲", "乙", "丙")}
    entries = AuditEntry.objects.count()
    moved = call("post", f"/quick-replies/{numbers['丙']}/move", {"by": -1}).told
    assert [(one["name"], one["position"]) for one in moved] == [("甲", 1), ("丙", 2), ("乙", 3)]
    call("post", f"/quick-replies/{numbers['甲']}/move", {"by": -1})
    assert names(call) == ["甲", "丙", "乙"]
    assert AuditEntry.objects.count() == entries + 1


def test_a_text_is_checked_without_being_kept(call, day):
    before = QuickReply.objects.count()
    found = call("post", "/quick-replies/check", {"text": "您撤诉后我们退 {amount}, {nobody}"}).told
    assert found["unknown_variables"] == ["nobody"]
    assert {one["severity"] for one in found["findings"]} >= {"block"}
    assert all(one["start"] is None for one in found["findings"])
    placed = call("post", "/quick-replies/check", {"text": "请您先撤诉"}).told["findings"][0]
    assert placed["end"] > placed["start"] >= 0
    assert QuickReply.objects.count() == before
