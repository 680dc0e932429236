"""Whom to wake, when, over what: channels, clocks, the outbox and its log."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kesu.accounts.models import User
from kesu.complaints.models import Complaint
from kesu.merchants.models import Account
from kesu.vault.fields import SealedTextField


def muted_by_default() -> list[str]:
    """What the desk itself has just done is no news to it."""
    return ["closed", "refund_rejected"]


class Channel(models.Model):
    """A way to reach staff: a WeCom robot, a signed webhook, an Apprise address."""

    class Kind(models.TextChoices):
        WECOM_ROBOT = "wecom_robot", _("WeCom robot")
        WEBHOOK = "webhook", _("Signed webhook")
        APPRISE = "apprise", _("Apprise address")
        DINGTALK_ROBOT = "dingtalk_robot", _("DingTalk robot")
        FEISHU_ROBOT = "feishu_robot", _("Feishu robot")
        EMAIL = "email", _("E-mail")
        WECOM_APP = "wecom_app", _("WeCom application")

    name = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    settings = SealedTextField(help_text="JSON: the kind's own settings, addresses and secrets included.")
    # Two channels with one robot key share one budget: it is counted by this, not by channel.
    budget_key = models.CharField(max_length=64)
    more_budget_keys = models.JSONField(
        default=list, db_default=[], help_text="Those of further robots in the same group."
    )
    language = models.CharField(max_length=10, default="zh-hans")
    mentions = models.JSONField(default=list, help_text="WeCom account ids on duty.")
    second_mentions = models.JSONField(default=list, help_text="WeCom account ids called when a deadline is missed.")
    accounts = models.ManyToManyField(Account, blank=True, help_text="Empty: every account.")
    muted_kinds = models.JSONField(default=muted_by_default, help_text="Alert kinds this channel does not carry.")
    fallback = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True)
    standby = models.BooleanField(default=False, help_text="Carries only what other channels cannot.")
    enabled = models.BooleanField(default=True)
    dead_since = models.DateTimeField(null=True, help_text="Set when the other side says the address is gone.")
    dead_reason = models.CharField(max_length=300, blank=True)
    probe_at = models.DateTimeField(null=True, help_text="When a dead channel may try its next message.")
    down_since = models.DateTimeField(
        null=True, help_text="Since when nobody answers. Dead as well, it was left alone for that, and heals by itself."
    )
    address_since = models.DateTimeField(
        null=True, help_text="When its settings changed last: earlier tries say nothing about it."
    )
    quiet_hours = models.CharField(
        max_length=11,
        blank=True,
        default="",
        db_default="",
        help_text="22:00-08:00 in Beijing: what is not urgent waits.",
    )
    digest_mention_at = models.DateTimeField(null=True, help_text="When a digest called people by name last.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="channel_dead_is_probed",
                condition=Q(dead_since__isnull=True, probe_at__isnull=True)
                | Q(dead_since__isnull=False, probe_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Clock(models.Model):
    """One deadline of one round. It stops only when the platform's state says so."""

    class Kind(models.TextChoices):
        REPLY = "reply"
        COMPLETE = "complete"

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, related_name="clocks")
    round_number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    ladder = models.CharField(max_length=40, default="default", help_text="The name of its ladder (alerts.ladders).")
    started_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    done_steps = models.JSONField(default=list, help_text="Occurrence keys of the ladder that are past.")
    due_at = models.DateTimeField(null=True, help_text="The ladder's next step; empty once stopped.")
    stopped_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(
        null=True, help_text="When a step was last put off, since what is known of the case may be old."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["complaint", "round_number", "kind"], name="clock_once"),
            models.CheckConstraint(name="clock_kind", condition=Q(kind__in=["reply", "complete"])),
            models.CheckConstraint(
                name="clock_running_or_stopped",
                condition=Q(stopped_at__isnull=True, due_at__isnull=False)
                | Q(stopped_at__isnull=False, due_at__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["due_at", "id"], condition=Q(stopped_at__isnull=True), name="clock_due")]


