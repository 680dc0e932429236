"""Checks a request's body against the documented fields: presence, type, length in characters or bytes, enums.

A field that no page mentions is refused with its own number (270924358), as the platform does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kesu.sandbox.errors import UNKNOWN_PARAMETER, parameter_error


@dataclass(frozen=True)
class Field:
    required: bool = field(default=False, kw_only=True)

    def check(self, value: Any, path: str) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Field):
    """A string. `characters`, `octets` (UTF-8): the longest allowed."""

    characters: int | None = None
    octets: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, str):
            raise parameter_error(f"{path}的类型应为字符串")
        if self.required and not value:
            raise parameter_error(f"{path}不能为空")
        if self.characters is not None and len(value) > self.characters:
            raise parameter_error(f"{path}长度超过限制{self.characters}")
        if self.octets is not None and len(value.encode()) > self.octets:
            raise parameter_error(f"{path}长度超过限制{self.octets}字节")
        if self.choices and value not in self.choices:
            raise parameter_error(f"{path}的取值不在枚举范围内")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise parameter_error(f"{path}的格式错误")


@dataclass(frozen=True)
class Whole(Field):
    """An integer within bounds."""

    least: int = 0
    most: int = 2**63 - 1

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise parameter_error(f"{path}的类型应为整数")
        if not self.least <= value <= self.most:
            raise parameter_error(f"{path}超出取值范围")


@dataclass(frozen=True)
class YesNo(Field):
    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, bool):
            raise parameter_error(f"{path}的类型应为布尔值")


@dataclass(frozen=True)
class Many(Field):
    """A list of at most `most` things of one kind."""

    of: Field = field(default_factory=Text)
    most: int | None = None

    def check(self, value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise parameter_error(f"{path}的类型应为数组")
        if self.most is not None and len(value) > self.most:
            raise parameter_error(f"{path}最多{self.most}项")
        for index, item in enumerate(value):
            self.of.check(item, f"{path}[{index}]")


@dataclass(frozen=True)
class Group(Field):
    """An object with these fields and no others."""

    fields: Mapping[str, Field] = field(default_factory=dict)

    def check(self, value: Any, path: str = "") -> None:
        if not isinstance(value, dict):
            raise parameter_error(f"{path or '请求体'}应为JSON对象")
        prefix = f"{path}." if path else ""
        for name in value:
            if name not in self.fields:
                raise parameter_error(f"请求中含有多余的参数: {prefix}{name}", UNKNOWN_PARAMETER)
        for name, one in self.fields.items():
            if name in value:
                one.check(value[name], prefix + name)
            elif one.required:
                raise parameter_error(f"缺少必填参数: {prefix}{name}")
