"""What must be read from the platform, and how far the polls have come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kesu.merchants.models import Account


class Refresh(models.Model):
    """One complaint to be read again. Requests for the same complaint fall together in one row.

    ``wanted`` counts requests: a request that arrives while a read is under way raises it, and the row stays due.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        PARKED = "parked"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    complaint_id = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40)
    priority = models.PositiveSmallIntegerField(
        help_text="0 is read first: what was heard, before what is only checked."
    )
    wanted = models.PositiveIntegerField(default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    requested_at = models.DateTimeField()
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, help_text="A worker reads it now; taken over when this has passed.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "complaint_id"], name="refresh_complaint"),
            models.CheckConstraint(name="refresh_state", condition=Q(state__in=["waiting", "parked"])),
        ]
        indexes = [
            models.Index(fields=["priority", "due_at"], condition=Q(state="waiting"), name="refresh_due"),
            models.Index(
                fields=["priority", "account", "due_at"], condition=Q(state="waiting"), name="refresh_of_account"
            ),
        ]


class Poll(models.Model):
    """A repeated listing of one account's complaints over one window. Resumes at ``offset`` after a crash."""

    class Tier(models.TextChoices):
        NEWEST = "newest"
        RECENT = "recent"
        MONTH = "month"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    tier = models.CharField(max_length=8, choices=Tier.choices)
    due_at = models.DateTimeField()
    begin_day = models.DateField(null=True, help_text="Beijing day; empty between runs.")
    end_day = models.DateField(null=True)
    offset = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(null=True)
    listed = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "tier"], name="poll_tier"),
            models.CheckConstraint(name="poll_tier_known", condition=Q(tier__in=["newest", "recent", "month"])),
        ]
        indexes = [models.Index(fields=["due_at"], name="poll_due")]
