"""Accounts at the platform: who signs, with which keys, and whose complaints arrive through them."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kesu.vault.fields import SealedTextField


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Account(models.Model):
    """One merchant number (mchid) that signs calls to WeChat Pay: a merchant's own, or a provider's for its
    sub-merchants.
    """

    class Role(models.TextChoices):
        MERCHANT = "merchant", _("merchant")
        PARTNER = "partner", _("service provider")
        CHANNEL = "channel", _("channel partner")
        INSTITUTION = "institution", _("institution")

    mchid = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80, blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.MERCHANT)
    # The secret part of the callback address. It routes a notice to its account: a notice itself names no merchant.
    token = SealedTextField()
    token_fingerprint = models.CharField(max_length=64, unique=True)
    base_url = models.CharField(max_length=200, default="https://api.mch.weixin.qq.com")
    backup_base_url = models.CharField(max_length=200, blank=True, default="https://api2.mch.weixin.qq.com")
    notify_url = models.CharField(max_length=255, blank=True, help_text="Callback address registered at the platform.")
    repair_callback = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Set the callback address right when somebody changed it; else only report it.",
    )
    deadline_profile = models.CharField(max_length=20, default="rolling")
    reply_limit = models.PositiveSmallIntegerField(
        default=200,
        db_default=200,
        help_text="Characters of a reply: 200 on the merchant's page of 2024, 500 on the provider's of 2025.",
    )
    jumps_allowed = models.BooleanField(
        default=False, db_default=False, help_text="The platform opened links and mini-program jumps for it (灰度)."
    )
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_role", condition=Q(role__in=["merchant", "partner", "channel", "institution"])
            ),
            models.CheckConstraint(name="account_mchid_digits", condition=Q(mchid__regex=r"^[0-9]{1,32}$")),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.mchid})" if self.name else self.mchid


class MerchantKey(models.Model):
    """A merchant API certificate's private key. Older ones stay: earlier phone ciphertexts open only with them."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="merchant_keys")
    serial_no = models.CharField(max_length=64)
    private_key = SealedTextField()
    certificate_pem = models.TextField(blank=True)
    not_after = models.DateTimeField(null=True)
    current = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "serial_no"], name="merchant_key_serial"),
            models.UniqueConstraint(fields=["account"], condition=Q(current=True), name="merchant_key_one_current"),
        ]


class ApiV3Key(models.Model):
    """The 32-byte key that opens notices. The previous one is accepted until ``accepted_until``."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="apiv3_keys")
    key = SealedTextField()
    accepted_until = models.DateTimeField(null=True, help_text="Empty for the current key.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(accepted_until__isnull=True), name="apiv3_key_one_current"
            ),
        ]


class PlatformKey(models.Model):
    """A key the platform signs with: a certificate (hex serial) or a public key (``PUB_KEY_ID_...``); both may be
    valid at once.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="platform_keys")
    serial = models.CharField(max_length=80)
    pem = models.TextField()
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "serial"], name="platform_key_serial")]


class SubMerchant(models.Model):
    """A merchant whose complaints arrive through a provider's account; made on first sight, named by people."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="sub_merchants")
    mchid = models.CharField(max_length=64)
    name = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "mchid"], name="sub_merchant_mchid")]

    def __str__(self) -> str:
        return f"{self.name} ({self.mchid})" if self.name else self.mchid


class Grant(models.Model):
    """A person who does not see every merchant sees this one: all of an account, or one sub-merchant of it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="grants")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    sub_mchid = models.CharField(max_length=64, blank=True, default="", db_default="", help_text="Empty is all.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "account", "sub_mchid"], name="grant_once")]


class AccountHealth(models.Model):
    """What the watch over an account's line to the platform found when it looked last. One row an account."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="health")
    due_at = models.DateTimeField(help_text="When to look next; while a worker looks, when its lease ends.")
    certificates_due_at = models.DateTimeField(help_text="When to download the platform's certificates next.")
    checked_at = models.DateTimeField(null=True, help_text="The last look that the platform answered.")
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    clock_skew_seconds = models.FloatField(null=True, help_text="By how much the platform's clock is ahead.")
    repaired_at = models.DateTimeField(null=True, help_text="When the callback address was last set right.")
    violations_registered_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list, help_text="watch.Problem, each with ``since``.")

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="account_health_due")]


class ViolationNotice(models.Model):
    """商户平台处置通知: what the platform did to a provider's sub-merchant. Words are the platform's own."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    event_type = models.CharField(max_length=64, help_text="VIOLATION.PUNISH, .INTERCEPT, .APPEAL, or a newer word.")
    record_id = models.CharField(max_length=128)
    sub_mchid = models.CharField(max_length=64, blank=True)
    company_name = models.CharField(max_length=200, blank=True)
    risk_type = models.CharField(max_length=64, blank=True)
    risk_description = models.TextField(blank=True)
    punish_plan = models.TextField(blank=True)
    punish_description = models.TextField(blank=True)
    punished_at = models.DateTimeField(null=True, help_text="Empty where the platform's time cannot be read.")
    raw = SealedTextField(help_text="The opened notice, JSON.")
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "record_id", "event_type"], name="violation_record"),
        ]
        indexes = [models.Index(fields=["-received_at", "-id"], name="violation_newest")]


class Limitation(models.Model):
    """管控: what a sub-merchant may not do, as last asked. Lists are empty for one that is free."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    sub_mchid = models.CharField(max_length=64)
    functions = models.JSONField(default=list, help_text="NO_TRANSACTION and the like; unknown words included.")
    other_functions = models.CharField(max_length=300, blank=True)
    recoveries = models.JSONField(default=list, help_text="Each reason with its way out, as the platform says it.")
    asked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When to ask next; empty while nobody complains of it.")
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "sub_mchid"], name="limitation_sub_merchant")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="limitation_due")]

    @property
    def limited(self) -> bool:
        return bool(self.functions or self.other_functions)
