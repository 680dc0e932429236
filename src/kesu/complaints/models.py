"""The mirror of the platform's complaints. Only ``services.mirror`` writes it; every row carries its account."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from kesu.merchants.models import Account
from kesu.vault.fields import SealedTextField

MARKED = (
    Q(user_complaint_times__gt=1)
    | Q(in_platform_service=True)
    | Q(need_immediate_service=True)
    | Q(incoming_user_response=True)
    | Q(user_tags__contains=["HIGH_RISK"])
)
"""What is worth a mark is rare: one index of these serves a list narrowed to any of them."""


class Complaint(models.Model):
    """投诉单. Times are UTC, money is fen. ``state`` is the platform's word, unknown words included."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    complaint_id = models.CharField(max_length=64)
    complainted_mchid = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=30)
    complaint_time = models.DateTimeField()
    detail = models.TextField(blank=True)
    problem_type = models.CharField(max_length=40, blank=True)
    problem_description = models.TextField(blank=True)
    amount = models.BigIntegerField(null=True, help_text="Sum of the orders complained about, fen.")
    apply_refund_amount = models.BigIntegerField(null=True, help_text="fen")
    user_complaint_times = models.PositiveIntegerField(default=1)
    full_refunded = models.BooleanField(default=False)
    incoming_user_response = models.BooleanField(default=False)
    in_platform_service = models.BooleanField(default=False)
    need_immediate_service = models.BooleanField(default=False)
    is_agent_mode = models.BooleanField(default=False)
    user_tags = models.JSONField(default=list)
    payer_phone = SealedTextField(null=True)
    payer_phone_fingerprint = models.CharField(max_length=64, blank=True)
    payer_phone_tail = models.CharField(max_length=4, blank=True)
    payer_openid = SealedTextField(null=True)
    payer_openid_fingerprint = models.CharField(max_length=64, blank=True)
    raw = SealedTextField(help_text="The detail as received, JSON.")

    # Which snapshot this row shows: the platform's own clock when it answered, then its own order within a second.
    answered_at = models.DateTimeField()
    version = models.BigIntegerField(help_text="rank of (times, state, history length) within one second")
    history_read_at = models.DateTimeField()

    # Derived from the platform's history by rules.states; kept here so that lists need no join.
    round_number = models.PositiveIntegerField(default=1)
    open = models.BooleanField()
    replied = models.BooleanField()
    reply_due_at = models.DateTimeField()
    complete_due_at = models.DateTimeField()
    next_due_at = models.DateTimeField(null=True, help_text="The nearest deadline still owed; empty when nothing is.")
    read_again_at = models.DateTimeField(
        null=True, help_text="An open complaint is read again then, whatever was heard."
    )

    # The desk's own, never the platform's.
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)

    first_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "complaint_id"], name="complaint_complaint_id"),
            models.CheckConstraint(name="complaint_times", condition=Q(user_complaint_times__gte=1)),
            models.CheckConstraint(name="complaint_deadlines", condition=Q(complete_due_at__gte=F("reply_due_at"))),
            models.CheckConstraint(name="complaint_owed", condition=Q(open=True) | Q(next_due_at__isnull=True)),
            models.CheckConstraint(
                name="complaint_open_has_deadline", condition=Q(open=False) | Q(next_due_at__isnull=False)
            ),
            models.CheckConstraint(name="complaint_processed", condition=~Q(state="PROCESSED") | Q(open=False)),
        ]
        indexes = [
            models.Index(fields=["next_due_at", "id"], condition=Q(open=True), name="complaint_open_due"),
            models.Index(fields=["read_again_at"], condition=Q(open=True), name="complaint_read_again"),
            models.Index(
                fields=["account", "next_due_at", "id"], condition=Q(open=True), name="complaint_open_of_account"
            ),
            models.Index(
                fields=["next_due_at", "id"],
                condition=Q(open=True, claimed_by__isnull=True),
                name="complaint_open_unclaimed",
            ),
            models.Index(
                fields=["next_due_at", "id"],
                condition=Q(open=True, user_complaint_times__gt=1),
                name="complaint_open_again",
            ),
            models.Index(
                fields=["next_due_at", "id"],
                condition=Q(open=True, in_platform_service=True),
                name="complaint_open_platform",
            ),
            models.Index(
                fields=["claimed_by", "next_due_at", "id"],
                condition=Q(open=True, claimed_by__isnull=False),
                name="complaint_open_claimed",
            ),
            models.Index(fields=["-complaint_time", "-id"], name="complaint_newest"),
            models.Index(fields=["-complaint_time", "-id"], condition=MARKED, name="complaint_newest_marked"),
            models.Index(
                fields=["claimed_by", "-complaint_time", "-id"],
                condition=Q(claimed_by__isnull=False),
                name="complaint_newest_claimed",
            ),
            models.Index(fields=["complaint_id"], opclasses=["varchar_pattern_ops"], name="complaint_by_number"),
            models.Index(
                fields=["payer_phone_tail", "-complaint_time"],
                condition=~Q(payer_phone_tail=""),
                name="complaint_by_phone_tail",
            ),
            models.Index(fields=["account", "complainted_mchid", "complaint_time"], name="complaint_of_merchant"),
            models.Index(
                fields=["payer_openid_fingerprint"],
                condition=~Q(payer_openid_fingerprint=""),
                name="complaint_by_openid",
            ),
            models.Index(
                fields=["payer_phone_fingerprint"],
                condition=~Q(payer_phone_fingerprint=""),
                name="complaint_by_phone",
            ),
        ]

    def __str__(self) -> str:
        return self.complaint_id


