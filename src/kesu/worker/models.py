"""Which workers live, and what the watchdog saw."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """One worker process. A row that is not renewed is a worker that is gone; its leases run out by themselves."""

    name = models.CharField(max_length=120, primary_key=True, help_text="host:pid")
    version = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()


class Watch(models.Model):
    """One invariant as the watchdog last found it. ``kesu doctor`` and the metrics read it."""

    name = models.CharField(max_length=60, primary_key=True)
    violations = models.PositiveIntegerField(default=0)
    examples = models.JSONField(default=list, help_text="Primary keys of a few rows that violate it.")
    healed = models.PositiveBigIntegerField(default=0, help_text="Repairs ever made or asked for.")
    since = models.DateTimeField(null=True, help_text="Since when it is violated without a break.")
    checked_at = models.DateTimeField()
