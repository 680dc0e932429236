"""`kesu reply`, `refund`, `complete` ...: from a command line, through the same guards, to the platform's record."""

from __future__ import annotations

import json

import pytest

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们为您全额退款, 请您留意退款通知。"


@pytest.fixture
def case(shell, sandbox):
    """A complaint that the desk has just read."""
    mchid = sandbox.merchant()["mchid"]
    (number,) = sandbox.complain(mchid, amount=1990, problem_type="OTHERS")
    assert shell.run("sync").returncode == 0
    if not any(person["role"] == "owner" for person in shell.result("users", "list")):
        added = shell.run("users", "add", "boss", "--role", "owner", "--password-stdin", stdin="a-long-password\n")
        assert added.returncode == 0, added.stderr
    return number


def acting(shell):
    owners = [person["username"] for person in shell.result("users", "list") if person["role"] == "owner"]
    return ["--as", owners[0]]


def test_a_case_is_noted_answered_refunded_and_completed_from_the_command_line(shell, sandbox, case, tmp_path):
    who = acting(shell)
    early = shell.run("complete", case, "--json", *who)
    assert early.returncode == 3
    assert "no_reply_in_round" in {concern["code"] for concern in json.loads(early.stdout)["concerns"]}

    assert shell.run("note", case, "仓库已确认", *who).returncode == 0
    assert shell.run("claim", case, *who).returncode == 0
    replied = shell.run("reply", case, WORDS, "--json", *who)
    assert replied.returncode == 0, replied.stderr + replied.stdout
    assert json.loads(replied.stdout)["state"] == "confirmed"
    refunded = shell.run("refund", case, "--yes", "--json", *who)
    assert refunded.returncode == 0, refunded.stderr + refunded.stdout
    trail = [(one["action"], one["via"]) for one in shell.result("audit", "list", "--complaint", case)]
    assert trail[-3:] == [("replied", "cli"), ("claimed", "cli"), ("noted", "cli")]
    assert "message of the payer" in shell.refusal("agreement", case, *who, KESU_LANGUAGE="en")
    truth = sandbox.control(f"/complaints/{case}")
    assert truth["complaint_state"] == "PROCESSING"
    assert WORDS in [entry.get("operate_details") for entry in truth["history"]]

    file = tmp_path / "list.csv"
    assert shell.run("complaints", "export", str(file), "--filters", "?mark=refund", *who).returncode == 0
    assert case in file.read_text()
    assert f"{file.stat().st_mode:o}".endswith("600")
    assert "--overwrite" in shell.refusal("complaints", "export", str(file), *who)
    assert shell.result("audit", "list")[0]["details"]["filter"] == "mark=refund"

    done = shell.run("complete", case, "--yes", "--override", "退款已受理", "--json", *who)
    assert done.returncode == 0, done.stderr + done.stdout
    assert sandbox.control(f"/complaints/{case}")["complaint_state"] == "PROCESSED"


def test_the_payers_last_message_is_marked_as_agreement_and_the_mark_taken_back(shell, sandbox, case):
    who = acting(shell)
    (case,) = sandbox.complain(sandbox.merchant()["mchid"], amount=1990, problem_type="OTHERS")
    sandbox.control(f"/complaints/{case}/payer", {"do": "message", "text": "好的, 就这样吧"})
    assert shell.run("sync").returncode == 0
    done = shell.run("agreement", case, "--json", *who)
    assert done.returncode == 0, done.stderr
    marked = json.loads(done.stdout)
    history = sandbox.control(f"/complaints/{case}")["history"]
    [message] = [entry["log_id"] for entry in history if entry["operate_type"] == "USER_RESPONSE"]
    assert marked == {"log_id": message, "agreed": True}
    undone = [json.loads(shell.run("agreement", case, "--undo", "--json", *who).stdout) for _ in range(2)]
    assert [one["removed"] for one in undone] == [True, False]
    trail = [one["details"] for one in shell.result("audit", "list", "--complaint", case)]
    assert [("removed" in one, one["log_id"]) for one in trail] == [(True, message), (False, message)]


def test_a_red_line_ends_with_status_3_and_says_what_and_why(shell, sandbox, case):
    stopped = shell.run("reply", case, "加我微信 kefu_12345 私下给您转账", *acting(shell))
    assert stopped.returncode == 3
    assert "[redline." in stopped.stderr
    assert sandbox.control(f"/complaints/{case}")["complaint_state"] == "PENDING"


