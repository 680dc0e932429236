"""Quick replies (快捷回复): templates with variables, checked against the red lines when saved and when filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Case, Q, QuerySet, Value, When

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, Person
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.clock import BEIJING
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import COUNTED, QuickReply
from kesu.complaints.models import Complaint
from kesu.merchants.grants import accounts_visible_to
from kesu.merchants.models import Account, SubMerchant
from kesu.rules.redlines import Finding, ReplyContext, lint

LONGEST_TEXT = 1000
LONGEST_NAME = 60

_VARIABLE = re.compile(r"\{([^{}\s]{1,40})\}")
SAMPLE = {
    "amount": "¥19.90",
    "refunded": "¥19.90",
    "order": "4200002900202611230000000001",
    "deadline": "11月24日 12:00",
    "agent": "小王",
    "merchant": "示例商户",
}
"""What stands for the variables while a template is checked."""


def visible_to(user: Person) -> QuerySet[QuickReply]:
    """Those for every merchant, and those of merchants that this person sees."""
    return QuickReply.objects.filter(Q(account=None) | Q(account__in=accounts_visible_to(user)))


def offered_for(complaint: Complaint) -> QuerySet[QuickReply]:
    """Those of this merchant and of all; the ones for this problem type first."""
    first = Case(When(problem_type=complaint.problem_type or "-", then=Value(0)), default=Value(1))
    rows = QuickReply.objects.filter(enabled=True).filter(Q(account=None) | Q(account=complaint.account_id))
    return rows.order_by(first, "position", "pk")


def filled(template: QuickReply, complaint: Complaint, user: User, *, now: datetime) -> str:
    """The text for this case. The linter sees it once more when it is sent, with all that is known of the case."""
    values = _values(complaint, user)
    return _VARIABLE.sub(lambda found: values[found[1]]() if found[1] in values else found[0], template.text)


def findings_in(text: str) -> tuple[Finding, ...]:
    """What the red lines say of a template. Length is judged when it is filled in."""
    checked = _VARIABLE.sub(lambda found: SAMPLE.get(found[1], found[0]), text)
    context = ReplyContext(refund_made_or_running=True, maximum_length=LONGEST_TEXT)
    return lint(checked, context=context)


@transaction.atomic
def save(
    actor: Actor,
    template: QuickReply | None,
    *,
    name: str,
    text: str,
    problem_type: str = "",
    account: Account | None = None,
    position: int = 0,
    enabled: bool = True,
    now: datetime,
) -> QuickReply:
    """Make or change a template. Raises InvalidCommand for an unknown variable, a name that is taken, or a red line
    that blocks; ``values['findings']`` has the findings then."""
    roles.require(actor.user, Permission.TEMPLATES)
    name, text = name.strip(), text.strip()
    _check(template, name, text, account)
    template = template or QuickReply()
    template.name, template.text, template.problem_type = name, text, problem_type
    template.account, template.position, template.enabled = account, position, enabled
    template.changed_by, template.changed_at = actor.user, now
    template.save()
    record(actor, Action.SETTING_CHANGED, f"quick_reply:{template.pk}", {"name": name}, now=now)
    return template


@transaction.atomic
def remove(actor: Actor, template: QuickReply, *, now: datetime) -> None:
    roles.require(actor.user, Permission.TEMPLATES)
    record(
        actor, Action.SETTING_CHANGED, f"quick_reply:{template.pk}", {"name": template.name, "removed": True}, now=now
    )
    template.delete()


@transaction.atomic
def move(actor: Actor, template: QuickReply, *, by: int, now: datetime) -> None:
    """One place up (``by`` -1) or down (1) among those that this person sees, which are all numbered anew; nothing
    happens at an end. Raises Forbidden."""
    roles.require(actor.user, Permission.TEMPLATES)
    rows = list(visible_to(actor.user).select_for_update(of=("self",)).order_by("position", "pk"))
    place = next((place for place, row in enumerate(rows) if row.pk == template.pk), -1)
    other = place + by
    if place < 0 or not 0 <= other < len(rows):
        return
    rows[place], rows[other] = rows[other], rows[place]
    for number, row in enumerate(rows, start=1):
        row.position = number
    QuickReply.objects.bulk_update(rows, ["position"])
    record(actor, Action.SETTING_CHANGED, f"quick_reply:{template.pk}", {"place": other + 1}, now=now)


def unknown_variables(text: str) -> list[str]:
    return sorted({name for name in _VARIABLE.findall(text) if name not in SAMPLE})


def _check(template: QuickReply | None, name: str, text: str, account: Account | None) -> None:
    if not name or len(name) > LONGEST_NAME:
        raise InvalidCommand("template_name")
    if not text or len(text) > LONGEST_TEXT:
        raise InvalidCommand("template_text")
    if unknown := unknown_variables(text):
        raise InvalidCommand("template_variable", names=", ".join(unknown))
    same = QuickReply.objects.filter(account=account, name=name)
    if same.exclude(pk=template.pk if template and template.pk else 0).exists():
        raise InvalidCommand("template_taken")
    blocking = [finding for finding in findings_in(text) if finding.severity == "block"]
    if blocking:
        raise InvalidCommand("template_red_line", findings=blocking)


def _values(complaint: Complaint, user: User) -> Mapping[str, Callable[[], str]]:
    """Each variable's text; asked for only when the template has it."""

    def refunded() -> str:
        done = complaint.refunds.filter(state__in=COUNTED).values_list("amount", flat=True)
        return _yuan(sum(done) or complaint.amount)

    def order() -> str:
        first = complaint.orders.order_by("pk").first()
        return (first.out_trade_no or first.transaction_id) if first else ""

    def merchant() -> str:
        named = SubMerchant.objects.filter(account=complaint.account, mchid=complaint.complainted_mchid).first()
        return (named.name if named else "") or complaint.account.name

    return {
        "amount": lambda: _yuan(complaint.amount),
        "refunded": refunded,
        "order": order,
        "deadline": lambda: f"{complaint.complete_due_at.astimezone(BEIJING):%m月%d日 %H:%M}",
        "agent": lambda: str(user),
        "merchant": merchant,
    }


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"¥{fen // 100}.{fen % 100:02d}"
