"""Red lines: what must not stand in a text that goes to a payer.

    lint("您撤诉后退款", context=ReplyContext())
    ->  (Finding(rule=Rule.WITHDRAWAL, severity=Severity.BLOCK, start=1, end=3, ...),)

Pure: no Django, no clock, no network. Matching runs on a normalised text (`normalise`), spans point into the original.

findings     what comes out and what goes in: rules, severities, sources, the merchant's allow-list
normalise    one writing for full-width, zero-width, split-up, traditional and look-alike characters
             (tables: `characters`)
phrases      how a phrase is searched in bounded steps, and what takes the edge off it (quickly: `alternatives`)
manners      labelling (`labels`: its families), insult (`insults`: its families), threat
withdrawal   inducing a withdrawal or a rating
contacts     WeChat ids and QQ numbers
numbers      phone numbers, however they are spelt
places       links, QR codes, other places to talk and other ways to pay
destinations where a link or a mini program beside a text leads
codes        where a code in a picture beside a text leads
privacy      personal data that nobody needs
substance    brush-offs (`pleasantries`: what says nothing), copies of the last reply, promises of dates, length
tones        what a passage sounds like as a whole, learnt from the labelled replies: finds what no word gives away,
             takes back hard words that mean nobody (`cues`: `insult_cues`, `threat_cues`, `label_cues`)
suggestions  a better wording for each rule, clean itself
"""

from kesu.rules.redlines.codes import gravity_of_code
from kesu.rules.redlines.destinations import is_own_address, is_own_program
from kesu.rules.redlines.findings import (
    AllowList,
    Finding,
    RedLine,
    ReplyContext,
    Rule,
    Severity,
    Source,
)
from kesu.rules.redlines.linter import lint
from kesu.rules.redlines.phrases import compile_all
from kesu.rules.redlines.suggestions import SUGGESTIONS

__all__ = [
    "SUGGESTIONS",
    "AllowList",
    "Finding",
    "RedLine",
    "ReplyContext",
    "Rule",
    "Severity",
    "Source",
    "compile_all",
    "gravity_of_code",
    "is_own_address",
    "is_own_program",
    "lint",
]
