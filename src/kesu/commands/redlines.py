"""Red lines over what a command says to a payer, with what this merchant may say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kesu.commands.models import Allowance, Command, OutgoingPicture, Refund
from kesu.commands.payloads import jumps_of, spoken
from kesu.complaints.models import Complaint
from kesu.complaints.redline_wording import (
    code_leads_elsewhere,
    code_not_looked_for,
    explanation,
    leads_elsewhere,
)
from kesu.rules.guards import CaseFacts, Jump
from kesu.rules.operations import MERCHANT_REPLIES
from kesu.rules.redlines import (
    AllowList,
    ReplyContext,
    Rule,
    Severity,
    gravity_of_code,
    is_own_address,
    is_own_program,
    lint,
)
from kesu.rules.redlines.findings import SOURCES

LAST_REPLIES = 3
BY_GUARDS = frozenset({Rule.TOO_LONG})
"""Said by the guards, with the bound of the account."""


def findings_in(complaint: Complaint, case: CaseFacts, kind: Command.Kind, payload: Mapping[str, Any]) -> Iterator[Any]:
    """Each finding as a ``checks.Concern``. Places are those in ``payloads.spoken``."""
    from kesu.commands.checks import Concern

    if kind == Command.Kind.COMPLETE:
        return
    text, jumps, pictures = spoken(payload), jumps_of(payload), payload.get("pictures") or ()
    if not text and not jumps and not pictures:
        return
    context = context_of(complaint, case)
    for finding in lint(text, context=context):
        if finding.rule not in BY_GUARDS:
            yield Concern(
                code=f"redline.{finding.rule.value}",
                level=finding.severity.value,
                message=explanation(finding),
                rule=SOURCES[finding.rule].url,
                overridable=finding.severity == "block",
                start=finding.start,
                end=finding.end,
                suggestion=finding.suggestion,
            )
    for place in dict.fromkeys(_elsewhere(jumps, context.allowed)):
        yield Concern(
            code=f"redline.{Rule.LINK.value}",
            level=Severity.BLOCK.value,
            message=leads_elsewhere(place),
            rule=SOURCES[Rule.LINK].url,
            overridable=True,
        )
    for picture, level, message in _of_pictures(complaint, pictures, context.allowed):
        yield Concern(
            code=f"redline.{Rule.QR_CODE.value}",
            level=level.value,
            message=message,
            rule=SOURCES[Rule.QR_CODE].url,
            overridable=level is Severity.BLOCK,
            picture=picture,
        )


def _of_pictures(
    complaint: Complaint, pictures: Sequence[int], allowed: AllowList
) -> Iterator[tuple[int, Severity, str]]:
    """Of each picture with a code that leads elsewhere, or that nobody looked at: its key, how grave, and why."""
    if not pictures:
        return
    rows = OutgoingPicture.objects.filter(account=complaint.account_id, pk__in=pictures)
    codes = dict(rows.values_list("pk", "codes"))
    for number, pk in enumerate(pictures, 1):
        if pk in codes and codes[pk] is None:
            yield pk, Severity.INFO, code_not_looked_for(number)
        for code in codes.get(pk) or ():
            if (level := gravity_of_code(code, allowed)) is not None:
                yield pk, level, code_leads_elsewhere(number, code)


def _elsewhere(jumps: Iterable[Jump], allowed: AllowList) -> Iterator[str]:
    """Where links and mini programs lead that are not the merchant's own. What is incomplete is the guards' matter."""
    for jump in jumps:
        if jump.url and not is_own_address(jump.url, allowed):
            yield jump.url
        if jump.appid and not is_own_program(jump.appid, allowed):
            yield jump.appid


def context_of(complaint: Complaint, case: CaseFacts) -> ReplyContext:
    """What the linter has to know of the case and of its merchant."""
    replies = [entry for entry in case.history if entry.operate_type in MERCHANT_REPLIES and entry.operate_details]
    refunds = complaint.refunds.exclude(state__in=[Refund.State.REFUSED, Refund.State.CLOSED]).exists()
    return ReplyContext(
        last_replies=tuple(entry.operate_details for entry in replies[-LAST_REPLIES:]),
        refund_made_or_running=refunds or complaint.full_refunded,
        allowed=allowed_of(complaint),
        maximum_length=complaint.account.reply_limit,
    )


def allowed_of(complaint: Complaint) -> AllowList:
    found: dict[str, set[str]] = defaultdict(set)
    rows = Allowance.objects.filter(account=complaint.account, sub_mchid__in=["", complaint.complainted_mchid])
    for kind, value in rows.values_list("kind", "value"):
        found[kind].add(value)
    return AllowList(
        phones=tuple(sorted(found["phone"])),
        wechat_ids=tuple(sorted(found["wechat_id"])),
        mini_programs=tuple(sorted(found["mini_program"])),
        domains=tuple(sorted(found["domain"])),
        words=tuple(sorted(found["word"])),
    )
