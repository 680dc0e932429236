"""One box for everything: numbers, orders, phone tails, and words, two Chinese characters and up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from kesu.complaints import filters, queries, search
from kesu.complaints.filters import Filters
from kesu.complaints.models import Complaint, PayerText, PayerTextBacklog, ServiceOrder
from kesu.merchants import grants
from kesu.retention.personal import erase
from tests.desk_seeds import make_complaint, make_merchant, make_user, say

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def owner(db):
    return make_user()


@pytest.fixture
def account(db):
    return make_merchant(NOW)


@pytest.fixture
def case(account):
    return spoken(
        make_complaint(account, 1, now=NOW, detail="商家说好三天发货,\n一周了ＮＯ reply", payer_phone_tail="5678")
    )


def spoken(complaint: Complaint) -> Complaint:
    search.index(complaint)
    return complaint


def found(owner, text: str) -> list[int]:
    page = queries.page(owner, queries.View.ALL, filters=Filters(text=text), now=NOW)
    return [row.pk for row in page.rows]


@pytest.mark.parametrize(
    "text",
    ["发货", "三天发货", "发货,一周", "说好 一周", "no reply", "NOREPLY", "ｎｏ", "  发货  ", "发货 家", "周了no"],
)
def test_two_characters_are_enough_and_width_case_and_spaces_do_not_matter(owner, case, text):
    assert found(owner, text) == [case.pk]


@pytest.mark.parametrize("text", ["发", "货发", "天货", "发货 退款", "", " ", "说发", "一周货"])
def test_what_nobody_said_is_not_found(owner, case, text):
    if text.strip():
        assert found(owner, text) == []
    else:
        assert search.too_short(text)


def test_pairs_in_another_order_are_no_match(owner, account):
    """All pairs of 不发不发货 are in this text, but not the words."""
    spoken(make_complaint(account, 2, now=NOW, detail="不发货, 发不", problem_description="", problem_type=""))
    assert found(owner, "不发不发货") == []
    assert len(found(owner, "发不")) == 1


def test_numbers_of_every_kind_are_found(owner, case):
    ServiceOrder.objects.create(complaint=case, order_id="15646546545165651651", out_order_no="ZF-2026-7")
    order = case.orders.get()
    numbers = [case.complaint_id, case.complaint_id[:12], order.transaction_id, order.out_trade_no, "5678"]
    for number in [*numbers, "15646546545165651651", "ZF-2026-7", f" {case.complaint_id} "]:
        assert found(owner, number) == [case.pk], number
    assert found(owner, case.complaint_id + "9") == []
    assert found(owner, "567") == []


def test_digits_are_also_looked_for_in_the_words(owner, account, case):
    other = spoken(make_complaint(account, 3, now=NOW, detail="房间5678没打扫", age=3 * HOUR))
    assert set(found(owner, "5678")) == {case.pk, other.pk}


def test_what_the_payer_says_later_is_found_and_our_words_are_not(owner, case):
    say(case, "USER_RESPONSE", NOW, "充电宝弹不出来")
    say(case, "MERCHANT_RESPONSE", NOW, "非常抱歉马上处理")
    search.index(case)
    assert found(owner, "弹不出") == [case.pk]
    assert found(owner, "非常抱歉") == []


@pytest.mark.parametrize(
    "text",
    [
        "%%",
        "__",
        "\\\\",
        "'; drop table complaints_complaint; --",
        "<script>",
        "{1,2}",
        "\0\0",
        "a\0b",
        "退\u202e款",
        "😀😀",
        "𠮷𠮷",
        "|" * 500,
        "退" * 5000,
        "2" * 300,
        "* *",
        "NULL",
        "1' or '1'='1",
    ],
)
def test_hostile_input_finds_nothing_and_breaks_nothing(owner, case, text):
    assert found(owner, text) == []


def test_hostile_words_can_be_found(owner, account):
    case = spoken(make_complaint(account, 5, now=NOW, detail="100%_退\\款😀😀 {x}'; --"))
    for text in ("100%_", "退\\款", "😀😀", "{x}'", "';--"):
        assert found(owner, text) == [case.pk], text


def test_nobody_finds_what_is_not_theirs(account, case):
    other = make_merchant(NOW, "1900000309", "别家")
    theirs = spoken(make_complaint(other, 9, now=NOW, detail="商家说好三天发货", payer_phone_tail="5678"))
    agent = make_user("agent", role="agent", all_merchants=False)
    grants.grant(agent, other)
    for text in ("发货", "5678", "20000020", case.orders.get().transaction_id):
        assert case.pk not in found(agent, text)
    assert found(agent, "发货") == found(agent, "5678") == [theirs.pk]


def test_pages_of_a_search_hold_every_case_once(owner, account):
    for number in range(100, 230):
        spoken(make_complaint(account, number, now=NOW, age=HOUR * (number // 40), detail="要求退款"))
    rows, cursor = [], ""
    while True:
        page = queries.page(owner, queries.View.ALL, "", cursor, filters=Filters(text="退款"), now=NOW)
        rows += [row.pk for row in page.rows]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(rows) == len(set(rows)) == 130


def test_complaints_of_an_older_version_are_read_a_batch_at_a_time(owner, account, monkeypatch):
    monkeypatch.setattr(search, "BATCH", 3)
    cases = [make_complaint(account, number, now=NOW, detail=f"第{number}单退款") for number in range(1, 8)]
    say(cases[0], "USER_RESPONSE", NOW, "还没到账")
    spoken(cases[6])
    assert found(owner, "退款") == [cases[6].pk]
    assert [search.fill() for _ in range(5)] == [3, 3, 1, 0, 0]
    assert len(found(owner, "退款")) == 7
    assert found(owner, "到账") == [cases[0].pk]
    assert PayerTextBacklog.objects.get().below == 0


def test_a_desk_without_complaints_has_nothing_to_read(db):
    assert search.fill() == search.fill() == 0


def test_whose_words_were_erased_is_not_found_by_them(owner, case):
    erase([case.pk], texts=True)
    assert found(owner, "发货") == found(owner, "5678") == []
    assert not PayerText.objects.exists()
    search.fill()
    assert found(owner, "发货") == []


def test_long_stories_are_read_to_a_limit(owner, account):
    case = spoken(make_complaint(account, 5, now=NOW, detail="开头" + "很长" * 20_000 + "结尾"))
    assert found(owner, "开头很") == [case.pk]
    assert len(case.payer_text.text) == search.LONGEST_TEXT


class TestFilters:
    @pytest.fixture(autouse=True)
    def _cases(self, owner, account):
        self.owner, self.account = owner, account
        self.provider = make_merchant(NOW, "1900000209", "青禾服务商", role="partner")
        self.provider.sub_merchants.create(mchid="1900000211", name="山里果园", created_at=NOW)
        self.provider.sub_merchants.create(mchid="1900000212", name="水边果园", created_at=NOW)
        self.one = make_complaint(account, 1, now=NOW, problem_type="REFUND", amount=1990, times=2, claimed_by=owner)
        self.two = make_complaint(
            self.provider, 2, now=NOW, complainted_mchid="1900000211", amount=8850, user_tags=["HIGH_RISK"]
        )
        self.three = make_complaint(
            self.provider,
            3,
            now=NOW,
            age=61 * HOUR,
            complainted_mchid="1900000212",
            state="PROCESSED",
            amount=None,
            in_platform_service=True,
            need_immediate_service=True,
            incoming_user_response=True,
        )

    def of(self, **wanted) -> set[int]:
        page = queries.page(self.owner, queries.View.ALL, filters=Filters(**wanted), now=NOW)
        return {row.pk for row in page.rows}

    @pytest.mark.parametrize(
        ("merchant", "numbers"),
        [
            ("1900000109", {"one"}),
            ("云上", {"one"}),
            ("1900000209", {"two", "three"}),
            ("青禾", {"two", "three"}),
            ("1900000211", {"two"}),
            ("山里果园", {"two"}),
            ("果园", {"two", "three"}),
            ("没有这家", set()),
        ],
    )
    def test_merchants_by_number_or_name(self, merchant, numbers):
        assert self.of(merchant=merchant) == {getattr(self, name).pk for name in numbers}

    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            ({"problem": "REFUND"}, {"one"}),
            ({"state": "PROCESSED"}, {"three"}),
            ({"assignee": "wang"}, {"one"}),
            ({"assignee": filters.NOBODY}, {"two", "three"}),
            ({"assignee": "nobody-here"}, set()),
            ({"marks": ("again",)}, {"one"}),
            ({"marks": ("high_risk",)}, {"two"}),
            ({"marks": ("platform", "immediate", "unread")}, {"three"}),
            ({"marks": ("platform", "again")}, set()),
            ({"marks": ("refund",)}, set()),
            ({"least": 1990, "most": 1990}, {"one"}),
            ({"least": 1991}, {"two"}),
            ({"until": date(2026, 11, 20)}, {"three"}),
            ({"since": date(2026, 11, 23)}, {"two"}),
        ],
    )
    def test_each_narrows_to_what_it_says(self, wanted, numbers):
        assert self.of(**wanted) == {getattr(self, name).pk for name in numbers}

    def test_days_are_beijing_days(self):
        Complaint.objects.filter(pk=self.two.pk).update(complaint_time=datetime(2026, 11, 21, 16, 0, tzinfo=UTC))
        day = date(2026, 11, 22)
        assert self.of(since=day, until=day) == {self.two.pk}

    def test_a_merchant_of_others_is_no_merchant(self):
        agent = make_user("agent", role="agent", all_merchants=False)
        grants.grant(agent, self.provider, "1900000211")
        self.owner = agent
        assert self.of(merchant="果园") == self.of(merchant="1900000209") == self.of() == {self.two.pk}
        assert self.of(merchant="1900000109") == self.of(merchant="水边果园") == set()
