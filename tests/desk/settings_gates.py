"""What every address of the settings lets through; ``gates`` has all of the desk's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.gate import Gate

SETTINGS, PEOPLE, TEMPLATES, AUDIT = Permission.SETTINGS, Permission.PEOPLE, Permission.TEMPLATES, Permission.AUDIT


def _nothing(side: Any) -> dict[str, Any]:
    """Whoever may comes through to a 404: what is asked about is not there."""
    return {"pk": 999_999, "name": "default", "kind": "wecom_robot"}


def _page(permission: Permission) -> Gate:
    return Gate(permission)


def _press(permission: Permission) -> Gate:
    """Nothing is filled in, so that nothing happens."""
    return Gate(permission, "POST")


def _one(permission: Permission, method: str = "GET") -> Gate:
    return Gate(permission, method, places=_nothing, of_complaint=False)


SETTINGS_GATES: Mapping[str, Gate | list[Gate]] = {
    "/welcome": _page(SETTINGS),
    "/welcome/dismiss": _press(SETTINGS),
    "/settings/": _page(SETTINGS),
    "/settings/connect": _page(SETTINGS),
    "/settings/connect/check": _press(SETTINGS),
    "/settings/merchants": _page(SETTINGS),
    "/settings/merchants/<int:pk>": [_one(SETTINGS), _one(SETTINGS, "POST")],
    **{
        f"/settings/merchants/<int:pk>/{act}": _one(SETTINGS, "POST")
        for act in ("ask", "callback", "look", "keys", "allow")
    },
    "/settings/allowances/<int:pk>/remove": _one(SETTINGS, "POST"),
    "/settings/sub-merchants/<int:pk>": _one(SETTINGS, "POST"),
    "/settings/people": _page(PEOPLE),
    "/settings/people/invite": _press(PEOPLE),
    "/settings/people/add": _press(PEOPLE),
    "/settings/invitations/<int:pk>/withdraw": _one(PEOPLE, "POST"),
    "/settings/people/<int:pk>": [_one(PEOPLE), _one(PEOPLE, "POST")],
    **{
        f"/settings/people/<int:pk>/{act}": _one(PEOPLE, "POST")
        for act in ("switch", "end-sessions", "reset-second-step", "tokens")
    },
    "/settings/tokens/<int:pk>/revoke": _one(PEOPLE, "POST"),
    "/settings/channels": _page(SETTINGS),
    "/settings/channels/new/<str:kind>": [_one(SETTINGS), _one(SETTINGS, "POST")],
    "/settings/channels/<int:pk>": [_one(SETTINGS), _one(SETTINGS, "POST")],
    **{f"/settings/channels/<int:pk>/{act}": _one(SETTINGS, "POST") for act in ("test", "seen", "switch")},
    "/settings/wake": _page(SETTINGS),
    "/settings/wake/text": [_page(SETTINGS), _press(SETTINGS)],
    "/settings/wake/new": _press(SETTINGS),
    "/settings/wake/ladders/<str:name>": [_one(SETTINGS), _one(SETTINGS, "POST")],
    "/settings/wake/ladders/<str:name>/remove": _one(SETTINGS, "POST"),
    "/settings/quiet-hours": [_page(SETTINGS), _press(SETTINGS)],
    "/settings/rota": _page(SETTINGS),
    "/settings/rota/new": _press(SETTINGS),
    "/settings/rota/<int:pk>": _one(SETTINGS),
    "/settings/rota/<int:pk>/change": _one(SETTINGS, "POST"),
    "/settings/templates": _page(TEMPLATES),
    "/settings/templates/new": [_page(TEMPLATES), _press(TEMPLATES)],
    "/settings/templates/check": _press(TEMPLATES),
    "/settings/templates/<int:pk>": [_one(TEMPLATES), _one(TEMPLATES, "POST")],
    "/settings/templates/<int:pk>/move": _one(TEMPLATES, "POST"),
    "/settings/templates/<int:pk>/remove": _one(TEMPLATES, "POST"),
    "/settings/retention": _page(SETTINGS),
    "/settings/audit": Gate(AUDIT, queries=lambda sides: ["person=x", "action=sign_in", "before=3", "subject=y"]),
    "/settings/audit/verify": _press(AUDIT),
}
