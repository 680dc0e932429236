"""Reads about accounts for pages and commands. Nothing sealed is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from kesu.merchants import wording
from kesu.merchants.models import Account, AccountHealth, Limitation, ViolationNotice


@dataclass(frozen=True, slots=True)
class AccountProblem:
    """``level`` is warning or failed; the words are in the active language."""

    account: Account
    kind: str
    level: str
    headline: str
    advice: str
    since: datetime


def account_problems(*, account: Account | None = None) -> list[AccountProblem]:
    """What is wrong with one account or with all, as far as they are enabled, the gravest first. One query."""
    rows = AccountHealth.objects.filter(account__enabled=True).select_related("account").defer("account__token")
    rows = rows.filter(account=account) if account else rows
    found = [_problem(row.account, problem) for row in rows.order_by("account__mchid") for problem in row.problems]
    return sorted(found, key=lambda problem: (problem.level != "failed", problem.since))


def unwatched_accounts() -> list[str]:
    """Numbers of enabled accounts that nobody looks after."""
    return list(Account.objects.filter(enabled=True, health=None).order_by("mchid").values_list("mchid", flat=True))


def violation_notices(limit: int = 50, *, account: Account | None = None) -> list[ViolationNotice]:
    """The newest violation notices, of one account or of all, with their accounts."""
    rows = ViolationNotice.objects.select_related("account").defer("raw", "account__token")
    rows = rows.filter(account=account) if account else rows
    return list(rows.order_by("-received_at", "-id")[:limit])


def limited_sub_merchants(limit: int = 200, *, account: Account | None = None) -> list[Limitation]:
    """Sub-merchants that the platform limits now, of one account or of all, the newest change first."""
    rows = Limitation.objects.select_related("account").defer("account__token")
    rows = rows.filter(account=account) if account else rows
    return list(rows.filter(~Q(functions=[]) | ~Q(other_functions="")).order_by("-changed_at", "-id")[:limit])


def _problem(account: Account, problem: Mapping[str, Any]) -> AccountProblem:
    return AccountProblem(
        account=account,
        kind=problem["kind"],
        level=problem["level"],
        headline=wording.headline(problem),
        advice=wording.advice(problem, account.mchid),
        since=datetime.fromisoformat(problem["since"]),
    )
