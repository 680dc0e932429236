"""Reading robots that say HTTP 200 to everything: what happened is a number in the JSON of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2

from kesu.alerts.channels.base import ERRORS, Receipt, TransientError
from kesu.rules.classify import ErrorClass

Classify = Callable[[object, str], ErrorClass]


def json_object(answer: bytes) -> dict[str, Any] | None:
    """The answer's JSON object, or None for anything else."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def receipt_of(
    status: int, answer: bytes, digest: str, *, code: str, message: str, classify: Classify, secret: str
) -> Receipt:
    """The receipt, or the SendError that the number means.

    ``code`` and ``message`` name the answer's fields, ``classify`` gives the class of both, ``secret`` is covered in
    what is kept of the answer. An answer without a number proves nothing and is tried again.
    """
    found = json_object(answer)
    if found is None or code not in found:
        raise TransientError("the answer was not the robot's", http_status=status, payload_sha256=digest)
    text = str(found.get(message, "")).replace(secret, "****")[:300]
    number = str(found[code])[:20]
    error_class = classify(found[code], text)
    if status != httpx2.codes.OK and error_class is ErrorClass.SENT:
        error_class = ErrorClass.TRANSIENT
    if error_class is ErrorClass.SENT:
        return Receipt(status, number, text, digest)
    raise ERRORS[error_class](text, http_status=status, code=number, payload_sha256=digest)
