"""Every red line has its name and its sentence, in both languages."""

from __future__ import annotations

import re

import pytest
from django.utils.translation import override

from kesu.complaints import redline_wording
from kesu.rules.redlines import Finding, Rule, Severity
from kesu.rules.redlines.findings import SOURCES
from tests.translations import compile_translations

compile_translations()
CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("severity", Severity)
def test_every_finding_is_explained_in_both_languages(rule: Rule, severity: Severity) -> None:
    finding = Finding(rule, severity, 0, 1, SOURCES[rule], "")
    with override("en"):
        words = [redline_wording.name(rule), redline_wording.explanation(finding), redline_wording.severity(severity)]
        assert all(text and not CHINESE.search(text) for text in words)
        assert words[1].endswith(".")
    with override("zh-hans"):
        texts = [redline_wording.name(rule), redline_wording.explanation(finding), redline_wording.severity(severity)]
        assert all(CHINESE.search(text) for text in texts)
        assert finding.source.title in redline_wording.source(finding)
