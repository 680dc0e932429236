"""A desk with a million complaints, made inside PostgreSQL from one that Kesu recorded itself. For a process that has
a desk.

They are spread over two years and over merchants and sub-merchants; the newest are open, one in ten of those is
overdue. Payers' words are put together at random from phrases, always the same ones: ``COMMON`` is in every fifth
complaint, ``RARE`` in one of a few thousand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from django.db import connection

from kesu.complaints import search
from kesu.complaints.models import Complaint, TimelineEntry
from kesu.merchants.models import Account
from tests.bench import seeds

RARE = "发霉"
COMMON = "退款"
TEXTS = 5_000
MERCHANTS = 5
LONG_TIMELINE = 200
TABLES = (
    "complaints_complaint",
    "complaints_order",
    "complaints_round",
    "complaints_timelineentry",
    "complaints_payertext",
)
_OPENINGS = (
    "说好三天发货",
    "东西不对",
    "充值没有到账",
    "客服不回消息",
    "会员被自动续费",
    "课程没法看",
    "押金不还",
    "多扣了钱",
)
_STORIES = (
    "一周了没人理我",
    "电话也打不通",
    "店铺已经关了",
    "和商品页面写的不一样",
    "打开包装就是坏的",
    "联系了三次没有结果",
)
_WISHES = (COMMON, "尽快处理", "给个说法", "换一个新的", "赔偿损失")
_PLACES = ("北京", "上海", "广州", "成都", "杭州", "武汉", "西安", "南京", "长沙", "青岛", "厦门", "昆明")

_TEXTS = """
    create temporary table said as
    select * from unnest(%(numbers)s::int[], %(texts)s::text[]) as given(number, text)
"""
_PAIRS = "alter table said add column normal text, add column pairs int[]"
_COMPLAINTS = """
    insert into complaints_complaint ({columns})
    select {values} from complaints_complaint as original
    cross join generate_series(1, %(count)s) as n
    join said on said.number = n %% %(texts)s
    cross join lateral (select n > %(count)s - %(open)s as running, 0.5 + (%(count)s - n) * 0.9 as minutes) as given
    where original.id = %(original)s order by n
"""
_CHANGED = {
    "id": "%(first)s + n",
    "account_id": "(%(accounts)s::bigint[])[1 + n %% cardinality(%(accounts)s::bigint[])]",
    "complainted_mchid": "'16' || lpad((n %% 500)::text, 8, '0')",
    "complaint_id": "'2002018' || lpad(n::text, 21, '0')",
    "detail": "said.text",
    "problem_type": "(array['REFUND', 'SERVICE_NOT_WORK', 'OTHERS'])[1 + n %% 3]",
    "amount": "100 + n %% 90000",
    "state": "case when not running then 'PROCESSED' when n %% 2 = 0 then 'PENDING' else 'PROCESSING' end",
    "open": "running",
    "replied": "not running or n %% 2 = 1",
    "user_complaint_times": "case when n %% 17 = 0 then 2 else 1 end",
    "in_platform_service": "n %% 41 = 0",
    "incoming_user_response": "running and n %% 13 = 0",
    "user_tags": "case when n %% 61 = 0 then '[\"HIGH_RISK\"]'::jsonb else '[]'::jsonb end",
    "complaint_time": "%(now)s - minutes * interval '1 minute'",
    "payer_phone_tail": "lpad((n * 7 %% 10000)::text, 4, '0')",
    "payer_openid_fingerprint": "md5((n %% 400000)::text)",
    "reply_due_at": "%(now)s - interval '7 hours' + (n %% 70) * interval '1 hour'",
    "complete_due_at": "%(now)s + interval '41 hours' + (n %% 70) * interval '1 hour'",
    "next_due_at": "case when running then %(now)s - interval '7 hours' + (n %% 70) * interval '1 hour' end",
    "read_again_at": "case when running then %(now)s + interval '1 day' end",
    "claimed_by_id": "case when running and n %% 3 = 0"
    " then (%(people)s::bigint[])[1 + n %% cardinality(%(people)s::bigint[])] end",
    "claimed_at": "case when running and n %% 3 = 0 then %(now)s end",
}
_BELONGINGS = (
    "insert into complaints_payertext (complaint_id, text, pairs)"
    " select complaint.id, said.normal, said.pairs from complaints_complaint as complaint"
    " join said on said.number = (complaint.id - %(first)s) %% %(texts)s where complaint.id > %(first)s",
    "insert into complaints_order (complaint_id, transaction_id, out_trade_no, amount)"
    " select id, '42000' || lpad((id - %(first)s)::text, 23, '0'), 'BK' || lpad((id - %(first)s)::text, 10, '0'),"
    " amount from complaints_complaint where id > %(first)s",
    "insert into complaints_round"
    " (complaint_id, number, started_at, replied, completed_at, reply_due_at, complete_due_at)"
    " select id, round_number, complaint_time, replied, case when not open then complaint_time + interval '1 day' end,"
    " reply_due_at, complete_due_at from complaints_complaint where id > %(first)s",
    "insert into complaints_timelineentry"
    " (complaint_id, log_id, operate_type, operate_time, operator, details, raw)"
    " select complaint.id, 'log' || complaint.id, entry.operate_type, complaint.complaint_time, entry.operator,"
    " complaint.detail, entry.raw from complaints_complaint as complaint, complaints_timelineentry as entry"
    " where complaint.id > %(first)s and entry.complaint_id = %(original)s",
)


def fill(accounts: list[Account], people: list[int], count: int, *, opened: int, now: datetime) -> list[str]:
    """``count`` complaints, ``opened`` of them open, claimed in part by ``people``. The payers' words."""
    original = seeds.make_case(accounts[0], raised_at=now)
    words = _texts()
    given = {
        "original": original.pk,
        "first": original.pk,
        "count": count,
        "open": opened,
        "texts": TEXTS,
        "accounts": [account.pk for account in accounts],
        "people": people,
        "now": now,
    }
    columns = [str(field.column) for field in Complaint._meta.local_concrete_fields]
    values = ", ".join(_CHANGED.get(column, f"original.{column}") for column in columns)
    with connection.cursor() as cursor, _no_indexes(), _no_triggers():
        _keep_words(words)
        cursor.execute(_COMPLAINTS.format(columns=", ".join(columns), values=values), given)
        for statement in _BELONGINGS:
            cursor.execute(statement, given)
        cursor.execute("delete from alerts_message")
    original.delete()
    with connection.cursor() as cursor:
        cursor.execute("drop table said")
        cursor.execute(
            "select setval(pg_get_serial_sequence('complaints_complaint', 'id'), max(id)) from complaints_complaint"
        )
        cursor.execute("vacuum analyze")
    return words