def test_blocks_of_a_file_reach_a_payer_who_waits(shell, sandbox, case, tmp_path):
    (number,) = sandbox.complain(sandbox.merchant()["mchid"], need_immediate_service=True, problem_type="OTHERS")
    assert shell.run("sync").returncode == 0
    says = {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": "请补发"}}
    blocks = [
        {"type": "TEXT", "text": {"text": WORDS}},
        {"type": "FAQ_LIST", "faq_list": {"faqs": [{"faq_title": "什么时候发货", "action": says}]}},
    ]
    file = tmp_path / "blocks.json"
    file.write_text(json.dumps(blocks, ensure_ascii=False))
    sent = shell.run("reply", number, "--blocks", str(file), "--machine", "--yes", "--json", *acting(shell))
    assert sent.returncode == 0, sent.stderr + sent.stdout
    (said,) = [
        one["normal_message"]
        for one in sandbox.control(f"/complaints/{number}")["history"]
        if one["operate_type"] == "MERCHANT_RESPONSE"
    ]
    assert said["sender_identity"] == "MACHINE"
    assert said["blocks"][1] == blocks[1]
    file.write_text('[{"type": "TEXT"}]')
    wrong = shell.run("reply", number, "--blocks", str(file), *acting(shell))
    assert wrong.returncode == 1
    assert "blocks.0.TEXT.text" in wrong.stderr
    link = ["--link", "https://shop.example/o", "--link-text", "查看订单"]
    stopped = shell.run("reply", case, WORDS, *link, "--json", *acting(shell))
    assert stopped.returncode == 3
    assert "links_not_allowed" in {one["code"] for one in json.loads(stopped.stdout)["concerns"]}


def test_a_case_of_a_colleague_is_taken_over_with_a_yes(shell, case):
    who = acting(shell)
    if not any(person["username"] == "second" for person in shell.result("users", "list")):
        added = shell.run("users", "add", "second", "--role", "owner", "--password-stdin", stdin="a-long-password\n")
        assert added.returncode == 0, added.stderr
    assert shell.run("claim", case, "--as", "second").returncode == 0
    stopped = shell.run("assign", case, who[1], *who)
    assert stopped.returncode == 3
    assert "[claimed_by_other]" in stopped.stderr
    assert shell.run("assign", case, who[1], "--accept", "claimed_by_other", *who).returncode == 0
    assert shell.run("claim", case, "--yes", "--as", "second").returncode == 0


def test_amounts_people_and_numbers_that_make_no_sense_are_refused(shell, case):
    for amount in ("a lot", "inf"):
        assert "19.90" in shell.refusal("refund", case, "--amount", amount, *acting(shell))
    assert "No such person" in shell.refusal("note", case, "hello", "--as", "nobody-here")
    assert "knows no complaint" in shell.refusal("note", "200000000000", "hello", *acting(shell))


def test_how_a_number_is_treated_is_changed_as_on_its_page_by_whoever_may(shell, sandbox, case):
    who, mchid, partner = acting(shell), sandbox.merchant()["mchid"], sandbox.merchant("partner")
    if not any(person["username"] == "clerk" for person in shell.result("users", "list")):
        shell.run("users", "add", "clerk", "--role", "agent", "--password-stdin", stdin="a-long-password\n")
    assert shell.refusal("merchants", "change", mchid, "--off", "--as", "clerk")
    changed = shell.run("merchants", "change", mchid, "--reply-limit", "300", *who)
    assert changed.returncode == 0, changed.stderr
    assert shell.run("merchants", "allow", mchid, "domain", "shop.example.com", *who).returncode == 0
    (allowed,) = shell.result("merchants", "allowances", mchid)
    assert (allowed["kind"], allowed["value"]) == ("domain", "shop.example.com")
    assert "word" in shell.refusal("merchants", "allow", mchid, "colour", "red", *who)
    assert "allowances" in shell.refusal("merchants", "disallow", partner["mchid"], str(allowed["id"]), *who)
    assert shell.run("merchants", "disallow", mchid, str(allowed["id"]), *who).returncode == 0
    named = shell.run("merchants", "name-sub", partner["mchid"], partner["sub_mchids"][0], "分店", *who)
    assert "分店" in named.stdout
    trail = shell.result("audit", "list", "--subject", f"merchant:{mchid}")
    assert [sorted(set(one["details"]) - {"operator"}) for one in trail[:3]] == [
        ["allowance", "disallowed"],
        ["allowance", "allowed"],
        ["reply_limit"],
    ]
    assert {(one["username"], one["via"]) for one in trail[:3]} == {(who[1], "cli")}
