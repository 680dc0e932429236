"""What every address of the API lets through; ``gates.GATES`` holds these too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.api_settings_gates import SETTINGS_GATES
from tests.desk.gate import PUBLIC, Gate
from tests.desk_seeds import PICTURE

PREFIX = "/api/v1"
NOWHERE = 999_999


def _case(side: Any) -> dict[str, Any]:
    return {"complaint_id": side.complaint.complaint_id}


_READ = Gate(Permission.VIEW, places=_case)


def _act(permission: Permission, **data: Any) -> Gate:
    return Gate(permission, "POST", places=_case, data=data)


def _of_nothing(permission: Permission | None, method: str, scope: str = "", **data: Any) -> Gate:
    """An address whose thing is not there: only who is let so far is looked at."""
    places = {"command_id": NOWHERE, "request_id": NOWHERE, "reply_id": NOWHERE}
    places |= {"webhook_id": NOWHERE, "delivery_id": NOWHERE, "person_id": NOWHERE, "token_id": NOWHERE}
    places |= {"invitation_id": NOWHERE, "session_id": NOWHERE, "view_id": NOWHERE}
    return Gate(permission, method, places=lambda side: places, data=data, of_complaint=False, scope=scope)


def _lists(sides: list[Any]) -> list[str]:
    lists = ["view=all", "only=mine", "only=overdue", "view=all&q=没发货", "view=all&q=5678", "view=all&q=20000000"]
    return [*lists, "view=all&merchant=果园", "merchant=1900000309", "view=all&assignee=-&least=1&since=2020-01-01"]


P = Permission
OF_A_COMPLAINT: Mapping[str, Gate | list[Gate]] = {
    "": _READ,
    "/commands": _READ,
    "/concerns": Gate(
        P.VIEW, places=_case, bare=False, queries=lambda sides: ["verb=complete", "verb=refund&amount=1"]
    ),
    "/rates": _READ,
    "/of-payer": _READ,
    "/conversation": _READ,
    "/audit": _READ,
    "/quick-replies": _READ,
    "/read-again": _act(P.VIEW),
    "/agreements/<log_id>": [
        Gate(P.COMPLETE, method, places=lambda side: _case(side) | {"log_id": "none"}) for method in ("PUT", "DELETE")
    ],
    "/release": _act(P.CLAIM),
    "/reply": _act(P.REPLY, text="您好, 已为您核实"),
    "/immediate-reply": _act(P.REPLY, blocks=[{"type": "TEXT", "text": {"text": "您好"}}]),
    "/complete": _act(P.COMPLETE),
    "/approve": _act(P.DECIDE_REFUND),
    "/reject": _act(P.DECIDE_REFUND, reason="已补发"),
    "/refund": _act(P.REFUND, amount=1),
    "/resend-refund": _act(P.REFUND, type="MERCHANT_BANK_CARD"),
    "/phone": _act(P.REVEAL_PHONE),
    "/notes": _act(P.NOTE, text="已电话联系"),
    "/claim": _act(P.CLAIM),
    "/assign": _act(P.ASSIGN, username="owner-everything"),
    "/lint": _act(P.VIEW, text="您好"),
    "/pictures": Gate(P.REPLY, "POST", places=_case, files={"file": PICTURE}),
}
_WEBHOOK = {"name": "工单系统", "url": "https://example.com/hook", "events": ["complaint.created"]}
_MERCHANT = {"mchid": "1", "certificate": "", "private_key": "", "apiv3_key": ""}
_NONE = [{"complaint_id": "none"}]
_REPLY = {"name": "致歉", "text": "您好, 非常抱歉给您带来不便"}
API_GATES: Mapping[str, Gate | list[Gate]] = {
    f"{PREFIX}/": PUBLIC,
    f"{PREFIX}/openapi.json": PUBLIC,
    f"{PREFIX}/complaints": Gate(P.VIEW, queries=_lists),
    f"{PREFIX}/pictures/<picture_id>": Gate(P.VIEW, places=lambda side: {"picture_id": side.picture.pk}),
    **{f"{PREFIX}/complaints/<complaint_id>{path}": gate for path, gate in OF_A_COMPLAINT.items()},
    f"{PREFIX}/export": Gate(P.EXPORT, queries=lambda sides: ["format=xlsx&view=all"]),
    f"{PREFIX}/views": [Gate(P.VIEW), Gate(method="POST", data={"name": "x", "only": "mine"}, scope="act")],
    f"{PREFIX}/views/<view_id>": _of_nothing(None, "DELETE", "act"),
    f"{PREFIX}/bulk/assign": Gate(P.ASSIGN, "POST", data={"username": "owner-everything", "rows": _NONE}),
    f"{PREFIX}/bulk/reply": Gate(P.REPLY, "POST", data={"text": "您好", "rows": _NONE}),
    f"{PREFIX}/commands/<command_id>": _of_nothing(P.VIEW, "GET"),
    f"{PREFIX}/commands/<command_id>/withdraw": _of_nothing(P.REPLY, "POST"),
    f"{PREFIX}/commands/<command_id>/settle": _of_nothing(P.OVERRIDE, "POST", carried_out=True, reason="平台可查到"),
    f"{PREFIX}/refund-requests": Gate(P.VIEW),
    f"{PREFIX}/refund-requests/<request_id>/decide": _of_nothing(P.SECOND_PAIR_OF_EYES, "POST", grant=True),
    f"{PREFIX}/quick-replies": [Gate(P.VIEW), Gate(P.TEMPLATES, "POST", data=_REPLY)],
    f"{PREFIX}/quick-replies/<reply_id>": [
        _of_nothing(P.TEMPLATES, "PUT", **_REPLY),
        _of_nothing(P.TEMPLATES, "DELETE"),
    ],
    f"{PREFIX}/quick-replies/<reply_id>/move": _of_nothing(P.TEMPLATES, "POST", by=1),
    f"{PREFIX}/quick-replies/check": Gate(P.TEMPLATES, "POST", data={"text": "您好"}),
    **{f"{PREFIX}{path}": gate for path, gate in SETTINGS_GATES.items()},
    f"{PREFIX}/people": [Gate(P.ASSIGN), Gate(P.PEOPLE, "POST", data={"username": "walker"})],
    f"{PREFIX}/people/<person_id>": [_of_nothing(P.PEOPLE, "GET"), _of_nothing(P.PEOPLE, "PATCH", role="viewer")],
    f"{PREFIX}/people/<person_id>/switch": _of_nothing(P.PEOPLE, "POST", active=True),
    f"{PREFIX}/people/<person_id>/end-sessions": _of_nothing(P.PEOPLE, "POST"),
    f"{PREFIX}/people/<person_id>/reset-second-step": _of_nothing(P.PEOPLE, "POST"),
    f"{PREFIX}/people/<person_id>/tokens": [
        _of_nothing(P.PEOPLE, "GET"),
        _of_nothing(P.PEOPLE, "POST", name="ERP", scopes=["read"]),
    ],
    f"{PREFIX}/tokens/<token_id>": _of_nothing(P.PEOPLE, "DELETE"),
    f"{PREFIX}/invitations": [Gate(P.PEOPLE), Gate(P.PEOPLE, "POST", data={"role": "viewer"})],
    f"{PREFIX}/invitations/<invitation_id>": _of_nothing(P.PEOPLE, "DELETE"),
    f"{PREFIX}/me": Gate(P.VIEW),
    f"{PREFIX}/me/sessions": Gate(P.VIEW),
    f"{PREFIX}/me/sessions/end-all": Gate(method="POST", scope="admin"),
    f"{PREFIX}/me/sessions/<session_id>": _of_nothing(None, "DELETE", "admin"),
    f"{PREFIX}/merchants": [Gate(P.VIEW), Gate(P.SETTINGS, "POST", data=_MERCHANT)],
    f"{PREFIX}/deliveries": Gate(P.DELIVERIES),
    f"{PREFIX}/deliveries/<delivery_id>/resend": Gate(
        P.RESEND, "POST", places=lambda side: {"delivery_id": side.push.pk}
    ),
    f"{PREFIX}/audit": Gate(P.AUDIT),
    f"{PREFIX}/audit/verify": Gate(P.AUDIT),
    f"{PREFIX}/system": Gate(P.SYSTEM),
    f"{PREFIX}/doctor": Gate(P.SETTINGS),
    f"{PREFIX}/retention": Gate(P.SETTINGS),
    f"{PREFIX}/privacy/erase": Gate(
        P.SETTINGS, "POST", data={"searched": "complaint", "value": "none", "dry_run": True}
    ),
    f"{PREFIX}/privacy/log": Gate(P.SETTINGS),
    f"{PREFIX}/webhooks": [Gate(P.SETTINGS), Gate(P.SETTINGS, "POST", data=_WEBHOOK)],
    f"{PREFIX}/webhooks/<webhook_id>": [
        _of_nothing(P.SETTINGS, "PUT", **_WEBHOOK),
        _of_nothing(P.SETTINGS, "DELETE"),
    ],
    f"{PREFIX}/webhooks/<webhook_id>/switch": _of_nothing(P.SETTINGS, "POST", enabled=True),
    f"{PREFIX}/webhooks/<webhook_id>/rotate": _of_nothing(P.SETTINGS, "POST"),
    f"{PREFIX}/webhooks/<webhook_id>/test": _of_nothing(P.SETTINGS, "POST"),
    f"{PREFIX}/webhook-deliveries": Gate(P.SETTINGS),
    f"{PREFIX}/webhook-deliveries/<delivery_id>/redeliver": _of_nothing(P.SETTINGS, "POST"),
}
