"""How many days each kind of data is kept, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings


@dataclass(frozen=True)
class Lifetime:
    """``days`` 0: kept for ever. ``what`` is English, for translation."""

    name: str
    days: int

    def ends_before(self, now: datetime) -> datetime | None:
        """What is older than this goes; None when nothing does."""
        return now - timedelta(days=self.days) if self.days else None


def lifetimes() -> list[Lifetime]:
    """In the order in which they are swept."""
    configuration = settings.CONFIGURATION
    return [
        Lifetime("notices", configuration.keep_notices_days),
        Lifetime("messages", configuration.keep_messages_days),
        Lifetime("pictures", configuration.keep_pictures_days),
        Lifetime("personal", configuration.keep_personal_days),
        Lifetime("complaints", configuration.keep_complaints_days),
    ]
