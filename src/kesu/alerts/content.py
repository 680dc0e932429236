"""What a push says, before a channel gives it its own form: one headline, a few rows, the payer's words, one link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kesu.alerts.text import byte_length, cut_bytes

LONGEST_LINK = 600


class Tone(StrEnum):
    """How loud a line is; the words are the WeCom robot's colours (orange-red, grey, green)."""

    WARNING = "warning"
    COMMENT = "comment"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Content:
    """``headline`` begins with time left and amount: a phone's preview shows some twenty characters.

    Every text is already neutralised (``text.neutralise``); ``quote`` is the payer's, and is what shrinks when it must.
    ``claim_text`` labels a button for claiming the case; empty where there is nothing to claim.
    """

    headline: str
    title: str
    tone: Tone = Tone.INFO
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    quote: str = ""
    quote_label: str = ""
    link: str = ""
    link_text: str = ""
    claim_text: str = ""
    cut_mark: str = "…"

    def plain(self, limit: int | None = None) -> str:
        """The content without any markup, in at most ``limit`` UTF-8 bytes."""
        head = [self.headline, " · ".join(part for part in (self.title, *self.notes) if part)]
        rows = [f"{row.label}: {row.value}" for row in self.rows]
        tail = f"{self.link_text}: {self.link}" if self.link else ""
        return fit(head, rows, self, lambda words: f"{self.quote_label}: {words}", tail, limit)


def fit(
    head: Sequence[str],
    rows: Sequence[str],
    content: Content,
    quoted: Callable[[str], str],
    tail: str,
    limit: int | None,
) -> str:
    """Join the parts and the content's quote by newlines in at most ``limit`` UTF-8 bytes.

    The quote shrinks first, then rows fall away from the last, then head lines; the first head line is cut at last.
    ``tail`` (the link) stays whole, unless it is longer than LONGEST_LINK bytes or than ``limit`` by itself.
    """
    quote = content.quote
    lines = [line for line in (*head, *rows) if line]
    whole = _joined(lines, quoted(quote) if quote else "", tail)
    if limit is None or byte_length(whole) <= limit:
        return whole
    if byte_length(tail) > min(LONGEST_LINK, limit):
        tail = ""
    while len(lines) > 1 and byte_length(_joined(lines, "", tail)) > limit:
        lines.pop()
    if byte_length(_joined(lines, "", tail)) > limit:
        room = limit - byte_length(tail) - 1 if tail else limit
        return _joined([cut_bytes(lines[0], room, "…")] if lines and room > 0 else [], "", tail)
    room = limit - byte_length(_joined(lines, quoted(""), tail))
    words = cut_bytes(quote, room, content.cut_mark) if quote and room > 0 else ""
    return _joined(lines, quoted(words) if words else "", tail)


def _joined(lines: Sequence[str], quote: str, tail: str) -> str:
    return "\n".join(part for part in (*lines, quote, tail) if part)
