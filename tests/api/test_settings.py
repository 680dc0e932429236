"""Channels, ladders, quiet hours and rotas through the API: the pages' own verbs, written down, no secret out."""

from __future__ import annotations

import json

import pytest

from kesu.alerts.channels.base import ChannelSettings
from kesu.alerts.models import Channel, PersonHours, Rota, RotaOverride
from kesu.audit.models import AuditEntry
from kesu.desk.views.settings.channel_fields import FIELDS
from tests.desk_seeds import make_user

KEY = "0123abcd-0000-1111-2222-333344445555"
ROBOT = {"webhook_url": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", "mobiles": "13800000000"}
OVERDUE = [{"clock": clock, "overdue_every": "2h", "urgency": "urgent"} for clock in ("reply", "complete")]


def said_to_audit(subject: str) -> list[dict]:
    """The details of its entries without the token's name."""
    entries = AuditEntry.objects.filter(subject=subject).order_by("sequence")
    return [{name: value for name, value in entry.details.items() if name != "token"} for entry in entries]


def test_a_channels_secrets_go_in_and_never_come_out(call, day):
    made = call("post", "/channels", {"name": "夜班群", "kind": "wecom_robot", "settings": ROBOT | {"everyone": True}})
    assert made.status_code == 201, made.told
    address = f"/channels/{made.told['id']}"
    assert made.told["settings"] == {"everyone": True}
    assert made.told["secrets"] == ["mobiles", "webhook_url"]
    assert made.told["budget"]["limit"] > made.told["budget"]["used"] == 0
    changed = call("patch", address, {"mentions": ["zhangsan"], "quiet_hours": "22:00-08:00"}).told
    assert (changed["mentions"], changed["quiet_hours"]) == (["zhangsan"], "22:00-08:00")
    taken = call("post", "/channels", {"name": "夜班群", "kind": "wecom_robot", "settings": ROBOT})
    assert (taken.status_code, taken.told["code"]) == (409, "name_taken")
    wrong = call("patch", address, {"settings": {"webhook_url": f"https://example.com/?key={KEY}"}})
    assert (wrong.status_code, list(wrong.told["problems"])) == (409, ["webhook_url"])
    seen = call("post", f"{address}/seen", {"seen": True}).told
    assert seen["test_push_seen_at"]
    assert call("post", f"{address}/switch", {"enabled": False}).told["state"] == "off"
    told = json.dumps([made.told, changed, wrong.told, call("get", "/channels").told, call("get", address).told])
    entries = said_to_audit("channel:夜班群")
    assert KEY not in told + json.dumps(entries)
    assert "13800000000" not in told
    assert [list(entry) for entry in entries] == [["added"], ["changed"], ["test_push_seen"], ["enabled"]]
    assert entries[1]["changed"] == ["mentions", "quiet_hours"]


def test_a_webhooks_secret_is_made_and_shown_once(call, day):
    body = {"name": "工单", "kind": "webhook", "settings": {"url": "https://example.com/hook-4711"}}
    made = call("post", "/channels", body).told
    assert made["secret"].startswith("whsec_")
    again = json.dumps(call("get", f"/channels/{made['id']}").told)
    assert made["secret"] not in again
    assert "4711" not in again


def test_what_takes_over_is_set_and_taken_back_and_exists(call, day):
    first, second = (
        call("post", "/channels", {"name": name, "kind": "webhook", "settings": {"url": "https://example.com"}}).told[
            "id"
        ]
        for name in ("甲", "乙")
    )
    assert call("patch", f"/channels/{first}", {"fallback": second}).told["fallback"] == second
    assert call("patch", f"/channels/{first}", {"standby": True}).told["fallback"] == second
    assert call("patch", f"/channels/{first}", {"fallback": None}).told["fallback"] is None
    assert call("patch", f"/channels/{first}", {"fallback": 999_999}).told["code"] == "no_such_fallback"
    assert call("patch", f"/channels/{first}", {"mchids": ["404"]}).told["code"] == "no_such_merchant"


def test_what_a_form_hides_no_answer_shows():
    kinds = {kind.__module__.split(".")[3]: kind for kind in ChannelSettings.__subclasses__()}
    assert set(kinds) == set(FIELDS)
    for name, fields in FIELDS.items():
        assert not {field.name for field in fields if field.secret} & kinds[name].shown


def test_ladders_are_set_one_by_one_or_as_text_and_say_what_is_wrong(call, day):
    steps = [{"clock": "reply", "before": "4h", "to": ["on_duty"]}, *OVERDUE]
    assert "running" in call("put", "/ladders/night", {"steps": steps}).told
    night = call("get", "/ladders/night").told
    assert (night["built_in"], night["in_use"], len(night["steps"])) == (False, False, 3)
    rule = {"ladder": "night", "mchids": [], "kinds": ["repeat"]}
    assert "running" in call("put", "/ladder-text", {"rules": [rule]}).told
    text = call("get", "/ladder-text").told
    assert (text["rules"], list(text["ladders"])) == ([rule], ["night"])
    assert call("put", "/ladder-text", text).status_code == 200
    assert call("delete", "/ladders/night").told["code"] == "ladder_refused"
    nobody = call("put", "/ladders/night", {"steps": [steps[0] | {"to": ["person:nobody"]}, *OVERDUE]})
    assert "no such person: nobody" in nobody.told["problems"][0]
    silent = call("put", "/ladders/night", {"steps": steps[:1]})
    assert silent.told["problems"] == ["reply: not_repeating"] or silent.status_code == 409
    call("put", "/ladder-text", {"rules": []})
    assert call("delete", "/ladders/night").status_code == 200
    assert call("get", "/ladders/night").status_code == 404
    assert said_to_audit("ladders")[-1]["removed"] == "night"


def test_quiet_hours_move_the_preview_and_reach_tells_what_is_amiss(call, day):
    Channel.objects.update(mentions=["wangxm"])
    at = "/wake-preview?at=2026-11-24T23:30%2B08:00"
    assert all(wake["at"] == wake["delivered_at"] for wake in call("get", at).told["wakes"])
    for channel in call("get", "/quiet-hours").told["channels"]:
        set_ = call("put", f"/quiet-hours/channels/{channel['id']}", {"quiet_hours": "22:00-08:00"})
        assert set_.told["quiet_hours"] == "22:00-08:00"
    assert any(wake["at"] < wake["delivered_at"] for wake in call("get", at).told["wakes"])
    user = make_user("zhaoliu")
    call("put", "/quiet-hours/people/zhaoliu", {"quiet_hours": "23:00-07:00"})
    assert PersonHours.objects.get(user=user).quiet_hours == "23:00-07:00"
    assert call("put", "/quiet-hours/people/zhaoliu", {"quiet_hours": "23:00-23:00"}).told["code"] == "quiet_hours"
    assert call("get", "/wake-preview?at=2026-02-31T09:00Z").told["code"] == "no_such_day"
    Channel.objects.update(enabled=False)
    assert {one["code"] for one in call("get", "/reach").told} == {"no_channel"}


@pytest.fixture
def rota(call, day) -> dict:
    for name in ("zhangsan", "lisi"):
        make_user(name)
    return call("post", "/rotas", {"name": "night", "members": ["zhangsan", "lisi"], "weekday": 1, "hour": 9}).told


def test_an_override_is_made_and_taken_back_with_an_entry_each(call, rota):
    address = f"/rotas/{rota['id']}"
    span = {"starts_at": "2099-01-05T09:00+08:00", "ends_at": "2099-01-06T09:00+08:00"}
    made = call("post", f"{address}/overrides", {"username": "lisi", **span})
    [override] = made.told["overrides"]
    assert (made.status_code, override["username"]) == (201, "lisi")
    backwards = {"username": "lisi", "starts_at": span["ends_at"], "ends_at": span["starts_at"]}
    assert call("post", f"{address}/overrides", backwards).told["code"] == "backwards"
    taken = call("delete", f"{address}/overrides/{override['id']}")
    assert taken.told["overrides"] == []
    assert not RotaOverride.objects.exists()
    assert call("delete", f"{address}/overrides/{override['id']}").status_code == 404
    entries = said_to_audit("rota:night")
    assert (len(entries), entries[1]["on_call"], entries[2]["withdrawn"]) == (3, "lisi", "lisi")


def test_turns_are_swapped_begun_otherwise_left_and_joined(call, rota):
    address = f"/rotas/{rota['id']}"
    first, second = (duty["starts_at"][:10] for duty in rota["duties"][1:3])
    swapped = call("post", f"{address}/swaps", {"one": first, "other": second})
    assert [duty["overridden"] for duty in swapped.told["duties"]].count(True) >= 1
    assert call("post", f"{address}/swaps", {"one": first, "other": first}).told["code"] == "same_turn"
    assert call("patch", address, {"hour": 8}).told["hour"] == 8
    assert call("delete", f"{address}/members/lisi").told["members"] == ["zhangsan"]
    make_user("wangwu")
    assert call("post", f"{address}/members", {"username": "wangwu"}).told["members"] == ["zhangsan", "wangwu"]
    assert call("post", "/rotas", {"name": "night", "members": ["wangwu"]}).told["code"] == "taken"
    steps = [{"clock": "reply", "before": "4h", "to": ["rota:night"]}, *OVERDUE]
    call("put", "/ladders/night", {"steps": steps})
    named = call("delete", address)
    assert (named.told["code"], named.told["ladders"]) == ("named", ["night"])
    call("delete", "/ladders/night")
    assert call("delete", address).status_code == 204
    assert not Rota.objects.exists()
