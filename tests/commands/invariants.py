"""What must be true of a case at the end of whatever life, by the journal and by the platform's own record."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from kesu.alerts.models import Clock
from kesu.audit import services as audit
from kesu.audit.models import AuditEntry
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.rules.operations import PAYER_MESSAGES
from kesu.threads import in_thread

PAID = 100_000


@dataclass
class Marks:
    """The payer's messages that people marked as agreement, and how often that changed."""

    there: set[str] = field(default_factory=set)
    changes: int = 0

    def put(self, log_id, *, marked):
        if marked != (log_id in self.there):
            self.changes += 1
        (self.there.add if marked else self.there.discard)(log_id)


async def check(office, complaint, taken):
    commands = await office.commands(complaint)
    truth = await office.truth(complaint)
    assert set(taken) <= {row.pk for row in commands}, "a command was lost"
    assert all(row.is_settled for row in commands), [(row.kind, row.state, row.error) for row in commands]
    shown = await office.fresh(complaint)
    assert shown.state == truth["complaint_state"]
    assert shown.open == (shown.state != "PROCESSED")
    assert shown.user_complaint_times == truth["user_complaint_times"]
    check_words(commands, truth["history"])
    check_closings(commands, truth["history"])
    await check_agreements(complaint, truth["history"], office.marks)
    await check_clocks(shown)
    await check_money(office, complaint, commands)
    await check_requests(complaint)
    assert (await in_thread(audit.verify)).intact
    audited = await in_thread(lambda: AuditEntry.objects.filter(subject=f"complaint:{complaint.complaint_id}").count())
    assert audited >= len([row for row in commands if not row.key.startswith("after-")])


def check_words(commands, history):
    """What the journal calls said was said, as often as it says and never more; the same words pressed again too."""
    said = Counter(entry.get("operate_details") for entry in history if entry["operate_type"] == "MERCHANT_RESPONSE")
    ours = [row for row in commands if row.kind in (Command.Kind.REPLY, Command.Kind.IMMEDIATE_REPLY)]
    told = Counter(json.loads(row.payload)["text"] for row in ours if row.state == Command.State.CONFIRMED)
    for text in {json.loads(row.payload)["text"] for row in ours}:
        assert said[text] == told[text], [(row.kind, row.state, row.failure) for row in ours]


def check_closings(commands, history):
    """Each completion that the journal calls confirmed is one of the platform's, and none stands for two."""
    done = len([entry for entry in history if entry["operate_type"] == "MERCHANT_CONFIRM_COMPLETE"])
    ours = [row for row in commands if row.kind == Command.Kind.COMPLETE and row.state == Command.State.CONFIRMED]
    assert len(ours) <= done
    proofs = [row.log_id for row in commands if row.log_id]
    assert len(proofs) == len(set(proofs)), "one entry of the history proves two commands"


async def check_clocks(shown):
    """What the payer is owed has a clock that runs; what nobody is owed has none."""

    def running():
        rows = Clock.objects.filter(complaint=shown.pk, stopped_at=None)
        return {(row.round_number, row.kind) for row in rows}

    owed = {"complete"} | (set() if shown.replied else {"reply"}) if shown.open else set()
    assert await in_thread(running) == {(shown.round_number, kind) for kind in owed}


async def check_requests(complaint):
    """Money goes back for a granted request only, by somebody else than whoever asked."""
    rows = await in_thread(
        lambda: list(RefundRequest.objects.filter(complaint=complaint.pk).select_related("command", "decided_by"))
    )
    for row in rows:
        assert (row.command is not None) == (row.state == RefundRequest.State.GRANTED)
        assert row.decided_by_id != row.requested_by_id


async def check_money(office, complaint, commands):
    rows = await in_thread(lambda: list(Refund.objects.filter(complaint=complaint.pk).select_related("command")))
    order = await in_thread(lambda: complaint.orders.get().transaction_id)
    made = [one for one in office.sandbox.state.refunds.values() if one.transaction_id == order]
    assert sum(one.amount for one in made if one.status != "CLOSED") <= PAID
    numbers = [one.out_refund_no for one in made]
    for row in rows:
        confirmed = row.command.state == Command.State.CONFIRMED
        assert numbers.count(row.out_refund_no) == (1 if confirmed else 0), (row.state, row.command.failure)
    assert len(rows) == len([row for row in commands if row.kind == Command.Kind.REFUND])
    sent = [row for row in commands if row.kind == Command.Kind.RESEND_REFUND and row.state == Command.State.CONFIRMED]
    assert sum(len(one.resent) for one in made) == len(sent), "a stuck refund was sent elsewhere twice, or not at all"
    assert not any(row.secret for row in commands), "a card was kept"


async def check_agreements(complaint, history, marks):
    """What is marked is what people marked, each once, and only words of the payer."""
    subject = f"complaint:{complaint.complaint_id}"
    stored = await in_thread(lambda: sorted(complaint.agreements.values_list("log_id", flat=True)))
    noted = await in_thread(AuditEntry.objects.filter(subject=subject, action="agreement_marked").count)
    assert (stored, noted) == (sorted(marks.there), marks.changes)
    assert marks.there <= {entry["log_id"] for entry in history if entry["operate_type"] in PAYER_MESSAGES}
