"""Chinese first, English complete: every text of the source is English, and every one has its Chinese."""

from __future__ import annotations

import re

from babel.messages.pofile import read_po

from tests.translations import LOCALE, compile_translations, wanted_texts

SOURCE = LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
CHINESE = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd]")


def catalog():
    with SOURCE.open("rb") as file:
        return read_po(file, locale="zh_Hans", abort_invalid=True)


def test_every_text_has_its_chinese():
    chinese = catalog()
    missing = []
    for wanted in wanted_texts():
        message = chinese.get(wanted.text, context=wanted.context or None)
        said = message.string if message else ""
        if not said or (isinstance(said, tuple) and not all(said)):
            missing.append(f"{wanted.place}: {wanted.text!r}")
    assert missing == []


def test_no_text_waits_for_a_page_that_is_gone():
    wanted = {(text.text, text.context) for text in wanted_texts()}
    idle = [
        message.id
        for message in catalog()
        if message.id
        and (message.id[0] if isinstance(message.id, tuple) else message.id, message.context or "") not in wanted
    ]
    assert idle == []


def test_placeholders_are_the_same_in_both_languages():
    for message in catalog():
        if not message.id:
            continue
        english = message.id[-1] if isinstance(message.id, tuple) else message.id
        for chinese in message.string if isinstance(message.string, tuple) else (message.string,):
            assert sorted(PLACEHOLDER.findall(english)) == sorted(PLACEHOLDER.findall(chinese)), english


def test_the_texts_of_the_source_are_english():
    # Where a person must find a place in the platform's Chinese console, its name stands beside the English.
    chinese = [text for text in wanted_texts() if CHINESE.search(text.text) and "desk" in text.place]
    assert chinese == []


def test_nothing_is_marked_as_a_guess():
    assert [message.id for message in catalog() if message.fuzzy and message.id] == []


def test_the_translations_compile():
    compile_translations()
    assert SOURCE.with_suffix(".mo").stat().st_size > 1000
