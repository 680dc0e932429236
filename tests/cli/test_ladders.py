"""`kesu ladders`, `kesu rota` and quiet hours: set, shown, previewed, refused with a reason."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from tests.cli.conftest import Shell

DING = "https://oapi.dingtalk.com/robot/send?access_token=0123456789abcdef"

LADDER = {
    "ladders": {
        "night": [
            {"clock": "reply", "after": "0m"},
            {"clock": "reply", "before": "4h", "to": ["rota:night"], "urgency": "urgent"},
            {"clock": "reply", "overdue_every": "2h", "to": ["second"], "urgency": "urgent"},
            {"clock": "complete", "overdue_every": "2h", "to": ["second"], "urgency": "urgent"},
        ]
    },
    "rules": [{"ladder": "night", "kinds": ["high_risk"]}],
}


def hours(wake: dict[str, str], raised_at: str) -> float:
    return (datetime.fromisoformat(wake["at"]) - datetime.fromisoformat(raised_at)) / timedelta(hours=1)


def test_the_built_in_ladders_are_listed_and_can_be_set_again(shell: Shell, tmp_path: Path):
    names = {row["name"] for row in shell.result("ladders", "list")}
    assert {"default", "important"} <= names
    shown = shell.run("ladders", "show", "important")
    file = tmp_path / "ladders.json"
    file.write_text(shown.stdout, "utf-8")
    assert shell.run("ladders", "set", str(file)).returncode == 0


def test_a_ladder_with_a_rota_is_set_and_previewed(shell: Shell):
    for name in ("yelao", "yexiao"):
        shell.run("users", "add", name, "--wecom", name, "--password-stdin", stdin="long enough 4711\n")
    assert shell.run("rota", "add", "night", "--member", "yelao", "--member", "yexiao").returncode == 0
    assert shell.run("ladders", "set", "-", stdin=json.dumps(LADDER)).returncode == 0
    found = shell.result("ladders", "preview", "--kind", "high_risk")
    assert found["ladder"] == "night"
    by_kind = {wake["kind"]: wake for wake in found["wakes"]}
    assert hours(by_kind["new"], found["raised_at"]) == 0
    assert hours(by_kind["reply_due"], found["raised_at"]) == 20
    assert set(by_kind["reply_due"]["called"]) <= {"yelao", "yexiao"}
    assert len(by_kind["reply_due"]["called"]) == 1
    assert shell.result("ladders", "preview")["ladder"] == "default"


def test_turns_are_swapped_and_overridden(shell: Shell):
    for name in ("zhoulao", "zhouxiao"):
        shell.run("users", "add", name, "--wecom", name, "--password-stdin", stdin="long enough 4711\n")
    shell.run("rota", "add", "weeks", "--member", "zhoulao", "--member", "zhouxiao", "--weekday", "5", "--hour", "18")
    duties = [row for row in shell.result("rota", "list") if row["rota"] == "weeks"]
    assert [row["person"] for row in duties[:3]] == ["zhoulao", "zhouxiao", "zhoulao"]
    second, third = (datetime.fromisoformat(row["starts_at"]) for row in duties[1:3])
    assert shell.run("rota", "swap", "weeks", second.isoformat(), third.isoformat()).returncode == 0
    duties = [row for row in shell.result("rota", "list") if row["rota"] == "weeks"]
    assert [(row["person"], row["overridden"]) for row in duties[:2]] == [("zhoulao", False), ("zhoulao", True)]
    assert (
        "the same person"
        in shell.refusal(
            "rota", "swap", "weeks", second.isoformat(), (second - timedelta(days=7)).isoformat(), KESU_LANGUAGE="en"
        ).lower()
    )
    until = (third + timedelta(hours=3)).isoformat()
    assert (
        shell.run("rota", "override", "weeks", "zhoulao", "--from", third.isoformat(), "--until", until).returncode == 0
    )
    assert shell.refusal("rota", "override", "weeks", "zhoulao", "--from", until, "--until", third.isoformat())


def test_what_was_agreed_besides_the_turns_is_taken_back(shell: Shell):
    for name in ("qianyi", "qianer"):
        shell.run("users", "add", name, "--wecom", name, "--password-stdin", stdin="long enough 4711\n")
    shell.run("rota", "add", "agreed", "--member", "qianyi", "--member", "qianer")
    turns = [row for row in shell.result("rota", "list") if row["rota"] == "agreed"]
    shell.run("rota", "swap", "agreed", turns[1]["starts_at"], turns[2]["starts_at"])
    first, second = shell.result("rota", "overrides", "agreed")
    assert (first["person"], first["starts_at"]) == ("qianyi", turns[1]["starts_at"])
    for one in (first, second):
        assert shell.run("rota", "withdraw", "agreed", str(one["number"])).returncode == 0
    again = [row for row in shell.result("rota", "list") if row["rota"] == "agreed"]
    assert again[1:-1] == turns[1:-1]  # the first begins now, the last ends eight weeks from now
    assert shell.result("rota", "overrides", "agreed") == []
    assert "no override" in shell.refusal("rota", "withdraw", "agreed", str(first["number"]), KESU_LANGUAGE="en")


def test_quiet_hours_of_a_channel_are_set_and_ended(shell: Shell):
    listed = shell.result("channels", "list")[0]
    name = listed["name"]
    assert (listed["robots"], listed["answering"]) == (1, 1)
    assert shell.run("channels", "quiet", name, "22:00-08:00").returncode == 0
    assert shell.result("channels", "list")[0]["quiet_hours"] == "22:00-08:00"
    late = shell.result("ladders", "preview", "--at", "2026-11-28 23:00")["wakes"][0]
    assert datetime.fromisoformat(late["delivered_at"]) - datetime.fromisoformat(late["at"]) == timedelta(hours=9)
    assert shell.run("channels", "quiet", name, "off").returncode == 0
    assert "22:00-08:00" in shell.refusal("channels", "quiet", name, "ten to eight")


def test_what_is_no_ladder_is_refused_with_its_place(shell: Shell, tmp_path: Path):
    wrong = {"ladders": {"wrong": [{"clock": "reply", "after": "soon"}]}}
    assert "step 1" in shell.refusal("ladders", "set", "-", stdin=json.dumps(wrong))
    assert shell.refusal("ladders", "set", "-", stdin="not json")
    assert shell.refusal("ladders", "set", str(tmp_path / "missing.json"))
    assert shell.refusal("ladders", "show", "nobody's")
    assert shell.refusal("ladders", "preview", "--mchid", "1")
    assert shell.refusal("rota", "swap", "nobody's", "2026-11-28", "2026-12-05")


def test_a_ladder_that_names_nobody_known_is_refused_and_can_be_removed(shell: Shell):
    steps = [{"clock": "reply", "after": "5m", "to": ["robot:没有的群"]}, *LADDER["ladders"]["night"][2:]]
    refused = shell.refusal("ladders", "set", "-", stdin=json.dumps({"ladders": {"mine": steps}}))
    assert "no such robot: 没有的群" in refused
    assert shell.result("channels", "list")[0]["name"] in refused
    assert shell.run("ladders", "set", "-", stdin=json.dumps({"ladders": {"mine": steps[1:]}})).returncode == 0
    assert shell.run("ladders", "remove", "mine").returncode == 0
    assert "mine" not in {row["name"] for row in shell.result("ladders", "list")}
    assert shell.refusal("ladders", "remove", "mine")


def test_a_rota_is_moved_to_another_hour_and_removed(shell: Shell):
    shell.run("users", "add", "wanban", "--wecom", "wanban", "--password-stdin", stdin="long enough 4711\n")
    shell.run("rota", "add", "moved", "--member", "wanban")
    assert shell.run("rota", "add", "moved", "--weekday", "5", "--hour", "18").returncode == 0
    duties = [row for row in shell.result("rota", "list") if row["rota"] == "moved"]
    assert [row["person"] for row in duties] == ["wanban"]
    assert shell.run("rota", "remove", "moved").returncode == 0
    assert shell.refusal("rota", "remove", "moved")


def test_quiet_hours_and_addresses_of_people_are_listed(shell: Shell):
    shell.run("users", "add", "anjing", "--password-stdin", stdin="long enough 4711\n")
    assert shell.run("users", "quiet", "anjing", "22:00-08:00").returncode == 0
    assert shell.run("users", "address", "anjing", "dingtalk_robot", "13800000001").returncode == 0
    found = next(row for row in shell.result("users", "list") if row["username"] == "anjing")
    assert (found["quiet_hours"], found["addresses"]) == ("22:00-08:00", {"dingtalk_robot": "13800000001"})
    assert "22:00-08:00" in shell.run("users", "list").stdout
    assert shell.refusal("users", "address", "anjing", "email", "a@b.c")


def test_a_channel_is_changed_in_part_and_switched_on_again(shell: Shell):
    shell.run("channels", "add", "改动", "--kind", "dingtalk_robot", "--url", DING)
    assert shell.run("channels", "change", "改动", "--mention", "zhangsan", "--standby").returncode == 0
    assert shell.run("channels", "remove", "改动").returncode == 0
    assert shell.run("channels", "change", "改动", "--on", "--mention", "").returncode == 0
    found = next(row for row in shell.result("channels", "list") if row["name"] == "改动")
    assert (found["mentions"], found["state"]) == ([], "untried")
    assert shell.refusal("channels", "change", "改动", "--fallback", "没有的")
    shell.run("channels", "remove", "改动")
