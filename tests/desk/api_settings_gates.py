"""What the API's addresses of the settings let through; ``api_gates.API_GATES`` holds these too. All are the owner's.

Things that are not there are asked about: who is let so far is what the walk looks at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.accounts.roles import Permission
from tests.desk.gate import Gate

NOWHERE = 999_999
_PLACES = {"channel_id": NOWHERE, "rota_id": NOWHERE, "override_id": NOWHERE, "username": "nobody", "name": "none"}
_PLACES |= {"mchid": "0", "serial": "0", "sub_mchid": "0", "allowance_id": NOWHERE}


def _one(method: str = "GET", **data: Any) -> Gate:
    return Gate(Permission.SETTINGS, method, places=lambda side: _PLACES, data=data, of_complaint=False)


_ALL = Gate(Permission.SETTINGS)
_CHANNEL = {"name": "群", "kind": "email", "settings": {}}
_SPAN = {"starts_at": "2026-11-28T09:00+08:00", "ends_at": "2026-11-29T09:00+08:00"}
_KEYS = {"certificate": "", "private_key": ""}
SETTINGS_GATES: Mapping[str, Gate | list[Gate]] = {
    "/merchants/<mchid>": [_one(), _one("PATCH", name="")],
    "/merchants/<mchid>/ask": _one("POST"),
    "/merchants/<mchid>/callback": _one("POST"),
    "/merchants/<mchid>/look": _one("POST"),
    "/merchants/<mchid>/certificate": _one("POST", **_KEYS),
    "/merchants/<mchid>/apiv3-key": _one("POST", apiv3_key=""),
    "/merchants/<mchid>/platform-keys": _one("POST", serial="0", public_key=""),
    "/merchants/<mchid>/platform-keys/<serial>": _one("DELETE"),
    "/merchants/<mchid>/allowances": [_one(), _one("POST", kind="word", value="x")],
    "/merchants/<mchid>/platform-acts": _one(),
    "/allowances/<allowance_id>": _one("DELETE"),
    "/merchants/<mchid>/sub-merchants": _one(),
    "/merchants/<mchid>/sub-merchants/<sub_mchid>": _one("PUT", name=""),
    "/channels": [_ALL, Gate(Permission.SETTINGS, "POST", data=_CHANNEL)],
    "/channels/<channel_id>": [_one(), _one("PATCH", standby=True)],
    "/channels/<channel_id>/switch": _one("POST", enabled=False),
    "/channels/<channel_id>/test": _one("POST"),
    "/channels/<channel_id>/seen": _one("POST", seen=True),
    "/ladders": _ALL,
    "/ladder-text": [_ALL, Gate(Permission.SETTINGS, "PUT", data={})],
    "/ladders/<name>": [_one(), _one("PUT", steps=[]), _one("DELETE")],
    "/wake-preview": _ALL,
    "/reach": _ALL,
    "/quiet-hours": _ALL,
    "/quiet-hours/channels/<channel_id>": _one("PUT", quiet_hours=""),
    "/quiet-hours/people/<username>": _one("PUT", quiet_hours=""),
    "/rotas": [_ALL, Gate(Permission.SETTINGS, "POST", data={"name": "night", "members": ["owner-everything"]})],
    "/rotas/<rota_id>": [_one(), _one("PATCH", hour=8), _one("DELETE")],
    "/rotas/<rota_id>/members": _one("POST", username="nobody"),
    "/rotas/<rota_id>/members/<username>": _one("DELETE"),
    "/rotas/<rota_id>/overrides": _one("POST", username="nobody", **_SPAN),
    "/rotas/<rota_id>/overrides/<override_id>": _one("DELETE"),
    "/rotas/<rota_id>/swaps": _one("POST", one="2026-11-28", other="2026-12-05"),
}
