"""The command line's words, in Chinese or English. English only where the environment asks for it: Chinese
comes first.
"""

from __future__ import annotations

import gettext
import os
from pathlib import Path

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def chosen() -> str:
    """``zh-hans`` or ``en``: ``KESU_LANGUAGE``, then the terminal's locale, then Chinese."""
    explicit = os.environ.get("KESU_LANGUAGE")
    if explicit in ("zh-hans", "en"):
        return explicit
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if spoken.lower().startswith("en") else "zh-hans"


def _catalogue() -> gettext.NullTranslations:
    if chosen() == "en":
        return gettext.NullTranslations()
    return gettext.translation("django", LOCALE, languages=["zh_Hans"], fallback=True)


_ = _catalogue().gettext
