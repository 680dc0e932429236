"""The inbox: notices as they came, durable before they are acknowledged."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kesu.merchants.models import Account


class Notice(models.Model):
    """A verified notice. It is a hint only: what happened is read from the platform."""

    class State(models.TextChoices):
        RECEIVED = "received"
        PROCESSED = "processed"
        PARKED = "parked"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    envelope_id = models.CharField(max_length=64)
    event_type = models.CharField(max_length=64)
    action_type = models.CharField(max_length=64)
    complaint_id = models.CharField(max_length=64)
    body = models.BinaryField(help_text="The envelope as received; its content is still encrypted.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # A resent notice carries the same id (complaint FAQ); action and complaint repeat legitimately.
            models.UniqueConstraint(fields=["account", "envelope_id"], name="notice_envelope"),
            models.CheckConstraint(name="notice_state", condition=Q(state__in=["received", "processed", "parked"])),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="received"), name="notice_due"),
            models.Index(fields=["-id"], condition=Q(state="parked"), name="notice_parked"),
        ]


class Rejection(models.Model):
    """A refused notice, for the eye of whoever connects an account; the newest thousand are kept."""

    at = models.DateTimeField()
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True)
    reason = models.CharField(max_length=40)
    detail = models.CharField(max_length=300, blank=True)
    remote = models.CharField(max_length=64, blank=True)
    size = models.PositiveIntegerField(default=0)
    count = models.PositiveIntegerField(
        default=1, help_text="Equal refusals of the same second are counted, not repeated."
    )