class Message(models.Model):
    """A push, from the moment it is owed until its end is known. Written in the transaction of its cause."""

    class State(models.TextChoices):
        PENDING = "pending"
        SENT = "sent"
        SUPERSEDED = "superseded"
        MOVED = "moved"
        FAILED = "failed"
        DIGESTED = "digested"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, db_index=False, null=True)
    kind = models.CharField(max_length=40, help_text="An alert kind of rules, or what a ladder step is called.")
    facts = models.JSONField(default=dict, help_text="What the text is made of besides the complaint itself.")
    round_number = models.PositiveIntegerField(null=True)
    urgency = models.CharField(max_length=8, default="normal")
    mention = models.BooleanField(default=False)
    audience = models.CharField(max_length=20, default="on_duty")
    dedupe_key = models.CharField(max_length=200, help_text="Complaint and cause; told once by a channel, never again.")
    deadline_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(
        default=0, help_text="Tries that count against it; a full robot's do not."
    )
    shortened = models.BooleanField(default=False, help_text="The first text was refused: the next is a short one.")
    doubtful = models.BooleanField(default=False, help_text="An earlier try may have arrived: the next one says so.")
    error = models.CharField(max_length=300, blank=True)
    resent_after = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="The last try before it was sent again by hand: only later ones count."
    )
    moved_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    digest = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="covered",
        help_text="The message that stands for it.",
    )
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="When to try; while a worker tries, when its lease ends.")
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "dedupe_key"], name="message_once"),
            models.CheckConstraint(
                name="message_state",
                condition=Q(state__in=["pending", "sent", "superseded", "moved", "failed", "digested"]),
            ),
            models.CheckConstraint(
                name="message_sent_at",
                condition=Q(state="sent", sent_at__isnull=False) | ~Q(state="sent") & Q(sent_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state="pending"), name="message_due"),
            models.Index(
                fields=["channel", "deadline_at", "id"], condition=Q(state="pending"), name="message_most_urgent"
            ),
            models.Index(fields=["complaint", "id"], name="message_of_complaint"),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="message_failed"),
        ]


class Attempt(models.Model):
    """One try to deliver a message, and the answer. Written before the try; a crash leaves SENDING."""

    class Outcome(models.TextChoices):
        SENDING = "sending"
        SENT = "sent"
        RATE = "rate"
        TRANSIENT = "transient"
        PAYLOAD = "payload"
        CHANNEL_DEAD = "channel_dead"
        UNKNOWN = "unknown"
        INTERRUPTED = "interrupted"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="log")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    http_status = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=20, blank=True, help_text="errcode, or its like")
    answer = models.CharField(max_length=300, blank=True)
    payload_sha256 = models.CharField(max_length=64, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["-id"], name="attempt_newest"),
            models.Index(fields=["channel", "-id"], name="attempt_of_channel"),
        ]


class Ladder(models.Model):
    """A ladder of the installation's own. One with a built-in's name stands in its place."""

    name = models.CharField(max_length=40, unique=True)
    steps = models.JSONField(help_text="As rules.ladders.parse reads them.")
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class LadderRule(models.Model):
    """Which cases climb which ladder: the first rule that fits counts."""

    position = models.PositiveIntegerField(unique=True)
    ladder = models.CharField(max_length=40)
    mchids = models.JSONField(default=list, help_text="Merchants' or accounts' numbers; empty: all.")
    kinds = models.JSONField(default=list, help_text="Kinds of cases (rules.ladders.CASE_KINDS) or types; empty: all.")

    def __str__(self) -> str:
        return f"{self.position}: {self.ladder}"


class Rota(models.Model):
    """Who is on call, in weekly turns: ``rules.rota``."""

    name = models.CharField(max_length=40, unique=True)
    anchor = models.DateTimeField(help_text="When a turn of the first member starts.")

    def __str__(self) -> str:
        return self.name


class RotaMember(models.Model):
    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rota", "user"], name="rota_member_once")]