def lengthen(complaint: Complaint) -> str:
    """Give a complaint a history of ``LONG_TIMELINE`` rows; the text of the last."""
    complaint.timeline.all().delete()
    words = _texts()
    rows = []
    for number in range(LONG_TIMELINE):
        kind = "MERCHANT_RESPONSE" if number % 2 else "USER_RESPONSE"
        log_id = f"{complaint.complaint_id}{number:03d}"
        text = words[number]
        at = complaint.complaint_time + timedelta(minutes=number)
        raw = (
            f'{{"log_id": "{log_id}", "operate_type": "{kind}", "operate_time": "{at.isoformat()}",'
            f' "operate_details": "{text}"}}'
        )
        rows.append(
            TimelineEntry(complaint=complaint, log_id=log_id, operate_type=kind, operate_time=at, details=text, raw=raw)
        )
    TimelineEntry.objects.bulk_create(rows)
    return rows[-1].details


def _texts() -> list[str]:
    random = Random(1)
    made = []
    for number in range(TEXTS):
        parts = [random.choice(_OPENINGS), random.choice(_STORIES), random.choice(_WISHES)]
        parts.append(f"{random.choice(_PLACES)}的店, 单子是第{number}号")
        made.append(", ".join(parts) + (f", 箱子里都{RARE}了" if number % 2500 == 7 else ""))
    return made


def _keep_words(words: list[str]) -> None:
    """Each text with what the search reads of it, computed as ``search.index`` does."""
    with connection.cursor() as cursor:
        cursor.execute(_TEXTS, {"numbers": list(range(len(words))), "texts": words})
        cursor.execute(_PAIRS)
        normal = [search.normalise(text) for text in words]
        cursor.executemany(
            "update said set normal = %s, pairs = %s where number = %s",
            [(text, search.pairs(text), number) for number, text in enumerate(normal)],
        )
        cursor.execute("create index on said (number)")
        cursor.execute("analyze said")


@contextmanager
def _no_indexes() -> Iterator[None]:
    """Indexes that guarantee nothing are built afterwards, which is much faster."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select indexname, indexdef from pg_indexes"
            " where tablename = any(%s) and indexdef not like 'CREATE UNIQUE%%'",
            [list(TABLES)],
        )
        dropped = cursor.fetchall()
        for name, _ in dropped:
            cursor.execute(f"drop index {name}")
        yield
        cursor.execute("set maintenance_work_mem = '512MB'")
        for _, definition in dropped:
            cursor.execute(definition)
        cursor.execute("reset maintenance_work_mem")


@contextmanager
def _no_triggers() -> Iterator[None]:
    """References are right by construction."""
    with connection.cursor() as cursor:
        cursor.execute("set session_replication_role = replica")
        yield
        cursor.execute("set session_replication_role = origin")
