"""What a day's work leaves behind holds no payer's phone and no secret: logs, audit, metrics, errors, pages, answers of
the API, tables of the database."""

from __future__ import annotations

import re

import pytest

from tests.security.playing import NOTED, PHONE, WORDS, Day, play

pytestmark = pytest.mark.timeout(600)

HOLDS_HASHES = re.compile(r"^(accounts_user|django_session)$")
SAID = {
    "complaints_complaint",
    "complaints_timelineentry",
    "complaints_searchentry",
    "commands_note",
    "commands_command",
}
"""Where people's own words are, as they wrote them."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return play(tmp_path_factory.mktemp("leaks"))


def leaks(text: str, secrets: set[str]) -> list[str]:
    """The secrets that are in it, as they are or as JSON, HTML or an address would write them."""
    unescaped = (
        text.replace("\\/", "/").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=").replace("&#x27;", "'")
    )
    return [secret for secret in secrets if secret in text or secret in unescaped]


def phones(text: str, phone: str = PHONE) -> list[str]:
    """Pieces of a number from which it could be known: six digits in a row and more, however spaced."""
    close = re.sub(r"(?<=\d)[\s.\-]+(?=\d)", "", text)
    digits = re.sub(r"\D", "", phone)
    pieces = {digits[start : start + 6] for start in range(len(digits) - 5)}
    return sorted(piece for piece in pieces if piece in close)


def test_the_day_happened(day: Day) -> None:
    """Nothing is absent only because nothing happened."""
    assert len(day.secrets) >= 25
    assert PHONE in day.revealed
    actions = {entry["action"] for entry in day.entries}
    assert {"replied", "refunded", "refund_approved", "refund_rejected", "completed", "phone_revealed"} <= actions
    assert {"exported", "sign_in", "sign_in_failed", "overridden", "noted", "setting_changed"} <= actions
    outcomes = " ".join(text for name, text in day.answers.items() if "/commands " in name)
    assert {"confirmed", "failed"} <= set(re.findall(r'"state": "(\w+)"', outcomes))
    statuses = {name.split()[0] for name in day.answers}
    assert {"GET", "POST"} <= statuses
    assert len(day.answers) > 150
    assert "message.tried" in day.log


def test_no_line_of_the_log_holds_a_secret_a_phone_or_a_payers_word(day: Day) -> None:
    for line in day.log.splitlines():
        assert leaks(line, day.secrets) == [], line
        assert phones(line) + phones(line, NOTED) == [], line
    assert WORDS not in day.log
    assert "BEGIN" not in day.log


def test_no_page_answer_error_or_command_line_holds_a_secret_or_a_phone(day: Day) -> None:
    for name, text in day.answers.items():
        assert leaks(text, day.secrets) == [], name
        assert phones(text) == [], name


def test_the_metrics_hold_neither(day: Day) -> None:
    assert "kesu_sends_total" in day.metrics
    assert leaks(day.metrics, day.secrets) == []
    assert phones(day.metrics) + phones(day.metrics, NOTED) == []
    assert WORDS not in day.metrics


def test_the_audit_holds_neither_nor_anybodys_words(day: Day) -> None:
    rows = [row for name, found in day.tables.items() if name.startswith("audit_") for row in found]
    assert len(rows) > 15
    for row in rows:
        assert leaks(row, day.secrets) == [], row
        assert phones(row) + phones(row, NOTED) == [], row
        assert WORDS not in row


def test_no_table_holds_a_secret_or_a_payers_phone_in_the_clear(day: Day) -> None:
    """Besides sessions, which end, and addresses of callbacks, behind which only what is signed is taken."""
    assert len(day.tables) > 50
    for name, found in day.tables.items():
        known = day.callbacks if name == "merchants_account" else day.cookies if "session" in name else set()
        for row in found:
            assert leaks(row, day.secrets - known) == [], (name, row)
            assert phones(row) == [], (name, row)