class Order(models.Model):
    """An order complained about; one a complaint today, an array by the platform's schema."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="orders")
    transaction_id = models.CharField(max_length=64)
    out_trade_no = models.CharField(max_length=64, blank=True)
    amount = models.BigIntegerField(null=True, help_text="fen")
    paid_at = models.DateTimeField(null=True)
    payment_due_at = models.DateTimeField(null=True, help_text="When to ask for paid_at; empty: not any more.")
    payment_tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "transaction_id"], name="order_transaction")]
        indexes = [
            models.Index(
                fields=["payment_due_at"], condition=Q(payment_due_at__isnull=False), name="order_payment_due"
            ),
            models.Index(fields=["transaction_id"], name="order_by_transaction"),
            models.Index(fields=["out_trade_no"], condition=~Q(out_trade_no=""), name="order_by_trade_number"),
        ]


class ServiceOrder(models.Model):
    """A 支付分 order as it stood when the complaint was raised; the platform never refreshes it."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="service_orders")
    order_id = models.CharField(max_length=128)
    out_order_no = models.CharField(max_length=128, blank=True)
    state = models.CharField(max_length=30, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "order_id"], name="service_order_id")]
        indexes = [
            models.Index(fields=["order_id"], name="service_order_by_id"),
            models.Index(fields=["out_order_no"], condition=~Q(out_order_no=""), name="service_order_by_number"),
        ]


class TimelineEntry(models.Model):
    """One row of the negotiation history (协商历史), keyed by the platform's ``log_id``."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="timeline")
    log_id = models.CharField(max_length=64)
    operate_type = models.CharField(max_length=80)
    operate_time = models.DateTimeField()
    operator = models.CharField(max_length=64, blank=True)
    details = models.TextField(blank=True)
    raw = SealedTextField(help_text="The entry as received, JSON.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["complaint", "log_id"], name="timeline_log")]
        indexes = [models.Index(fields=["complaint", "operate_time", "log_id"], name="timeline_order")]


class PayerText(models.Model):
    """The payer's words of one complaint as the search reads them; see ``search``. Only that module writes it."""

    complaint = models.OneToOneField(Complaint, on_delete=models.CASCADE, primary_key=True, related_name="payer_text")
    text = models.TextField(help_text="Normalised: width, case and spaces do not matter.")
    pairs = ArrayField(models.IntegerField(), help_text="Every two neighbouring characters as one number.")

    class Meta:
        indexes = [GinIndex(fields=["pairs"], name="payer_text_pairs")]


class PayerTextBacklog(models.Model):
    """How far complaints of an older version were read into ``PayerText``: those numbered below wait."""

    below = models.BigIntegerField()


class Round(models.Model):
    """One pass from PENDING to PROCESSED, with its own reply and completion deadline."""

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="rounds")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    replied = models.BooleanField(default=False)
    replied_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    reply_due_at = models.DateTimeField()
    complete_due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint", "number"], name="round_number"),
            models.CheckConstraint(name="round_deadlines", condition=Q(complete_due_at__gte=F("reply_due_at"))),
        ]


class MediaBlob(models.Model):
    """A picture's bytes, stored once by content."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    content_type = models.CharField(max_length=60)
    content = models.BinaryField()
    stored_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["stored_at"], name="blob_age")]


class Media(models.Model):
    """A picture of a complaint: fetched while the platform's address lives, kept by hash."""

    class State(models.TextChoices):
        WAITING = "waiting"
        STORED = "stored"
        LOST = "lost"

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="media")
    log_id = models.CharField(
        max_length=64, blank=True, help_text="The timeline row that showed it; empty for the complaint's own."
    )
    media_type = models.CharField(max_length=40, blank=True)
    url = models.CharField(max_length=600)
    url_fingerprint = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    blob = models.ForeignKey(MediaBlob, on_delete=models.PROTECT, null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint", "log_id", "url_fingerprint"], name="media_once"),
            models.CheckConstraint(name="media_stored_has_blob", condition=~Q(state="stored") | Q(blob__isnull=False)),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="media_due")]


class SavedView(models.Model):
    """A list that a person wants to come back to; nobody else sees it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000, help_text="The inbox's own parameters, as complaints.narrowing has them.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "desk_savedview"
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_view_name")]

    def __str__(self) -> str:
        return self.name
