"""Every address of the API with a token of each scope: an owner's token does what its scope is for, and no more."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from kesu.accounts.tokens import PERMISSIONS, Scope
from tests.desk.api_gates import API_GATES
from tests.desk.gate import Gate
from tests.security.walking import NOWHERE, filled

WALK = [
    (route, gate)
    for route, gates in API_GATES.items()
    for gate in (gates if isinstance(gates, list) else [gates])
    if not gate.public
]


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_what_it_is_for_and_nothing_else(call, token, day, scope: Scope):
    secret = token(scopes=(str(scope),))
    numbers = {"": {"complaint_id": day["case"].complaint_id}, "/api/v1/commands": {"command_id": NOWHERE}}
    opened = 0
    for route, gate in WALK:
        answer = _ask(call, route, gate, numbers, secret)
        told = answer.told or {}
        lacks = answer.status_code == 403 and isinstance(told, dict) and told.get("code") == "scope_missing"
        wanted = scope == gate.scope if gate.scope else gate.permission in PERMISSIONS[scope]
        assert lacks != wanted, f"{gate.method} {route} with {scope}"
        opened += not lacks
    assert opened > 3


def _ask(call, route: str, gate: Gate, numbers, secret: str):
    address = filled(route, numbers).removeprefix("/api/v1")
    if gate.files:
        files = {name: SimpleUploadedFile(name, body) for name, body in gate.files.items()}
        return call("post", address, secret=secret, data=files)
    query = "?verb=complete" if address.endswith("/concerns") else ""
    body = dict(gate.data) if gate.method in ("POST", "PUT", "PATCH") else None
    return call(gate.method.lower(), address + query, body, secret=secret)
