"""What the webhooks' pages let through; ``gates`` has all of the desk's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.gate import Gate


def _nothing(side: Any) -> dict[str, Any]:
    """Whoever may comes through to a 404: what is asked about is not there."""
    return {"pk": 999_999}


def _one(method: str = "GET") -> Gate:
    return Gate(Permission.SETTINGS, method, places=_nothing, of_complaint=False)


WEBHOOK_GATES: Mapping[str, Gate | list[Gate]] = {
    "/settings/webhooks": [Gate(Permission.SETTINGS), Gate(Permission.SETTINGS, "POST")],
    "/settings/webhooks/<int:pk>": [_one(), _one("POST")],
    "/settings/webhooks/<int:pk>/act": _one("POST"),
    "/settings/webhooks/deliveries/<int:pk>/redeliver": _one("POST"),
}
