"""What every address of one case lets through; ``gates.GATES`` holds these too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.gate import Gate

NOWHERE = 999_999
P = Permission


def _case(side: Any) -> dict[str, Any]:
    return {"pk": side.complaint.pk}


def _nothing(side: Any) -> dict[str, Any]:
    """Something of a case that is not there: only who is let so far is looked at."""
    return {"pk": NOWHERE, "request_pk": NOWHERE, "refund_pk": NOWHERE, "command_pk": NOWHERE, "token": "nonsense"}


def _act(permission: Permission, **data: Any) -> Gate:
    return Gate(permission, "POST", places=_case, data=data)


CASE = "/cases/<int:pk>"
CASE_GATES: Mapping[str, Gate | list[Gate]] = {
    CASE: Gate(P.VIEW, places=_case, queries=lambda sides: ["together=1", "again=1"]),
    f"{CASE}/live": Gate(P.VIEW, places=_case, queries=lambda sides: ["stamp=0", "stamp=0&seen=0.0&together=1"]),
    f"{CASE}/audit": Gate(P.VIEW, places=_case),
    f"{CASE}/claim": _act(P.CLAIM, do="claim"),
    f"{CASE}/reply": [
        _act(P.REPLY, text="您好, 已为您核实"),
        _act(P.REPLY, do="immediate", text="您好"),
        _act(P.REPLY, do="template", template="1"),
    ],
    f"{CASE}/lint": [_act(P.VIEW, text="您好"), _act(P.VIEW, form="reject", text="已补发")],
    f"{CASE}/outgoing/<str:token>": Gate(P.REPLY, places=_nothing, of_complaint=False),
    f"{CASE}/complete": _act(P.COMPLETE),
    f"{CASE}/approve": [_act(P.DECIDE_REFUND), _act(P.DECIDE_REFUND, do="only")],
    f"{CASE}/reject": _act(P.DECIDE_REFUND, text="已补发"),
    f"{CASE}/refund": [_act(P.REFUND, fen="1"), _act(P.REFUND, do="look", amount="1")],
    f"{CASE}/refunds/<int:refund_pk>/resend": Gate(P.REFUND, "POST", places=_nothing, of_complaint=False),
    f"{CASE}/requests/<int:request_pk>": Gate(P.SECOND_PAIR_OF_EYES, "POST", places=_nothing, of_complaint=False),
    f"{CASE}/commands/<int:command_pk>/withdraw": Gate(P.REPLY, "POST", places=_nothing, of_complaint=False),
    f"{CASE}/commands/<int:command_pk>/settle": Gate(P.OVERRIDE, "POST", places=_nothing, of_complaint=False),
    f"{CASE}/note": _act(P.NOTE, text="已电话联系"),
    f"{CASE}/assign": _act(P.ASSIGN, to="1"),
    f"{CASE}/agreement": _act(P.COMPLETE, log_id="none"),
    f"{CASE}/phone": _act(P.REVEAL_PHONE),
    f"{CASE}/reread": _act(P.VIEW),
}
