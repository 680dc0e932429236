"""What a channel's answer means for the message, its key and its channel."""

from datetime import timedelta
from enum import StrEnum

RATE_PAUSE = timedelta(seconds=60)
"""How long a key rests after RATE: a breach of a minute's limit blocks for 60 s
(访问频率限制, https://developer.work.weixin.qq.com/document/path/90454)."""


class ErrorClass(StrEnum):
    SENT = "sent"
    RATE = "rate"  # rest the key, keep the message
    TRANSIENT = "transient"  # try again with backoff
    PAYLOAD = "payload"  # this message is refused: shorten or simplify it once, never loop
    CHANNEL_DEAD = "channel_dead"  # no message will pass: fail over now


WECOM_ERRORS: dict[int, ErrorClass] = {
    0: ErrorClass.SENT,
    -1: ErrorClass.TRANSIENT,  # busy
    40001: ErrorClass.TRANSIENT,  # an app's token: fetch a new one
    40014: ErrorClass.TRANSIENT,
    42001: ErrorClass.TRANSIENT,
    45009: ErrorClass.RATE,
    45033: ErrorClass.RATE,  # concurrency
    40008: ErrorClass.PAYLOAD,  # message type not allowed here
    40033: ErrorClass.PAYLOAD,  # characters
    40058: ErrorClass.PAYLOAD,  # a parameter, or too long
    45002: ErrorClass.PAYLOAD,  # too long
    42045: ErrorClass.PAYLOAD,  # card_action missing
    60111: ErrorClass.PAYLOAD,  # no valid receiver
    81013: ErrorClass.PAYLOAD,
    82001: ErrorClass.PAYLOAD,
    48002: ErrorClass.CHANNEL_DEAD,  # no permission
    60011: ErrorClass.CHANNEL_DEAD,
    60020: ErrorClass.CHANNEL_DEAD,  # address not trusted
    86003: ErrorClass.CHANNEL_DEAD,  # unknown group
    86008: ErrorClass.CHANNEL_DEAD,
    93000: ErrorClass.CHANNEL_DEAD,  # webhook invalid, or the robot was removed
    846605: ErrorClass.TRANSIENT,  # the request id has run out
    846607: ErrorClass.CHANNEL_DEAD,  # nobody has spoken to the robot there
    846608: ErrorClass.TRANSIENT,  # the stream has run out
}
"""By `errcode` (全局错误码, https://developer.work.weixin.qq.com/document/path/90313). HTTP says 200 to all of them."""


def classify_wecom(errcode: object) -> ErrorClass:
    """Only the integer 0 is SENT. An unknown code, or none, is TRANSIENT: tried again a bounded number of times."""
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        return ErrorClass.TRANSIENT
    return WECOM_ERRORS.get(errcode, ErrorClass.TRANSIENT)


def classify_http(status: int) -> ErrorClass:
    """The class of an HTTP status alone, for channels that speak HTTP properly (RFC 9110).

    For WeCom a 200 says nothing: read `errcode`.
    """
    if 200 <= status < 300:
        return ErrorClass.SENT
    if status == 429:
        return ErrorClass.RATE
    if status in (401, 403, 404, 410):
        return ErrorClass.CHANNEL_DEAD
    if status in (408, 425) or status >= 500:
        return ErrorClass.TRANSIENT
    return ErrorClass.PAYLOAD
