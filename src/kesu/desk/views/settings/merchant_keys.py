"""Changing the keys of a connected merchant number; the old ones stay as long as something still needs them."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.views.settings.connect_form import LARGEST_FILE
from kesu.desk.views.settings.merchant import merchant_page
from kesu.merchants import verbs
from kesu.merchants.models import Account
from kesu.merchants.services import USUAL_GRACE, AccountError


@require_POST
@sensitive_post_parameters()
@sensitive_variables()
@needs(Permission.SETTINGS)
def change_keys(request: HttpRequest, pk: int) -> HttpResponse:
    """``what``: certificate (``certificate``, ``private_key``), apiv3 (``apiv3_key``), platform (``serial``,
    ``public_key``) or forget (``serial``). PEMs are pasted, or files of the same name."""
    account, what = get_object_or_404(Account, pk=pk), request.POST.get("what", "")
    try:
        told = _change(request, account, what)
    except (AccountError, ValueError) as error:
        return merchant_page(request, account, keys_refused=str(error), status=422)
    messages.success(request, told)
    return redirect("desk:settings_merchant", pk=pk)


def _change(request: HttpRequest, account: Account, what: str) -> str:
    actor, now, serial = Actor.of(request), clock.now(), request.POST.get("serial", "").strip()
    if what == "certificate":
        pair = _text(request, "private_key"), _text(request, "certificate")
        made = verbs.rotate_certificate(actor, account, *pair, now=now)
        return _("Calls are signed with certificate %s within 20 seconds.") % made
    if what == "apiv3":
        grace = timedelta(0) if request.POST.get("at_once") == "1" else USUAL_GRACE
        verbs.rotate_apiv3_key(actor, account, request.POST.get("apiv3_key", "").strip(), grace=grace, now=now)
        return _("The new APIv3 key opens notices. Set it at the platform now.")
    if what == "platform":
        verbs.trust_platform_key(actor, account, serial, _text(request, "public_key"), now=now)
        return _("Answers and notices signed with %s are believed.") % serial
    if what == "forget":
        verbs.forget_platform_key(actor, account, serial, now=now)
        return _("%s is believed no more.") % serial
    raise ValueError(_("Nothing was chosen."))


def _text(request: HttpRequest, name: str) -> str:
    file = request.FILES.get(f"{name}_file")
    if isinstance(file, UploadedFile):
        return str(file.read(LARGEST_FILE).decode("ascii", "replace"))
    return request.POST.get(name, "").strip()
