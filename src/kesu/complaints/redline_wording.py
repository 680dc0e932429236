"""Red lines in words for the people who write replies; in the language that is active.

The better wording itself is `Finding.suggestion`: it goes to the payer and stays Chinese.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from kesu.rules.redlines import Finding, RedLine, Rule, Severity


def name(rule: Rule) -> str:
    """What the rule is called, in a few words."""
    known: dict[Rule, Callable[[], str]] = {
        Rule.LABELLING: lambda: _("A label for the payer"),
        Rule.INSULT: lambda: _("Insult"),
        Rule.THREAT: lambda: _("Threat"),
        Rule.WITHDRAWAL: lambda: _("Inducing a withdrawal"),
        Rule.WECHAT_ID: lambda: _("WeChat id"),
        Rule.QQ: lambda: _("QQ number"),
        Rule.PHONE: lambda: _("Phone number"),
        Rule.LINK: lambda: _("Link"),
        Rule.QR_CODE: lambda: _("QR code"),
        Rule.OFF_PLATFORM: lambda: _("Off the platform"),
        Rule.PERSONAL_DATA: lambda: _("Personal data"),
        Rule.BRUSH_OFF: lambda: _("Says nothing"),
        Rule.REPEATED_REPLY: lambda: _("Repeats an earlier reply"),
        Rule.DATE_PROMISE: lambda: _("Promise of a date"),
        Rule.TOO_LONG: lambda: _("Too long"),
    }
    return known[rule]()


def explanation(finding: Finding) -> str:
    """One sentence: why it is a problem and what to do instead."""
    if finding.rule is Rule.LABELLING and finding.severity is not Severity.BLOCK:
        return _("Even denied, the label is read as a reproach. Leave it out if you can.")
    if finding.rule is Rule.WITHDRAWAL and finding.severity is not Severity.BLOCK:
        return _("A request to withdraw is read as pressure. Solve the matter; whether to withdraw is up to the payer.")
    if finding.rule is Rule.PHONE and finding.severity is not Severity.BLOCK:
        return _("If this is your own service number, put it on the merchant's allow-list.")
    if finding.rule is Rule.REPEATED_REPLY and finding.severity is Severity.INFO:
        return _("Much of this was in an earlier reply. Say first what is new.")
    if finding.rule is Rule.DATE_PROMISE and finding.severity is Severity.INFO:
        return _("A promise that is not kept comes back as a repeat complaint. Say what has been done already.")
    return _EXPLANATIONS[finding.rule]()


def leads_elsewhere(place: str) -> str:
    """``place``: the address of a link, or the AppID of a mini program."""
    return _(
        "%(place)s is not on this merchant's allow-list. Put your own domain or AppID on it, or say it in words."
    ) % {"place": place if len(place) <= 80 else place[:79] + "…"}


def code_leads_elsewhere(number: int, code: str) -> str:
    """``number``: which of the pictures, from 1; ``code``: what the code in it says."""
    return _(
        "The code in picture %(number)d says %(code)s, which is not on this merchant's allow-list. Leave the picture "
        "out, or put your own domain or AppID on the list."
    ) % {"number": number, "code": code if len(code) <= 80 else code[:79] + "…"}


def code_not_looked_for(number: int) -> str:
    return _("Picture %(number)d could not be searched for codes. Look yourself: none may lead off the platform.") % {
        "number": number
    }


_EXPLANATIONS: dict[Rule, Callable[[], str]] = {
    Rule.LABELLING: lambda: _(
        "Calling the payer malicious or a fraud turns a dispute into a quarrel. State the facts only."
    ),
    Rule.INSULT: lambda: _("An insult stays in the record that the platform reads. Apologise and stick to the order."),
    Rule.THREAT: lambda: _("Threats, of police, courts or exposure too, make it worse. Offer what can be chosen."),
    Rule.WITHDRAWAL: lambda: _(
        "Money or service in exchange for a withdrawal or a rating is inducement. Refund without conditions."
    ),
    Rule.WECHAT_ID: lambda: _("What is agreed off the platform does not count there. Talk in the complaint itself."),
    Rule.QQ: lambda: _("What is agreed off the platform does not count there. Talk in the complaint itself."),
    Rule.PHONE: lambda: _("A private number leads the talk off the platform. Talk in the complaint itself."),
    Rule.LINK: lambda: _("Links must be approved by the platform and look like phishing. Write what is needed here."),
    Rule.QR_CODE: lambda: _("Codes lead off the platform and look like phishing. Ask for what is needed here."),
    Rule.OFF_PLATFORM: lambda: _(
        "Talk in the complaint itself and pay back by the original route: only that is on record."
    ),
    Rule.PERSONAL_DATA: lambda: _("A refund by the original route needs no such data. Ask for the order number only."),
    Rule.BRUSH_OFF: lambda: _("The payer learns nothing from this. Say what was found out and what happens next."),
    Rule.REPEATED_REPLY: lambda: _("This was already said in this case. Say what is new since then."),
    Rule.DATE_PROMISE: lambda: _(
        "No refund is made or running, so this date is only a promise. Refund first, then tell."
    ),
    Rule.TOO_LONG: lambda: _("The platform refuses a reply of this length. Put the outcome first and cut the rest."),
}


def severity(value: Severity) -> str:
    known: dict[Severity, Callable[[], str]] = {
        Severity.BLOCK: lambda: _("must be changed"),
        Severity.CONFIRM: lambda: _("please confirm"),
        Severity.INFO: lambda: _("for your information"),
    }
    return known[value]()


def source(finding: Finding) -> str:
    """Where the rule comes from: the article's line, if it is one, and the page's own title."""
    if finding.source.line is None:
        return finding.source.title
    known: dict[RedLine, Callable[[], str]] = {
        RedLine.LABELLING: lambda: _("Red line: no labels"),
        RedLine.ABUSE: lambda: _("Red line: no abuse or harassment"),
        RedLine.INDUCEMENT: lambda: _("Red line: no inducement"),
        RedLine.OFF_PLATFORM: lambda: _("Red line: no talk off the platform"),
    }
    return f"{known[finding.source.line]()} · {finding.source.title}"
