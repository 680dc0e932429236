"""A month of a rota as a calendar shows it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from kesu.alerts.models import Rota
from kesu.alerts.people import rota_of
from kesu.clock import BEIJING
from kesu.rules.rota import Duty, duties


def weeks(row: Rota, first: date, today: date, names: dict[str, str]) -> list[list[dict[str, Any]]]:
    """The month in weeks from Monday, each day with who is on call in it."""
    start = first - timedelta(days=first.weekday())
    next_month = (first + timedelta(days=32)).replace(day=1)
    number = -(-(next_month - start).days // 7) * 7
    days = [start + timedelta(days=offset) for offset in range(number)]
    begin, end = (
        datetime.combine(day, time(0), BEIJING).astimezone(UTC) for day in (start, days[-1] + timedelta(days=1))
    )
    found = duties(rota_of(row), begin, end)
    cells = [_cell(day, found, names, today, first.month) for day in days]
    return [cells[place : place + 7] for place in range(0, len(cells), 7)]


def _cell(day: date, found: list[Duty], names: dict[str, str], today: date, month: int) -> dict[str, Any]:
    begin = datetime.combine(day, time(0), BEIJING)
    end = begin + timedelta(days=1)
    shown = [
        {
            "person": names.get(duty.person, duty.person),
            "agreed": duty.overridden,
            "from": f"{duty.starts_at.astimezone(BEIJING):%H:%M}" if duty.starts_at > begin else "",
        }
        for duty in found
        if duty.starts_at < end and duty.ends_at > begin
    ]
    return {"day": day.day, "duties": shown, "today": day == today, "other": day.month != month}
