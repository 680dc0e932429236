"""People who work at the desk."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A member of staff. ``wecom_userid`` is the account id that a WeCom mention needs (not the name)."""

    display_name = models.CharField(_("display name"), max_length=60, blank=True)
    wecom_userid = models.CharField(_("WeCom account id"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    def __str__(self) -> str:
        return self.display_name or self.username
