"""Programs of a merchant's own that are told of complaints: where they are, what they are owed, and each try."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from kesu.complaints.models import Complaint
from kesu.merchants.models import Account
from kesu.vault.fields import SealedTextField


class Endpoint(models.Model):
    """An address that takes signed events. Its address may hold a token, so it is sealed like the secrets."""

    name = models.CharField(max_length=60, unique=True)
    url = SealedTextField()
    secret = SealedTextField(help_text="whsec_ and base64.")
    previous_secret = SealedTextField(null=True, help_text="Signs too, until previous_until.")
    previous_until = models.DateTimeField(null=True)
    events = models.JSONField(default=list, help_text="Types of events (rules.hooks.SUBSCRIBABLE).")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, help_text="Empty: every account.")
    sub_mchid = models.CharField(max_length=64, blank=True, help_text="Only complaints against this merchant.")
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=200, blank=True)
    failing_since = models.DateTimeField(null=True, help_text="Since when it took nothing.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="endpoint_sub_mchid_of_account", condition=Q(sub_mchid="") | Q(account__isnull=False)
            ),
            models.CheckConstraint(
                name="endpoint_previous_secret_ends",
                condition=Q(previous_secret__isnull=True, previous_until__isnull=True)
                | Q(previous_secret__isnull=False, previous_until__isnull=False),
            ),
            models.CheckConstraint(
                name="endpoint_disabled_for_a_reason", condition=Q(enabled=False) | Q(disabled_reason="")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """Something that happened to a complaint, as it is told. Written in the transaction of its cause.

    Its number grows with time within a complaint: it is the payload's ``sequence``.
    """

    event_id = models.UUIDField(unique=True, help_text="The same with every try and every endpoint.")
    type = models.CharField(max_length=30)
    complaint = models.ForeignKey(
        Complaint, on_delete=models.CASCADE, db_index=False, null=True, related_name="hook_events"
    )
    cause = models.CharField(max_length=120, help_text="Names it within its complaint: it happens once.")
    data = SealedTextField(null=True, help_text="JSON as it is told; empty once the payer's words were erased.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint", "cause"], name="hook_event_once"),
            models.CheckConstraint(
                name="hook_event_type",
                condition=Q(
                    type__in=[
                        "complaint.created",
                        "complaint.updated",
                        "complaint.continued",
                        "complaint.completed",
                        "complaint.due_soon",
                        "webhook.test",
                    ]
                ),
            ),
        ]


class Delivery(models.Model):
    """One event owed to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0, help_text="All tries; names the one under way.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failed tries since it was last owed anew.")
    error = models.CharField(max_length=200, blank=True)
    due_at = models.DateTimeField(help_text="When to try; while a worker tries, when its lease ends.")
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="hook_delivery_once"),
            models.CheckConstraint(
                name="hook_delivery_state", condition=Q(state__in=["pending", "delivered", "failed"])
            ),
            models.CheckConstraint(
                name="hook_delivery_delivered_at",
                condition=Q(state="delivered", delivered_at__isnull=False)
                | ~Q(state="delivered") & Q(delivered_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["endpoint", "due_at", "id"], condition=Q(state="pending"), name="hook_delivery_due"),
            models.Index(fields=["due_at"], condition=Q(state="pending"), name="hook_delivery_next"),
            models.Index(fields=["endpoint", "-id"], name="hook_delivery_newest"),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="hook_delivery_failed"),
        ]


class DeliveryAttempt(models.Model):
    """One try and the answer. Written before the try; a crash leaves SENDING."""

    class Outcome(models.TextChoices):
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"
        INTERRUPTED = "interrupted"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, db_index=False, related_name="log")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices, default=Outcome.SENDING)
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status; empty without an answer.")
    error = models.CharField(max_length=200, blank=True)
    duration_ms = models.PositiveIntegerField(default=0)
    response = models.CharField(max_length=500, blank=True, help_text="The beginning of the answer.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="hook_attempt_number"),
            models.CheckConstraint(
                name="hook_attempt_outcome",
                condition=Q(outcome__in=["sending", "delivered", "failed", "interrupted"]),
            ),
        ]


class Lookout(models.Model):
    """How far ahead deadlines were looked for, for one lead: all that end before ``reached`` were told."""

    lead_seconds = models.PositiveIntegerField(primary_key=True)
    reached = models.DateTimeField()
