"""How long to wait before a delivery is tried again."""

DELAYS = (5, 30, 120, 600)
"""Seconds after the first, second, third and every further failed attempt (our own choice, configurable)."""

JITTER_SHARE = 0.25


def backoff(attempt: int, jitter: float = 0.0) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 1 on).

    `jitter`, between 0 and 1 and drawn by the caller, adds up to a quarter, so that messages which failed together do
    not come back together. Raises ValueError outside these ranges.
    """
    if attempt < 1:
        raise ValueError("Attempts count from 1.")
    if not 0 <= jitter <= 1:
        raise ValueError("Jitter lies between 0 and 1.")
    return DELAYS[min(attempt, len(DELAYS)) - 1] * (1 + JITTER_SHARE * jitter)
