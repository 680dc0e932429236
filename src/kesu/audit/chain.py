"""The hashes that chain the entries. Keyed: nobody without ``keys.json`` can make one that fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from kesu.audit.models import AuditEntry, AuditHead
from kesu.vault import keyring

FIELDS = ("sequence", "at", "user_id", "username", "via", "address", "action", "subject", "details", "previous_hash")


def hash_of(entry: AuditEntry) -> str:
    """64 hex digits over every column but ``hash`` itself and the primary key, in one canonical form."""
    values: dict[str, Any] = {name: getattr(entry, name) for name in FIELDS}
    values["at"] = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(values, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return keyring().fingerprint(text, "audit.entry")


def seal_of(head: AuditHead) -> str:
    return keyring().fingerprint(f"{head.sequence}:{head.hash}", "audit.head")


def plain(value: Any) -> Any:
    """A value as JSON keeps it, whatever the database does with numbers. Raises TypeError for anything but text,
    whole numbers, truth values, nothing, lists and mappings of them."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value).replace("\0", "")
    if isinstance(value, Mapping):
        return {str(plain(str(name))): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"the audit keeps no {type(value).__name__}")
