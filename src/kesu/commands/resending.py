"""A refund that got stuck, sent elsewhere: to a bank card of the payer, or to the merchant's own bank account.

Source: 发起异常退款 https://pay.weixin.qq.com/doc/v3/partner/4017150905 (2026-01-09). It has no number of its own: the
platform takes it while the refund is ABNORMAL, so a call whose answer was lost is settled by asking for the refund, and
is never made again by itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.commands import second_person
from kesu.commands.aftermath import note_refund
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.payloads import TO_MERCHANT, TO_PAYER
from kesu.commands.verbs import NO_CONSENT, Consent, locked, plan
from kesu.complaints.models import Complaint
from kesu.threads import in_thread
from kesu.wechatpay import Client
from kesu.wechatpay.resources import Refund as PlatformRefund

BANKS = (
    "ICBC_DEBIT", "ABC_DEBIT", "BOC_DEBIT", "CCB_DEBIT", "COMM_DEBIT", "PSBC_DEBIT", "CMB_DEBIT", "CITIC_DEBIT",
    "CEB_DEBIT", "CMBC_DEBIT", "CIB_DEBIT", "SPDB_DEBIT", "PAB_DEBIT", "GDB_DEBIT", "NBCB_DEBIT",
)  # fmt: skip
"""`bank_type`: debit cards of these banks only."""

ACCOUNT = re.compile(r"[0-9]{8,30}")
LONGEST_NAME = 60


@dataclass(frozen=True)
class Card:
    """A bank card of the payer. ``bank``: one of BANKS; ``account``: its number, spaces allowed; ``name``: whose it is.
    It is told in no text of this object."""

    bank: str
    account: str = field(repr=False)
    name: str = field(repr=False)


@transaction.atomic
def resend_refund(
    actor: Actor,
    complaint: Complaint,
    out_refund_no: str = "",
    *,
    card: Card | None = None,
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command | RefundRequest:
    """Send a stuck refund to a card of the payer; without ``card`` to the merchant's own bank account.
    ``out_refund_no`` may be left out where the complaint has one stuck refund. Above the person's limit a request for
    somebody else's decision is returned instead; raises Conflict while another one waits for the same order."""
    roles.require(actor.user, Permission.REFUND)
    complaint = locked(actor, complaint)
    refund = _chosen(complaint, out_refund_no)
    to = Refund.Resent.PAYER if card else Refund.Resent.MERCHANT
    secret = json.dumps(_checked(card), ensure_ascii=False) if card else None
    if not is_above_limit(actor, refund.amount):
        return carry(actor, complaint, refund, to, secret, consent, now=now)
    wish = RefundRequest(
        complaint=complaint, order=refund.order, amount=refund.amount, resends=refund, resend_to=to, card=secret
    )
    payload = payload_of(refund, to)
    return second_person.ask(actor, complaint, wish, Command.Kind.RESEND_REFUND, payload, consent, now=now)


def carry(
    actor: Actor,
    complaint: Complaint,
    refund: Refund,
    to: str,
    card: str | None,
    consent: Consent,
    *,
    now: datetime,
) -> Command:
    """The command, for somebody whose limit covers it. ``to``: of ``Refund.Resent``; ``card``: JSON of ``_checked``,
    for the payer's only. Raises InvalidCommand where the card is kept no longer."""
    if to == Refund.Resent.PAYER and not card:
        raise InvalidCommand("card_gone")
    payload = payload_of(refund, to)
    audited = {"refund": refund.out_refund_no, "amount": refund.amount, "type": payload["type"]}
    secret = json.loads(card) if card else None
    kind = Command.Kind.RESEND_REFUND
    return plan(actor, complaint, kind, payload, consent=consent, now=now, audited=audited, secret=secret)


def is_above_limit(actor: Actor, amount: int) -> bool:
    """Whether so much is more than this person may send elsewhere alone. A refund counted when it was made."""
    return not roles.covers_refund(actor.user, amount)


def payload_of(refund: Refund, to: str) -> dict[str, Any]:
    """What the journal keeps and guards judge. ``to``: of ``Refund.Resent``."""
    return {
        "out_refund_no": refund.out_refund_no,
        "type": TO_PAYER if to == Refund.Resent.PAYER else TO_MERCHANT,
    }


async def read_again(client: Client, command: Command, *, now: datetime) -> PlatformRefund:
    """How the refund stands at the platform, written down. Raises the errors of ``kesu.wechatpay``."""
    refund = await in_thread(refund_of, command)
    found = await client.query_refund(refund.out_refund_no, sub_mchid=_sub_mchid(command))
    await in_thread(_note, refund.pk, found, now)
    return found


async def call(client: Client, command: Command, payload: dict[str, Any]) -> PlatformRefund:
    """Raises the errors of ``kesu.wechatpay``."""
    refund = await in_thread(refund_of, command)
    card = json.loads(command.secret) if command.secret else {}
    return await client.apply_abnormal_refund(
        refund.refund_id,
        out_refund_no=refund.out_refund_no,
        type=payload["type"],
        sub_mchid=_sub_mchid(command),
        bank_type=card.get("bank"),
        bank_account=card.get("account"),
        real_name=card.get("name"),
    )


def refund_of(command: Command) -> Refund:
    """The stuck refund that a command is about."""
    number = json.loads(command.payload)["out_refund_no"]
    return Refund.objects.get(complaint=command.complaint_id, out_refund_no=number)


def untold(command: Command, text: str) -> str:
    """``text`` of the platform's error without anything of the card."""
    for value in json.loads(command.secret).values() if command.secret else ():
        text = text.replace(value, "***")
    return text


def _chosen(complaint: Complaint, out_refund_no: str) -> Refund:
    refunds = complaint.refunds.select_related("order").order_by("pk")
    if out_refund_no:
        chosen = refunds.filter(out_refund_no=out_refund_no).first()
        if chosen is None:
            raise InvalidCommand("refund_unknown")
        return chosen
    stuck = list(refunds.filter(state=Refund.State.ABNORMAL)[:2])
    if len(stuck) != 1:
        raise InvalidCommand("refund_missing" if stuck else "refund_none_stuck")
    return stuck[0]


def _checked(card: Card) -> dict[str, str]:
    """What is sealed into the command's row. Raises InvalidCommand, which repeats nothing of it."""
    account, name = re.sub(r"[\s-]", "", card.account), " ".join(card.name.split())
    if card.bank not in BANKS:
        raise InvalidCommand("card_bank")
    if not ACCOUNT.fullmatch(account):
        raise InvalidCommand("card_account")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidCommand("card_name")
    return {"bank": card.bank, "account": account, "name": name}


@transaction.atomic
def _note(pk: int, found: PlatformRefund, now: datetime) -> None:
    note_refund(Refund.objects.select_for_update(of=("self",)).get(pk=pk), found, now=now)


def _sub_mchid(command: Command) -> str | None:
    mchid = command.complaint.complainted_mchid or command.account.mchid
    return None if mchid == command.account.mchid else mchid
