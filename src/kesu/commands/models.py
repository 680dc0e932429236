"""The journal of what was said and done to the platform, and what stays inside the desk."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kesu.complaints.models import Complaint, Order
from kesu.merchants.models import Account
from kesu.vault.fields import SealedTextField


class Command(models.Model):
    """One act towards the platform. ``payload`` is sealed: it holds words to a payer."""

    class Kind(models.TextChoices):
        REPLY = "reply"
        IMMEDIATE_REPLY = "immediate_reply"
        COMPLETE = "complete"
        APPROVE_REFUND = "approve_refund"
        REJECT_REFUND = "reject_refund"
        REFUND = "refund"
        RESEND_REFUND = "resend_refund"

    class State(models.TextChoices):
        PLANNED = "planned"
        SENDING = "sending"
        UNKNOWN = "unknown"
        CONFIRMED = "confirmed"
        FAILED = "failed"

    class Failure(models.TextChoices):
        REFUSED = "refused", "the platform refused"
        CHANGED = "changed", "the case had changed"
        NOT_SENT = "not_sent", "nothing was sent"
        NOT_FOUND = "not_found", "the platform shows no trace of it"
        WITHDRAWN = "withdrawn", "taken back before it was sent"

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="commands")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    payload = SealedTextField(help_text="What is sent, JSON.")
    secret = SealedTextField(null=True, help_text="What only the call may know, JSON; wiped once it was made.")
    key = models.CharField(max_length=64, help_text="The caller's idempotency key: one key acts once.")

    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    via = models.CharField(max_length=10)
    acknowledged = models.JSONField(default=list, help_text="Codes of the warnings that were read and accepted.")
    override_reason = models.CharField(max_length=300, blank=True)
    seen_entry = models.BigIntegerField(default=0, help_text="The newest timeline row known when it was planned.")
    baseline_entry = models.BigIntegerField(null=True, help_text="The newest timeline row read just before the call.")

    planned_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, help_text="When to go on; while a worker is at it, when its lease ends.")
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Tries to send, then looks for an unknown outcome.")

    failure = models.CharField(max_length=10, blank=True, choices=Failure.choices)
    error_code = models.CharField(max_length=60, blank=True)
    error = models.CharField(max_length=500, blank=True)
    request_id = models.CharField(max_length=120, blank=True)
    concerns = models.JSONField(default=list, help_text="Why it was not sent, as guard codes with their values.")
    log_id = models.CharField(max_length=64, blank=True, help_text="The history's row that proves it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint", "key"], name="command_key"),
            models.UniqueConstraint(
                fields=["complaint"],
                condition=Q(state__in=["planned", "sending", "unknown"]),
                name="command_one_at_a_time",
            ),
            models.UniqueConstraint(fields=["complaint", "log_id"], condition=~Q(log_id=""), name="command_proof_once"),
            models.CheckConstraint(
                name="command_kind",
                condition=Q(
                    kind__in=[
                        "reply",
                        "immediate_reply",
                        "complete",
                        "approve_refund",
                        "reject_refund",
                        "refund",
                        "resend_refund",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="command_secret_wiped",
                condition=Q(state__in=["planned", "sending"]) | Q(secret__isnull=True),
            ),
            models.CheckConstraint(
                name="command_settled",
                condition=Q(state__in=["planned", "sending", "unknown"], settled_at__isnull=True, due_at__isnull=False)
                | Q(state__in=["confirmed", "failed"], settled_at__isnull=False, due_at__isnull=True),
            ),
            models.CheckConstraint(name="command_failure", condition=Q(state="failed") ^ Q(failure="")),
            models.CheckConstraint(
                name="command_sent", condition=Q(state="planned") | Q(state="failed") | Q(sent_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state__in=["planned", "sending", "unknown"]), name="command_due"
            ),
            models.Index(fields=["complaint", "-id"], name="command_of_complaint"),
        ]

    @property
    def is_settled(self) -> bool:
        return self.state in (self.State.CONFIRMED, self.State.FAILED)


class Refund(models.Model):
    """One refund of an order, by its ``out_refund_no`` for ever. Amounts are fen."""

    class State(models.TextChoices):
        WANTED = "wanted"
        PROCESSING = "processing"
        SUCCESS = "success"
        CLOSED = "closed"
        ABNORMAL = "abnormal"
        REFUSED = "refused"

    class Resent(models.TextChoices):
        """Where a refund that got stuck was sent (发起异常退款)."""

        NOT = ""
        PAYER = "payer"
        MERCHANT = "merchant"

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="refunds")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="refunds")
    command = models.OneToOneField(Command, on_delete=models.CASCADE, related_name="refund")
    out_refund_no = models.CharField(max_length=64)
    amount = models.BigIntegerField(help_text="fen")
    total = models.BigIntegerField(help_text="The whole order, fen.")
    reason = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WANTED)
    refund_id = models.CharField(max_length=64, blank=True)
    received_by = models.CharField(max_length=64, blank=True, help_text="user_received_account")
    created_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True)
    resent_to = models.CharField(
        max_length=8, blank=True, choices=Resent.choices, default=Resent.NOT, db_default=Resent.NOT
    )
    resent_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When to ask for its state next; empty when it is final.")
    looks = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "out_refund_no"], name="refund_number"),
            models.CheckConstraint(name="refund_amount", condition=Q(amount__gt=0, amount__lte=F("total"))),
            models.CheckConstraint(
                name="refund_state",
                condition=Q(state__in=["wanted", "processing", "success", "closed", "abnormal", "refused"]),
            ),
            models.CheckConstraint(
                name="refund_resent",
                condition=Q(resent_to="", resent_at__isnull=True)
                | Q(resent_to__in=["payer", "merchant"], resent_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="refund_due")]

    @property
    def is_returned(self) -> bool:
        """Whether it ended in the merchant's own bank account: the payer has got nothing by it."""
        return self.state == self.State.SUCCESS and self.resent_to == self.Resent.MERCHANT