class RotaOverride(models.Model):
    """Somebody is on call in another's turn. Of overlapping ones the later counts."""

    rota = models.ForeignKey(Rota, on_delete=models.CASCADE, related_name="overrides")
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="rota_override_forward", condition=Q(ends_at__gt=models.F("starts_at")))
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.starts_at:%Y-%m-%d %H:%M}"


class PersonHours(models.Model):
    """When somebody is not to be disturbed by what is not urgent."""

    user = models.OneToOneField(User, on_delete=models.CASCADE)
    quiet_hours = models.CharField(max_length=11, help_text="22:00-08:00 in Beijing.")

    def __str__(self) -> str:
        return f"{self.user} {self.quiet_hours}"


class PersonAddress(models.Model):
    """What somebody is called by in a kind of channel that does not know WeCom's account ids."""

    class Kind(models.TextChoices):
        DINGTALK_ROBOT = "dingtalk_robot", _("DingTalk robot")
        FEISHU_ROBOT = "feishu_robot", _("Feishu robot")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    address = models.CharField(max_length=64, help_text="DingTalk: mobile number or user id. Feishu: open id.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="person_address_once")]

    def __str__(self) -> str:
        return f"{self.user} {self.kind}"


class BudgetKey(models.Model):
    """What one robot key has spent, shared by every channel and process that uses it. Its row is the lock."""

    key = models.CharField(max_length=64, primary_key=True)
    used_at = models.JSONField(default=list, help_text="Unix seconds of the sends in the running window.")
    used_by = models.JSONField(
        default=dict, db_default={}, help_text="Of those, the urgent and system ones: class to unix seconds."
    )
    paused_until = models.DateTimeField(null=True)
    gone_until = models.DateTimeField(
        null=True, help_text="One robot of several is gone, or answers nobody; when to try it again."
    )
    unanswered = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="One robot of several: its tries in a row that nobody answered."
    )
    digest_since = models.DateTimeField(null=True, help_text="Set while many messages become one.")
    digest_busy_at = models.DateTimeField(null=True, help_text="When too many waited last.")
    digested_at = models.DateTimeField(null=True, help_text="When the last digest was made.")
    spacing_seconds = models.PositiveSmallIntegerField(default=0, help_text="Least time between two sends; 0 for none.")


class AppToken(models.Model):
    """The access token of an application, shared by all processes. Its row is the lock of who renews it."""

    key = models.CharField(max_length=64, primary_key=True, help_text="Fingerprint of company and secret.")
    token = SealedTextField(null=True)
    expires_at = models.DateTimeField(null=True)
    renewing_until = models.DateTimeField(null=True, help_text="A process fetches a new one; its lease.")


class Card(models.Model):
    """A sent card with buttons. Each code changes it once, within 72 hours of its birth; a used one is NULL."""

    class Shown(models.TextChoices):
        OPEN = "open"
        CLAIMED = "claimed"
        ANSWERED = "answered"
        CLOSED = "closed"

    message = models.OneToOneField(Message, on_delete=models.CASCADE)
    task_id = models.CharField(max_length=128, unique=True)
    shown = models.CharField(max_length=8, choices=Shown.choices, default=Shown.OPEN)
    sent_at = models.DateTimeField()
    sent_code = SealedTextField(null=True, help_text="From the answer to the sending; kept for the end of the case.")
    click_code = SealedTextField(null=True, help_text="From the last press of a button.")
    clicked_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True, help_text="When to change it; empty: nothing to change, or no code left.")
    failures = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="card_shown", condition=Q(shown__in=["open", "claimed", "answered", "closed"])),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="card_due")]


class Click(models.Model):
    """A button somebody pressed, kept so that a repeated callback does nothing twice and is answered alike."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE)
    identity = models.CharField(max_length=64, help_text="Hash of who, when, which card and which button.")
    userid = models.CharField(max_length=64)
    task_id = models.CharField(max_length=128)
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=20)
    label = models.CharField(max_length=60, help_text="What the button was greyed with.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "identity"], name="click_once")]
