"""People who work at the desk."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person does here; ``roles`` says what each may do."""

    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    AGENT = "agent", _("Agent")
    VIEWER = "viewer", _("Viewer")
    AUDITOR = "auditor", _("Auditor")


class User(AbstractUser):
    """A member of staff. ``wecom_userid`` is the account id that a WeCom mention needs (not the name)."""

    display_name = models.CharField(_("display name"), max_length=60, blank=True)
    wecom_userid = models.CharField(_("WeCom account id"), max_length=64, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.AGENT, db_default=Role.AGENT)
    refund_limit = models.BigIntegerField(null=True, help_text="fen a refund; empty is the role's own limit.")
    all_merchants = models.BooleanField(
        default=True, db_default=True, help_text="Sees every merchant; else only those granted."
    )

    Role = Role

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="user_role", condition=Q(role__in=["owner", "manager", "agent", "viewer", "auditor"])
            ),
            models.CheckConstraint(
                name="user_refund_limit", condition=Q(refund_limit__isnull=True) | Q(refund_limit__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.username


class Invitation(models.Model):
    """A link by which one new person joins, once. The link itself is nowhere: ``fingerprint`` is a keyed hash."""

    fingerprint = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    display_name = models.CharField(max_length=60, blank=True)
    all_merchants = models.BooleanField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)


class SignInAttempt(models.Model):
    """A try to sign in that failed, or is being looked at. Keyed hashes of the name and of the address."""

    name_key = models.CharField(max_length=64)
    address_key = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["name_key", "at"], name="accounts_attempt_name"),
            models.Index(fields=["address_key", "at"], name="accounts_attempt_address"),
        ]


class ApiToken(models.Model):
    """A person's key to the API. The secret is nowhere: ``fingerprint`` is a keyed hash of it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(help_text="tokens.Scope, each once.")
    expires_at = models.DateTimeField(null=True, help_text="Empty never expires.")
    last_used_at = models.DateTimeField(null=True, help_text="To the minute.")
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