COUNTED = (Refund.State.WANTED, Refund.State.PROCESSING, Refund.State.SUCCESS, Refund.State.ABNORMAL)
"""Refunds that use up what is left of an order."""


class RefundRequest(models.Model):
    """A refund above somebody's limit, or the sending elsewhere of one: another person decides (four eyes)."""

    class State(models.TextChoices):
        WAITING = "waiting"
        GRANTED = "granted"
        DECLINED = "declined"

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="refund_requests")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="+")
    amount = models.BigIntegerField(help_text="fen")
    reason = models.CharField(max_length=80, blank=True)
    approve_ticket = models.BooleanField(default=False, help_text="Also approve the refund ticket (同意退款).")
    launch_refund_day = models.IntegerField(default=0, db_default=0, help_text="Of the approval: working days.")
    remark = models.CharField(max_length=200, blank=True, default="", db_default="", help_text="Of the approval.")
    resends = models.ForeignKey(
        Refund, on_delete=models.CASCADE, null=True, related_name="+", help_text="The stuck refund to send elsewhere."
    )
    resend_to = models.CharField(
        max_length=8, blank=True, choices=Refund.Resent.choices, default=Refund.Resent.NOT, db_default=Refund.Resent.NOT
    )
    card = SealedTextField(null=True, help_text="The payer's card, JSON; wiped once it was decided.")
    acknowledged = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, blank=True)
    remind_at = models.DateTimeField(null=True, help_text="When to look whether to speak of it again, while it waits.")
    reminders = models.JSONField(default=list, db_default=[], help_text="Steps of rules.second_person that are past.")
    command = models.OneToOneField(Command, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order"], condition=Q(state="waiting"), name="refund_request_one_waiting"),
            models.CheckConstraint(name="refund_request_amount", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="refund_request_decided", condition=Q(state="waiting") ^ Q(decided_at__isnull=False)
            ),
            models.CheckConstraint(
                name="refund_request_four_eyes",
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="refund_request_card_wiped", condition=Q(state="waiting") | Q(card__isnull=True)
            ),
            models.CheckConstraint(
                name="refund_request_resends",
                condition=Q(resends__isnull=True, resend_to="", card__isnull=True)
                | Q(resends__isnull=False, resend_to__in=["payer", "merchant"], approve_ticket=False),
            ),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(state="waiting"), name="refund_request_waiting"),
            models.Index(fields=["complaint"], condition=Q(state="waiting"), name="refund_request_of_case"),
            models.Index(fields=["remind_at"], condition=Q(state="waiting"), name="refund_request_remind"),
        ]

    @property
    def approval(self) -> dict[str, Any] | None:
        """What the approval of the refund ticket is made of; None where only a refund was asked for."""
        if not self.approve_ticket:
            return None
        return {"launch_refund_day": self.launch_refund_day, "remark": self.remark}


class OutgoingPicture(models.Model):
    """A picture that staff send. Its bytes were written anew by us: no metadata, one format. ``media_id`` is the
    platform's, per account, and used again."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=20)
    content = models.BinaryField()
    codes = models.JSONField(null=True, help_text="What codes in it say; empty: it could not be looked at.")
    media_id = models.CharField(max_length=512, blank=True)
    uploaded_at = models.DateTimeField(null=True)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sha256"], name="outgoing_picture_once")]
        indexes = [models.Index(fields=["created_at"], name="outgoing_picture_age")]


class Note(models.Model):
    """An internal note (备注): never sent to anybody outside the desk."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = SealedTextField()
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["complaint", "id"], name="note_of_complaint")]


class CaseView(models.Model):
    """Who has a case open: colleagues see it by ``seen_at``, and guards know by ``seen_entry`` what was read."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="views")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()
    seen_entry = models.BigIntegerField(default=0, help_text="The newest timeline row on the page.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "user"], name="case_view_once")]
        indexes = [models.Index(fields=["seen_at"], name="case_view_age")]


class Agreement(models.Model):
    """A message of the payer that a person marked as agreement (已同意): it counts as settled while it is the last."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="agreements")
    log_id = models.CharField(max_length=64)
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    marked_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "log_id"], name="agreement_once")]


class Allowance(models.Model):
    """What the red lines let pass for a merchant: its own service number, its own mini program and the like."""

    class Kind(models.TextChoices):
        PHONE = "phone"
        WECHAT_ID = "wechat_id"
        MINI_PROGRAM = "mini_program"
        DOMAIN = "domain"
        WORD = "word"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="allowances")
    sub_mchid = models.CharField(max_length=64, blank=True, default="", help_text="Empty for all of the account.")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    value = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "sub_mchid", "kind", "value"], name="allowance_once"),
            models.CheckConstraint(
                name="allowance_kind", condition=Q(kind__in=["phone", "wechat_id", "mini_program", "domain", "word"])
            ),
        ]


class QuickReply(models.Model):
    """A template of staff (快捷回复). ``text`` holds variables such as ``{amount}``; see ``quick_replies``."""

    name = models.CharField(max_length=60)
    text = models.TextField(max_length=1000)
    problem_type = models.CharField(max_length=40, blank=True, help_text="Offered first for these; empty for all.")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, help_text="Empty for every merchant.")
    position = models.PositiveIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], nulls_distinct=False, name="quick_reply_name"),
        ]
