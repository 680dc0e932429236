"""Problems of an account in words, for ``kesu doctor``, pages and pushes; in the language that is active."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from kesu.clock import BEIJING


def headline(problem: Mapping[str, Any]) -> str:
    """What it is, in a few words. ``problem``: as ``watch.Problem.stored`` gives it."""
    kind, step, facts = str(problem["kind"]), str(problem["step"]), problem["facts"]
    known: dict[str, Callable[[], str]] = {
        "callback": lambda: _callback_headline(step),
        "violations": lambda: _("Violation notices: %s") % _callback_headline(step),
        "merchant_certificate": lambda: _ending(_("Merchant certificate"), step, facts),
        "platform_certificate": lambda: _ending(_("Platform certificate"), step, facts),
        "apiv3_grace": lambda: _("The previous APIv3 key ends soon"),
        "apiv3_key": lambda: _("The APIv3 key does not fit"),
        "clock": lambda: _("The clock is off by %s s") % abs(facts.get("seconds", 0)),
        "merchant_key": lambda: _("The platform refuses our signature"),
        "platform_key": lambda: _("Unknown platform key"),
    }
    return known.get(kind, lambda: kind)()


def advice(problem: Mapping[str, Any], mchid: str) -> str:
    """What it means and what to do."""
    known: dict[str, Callable[[], str]] = {
        "callback": lambda: _callback_advice(problem),
        "violations": lambda: _callback_advice(problem),
        "merchant_certificate": lambda: _(
            "Apply for a new one (商户平台 > 账户中心 > API安全), then: kesu merchants rotate-certificate %(mchid)s."
        ),
        "platform_certificate": lambda: _(
            "No newer one could be downloaded: switch to the WeChat Pay public key (商户平台 > 账户中心 > API安全), "
            "then: kesu merchants add-platform-key %(mchid)s."
        ),
        "apiv3_grace": lambda: _(
            "From %(until)s on, notices sealed with the previous key are refused. If the new key is not set at the "
            "platform yet, do it now."
        ),
        "apiv3_key": lambda: _("What the platform seals cannot be opened: kesu merchants rotate-apiv3 %(mchid)s."),
        "clock": lambda: _(
            "Beyond 300 s the platform refuses every call and this desk every notice: check the machine's time "
            "synchronisation."
        ),
        "merchant_key": lambda: _(
            "The certificate was revoked or replaced, or the key is another one: kesu merchants check %(mchid)s."
        ),
        "platform_key": lambda: _(
            "The platform signs with a key that this desk does not know, so nothing it says is believed. Copy its key "
            "(商户平台 > 账户中心 > API安全), then: kesu merchants add-platform-key %(mchid)s."
        ),
    }
    facts = {"mchid": mchid, **problem["facts"], "until": _moment(problem["facts"].get("until"))}
    return (known.get(problem["kind"], lambda: "")()) % facts


def _callback_headline(step: str) -> str:
    if step.startswith("repaired"):
        return _("Callback address repaired")
    return {"missing": _("No callback address"), "refused": _("Callback address not repaired")}.get(
        step, _("Callback address changed")
    )


def _callback_advice(problem: Mapping[str, Any]) -> str:
    step = str(problem["step"])
    if step == "refused":
        return _("The platform refused to set it right: %(error)s")
    if step.startswith("repaired:elsewhere"):
        return _(
            "The platform pushed to %(host)s and pushes here again. If this comes back, another system uses the same "
            "merchant number."
        )
    if step.startswith("repaired"):
        return _("Somebody had removed it; the platform pushes here again.")
    if step == "missing":
        return _("The platform pushes nothing; complaints come by polling only: kesu merchants callback %(mchid)s.")
    return _("The platform pushes to %(host)s and not here: kesu merchants callback %(mchid)s.")


def _ending(name: str, step: str, facts: Mapping[str, Any]) -> str:
    if step == "over":
        return _("%(name)s: expired") % {"name": name}
    return _("%(name)s: %(days)s days left") % {"name": name, "days": facts.get("days", step)}


def _moment(written: str | None) -> str:
    return f"{datetime.fromisoformat(written).astimezone(BEIJING):%m-%d %H:%M}" if written else ""
