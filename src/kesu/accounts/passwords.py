"""What a password must be, said in the desk's own words: Django's Chinese lacks some of them."""

from __future__ import annotations

from django.contrib.auth.password_validation import CommonPasswordValidator, MinimumLengthValidator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


class LongEnough(MinimumLengthValidator):
    def get_error_message(self) -> str:
        return ngettext(
            "The password is too short: it needs at least %(min_length)d character.",
            "The password is too short: it needs at least %(min_length)d characters.",
            self.min_length,
        )


class NotCommon(CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("Too many people use this password: it is among the first that are tried.")
