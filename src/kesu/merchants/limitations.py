"""管控: what the platform forbids a provider's sub-merchants, remembered so that a change is news.

Source: 查询子商户管控情况, https://pay.weixin.qq.com/doc/v3/partner/4012803072 (2025-09-26), for 普通服务商 only.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.merchants.models import Account, Limitation
from kesu.wechatpay import Limitations

ASK_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LimitationChange:
    """What is forbidden now that was not, and the other way round; words as the platform writes them."""

    sub_mchid: str
    added: tuple[str, ...]
    lifted: tuple[str, ...]


def plan_asking(account: Account, complained: Collection[str], *, now: datetime) -> None:
    """Ask daily about the sub-merchants that have open complaints, and about the limited ones until they are free."""
    Limitation.objects.bulk_create(
        [Limitation(account=account, sub_mchid=mchid, due_at=now) for mchid in complained], ignore_conflicts=True
    )
    rows = Limitation.objects.filter(account=account)
    rows.filter(sub_mchid__in=complained, due_at=None).update(due_at=now)
    idle = rows.filter(due_at__isnull=False, asked_at__isnull=False, functions=[], other_functions="")
    idle.exclude(sub_mchid__in=complained).update(due_at=None)


def remember_limitations(
    account: Account, sub_mchid: str, found: Limitations, *, now: datetime
) -> LimitationChange | None:
    """Keep an answer; what changed since the last one, None when nothing did. Call within a transaction."""
    row, _ = Limitation.objects.select_for_update().get_or_create(account=account, sub_mchid=sub_mchid)
    before, after = (
        _words(row.functions, row.other_functions),
        _words(found.limited_functions, found.other_limited_functions),
    )
    row.functions, row.other_functions = found.limited_functions, found.other_limited_functions[:300]
    row.recoveries = [recovery.model_dump(mode="json") for recovery in found.recovery_specifications]
    row.asked_at, row.error = now, ""
    row.due_at = now + ASK_EVERY if row.due_at else None
    if before != after:
        row.changed_at = now
    row.save()
    if before == after:
        return None
    return LimitationChange(sub_mchid, tuple(sorted(after - before)), tuple(sorted(before - after)))


def _words(functions: Collection[str], other: str) -> set[str]:
    return {*functions, *(word.strip() for word in other[:300].split(",") if word.strip())}
