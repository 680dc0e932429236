"""What is worth an entry."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """Kept as text: an entry made by an older version keeps its word."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    PHONE_REVEALED = "phone_revealed"
    REPLIED = "replied"
    COMPLETED = "completed"
    REFUND_APPROVED = "refund_approved"
    REFUND_REJECTED = "refund_rejected"
    REFUNDED = "refunded"
    REFUND_RESENT = "refund_resent"
    REFUND_REQUESTED = "refund_requested"
    REFUND_REQUEST_DECIDED = "refund_request_decided"
    OVERRIDDEN = "overridden"
    COMMAND_SETTLED = "command_settled"
    NOTED = "noted"
    CLAIMED = "claimed"
    RELEASED = "released"
    ASSIGNED = "assigned"
    AGREEMENT_MARKED = "agreement_marked"
    PUSH_RESENT = "push_resent"
    EXPORTED = "exported"
    ERASED = "erased"
    SETTING_CHANGED = "setting_changed"
    PERSON_CHANGED = "person_changed"
    TOKEN_CREATED = "token_created"  # noqa: S105 - a word, not a token
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - a word, not a token
