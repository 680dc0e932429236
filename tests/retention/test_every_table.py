"""Every table is bounded by something, and is named here with it: a new one must say what ends its rows."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import apps
from django.db.models import CASCADE, Model

from kesu.retention.sweeps import SWEEPS

BY_SWEEPS = {
    "notices": {"intake.Notice"},
    "messages": {"alerts.Message", "alerts.Click", "webhooks.Event"},
    "pictures": {"complaints.MediaBlob", "commands.OutgoingPicture"},
    "personal": set[str](),  # empties fields, ends no row
    "complaints": {"complaints.Complaint"},
    "sessions": {"sessions.Session", "usersessions.UserSession"},
}
"""Rows end when they have lived as long as the settings say (`KESU_KEEP_...`), or their session has."""

AS_MANY_AS_PEOPLE_MAKE = {
    *("accounts.ApiToken", "accounts.Invitation", "accounts.User", "accounts.User_groups"),
    *("accounts.User_user_permissions", "account.EmailAddress", "account.EmailConfirmation", "auth.Group"),
    *("auth.Group_permissions", "mfa.Authenticator", "socialaccount.SocialAccount", "socialaccount.SocialApp"),
    *("socialaccount.SocialToken", "complaints.SavedView", "commands.Allowance", "commands.QuickReply"),
    *("merchants.Account", "merchants.Grant", "merchants.MerchantKey", "merchants.ApiV3Key", "merchants.PlatformKey"),
    *("alerts.Channel", "alerts.Channel_accounts", "alerts.Ladder", "alerts.LadderRule", "alerts.Rota"),
    *("alerts.RotaMember", "alerts.RotaOverride", "alerts.PersonHours", "alerts.PersonAddress", "webhooks.Endpoint"),
}
AS_MANY_AS_THERE_ARE_THINGS = {
    "merchants.SubMerchant": "one a sub-merchant",
    "merchants.Limitation": "one a sub-merchant",
    "merchants.AccountHealth": "one an account",
    "merchants.ViolationNotice": "one a punishment: few, and proof for an appeal years later",
    "sync.Poll": "three an account",
    "sync.Refresh": "one a complaint that waits to be read",
    "alerts.BudgetKey": "one a robot",
    "alerts.AppToken": "one an application",
    "intake.Rejection": "equal refusals of an account are counted in one row; the oldest make room",
    "accounts.SignInAttempt": "one a name and address that failed of late",
    "audit.AuditHead": "one",
    "complaints.PayerTextBacklog": "one",
    "webhooks.Lookout": "one",
    "worker.Heartbeat": "one a worker",
    "worker.Watch": "one an invariant",
    "retention.Progress": "one a sweep",
    "retention.Erasure": "one a request by a person, or a run of a sweep that erased something",
    "contenttypes.ContentType": "one a table",
    "auth.Permission": "four a table",
}
FOR_EVER = {
    "audit.AuditEntry": "append-only: what was done must be provable; its size is shown and warned of",
    "admin.LogEntry": "the administration's own log of changes to settings",
}


def models() -> Iterable[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def owners(model: type[Model]) -> set[str]:
    """The tables with whose rows a row of this one ends."""
    return {
        field.related_model._meta.label
        for field in model._meta.fields
        if field.remote_field and field.remote_field.on_delete is CASCADE
    }


def test_every_table_is_bounded_by_something_that_is_named():
    swept = set[str]().union(*BY_SWEEPS.values())
    bounded = {*swept, *AS_MANY_AS_PEOPLE_MAKE, *AS_MANY_AS_THERE_ARE_THINGS, *FOR_EVER}
    known, found = set(bounded), {model._meta.label: model for model in models()}
    ends_with_a_swept_row = set(swept)
    while True:
        more = {label for label, model in found.items() if owners(model) & ends_with_a_swept_row}
        if more <= ends_with_a_swept_row:
            break
        ends_with_a_swept_row |= more
    assert set(found) - known - ends_with_a_swept_row == set()
    assert known - set(found) == set(), "names of tables that are no more"


def test_the_sweeps_named_here_are_those_that_are():
    assert set(BY_SWEEPS) - {"sessions"} == set(SWEEPS)


def test_only_the_audit_grows_for_ever():
    assert set(FOR_EVER) == {"audit.AuditEntry", "admin.LogEntry"}
