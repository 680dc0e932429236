"""One writing for all writings of the same words, with the way back to the original."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from kesu.rules.redlines.characters import (
    CLAUSE_MARKS,
    DIGITS,
    HEART,
    HEARTS,
    LOOK_ALIKES,
    MEANINGS,
    SENTENCE_MARKS,
    TRADITIONAL,
    squared_letter,
)

CLAUSE, SENTENCE = "，", "。"
_UNSEEN = frozenset({"Cf", "Mn", "Me", "Cc", "Cn", "Co", "Cs"})
_STROKES = frozenset("丨丶丿亅")  # Han characters that serve as separators
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")  # letters that show nothing


@dataclass(frozen=True, slots=True)
class View:
    """A text and, for each of its characters, the index in the original that it came from."""

    text: str
    origins: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's span of `text[start:end]`, which must not be empty."""
        return self.origins[start], self.origins[end - 1] + 1


@dataclass(frozen=True, slots=True)
class Normalised:
    """`plain` keeps punctuation and spaces: numbers and addresses need them.

    `dense` holds Han characters, a-z, 0-9, `+@%❤` and two marks only: whatever else stands between is gone, so that a
    word split up is a word again.
    """

    original: str
    plain: View
    dense: View


@lru_cache(maxsize=4096)
def fold(character: str) -> str:
    """Zero or more characters: NFKC, small letters, simplified, digits as digits; unseen ones are gone."""
    if character in "\n\r":
        return "\n"
    if character in MEANINGS:
        return MEANINGS[character]
    if character in HEARTS or character == HEART:
        return HEART
    if character in _FILLERS or unicodedata.category(character) in _UNSEEN:
        return "" if character != "\t" else " "
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    letter = squared_letter(ord(character))
    if letter:
        return letter
    folded = unicodedata.normalize("NFKC", character).lower()
    return "".join(
        TRADITIONAL.get(part, LOOK_ALIKES.get(part, part))
        for part in folded
        if unicodedata.category(part) not in _UNSEEN
    )


@lru_cache(maxsize=4096)
def dense_of(character: str) -> str:
    """What a folded character is in the dense view: itself, a mark, or nothing."""
    if character in CLAUSE_MARKS:
        return CLAUSE
    if character in SENTENCE_MARKS:
        return SENTENCE
    if character in _STROKES:
        return ""
    if character.isascii():
        return character if character.isalnum() or character in "+@%" else ""
    return character if _is_han(character) or character == HEART or character in DIGITS else ""


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def normalise(text: str) -> Normalised:
    plain: list[str] = []
    plain_origins: list[int] = []
    for index, character in enumerate(text):
        for folded in fold(character):
            plain.append(folded)
            plain_origins.append(index)
    dense: list[str] = []
    dense_origins: list[int] = []
    for folded, index in zip(plain, plain_origins, strict=True):
        kept = dense_of(folded)
        if kept:
            dense.append(kept)
            dense_origins.append(index)
    return Normalised(
        original=text,
        plain=View("".join(plain), tuple(plain_origins)),
        dense=View("".join(dense), tuple(dense_origins)),
    )


def densely(text: str) -> str:
    return normalise(text).dense.text
