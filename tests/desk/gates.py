"""What every address of the desk lets through. ``test_gate`` walks all of them; one that is not here fails there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.api_gates import API_GATES
from tests.desk.case_gates import CASE_GATES
from tests.desk.gate import OWN, PUBLIC, Gate
from tests.desk.settings_gates import SETTINGS_GATES
from tests.desk.webhook_gates import WEBHOOK_GATES


def _inbox(sides: list[Any]) -> list[str]:
    views = ["view=all", "only=mine", "only=unclaimed", "only=soon", "only=repeat", "only=platform", "only=overdue"]
    views += [
        "view=all&q=没发货",
        "view=all&q=5678",
        "view=all&q=20000000",
        "view=all&merchant=果园",
        "merchant=1900000309",
    ]
    views += ["view=all&mark=again&problem=OTHERS&state=PENDING&least=1&since=2020-01-01&assignee=-"]
    return [*views, "mark=0&" + "&".join(f"row={side.complaint.pk}:00000000" for side in sides)]


def _token(side: Any) -> dict[str, Any]:
    return {"token": side.link}


def _nothing(side: Any) -> dict[str, Any]:
    return {"pk": 999_999, "token": "nonsense", "channel_pk": 999_999}


GATES: Mapping[str, Gate | list[Gate]] = {
    **API_GATES,
    **CASE_GATES,
    **WEBHOOK_GATES,
    **SETTINGS_GATES,
    "/": Gate(Permission.VIEW, queries=_inbox),
    "/live": Gate(Permission.VIEW, queries=_inbox),
    "/bulk": [
        Gate(Permission.ASSIGN, "POST", data={"do": "assign", "case": "1", "to": "wang"}),
        Gate(Permission.REPLY, "POST", data={"do": "reply", "case": "1"}),
        Gate(Permission.EXPORT, "POST", data={"do": "csv", "case": "1"}),
    ],
    "/export": [
        Gate(Permission.EXPORT, "POST", data={"query": "view=all", "format": "csv"}),
        Gate(Permission.EXPORT, "POST", data={"query": "view=all", "format": "xlsx"}),
    ],
    "/views/save": Gate(Permission.VIEW, "POST", data={"name": "x", "query": "only=mine"}),
    "/views/<int:pk>/remove": Gate(method="POST", places=_nothing, of_complaint=False),
    "/media/<int:pk>": Gate(Permission.VIEW, places=lambda side: {"pk": side.picture.pk}),
    "/deliveries": Gate(Permission.DELIVERIES, queries=lambda sides: ["state=failed", "state=sent", "before=999999"]),
    "/deliveries/<int:pk>/resend": Gate(Permission.RESEND, "POST", places=lambda side: {"pk": side.push.pk}),
    # Leads on to the case, which has its own gate.
    "/open/<str:token>": Gate(Permission.VIEW, places=_token, of_complaint=False),
    "/system": Gate(Permission.SYSTEM),
    "/sign-in": PUBLIC,
    "/sign-in/second-step": PUBLIC,
    "/sign-in/passkey": PUBLIC,
    "/sign-in/start-over": PUBLIC,
    "/sign-in/wecom": PUBLIC,
    "/sign-in/wecom/back": PUBLIC,
    "/sign-out": OWN,
    "/language": PUBLIC,
    "/theme": PUBLIC,
    "/join/<str:token>": PUBLIC,
    "/callbacks/wecom/<int:channel_pk>": PUBLIC,
    "/me/": OWN,
    "/me/language": OWN,
    "/me/sessions/<int:pk>/end": Gate(method="POST", places=_nothing, of_complaint=False),
    "/me/sessions/end-others": Gate(method="POST"),
    "/me/password": OWN,
    "/me/confirm": OWN,
    "/me/confirm/code": OWN,
    "/me/confirm/passkey": OWN,
    "/me/authenticator/add": OWN,
    "/me/authenticator/remove": OWN,
    "/me/recovery-codes": OWN,
    "/me/recovery-codes/new": OWN,
    "/me/recovery-codes/download": OWN,
    "/me/passkeys/add": OWN,
    "/me/passkeys/<int:pk>/rename": Gate(places=_nothing, of_complaint=False),
    "/me/passkeys/<int:pk>/remove": Gate(places=_nothing, of_complaint=False),
}
