import django.db.models.deletion
import kesu.vault.fields
from django.db import migrations, models


def watch_known_accounts(apps, schema_editor):
    """Accounts from before are looked at as soon as a worker runs."""
    health = apps.get_model("merchants", "AccountHealth")
    for account in apps.get_model("merchants", "Account").objects.only("pk", "created_at").iterator():
        health.objects.create(account=account, due_at=account.created_at, certificates_due_at=account.created_at)


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="account",
            name="repair_callback",
            field=models.BooleanField(
                default=True, db_default=True, help_text="Set the callback address right when somebody changed it; else only report it."
            ),
        ),
        migrations.CreateModel(
            name="AccountHealth",
            fields=[
                (
                    "account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="health",
                        serialize=False,
                        to="merchants.account",
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(help_text="When to look next; while a worker looks, when its lease ends."),
                ),
                (
                    "certificates_due_at",
                    models.DateTimeField(help_text="When to download the platform's certificates next."),
                ),
                ("checked_at", models.DateTimeField(help_text="The last look that the platform answered.", null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                (
                    "clock_skew_seconds",
                    models.FloatField(help_text="By how much the platform's clock is ahead.", null=True),
                ),
                (
                    "repaired_at",
                    models.DateTimeField(help_text="When the callback address was last set right.", null=True),
                ),
                ("violations_registered_at", models.DateTimeField(null=True)),
                ("problems", models.JSONField(default=list, help_text="watch.Problem, each with ``since``.")),
            ],
            options={
                "indexes": [models.Index(fields=["due_at"], name="account_health_due")],
            },
        ),
        migrations.CreateModel(
            name="Limitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sub_mchid", models.CharField(max_length=64)),
                (
                    "functions",
                    models.JSONField(default=list, help_text="NO_TRANSACTION and the like; unknown words included."),
                ),
                ("other_functions", models.CharField(blank=True, max_length=300)),
                (
                    "recoveries",
                    models.JSONField(default=list, help_text="Each reason with its way out, as the platform says it."),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField(null=True)),
                (
                    "due_at",
                    models.DateTimeField(help_text="When to ask next; empty while nobody complains of it.", null=True),
                ),
                ("error", models.CharField(blank=True, max_length=300)),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="merchants.account")),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="limitation_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "sub_mchid"), name="limitation_sub_merchant")
                ],
            },
        ),
        migrations.CreateModel(
            name="ViolationNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "event_type",
                    models.CharField(
                        help_text="VIOLATION.PUNISH, .INTERCEPT, .APPEAL, or a newer word.", max_length=64
                    ),
                ),
                ("record_id", models.CharField(max_length=128)),
                ("sub_mchid", models.CharField(blank=True, max_length=64)),
                ("company_name", models.CharField(blank=True, max_length=200)),
                ("risk_type", models.CharField(blank=True, max_length=64)),
                ("risk_description", models.TextField(blank=True)),
                ("punish_plan", models.TextField(blank=True)),
                ("punish_description", models.TextField(blank=True)),
                (
                    "punished_at",
                    models.DateTimeField(help_text="Empty where the platform's time cannot be read.", null=True),
                ),
                ("raw", kesu.vault.fields.SealedTextField(help_text="The opened notice, JSON.")),
                ("received_at", models.DateTimeField()),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="merchants.account")),
            ],
            options={
                "indexes": [models.Index(fields=["-received_at", "-id"], name="violation_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("account", "record_id", "event_type"), name="violation_record")
                ],
            },
        ),
        migrations.RunPython(watch_known_accounts, migrations.RunPython.noop, elidable=True),
    ]
