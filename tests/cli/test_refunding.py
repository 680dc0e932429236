"""`kesu refund`, `approve`, `reject` and `resend-refund`: what makes no sense is refused in a sentence of the reader's
language, and what does goes to the platform's record."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_acting import acting
from tests.processes import kesu, running, until

ACCOUNT, NAME = "6222021234567890123", "欧阳测试"
TWENTY_SEVEN = "好" * 27
"""81 bytes, one more than a reason may have."""


@pytest.fixture
def open_case(shell, sandbox):
    """Makes complaints that the desk has just read."""

    def make(**wish):
        (number,) = sandbox.complain(sandbox.merchant()["mchid"], **{"amount": 1990, "problem_type": "OTHERS", **wish})
        assert shell.run("sync").returncode == 0
        if not any(person["role"] == "owner" for person in shell.result("users", "list")):
            shell.run("users", "add", "boss", "--role", "owner", "--password-stdin", stdin="a-long-password\n")
        return number

    return make


def refunded(sandbox, number):
    return sandbox.control(f"/complaints/{number}")["refunded"]


def test_refunds_that_make_no_sense_are_refused_and_say_why(shell, sandbox, open_case):
    number = open_case()
    who = acting(shell)
    wrong = [
        (["--amount", "0"], "退款金额须大于 ¥0.00", "must be more than ¥0.00"),
        (["--amount", "-5"], "例如 19.90", "such as 19.90"),
        (["--amount", ""], "例如 19.90", "such as 19.90"),
        (["--amount", "0.001"], "例如 19.90", "such as 19.90"),
        (["--amount", "19.91"], "金额超过了实付金额", "more than was paid"),
        (["--order", "4200009999"], "没有订单 4200009999", "has no order 4200009999"),
        (["--reason", TWENTY_SEVEN], "80 字节", "80 bytes"),
    ]
    for options, chinese, english in wrong:
        assert chinese in shell.refusal("refund", number, *options, *who, KESU_LANGUAGE="zh-hans"), options
        assert english in shell.refusal("refund", number, *options, *who, KESU_LANGUAGE="en"), options
    assert refunded(sandbox, number) == 0


def test_a_second_refund_of_everything_is_refused(shell, sandbox, open_case):
    number = open_case()
    who = acting(shell)
    first = shell.run("refund", number, "--reason", "好" * 26, "--yes", *who)
    assert first.returncode == 0, first.stderr
    assert "nothing left to refund" in shell.refusal("refund", number, *who)
    twice = shell.run("refund", number, "--amount", "1.00", "--yes", "--json", *who)
    assert twice.returncode == 3
    assert "amount_over_left" in {concern["code"] for concern in json.loads(twice.stdout)["concerns"]}
    assert len(sandbox.control(f"/complaints/{number}")["refunds"]) == 1


def test_decisions_that_make_no_sense_are_refused_and_say_why(shell, open_case):
    number, ticket = open_case(), open_case(problem_type="REFUND")
    who = acting(shell)
    for verb in (["approve", number], ["reject", number, "已使用"]):
        stopped = shell.run(*verb, *who, KESU_LANGUAGE="zh-hans")
        assert stopped.returncode == 3
        assert "[not_a_refund_complaint]" in stopped.stderr
    assert "must be more than ¥0.00" in shell.refusal("approve", ticket, "--amount", "0", *who)
    assert "more than was paid" in shell.refusal("approve", ticket, "--amount", "20", *who)
    assert "最多 200 个字" in shell.refusal("reject", ticket, "字" * 201, *who, KESU_LANGUAGE="zh-hans")
    assert "Give a reason" in shell.refusal("reject", ticket, "  ", *who)
    early = shell.run("reject", ticket, "已使用", *who)
    assert early.returncode == 3
    assert "[reject_before_reply]" in early.stderr
    assert shell.run("approve", ticket, "--yes", *who).returncode == 0
    again = shell.run("approve", ticket, "--yes", *who)
    assert again.returncode in (1, 3), again.stderr


def test_pictures_of_a_rejection_are_looked_at_before_anything_is_sent(shell, sandbox, open_case, tmp_path: Path):
    ticket = open_case(problem_type="REFUND")
    who = acting(shell)
    text, large, proof = tmp_path / "x.png", tmp_path / "large.png", Path("tests/e2e/picture.png")
    text.write_text("no picture")
    with large.open("wb") as file:
        os.truncate(file.fileno(), 11 * 1024 * 1024)
    for chosen, says in (
        ([tmp_path / "nowhere.png"], "cannot be read"),
        ([text], "Only JPG, PNG and BMP"),
        ([large], "too large"),
        ([proof] * 5, "At most four pictures"),
    ):
        options = [part for path in chosen for part in ("--picture", str(path))]
        assert says in shell.refusal("reject", ticket, "已使用", *options, *who)
    said = "您好, 会员已使用二十天, 我们可以折算剩余天数的金额, 您看可以吗?"
    assert shell.run("reply", ticket, said, "--yes", *who).returncode == 0
    assert shell.run("sync").returncode == 0
    done = shell.run("reject", ticket, "已使用, 不符合退款条件", "--picture", str(proof), "--yes", *who)
    assert done.returncode == 0, done.stderr
    entry = sandbox.control(f"/complaints/{ticket}")["history"][-1]
    assert (entry["operate_type"], len(entry["image_list"])) == ("MERCHANT_REFUSE_RERUND", 1)


def test_a_stuck_refund_is_sent_to_a_card_that_only_standard_input_tells(shell, sandbox, open_case, tmp_path: Path):
    number = open_case()
    who = acting(shell)
    to_card = ["resend-refund", number, "--card-stdin", "--bank", "ICBC_DEBIT", *who]
    card = f"{ACCOUNT[:4]} {ACCOUNT[4:]}\n{NAME}\n"
    assert "--to-merchant" in shell.refusal("resend-refund", number, *who)
    assert "No refund of this complaint is abnormal" in shell.refusal(*to_card, stdin=card)
    assert shell.run("refund", number, "--yes", *who).returncode == 0
    sandbox.control(f"/complaints/{number}/refunds", {"status": "ABNORMAL"})
    sandbox.control("/clock", {"advance": "3m"})

    def stuck() -> bool:
        asked = shell.run(*to_card, stdin=card)
        return asked.returncode == 3 and "[resend_to_card]" in asked.stderr

    with running(kesu("worker"), tmp_path / "worker.log", shell.env, ready=lambda: True):
        until(stuck, 180, "the worker to hear of the stuck refund")
    assert "8 to 30 digits" in shell.refusal(*to_card, stdin=f"12\n{NAME}\n")
    assert "所列银行" in shell.refusal(*to_card, "--bank", "MY_BANK", stdin=card, KESU_LANGUAGE="zh-hans")
    sent = shell.run(*to_card, "--yes", "--json", stdin=card)
    assert sent.returncode == 0, sent.stderr + sent.stdout
    assert json.loads(sent.stdout)["state"] == "confirmed"
    for told in (sent.stdout, sent.stderr, (tmp_path / "worker.log").read_text()):
        assert ACCOUNT not in told
        assert NAME not in told
    (refund,) = sandbox.control(f"/complaints/{number}")["refunds"]
    assert refund["status"] == "PROCESSING"
