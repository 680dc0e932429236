"""Quick replies: the texts that staff begin with, checked against the red lines while they are written."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, Person
from kesu.commands import quick_replies
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import QuickReply
from kesu.commands.wording import invalid
from kesu.complaints import redline_wording
from kesu.desk import words
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.merchants.grants import accounts_visible_to
from kesu.merchants.models import Account

VARIABLES: words.Words = {
    "amount": gettext_lazy("amount of the complaint"),
    "refunded": gettext_lazy("what was refunded"),
    "order": gettext_lazy("order number"),
    "deadline": gettext_lazy("when it must be completed"),
    "agent": gettext_lazy("who replies"),
    "merchant": gettext_lazy("the merchant's name"),
}


class TemplateForm(forms.Form):
    """A quick reply."""

    name = forms.CharField(label=gettext_lazy("Title"), max_length=quick_replies.LONGEST_NAME)
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=quick_replies.LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 5})
    )
    problem_type = forms.ChoiceField(
        label=gettext_lazy("Offered first for"),
        required=False,
        choices=[("", gettext_lazy("all complaints alike")), *words.PROBLEM_TYPES.items()],
    )
    account = forms.ModelChoiceField(
        Account.objects.none(),
        label=gettext_lazy("Only for merchant"),
        required=False,
        empty_label=gettext_lazy("every merchant"),
    )
    position = forms.IntegerField(
        label=gettext_lazy("Place"), min_value=0, max_value=9999, initial=0, help_text=gettext_lazy("Smaller is first.")
    )
    enabled = forms.BooleanField(label=gettext_lazy("Offered"), required=False, initial=True)

    def __init__(self, user: Person, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["account"].queryset = accounts_visible_to(user).order_by("mchid")  # type: ignore[attr-defined]


@require_GET
@needs(Permission.TEMPLATES)
def templates(request: HttpRequest) -> HttpResponse:
    rows = quick_replies.visible_to(request.user).select_related("account").order_by("position", "pk")
    context = {
        "rows": [{"template": row, "type": words.say(words.PROBLEM_TYPES, row.problem_type)} for row in rows],
        "now": clock.now(),
    }
    return private(render(request, "desk/settings/templates.html", context))


@require_http_methods(["GET", "POST"])
@needs(Permission.TEMPLATES)
def new_template(request: HttpRequest) -> HttpResponse:
    last = QuickReply.objects.order_by("-position").values_list("position", flat=True).first()
    return _edit(request, None, {"position": (last or 0) + 1, "enabled": True})


@require_http_methods(["GET", "POST"])
@needs(Permission.TEMPLATES)
def template(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(quick_replies.visible_to(request.user), pk=pk)
    return _edit(request, row, {name: getattr(row, name) for name in TemplateForm.base_fields})


@require_POST
@needs(Permission.TEMPLATES)
def check_template(request: HttpRequest) -> HttpResponse:
    """What the red lines say of ``text`` while it is typed."""
    context = {"findings": _findings(request.POST.get("text", ""))}
    return private(render(request, "desk/settings/template_findings.html", context))


@require_POST
@needs(Permission.TEMPLATES)
def move_template(request: HttpRequest, pk: int) -> HttpResponse:
    """``by`` -1 or 1: one place up or down. All places are numbered anew."""
    row = quick_replies.visible_to(request.user).filter(pk=pk).first()
    if row is not None:
        by = 1 if request.POST.get("by") == "1" else -1
        quick_replies.move(Actor.of(request), row, by=by, now=clock.now())
    return redirect("desk:settings_templates")


@require_POST
@needs(Permission.TEMPLATES)
def remove_template(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(quick_replies.visible_to(request.user), pk=pk)
    quick_replies.remove(Actor.of(request), row, now=clock.now())
    messages.success(request, _("The template was removed."))
    return redirect("desk:settings_templates")


def _edit(request: HttpRequest, row: QuickReply | None, initial: dict[str, Any]) -> HttpResponse:
    form = TemplateForm(request.user, request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            quick_replies.save(Actor.of(request), row, now=clock.now(), **form.cleaned_data)
        except InvalidCommand as wrong:
            # The field the sentence is about; what the red lines found stands below it in any case.
            form.add_error("name" if wrong.reason in ("template_name", "template_taken") else "text", invalid(wrong))
        else:
            messages.success(request, _("Saved."))
            return redirect("desk:settings_templates")
    text = request.POST.get("text", "") if request.method == "POST" else (row.text if row else "")
    context = {
        "form": form,
        "template": row,
        "findings": _findings(text),
        "variables": [(f"{{{name}}}", VARIABLES[name], sample) for name, sample in quick_replies.SAMPLE.items()],
    }
    return private(render(request, "desk/settings/template.html", context, status=422 if form.errors else 200))


def _findings(text: str) -> list[dict[str, str]]:
    text = text[: quick_replies.LONGEST_TEXT]
    unknown = quick_replies.unknown_variables(text)
    found = [
        {
            "level": finding.severity.value,
            "severity": redline_wording.severity(finding.severity),
            "name": redline_wording.name(finding.rule),
            "words": text[finding.start : finding.end] if "{" not in text else "",
            "explanation": redline_wording.explanation(finding),
            "suggestion": finding.suggestion,
            "source": redline_wording.source(finding),
            "url": finding.source.url,
        }
        for finding in (quick_replies.findings_in(text) if text.strip() else ())
    ]
    if unknown:
        facts = {"level": "block", "severity": "", "words": "", "suggestion": "", "source": "", "url": ""}
        found.append(facts | {"name": _("Unknown variable"), "explanation": ", ".join(f"{{{one}}}" for one in unknown)})
    return found
