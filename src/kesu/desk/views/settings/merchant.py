"""A connected merchant number: the proofs that it works, how it is treated, what its replies may say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.commands import allowances
from kesu.commands.models import Allowance
from kesu.complaints.queries import visible_to
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.platform_acts import done_to_sub_merchants
from kesu.intake.models import Notice
from kesu.merchants import verbs
from kesu.merchants.changes import LONGEST_REPLY
from kesu.merchants.models import Account, SubMerchant
from kesu.merchants.queries import account_problems
from kesu.merchants.services import NOTIFY_PATH, AccountError
from kesu.rules.deadlines import PROFILES
from kesu.sync.models import Poll

SUB_MERCHANTS_SHOWN = 50

PROFILE_WORDS = {
    "rolling": gettext_lazy("24 hours to reply, 72 hours to complete (the platform's present text)"),
    "calendar": gettext_lazy("Reply by the end of the next day, complete by the end of the third day"),
}
ALLOWED_KINDS = {
    "phone": gettext_lazy("Service number"),
    "wechat_id": gettext_lazy("WeChat id"),
    "mini_program": gettext_lazy("Mini program (name or AppID)"),
    "domain": gettext_lazy("Domain"),
    "word": gettext_lazy("Word"),
}


class AccountForm(forms.Form):
    """How complaints of this number are treated."""

    name = forms.CharField(label=gettext_lazy("What staff call it"), max_length=80, required=False)
    deadline_profile = forms.ChoiceField(
        label=gettext_lazy("Deadlines"),
        choices=[(name, PROFILE_WORDS[name]) for name in PROFILES],
        help_text=gettext_lazy("Complaints under way follow when they are read from the platform the next time."),
    )
    reply_limit = forms.IntegerField(
        label=gettext_lazy("Longest reply, characters"),
        min_value=1,
        max_value=LONGEST_REPLY,
        help_text=gettext_lazy("200 for merchants, 500 for service providers, as the platform documents it."),
    )
    jumps_allowed = forms.BooleanField(
        label=gettext_lazy("The platform opened links and mini-program jumps for this number"), required=False
    )
    repair_callback = forms.BooleanField(
        label=gettext_lazy("Set the callback address right when somebody changed it"),
        required=False,
        help_text=gettext_lazy("Off: it is only reported."),
    )
    enabled = forms.BooleanField(
        label=gettext_lazy("In use"),
        required=False,
        help_text=gettext_lazy("Off: nothing is polled and nobody is woken for it; what is stored stays."),
    )


class AllowanceForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=list(ALLOWED_KINDS.items()))
    value = forms.CharField(label=gettext_lazy("Value"), max_length=allowances.LONGEST_VALUE)
    sub_mchid = forms.CharField(label=gettext_lazy("Only for sub-merchant"), max_length=64, required=False)


@require_GET
@needs(Permission.SETTINGS)
def merchants(request: HttpRequest) -> HttpResponse:
    rows = Account.objects.order_by("mchid").defer("token")
    problems = account_problems()
    context = {
        "rows": [{"account": row, "problems": [p for p in problems if p.account.pk == row.pk]} for row in rows],
        "now": clock.now(),
    }
    return private(render(request, "desk/settings/merchants.html", context))


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def merchant(request: HttpRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(Account, pk=pk)
    form = AccountForm(request.POST or None, initial=_initial(account))
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change(Actor.of(request), account, form.cleaned_data, now=clock.now())
        except AccountError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("desk:settings_merchant", pk=pk)
    return merchant_page(request, account, form=form, status=422 if form.errors else 200)


@require_POST
@needs(Permission.SETTINGS)
def allow(request: HttpRequest, pk: int) -> HttpResponse:
    account, form = get_object_or_404(Account, pk=pk), AllowanceForm(request.POST, prefix="allow")
    if not form.is_valid():
        return merchant_page(request, account, allowance_form=form, status=422)
    given = form.cleaned_data
    actor = Actor.of(request)
    allowances.allow(actor, account, given["kind"], given["value"], sub_mchid=given["sub_mchid"], now=clock.now())
    messages.success(request, _("From now on replies may say this."))
    return redirect("desk:settings_merchant", pk=pk)


@require_POST
@needs(Permission.SETTINGS)
def disallow(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Allowance.objects.select_related("account"), pk=pk)
    account_pk = row.account.pk
    allowances.disallow(Actor.of(request), row, now=clock.now())
    messages.success(request, _("Taken off the list."))
    return redirect("desk:settings_merchant", pk=account_pk)


@require_POST
@needs(Permission.SETTINGS)
def name_sub_merchant(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(SubMerchant.objects.select_related("account"), pk=pk)
    verbs.rename_sub_merchant(Actor.of(request), row, request.POST.get("name", ""), now=clock.now())
    messages.success(request, _("Saved."))
    return redirect("desk:settings_merchant", pk=row.account.pk)


def merchant_page(request: HttpRequest, account: Account, *, status: int = 200, **more: Any) -> HttpResponse:
    """The account's page; ``more`` is what just came of something: ``asked``, ``failure``, ``callback``, a form."""
    now = clock.now()
    searched = request.GET.get("sub", "").strip()[:64]
    subs = account.sub_merchants.order_by("mchid")
    subs = subs.filter(mchid__startswith=searched) if searched else subs
    public_url = settings.KESU_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    context = {
        "account": account,
        "form": AccountForm(initial=_initial(account)),
        "allowance_form": AllowanceForm(prefix="allow"),
        "allowances": [
            {"row": row, "kind": ALLOWED_KINDS[row.kind]}
            for row in Allowance.objects.filter(account=account).order_by("kind", "pk")
        ],
        "problems": account_problems(account=account),
        "health": getattr(account, "health", None),
        "public_url": public_url,
        "callback_shown": f"{public_url}{NOTIFY_PATH}****{account.token[-4:]}",
        "registered": account.notify_url.endswith(account.token) if account.notify_url else False,
        "last_notice": Notice.objects.filter(account=account).order_by("-received_at").only("received_at").first(),
        "first_complaint": visible_to(request.user).filter(account=account).order_by("-pk").first(),
        "month_poll": Poll.objects.filter(account=account, tier=Poll.Tier.MONTH).first(),
        "key": account.merchant_keys.filter(current=True).defer("private_key").first(),
        "apiv3_keys": account.apiv3_keys.order_by("accepted_until", "-created_at").defer("key"),
        "platform_keys": account.platform_keys.order_by("pk"),
        "sub_merchants": subs[:SUB_MERCHANTS_SHOWN],
        "sub_total": account.sub_merchants.count(),
        "searched": searched,
        "now": now,
        **done_to_sub_merchants(account),
        **more,
    }
    return private(render(request, "desk/settings/merchant.html", context, status=status))


def _initial(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in AccountForm.base_fields}
