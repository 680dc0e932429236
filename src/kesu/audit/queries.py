"""Reads of the audit, for whoever may: ``Permission.AUDIT``."""

from __future__ import annotations

from kesu.audit.models import AuditEntry


def entries(
    *, username: str = "", action: str = "", subject: str = "", before: int = 0, limit: int = 50
) -> list[AuditEntry]:
    """The newest first, paged by sequence: pass the last one of a page as ``before`` of the next. Empty words narrow
    nothing."""
    found = AuditEntry.objects.order_by("-sequence")
    wanted = {"username": username, "action": action, "subject": subject}
    found = found.filter(**{name: value for name, value in wanted.items() if value})
    if before:
        found = found.filter(sequence__lt=before)
    return list(found[:limit])
