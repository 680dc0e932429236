"""What was done at the desk, by whom. Only ``services.record`` writes here; triggers refuse every change."""

from __future__ import annotations

from django.db import models


class AuditEntry(models.Model):
    """One link of the chain. ``user_id`` is no foreign key: an entry outlives the person's account.

    ``hash`` is keyed with a key outside the database and covers every other column, so that whoever can write to
    the database still cannot make an entry that fits.
    """

    sequence = models.BigIntegerField(unique=True, help_text="1, 2, 3 and so on, without a gap.")
    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    username = models.CharField(max_length=150, blank=True)
    via = models.CharField(max_length=20)
    address = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=40)
    subject = models.CharField(max_length=200, blank=True, help_text="complaint:200000..., user:wang and the like.")
    details = models.JSONField(default=dict, help_text="Never a secret, a phone number or a payer's words.")
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["subject", "-sequence"], name="audit_by_subject"),
            models.Index(fields=["user_id", "-sequence"], name="audit_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"


class AuditHead(models.Model):
    """Where the chain ends: one row. Without it, entries cut off the end would leave a chain that still fits."""

    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64, help_text="Of the last entry.")
    seal = models.CharField(max_length=64, help_text="Keyed hash of the two.")

    class Meta:
        constraints = [models.CheckConstraint(name="audit_head_one", condition=models.Q(id=1))]
