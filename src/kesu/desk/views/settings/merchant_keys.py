"""Changing the keys of a connected merchant number; the old ones stay as long as something still needs them."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.views.settings.connect_form import LARGEST_FILE
from kesu.desk.views.settings.merchant import merchant_page
from kesu.desk.views.settings.noting import note
from kesu.merchants import rotation
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
        with transaction.atomic():
            told = _change(request, account, what)
    except (AccountError, ValueError) as error:
        return merchant_page(request, account, keys_refused=str(error), status=422)
    messages.success(request, told)
    return redirect("desk:settings_merchant", pk=pk)


def _change(request: HttpRequest, account: Account, what: str) -> str:
    now, subject, serial = clock.now(), f"merchant:{account.mchid}", request.POST.get("serial", "").strip()
    if what == "certificate":
        made = rotation.rotate_certificate(
            account, _text(request, "private_key"), _text(request, "certificate"), now=now
        )
        note(request, subject, certificate="rotated", serial=made)
        return _("Calls are signed with certificate %s within 20 seconds.") % made
    if what == "apiv3":
        grace = timedelta(0) if request.POST.get("at_once") == "1" else USUAL_GRACE
        rotation.rotate_apiv3_key(account, request.POST.get("apiv3_key", "").strip(), grace=grace, now=now)
        note(request, subject, apiv3_key="rotated")
        return _("The new APIv3 key opens notices. Set it at the platform now.")
    if what == "platform":
        rotation.trust_platform_key(account, serial, _text(request, "public_key"), now=now)
        note(request, subject, platform_key_added=serial)
        return _("Answers and notices signed with %s are believed.") % serial
    if what == "forget":
        rotation.forget_platform_key(account, serial)
        note(request, subject, platform_key_removed=serial)
        return _("%s is believed no more.") % serial
    raise ValueError(_("Nothing was chosen."))


def _text(request: HttpRequest, name: str) -> str:
    file = request.FILES.get(f"{name}_file")
    if isinstance(file, UploadedFile):
        return str(file.read(LARGEST_FILE).decode("ascii", "replace"))
    return request.POST.get(name, "").strip()
