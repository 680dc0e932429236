"""Reads the JSON a script sends, field by field; every mistake becomes a sentence (ScriptError 400)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, overload

from starlette.requests import Request

from kesu.sandbox.errors import ScriptError


class Input:
    """The fields of a JSON object; `finish` refuses those nobody asked for."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._asked: set[str] = set()

    @classmethod
    async def read(cls, request: Request) -> Input:
        raw = await request.body()
        try:
            fields = json.loads(raw.decode("utf-8")) if raw else {}
        except (ValueError, RecursionError):
            raise ScriptError("the body is not JSON") from None
        if not isinstance(fields, dict):
            raise ScriptError("the body must be a JSON object")
        return cls(fields)

    @staticmethod
    def query_number(request: Request, name: str, *, default: int, least: int, most: int = 2**53) -> int:
        text = request.query_params.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 17 and least <= int(text) <= most):
            raise ScriptError(f"{name} must be a whole number from {least} to {most}")
        return int(text)

    def anything(self, name: str) -> Any:
        self._asked.add(name)
        return self._fields.get(name)

    def text(self, name: str, *, required: bool = False, longest: int = 4096) -> str | None:
        value = self.anything(name)
        if value is None:
            if required:
                raise ScriptError(f"{name} is missing")
            return None
        if not isinstance(value, str):
            raise ScriptError(f"{name} must be text")
        if len(value) > longest:
            raise ScriptError(f"{name} is longer than {longest} characters")
        return value

    def choice(self, name: str, choices: Sequence[str], *, required: bool = False) -> str | None:
        value = self.text(name, required=required)
        if value is not None and value not in choices:
            raise ScriptError(f"{name} must be one of {', '.join(choices)}")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> list[str]:
        value = self.anything(name)
        if value is None:
            return []
        if not isinstance(value, list) or any(one not in choices for one in value):
            raise ScriptError(f"{name} must be a list of {', '.join(choices)}")
        return value

    def integer(self, name: str, *, least: int, most: int) -> int | None:
        value = self.anything(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ScriptError(f"{name} must be a whole number from {least} to {most}")
        return value

    @overload
    def decimal(self, name: str, *, default: float) -> float: ...
    @overload
    def decimal(self, name: str, *, default: None) -> float | None: ...
    def decimal(self, name: str, *, default: float | None) -> float | None:
        value = self.anything(name)
        if value is None:
            return default
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise ScriptError(f"{name} must be a number")
        return float(value)

    def flag(self, name: str, *, required: bool = False) -> bool:
        value = self.anything(name)
        if value is None and not required:
            return False
        if not isinstance(value, bool):
            raise ScriptError(f"{name} must be true or false")
        return value

    def moment(self, name: str) -> datetime | None:
        """RFC 3339 with an offset."""
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise ValueError("no offset")
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            example = "2026-01-31T09:30:00+08:00"
            raise ScriptError(f"{name} must be a time with an offset, such as {example}") from None

    def finish(self) -> None:
        unknown = sorted(set(self._fields) - self._asked)
        if unknown:
            raise ScriptError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(self._asked))}")
