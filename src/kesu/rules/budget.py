"""How many messages a robot key may still send."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

LIMIT = 18
WINDOW = timedelta(seconds=60)


class Availability(NamedTuple):
    """`free_at` is `now` when `free`, else the first instant at which one message fits."""

    free: bool
    free_at: datetime


def available(
    used_at: Sequence[datetime], now: datetime, limit: int = LIMIT, window: timedelta = WINDOW
) -> Availability:
    """Whether a key with these sends may send now: fewer than `limit` in any `window`.

    A WeCom robot takes 20 messages a minute (消息推送配置说明, https://developer.work.weixin.qq.com/document/path/99110).
    Whether the minute slides is not documented: the sliding reading is the stricter one, and two stay spare.
    Sends in the future (another machine's clock runs ahead) count as well. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError("A budget needs a limit of at least one.")
    recent = sorted(used for used in used_at if used > now - window)
    if len(recent) < limit:
        return Availability(free=True, free_at=now)
    return Availability(free=False, free_at=recent[len(recent) - limit] + window)
