"""Yuan as people write them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from kesu.cli.environment import fail
from kesu.cli.language import _


def fen(yuan: str) -> int:
    """ "19.90" is 1990. Ends the command for anything that is no amount in whole fen."""
    try:
        amount = Decimal(yuan.strip()) * 100
    except InvalidOperation:
        fail(_("An amount is written in yuan, such as 19.90."))
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount < 10**15:
        fail(_("An amount is written in yuan, such as 19.90."))
    return int(amount)


def yuan(fen: int | None, unlimited: str = "") -> str:
    return unlimited if fen is None else f"{fen // 100}.{fen % 100:02d}"
