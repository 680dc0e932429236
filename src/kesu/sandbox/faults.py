"""Troubles that a script can order: which part is hit, how, how often."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from kesu.sandbox.errors import ScriptError

KINDS = {
    "wechatpay": {
        "status": "answer with this HTTP status (default 500)",
        "errcode": "answer with this platform code, e.g. FREQUENCY_LIMITED (default SYSTEM_ERROR)",
        "timeout": "do it, but answer only after so many real seconds (default 60)",
        "drop": "break the connection; value `after`: only after doing it",
        "forge": "sign the answer wrongly",
        "signtest": "answer with a WECHATPAY/SIGNTEST/ probe for a signature",
        "half": "answer with half of it; value `cut` (default), `short`, `signed`, `empty` or `page`",
    },
    "notice": {
        "status": "take the receiver's answer for this HTTP status (default 500), whatever it was",
        "timeout": "take the receiver's answer for no answer",
        "drop": "lose the notice for good",
        "duplicate": "push it so many times more (default 1), with the same id",
        "reorder": "hold it back for so many virtual seconds (default 30)",
        "forge": "before it, push a forged one with a wrong signature",
        "signtest": "before it, push it with a WECHATPAY/SIGNTEST/ probe for a signature",
    },
    "wecom": {
        "status": "answer with this HTTP status (default 502) and no JSON",
        "errcode": "refuse with this errcode (default 45009)",
        "timeout": "show the message, but answer only after so many real seconds (default 60)",
        "drop": "break the connection; value `after`: only after showing the message",
        "lie": "HTTP 200 and no receipt; value `page` (default), `empty`, `no_code`, `text_code`, `null_code`, `list`",
    },
}
_ROBOTS = ("wecom", "dingtalk", "feishu", "wecom_app")
KINDS |= {channel: KINDS["wecom"] for channel in _ROBOTS}
"""What each kind means, by target. Any other pair is refused."""

_WORDS = {
    "drop": ("before", "after"),
    "half": ("cut", "short", "signed", "empty", "page"),
    "lie": ("page", "empty", "no_code", "text_code", "null_code", "list"),
}
"""The values that a kind knows."""

_NUMERIC = {
    ("wechatpay", "status"),
    ("wechatpay", "timeout"),
    ("notice", "status"),
    ("notice", "duplicate"),
    ("notice", "reorder"),
    *((channel, kind) for channel in _ROBOTS for kind in ("status", "errcode", "timeout")),
}


@dataclass
class Fault:
    """One order. rate: chance of each occasion; count: how many times at most (None: no end);
    path: only requests whose path (and query, where robots have their keys) contains it.
    struck: how often it has hit."""

    target: str
    kind: str
    value: Any = None
    rate: float = 1.0
    count: int | None = None
    path: str | None = None
    struck: int = 0

    @property
    def is_used_up(self) -> bool:
        return self.count is not None and self.struck >= self.count

    @property
    def comes_after(self) -> bool:
        """Whether what was asked for is done all the same."""
        return self.kind in ("timeout", "forge", "signtest", "half") or self.value == "after"

    def number(self, default: float) -> float:
        return default if self.value is None else float(self.value)

    def word(self) -> str:
        """The value, or the kind's first one."""
        return str(self.value or _WORDS[self.kind][0])


class Faults:
    """The orders in force; the first that fits an occasion strikes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.active: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Raises ScriptError 400 for a pair, value, rate or count that makes no sense."""
        if fault.target not in KINDS:
            raise ScriptError(f"target must be one of {', '.join(KINDS)}")
        if fault.kind not in KINDS[fault.target]:
            raise ScriptError(f"kind for {fault.target} must be one of {', '.join(KINDS[fault.target])}")
        if not 0 <= fault.rate <= 1:
            raise ScriptError("rate must be between 0 and 1")
        if fault.count is not None and fault.count < 1:
            raise ScriptError("count must be at least 1")
        self._check_value(fault)
        self.active.append(fault)

    def clear(self) -> None:
        self.active.clear()

    def strike(self, target: str, path: str = "") -> Fault | None:
        """The fault that hits this occasion, counted; None when all is well."""
        for fault in self.active:
            fits = fault.target == target and (fault.path is None or fault.path in path)
            if fits and self._random.random() < fault.rate:
                fault.struck += 1
                self.active = [one for one in self.active if not one.is_used_up]
                return fault
        return None

    @staticmethod
    def _check_value(fault: Fault) -> None:
        value = fault.value
        if value is None:
            return
        if (fault.target, fault.kind) in _NUMERIC:
            if not isinstance(value, int | float) or isinstance(value, bool) or not -1e9 < value < 1e9:
                raise ScriptError(f"value of {fault.kind} must be a number")
            if fault.kind == "status" and not 200 <= value <= 599:
                raise ScriptError("value of status must be an HTTP status between 200 and 599")
        elif fault.kind == "errcode" and not isinstance(value, str):
            raise ScriptError("value of errcode must be a platform code")
        elif fault.kind in _WORDS and value not in _WORDS[fault.kind]:
            raise ScriptError(f"value of {fault.kind} must be one of {', '.join(_WORDS[fault.kind])}")
