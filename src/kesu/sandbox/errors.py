"""The platform's refusals: HTTP status, code, message, and the number at the tail of `Request-ID`.

Sources: the error tables of each endpoint's page; 排障手册 for the numbers that are not of complaints.
"""

from __future__ import annotations

STATUS_OF = {
    "PARAM_ERROR": 400,
    "INVALID_REQUEST": 400,
    "SIGN_ERROR": 401,
    "NO_AUTH": 403,
    "NOT_ENOUGH": 403,
    "USER_ACCOUNT_ABNORMAL": 403,
    "RESOURCE_NOT_EXISTS": 404,
    "ORDER_NOT_EXIST": 404,
    "MCH_NOT_EXISTS": 404,
    "NOT_FOUND": 404,
    "FREQUENCY_LIMITED": 429,
    "RATELIMIT_EXCEEDED": 429,
    "SYSTEM_ERROR": 500,
}

ILLEGAL_PARAMETER = 268435461
ALREADY_EXISTS = 268435484
RATE_EXCEEDED = 268447840
WRONG_STATE = 268440133
BAD_SIGNATURE = 268443699
NOT_ACCEPTED_BY = 268443701
UNKNOWN_PARAMETER = 270924358
NO_PERMISSION = 270701078
UNSPECIFIED = 268435456


class PlatformError(Exception):
    """A refusal as it goes over the wire. `number`: the tail of Request-ID."""

    def __init__(self, code: str, message: str, number: int = UNSPECIFIED, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.number = number
        self.status = status or STATUS_OF.get(code, 400)


def parameter_error(message: str, number: int = ILLEGAL_PARAMETER) -> PlatformError:
    return PlatformError("PARAM_ERROR", message, number)


def invalid_request(message: str, number: int = ILLEGAL_PARAMETER) -> PlatformError:
    return PlatformError("INVALID_REQUEST", message, number)


def no_authority(message: str, number: int = NO_PERMISSION) -> PlatformError:
    return PlatformError("NO_AUTH", message, number)


def not_found(message: str, code: str = "RESOURCE_NOT_EXISTS", status: int | None = None) -> PlatformError:
    return PlatformError(code, message, ILLEGAL_PARAMETER, status)


def too_often(message: str = "频率超过限制, 请降低请求频率") -> PlatformError:
    return PlatformError("FREQUENCY_LIMITED", message, RATE_EXCEEDED)


class ScriptError(Exception):
    """The control API was asked for something impossible. `status`: 400 bad input, 404 unknown, 409 wrong state."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
