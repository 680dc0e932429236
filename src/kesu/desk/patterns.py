"""Parts of a page that stand there many times, or always alike: the template is asked once, then only filled in.

Asking a template about fifty rows costs ten times as much as putting their words into a text. A template used here asks
of a value only whether there is one, and else shows it as it is: parts in which the same values are there read alike
but for these. The pattern that is left without them is nobody's, and is kept, in each language, for whoever asks next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape

from django.template import Context, Template
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

Values = Mapping[str, str | bool]
"""Texts, and what is only asked for."""

_GAP = re.compile(r"\0(\w+)\0")
_MOST_PATTERNS = 500


def filled(template: Template, name: str, parts: Iterable[Values], around: Values) -> SafeString:
    """``template`` once for each of ``parts``, which it knows by ``name``, with what is ``around`` all of them.

    As in any template, values are escaped unless they are safe already. A name is in one of the two only.
    """
    language, outside = get_language(), _there(around)
    same = _texts(around)
    pieces = [_pattern(template, language, name, _there(part), outside) % (same | _texts(part)) for part in parts]
    return mark_safe("".join(pieces))  # noqa: S308 - a template's texts, and values escaped one by one


def written(pattern: str, values: Mapping[str, str | int]) -> SafeString:
    """``format_html`` for what is said a hundred times a page: ``pattern`` names its values as ``%`` does."""
    return mark_safe(pattern % _texts(values))  # noqa: S308 - our own text, and values escaped one by one


def _there(values: Values) -> tuple[str, ...]:
    return tuple(known for known, value in values.items() if value)


def _texts(values: Mapping[str, str | int]) -> dict[str, str]:
    return {known: value if isinstance(value, SafeString) else escape(str(value)) for known, value in values.items()}


@lru_cache(maxsize=_MOST_PATTERNS)
def _pattern(
    template: Template, language: str | None, name: str, there: tuple[str, ...], around: tuple[str, ...]
) -> str:
    """For ``%``, with a place for each value. The language is the active one."""
    gaps = {known: f"\0{known}\0" for known in (*there, *around)}
    context = {known: gaps[known] for known in around} | {name: {known: gaps[known] for known in there}}
    return _GAP.sub(r"%(\1)s", template.render(Context(context)).replace("%", "%%"))
