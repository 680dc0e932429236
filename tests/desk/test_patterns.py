"""Rows are written from patterns: they read as their template would write them, and nothing of anybody stays behind."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from django.template import Context, Template
from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import override

from kesu.desk import patterns

HOSTILE = "<b>\"'& 100% %(pk)s %s \0words\0 \0pk\0 {{ row.pk }} {pk}"
ROW = {
    "pk": "17",
    "stamp": "0123abcd",
    "address": "/cases/17",
    "pick": True,
    "tone": "red",
    "clock": format_html('<span title="{}">1</span>', HOSTILE),
    "amount": "¥1.00",
    "merchant": HOSTILE,
    "problem": HOSTILE,
    "round": HOSTILE,
    "marks": format_html("<i>{}</i>", HOSTILE),
    "words": HOSTILE,
    "claimed_by": HOSTILE,
    "mine": True,
    "claim": "/cases/17/claim",
    "looking": HOSTILE,
}
AROUND = {"csrf_token": "secret", "list_address": "/", "here": "?q=%25&view=all", "live": True}
TURNED_OFF = [*combinations(["pick", "tone", "problem", "claimed_by", "mine", "claim", "looking", "live"], 2)]
LISTED = Template('{{ row.name }} {% if row.mine %}<b title="{{ row.name }}">{{ place }}</b>{% endif %};')


@pytest.fixture
def row_template() -> Template:
    return get_template("desk/parts/row.html").template


def test_one_shape_after_the_other_is_filled_in():
    parts = [{"name": "a", "mine": True}, {"name": "<b>", "mine": False}]
    written = patterns.filled(LISTED, "row", parts, {"place": "100%"})
    assert written == 'a <b title="a">100%</b>;&lt;b&gt; ;'


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("off", [(), *TURNED_OFF], ids=" ".join)
def test_a_row_reads_as_its_template_writes_it(row_template, language, off):
    row = {name: "" if name in off else value for name, value in ROW.items()}
    around = {name: "" if name in off else value for name, value in AROUND.items()}
    with override(language):
        by_template = row_template.render(Context({"row": row, **around}))
        assert patterns.filled(row_template, "row", [row, row], around) == by_template * 2


def test_a_part_is_safe_to_be_shown(row_template):
    written = patterns.filled(row_template, "row", [ROW], AROUND)
    assert isinstance(written, SafeString)
    assert "<b>" not in written


def test_nothing_of_one_person_is_kept_for_the_next(row_template):
    for language in ("en", "zh-hans"):
        with override(language):
            patterns.filled(row_template, "row", [ROW], AROUND)
            other = {name: "other" if isinstance(value, str) else value for name, value in ROW.items()}
            around = {name: "other" if isinstance(value, str) else value for name, value in AROUND.items()}
            written = patterns.filled(row_template, "row", [other], around)
            assert not re.search(r"17|secret|100%|\0", written)


def test_each_language_has_its_own_words(desk):
    def words() -> set[str]:
        return set(re.findall(r'<h2 id="keys-title">(.*?)</h2>|id="claim-\d+">(.*?)<', desk.get("/").content.decode()))

    chinese = words()
    desk.cookies["django_language"] = "en"
    english = words()
    desk.cookies["django_language"] = "zh-hans"
    assert words() == chinese
    assert english == {("Keys", ""), ("", "Claim")}
    assert not english & chinese


def test_everybody_finds_their_own_form_tokens(desk, day):
    def tokens() -> set[str]:
        return set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', desk.get("/").content.decode()))

    first, second = tokens(), tokens()
    assert len(first) == len(second) == 1, "one for the frame, the tools and the rows"
    assert first != second
