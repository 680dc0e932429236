"""What was deleted on whose word, what is yet to be deleted, and how far the sweeps have come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from kesu.complaints.models import Complaint


class Erasure(models.Model):
    """Personal data was deleted on request. Rows are only ever added; a trigger refuses to change or remove one.

    Who asked for what and how much it was, never the value that was searched for.
    """

    class Subject(models.TextChoices):
        PHONE = "phone"
        OPENID = "openid"
        COMPLAINT = "complaint"
        POSTPONED = "postponed"

    at = models.DateTimeField()
    actor = models.CharField(max_length=80, help_text="Who gave the order; kesu itself for what was postponed.")
    subject = models.CharField(max_length=10, choices=Subject.choices)
    found = models.PositiveIntegerField(help_text="Complaints of the payer.")
    erased = models.PositiveIntegerField()
    postponed = models.PositiveIntegerField(help_text="Open ones, to be erased once they are closed.")
    texts = models.PositiveIntegerField(help_text="Entries of histories whose words were erased.")
    pictures = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="erasure_subject", condition=Q(subject__in=["phone", "openid", "complaint", "postponed"])
            ),
        ]


class Forgotten(models.Model):
    """A complaint whose payer is to be forgotten: once it is closed, and again if the platform told us anew later."""

    complaint = models.OneToOneField(Complaint, on_delete=models.CASCADE, related_name="forgotten")
    texts = models.BooleanField(help_text="Words and pictures too; else only who the payer is.")
    asked_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)


class Progress(models.Model):
    """How far a sweep along complaints has come: everything raised before (``at``, ``number``) is done."""

    name = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()
    number = models.BigIntegerField()
