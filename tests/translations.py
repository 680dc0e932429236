"""The translations of the source tree, compiled as a build does it: a test never sees an older build's words."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from types import ModuleType

from babel.messages.extract import extract
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

ROOT = Path(__file__).parents[1]
LOCALE = ROOT / "src" / "kesu" / "locale"


def build_hook() -> ModuleType:
    """``hatch_build.py``, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compile_translations() -> None:
    """Django read the words of an earlier build when it started: it is made to read again."""
    build_hook().compile_messages(LOCALE)
    trans_real._translations.clear()
    trans_real._default = None


KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}


@dataclass(frozen=True)
class Wanted:
    """A text of the source that people read. ``plural`` and ``context`` are empty where there is none."""

    text: str
    plural: str
    context: str
    place: str


def wanted_texts() -> Iterator[Wanted]:
    """Every text that templates and Python modules hand to gettext."""
    package = ROOT / "src" / "kesu"
    for path in sorted(package.rglob("*.html")):
        # What stands for a page is read as Python, where the page's indentation would mean something.
        lines = templatize(path.read_text(), origin=str(path)).split("\n")
        yield from _extract("\n".join(line.lstrip() for line in lines), path)
    for path in sorted(package.rglob("*.py")):
        yield from _extract(path.read_text(), path)


def _extract(source: str, path: Path) -> Iterator[Wanted]:
    for line, found, _comments, context in extract("python", BytesIO(source.encode()), KEYWORDS):
        text, plural = (found[0], found[1]) if isinstance(found, tuple) else (found, "")
        yield Wanted(text, plural, context or "", f"{path.relative_to(ROOT)}:{line}")
