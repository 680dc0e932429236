"""Whose complaint is read next: by priority, then the longest due, but a few of one account only.

An account with a long queue, or whose platform does not answer, must not stand before the others' news. The search
walks an index from account to account, so that it takes no longer however much one of them has waiting.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import connection

# Rows are compared and ordered by every column of the index ``refresh_of_account``: no other index can serve that,
# whatever PostgreSQL believes of its tables in a storm.
NEXT = """
    with recursive accounts (priority, account_id) as (
        select wanted.priority,
               (select r.account_id from sync_refresh r
                 where r.state = 'waiting' and r.priority between wanted.priority and wanted.priority
                 order by r.priority, r.account_id limit 1)
          from unnest(%(lane)s::smallint[]) as wanted (priority)
        union all
        select accounts.priority,
               (select r.account_id from sync_refresh r
                 where r.state = 'waiting' and r.priority <= accounts.priority
                   and (r.priority, r.account_id) > (accounts.priority, accounts.account_id)
                 order by r.priority, r.account_id limit 1)
          from accounts where accounts.account_id is not null
    ), held (account_id, number) as (
        select * from unnest(%(accounts)s::bigint[], %(numbers)s::int[])
    ), due as (
        select first.id, accounts.priority, first.due_at, accounts.account_id,
               row_number() over (partition by accounts.account_id
                                      order by accounts.priority, first.due_at, first.id) as number
          from accounts cross join lateral (
              select r.id, r.due_at from sync_refresh r
               where r.state = 'waiting'
                 and (r.priority, r.account_id) >= (accounts.priority, accounts.account_id)
                 and (r.priority, r.account_id, r.due_at) <= (accounts.priority, accounts.account_id, %(now)s)
                 and (r.leased_until is null or r.leased_until <= %(now)s)
                 and r.id <> all(%(passed_over)s::bigint[])
               order by r.priority, r.account_id, r.due_at limit %(share)s
          ) as first
    )
    select due.id from due left join held using (account_id)
     where due.number + coalesce(held.number, 0) <= %(share)s
     order by due.priority, due.due_at, due.id limit %(limit)s
"""


def next_due(
    lane: Collection[int],
    now: datetime,
    limit: int,
    *,
    share: int,
    held: Mapping[int, int],
    passed_over: Collection[int] = (),
) -> list[int]:
    """Up to ``limit`` requests that are due, as primary keys, in their order.

    ``share``: how many of one account may be read at once; ``held``: how many of each already are. ``passed_over``:
    requests that somebody else has in hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            NEXT,
            {
                "lane": list(lane),
                "accounts": list(held),
                "numbers": list(held.values()),
                "now": now,
                "share": share,
                "limit": limit,
                "passed_over": list(passed_over),
            },
        )
        return [pk for (pk,) in cursor.fetchall()]
