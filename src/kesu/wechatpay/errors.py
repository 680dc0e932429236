"""What can go wrong when talking to WeChat Pay.

    WeChatPayError
    |-- CipherError              a ciphertext, key or nonce does not fit
    |-- NoticeRejected           a pushed notice must not be believed (see `rejections.py`)
    |-- MediaRefused             an image that the platform would refuse, or a URL that is not the platform's
    |-- PacingTimeout            our own pacing would have made the caller wait too long; nothing was sent
    |-- TransportError
    |   |-- ConnectFailed        no connection: the platform certainly did not act
    |   `-- TimedOut             sent, but no whole answer came back: it may have acted
    |-- ResponseNotVerified      an answer came, but its signature does not hold
    |-- UnexpectedAnswer         a verified answer whose content cannot be used
    `-- PlatformError            the platform answered with an error (status, code, message, request_id, ...)
        |-- ParameterError       PARAM_ERROR
        |-- InvalidRequest       INVALID_REQUEST
        |   |-- WrongState       the case or order is not in a state that allows this
        |   `-- AlreadyExists    e.g. a second notify URL
        |-- TooMuchData          当前查询结果数据量过大: ask for fewer rows
        |-- SignError            SIGN_ERROR
        |-- NoAuth               NO_AUTH
        |-- NotFound             RESOURCE_NOT_EXISTS and the like
        |-- NotEnoughBalance     NOT_ENOUGH: the merchant cannot pay the refund
        |-- RateLimited          any 429, FREQUENCY_LIMITED, RATELIMIT_EXCEEDED
        `-- PlatformFailure      SYSTEM_ERROR and any 5xx

Two questions matter to a caller and every error answers both:
`retryable`        may the same call succeed later without anybody changing anything?
`outcome_unknown`  may the platform have acted although we got an error? Then read before repeating.
"""

# The names say what happened, as the platform's codes do.
from __future__ import annotations

from typing import Any


class WeChatPayError(Exception):
    """Base of everything this package raises on purpose (wrong arguments are plain `ValueError`)."""

    retryable: bool = False
    outcome_unknown: bool = False


class CipherError(WeChatPayError):
    """A ciphertext cannot be opened, or a plaintext cannot be sealed, with the given key."""


class MediaRefused(WeChatPayError):
    """The image breaks the platform's limits (JPG, BMP or PNG, 2 MB), or its URL is not the platform's."""


class PacingTimeout(WeChatPayError):
    """Waiting for our turn would take longer than the pacer's `max_wait`. Nothing was sent."""

    retryable = True


class TransportError(WeChatPayError):
    """The network failed."""

    retryable = True


class ConnectFailed(TransportError):
    """No connection to any of the platform's hosts. The platform certainly did not act."""


class TimedOut(TransportError):
    """The request left us, but no complete answer came back. A command may have been carried out."""

    def __init__(self, message: str, *, outcome_unknown: bool) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class ResponseNotVerified(WeChatPayError):
    """The answer's signature does not hold: `reason` is one of `missing_headers`, `stale_timestamp`,
    `unknown_serial`, `signature_probe`, `bad_signature`. A probe is sent on purpose: try again."""

    retryable = True

    def __init__(self, reason: str, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.outcome_unknown = outcome_unknown


class UnexpectedAnswer(WeChatPayError):
    """A genuine answer of success whose content cannot be used (not JSON, no complaint_id, too large)."""

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class PlatformError(WeChatPayError):
    """The platform answered with an error.

    status: HTTP status. code, message: from the JSON body ("" when absent). request_id: the `Request-ID`
    header ("" when absent). numeric_code: the tail of the Request-ID after its last "-" (the platform's
    own error number, 排障手册), None when there is none. detail: the body's `detail`, as received.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        request_id: str = "",
        detail: Any = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.numeric_code = numeric_tail(request_id)
        self.detail = detail
        self.outcome_unknown = outcome_unknown

    def __str__(self) -> str:
        return (
            f"{self.code or 'no code'} (HTTP {self.status}): {self.message or 'no message'} "
            f"[Request-ID {self.request_id or 'absent'}]"
        )


class ParameterError(PlatformError):
    """PARAM_ERROR: a field is missing, malformed or out of range."""


class InvalidRequest(PlatformError):
    """INVALID_REQUEST: the request breaks a rule of the platform."""


class WrongState(InvalidRequest):
    """The case (or order) is not in a state that allows the operation, or it was already done."""


class AlreadyExists(InvalidRequest):
    """The thing to create is already there (e.g. the one notify URL an account may have)."""


class TooMuchData(PlatformError):
    """当前查询结果数据量过大: the answer would be too large; ask for fewer rows."""


class SignError(PlatformError):
    """SIGN_ERROR: the platform could not verify our signature (key, serial number, clock)."""


class NoAuth(PlatformError):
    """NO_AUTH: the calling merchant may not do this."""


class NotFound(PlatformError):
    """The thing does not exist (RESOURCE_NOT_EXISTS, MCH_NOT_EXISTS, ORDER_NOT_EXIST or a 404)."""


class NotEnoughBalance(PlatformError):
    """NOT_ENOUGH: the merchant's balance does not cover the refund."""


class RateLimited(PlatformError):
    """Too many calls. On a refund it means "accepted, look again" (`outcome_unknown` is then True)."""

    retryable = True


class PlatformFailure(PlatformError):
    """SYSTEM_ERROR or any 5xx: the platform failed; a command may have been carried out."""

    retryable = True


_BY_CODE: dict[str, type[PlatformError]] = {
    "PARAM_ERROR": ParameterError,
    "INVALID_REQUEST": InvalidRequest,
    "SIGN_ERROR": SignError,
    "NO_AUTH": NoAuth,
    "RESOURCE_NOT_EXISTS": NotFound,
    "MCH_NOT_EXISTS": NotFound,
    "ORDER_NOT_EXIST": NotFound,
    "NOT_FOUND": NotFound,
    "NOT_ENOUGH": NotEnoughBalance,
    "FREQUENCY_LIMITED": RateLimited,
    "FREQUENCY_LIMIT_EXCEED": RateLimited,
    "RATELIMIT_EXCEEDED": RateLimited,
    "SYSTEM_ERROR": PlatformFailure,
}
_BY_NUMBER: dict[int, type[PlatformError]] = {
    268440133: WrongState,
    268435484: AlreadyExists,
    268447840: RateLimited,
    268443699: SignError,
    270701078: NoAuth,
}
_BY_MESSAGE: tuple[tuple[str, type[PlatformError]], ...] = (
    ("数据量过大", TooMuchData),
    ("单据状态不支持操作", WrongState),
    ("数据已存在", AlreadyExists),
)


def error_class(status: int, code: str, message: str, number: int | None) -> type[PlatformError]:
    """The class for an error answer. What was said exactly (message, number) wins over the broad code;
    a status wins only where it is unambiguous (429, 5xx) or nothing else is known."""
    for words, kind in _BY_MESSAGE:
        if words in message:
            return kind
    if number in _BY_NUMBER:
        return _BY_NUMBER[number]
    if status == 429:
        return RateLimited
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status >= 500:
        return PlatformFailure
    return NotFound if status == 404 else PlatformError


def numeric_tail(request_id: str) -> int | None:
    """The number after the last "-" of a Request-ID; None when there is none."""
    _, dash, tail = request_id.rpartition("-")
    return int(tail) if dash and tail.isascii() and tail.isdigit() and len(tail) <= 18 else None
