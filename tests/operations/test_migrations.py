"""Two versions run side by side during an upgrade: what a migration does must not break the processes before it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

THOUGHT_ABOUT = {
    "accounts.0002_sign_in": {"RunSQL"},  # a table of its own
    "accounts.0003_roles_and_tokens": {"user_role", "user_refund_limit", "RunPython"},  # columns that it adds
    "alerts.0003_storms": {"message_state"},  # one state more than before
    "alerts.0006_fewer_indexes": {"RunSQL"},  # drops indexes
    "commands.0002_starters": {"RunPython"},  # adds quick replies where there are none
    "commands.0003_resending": {
        "command_kind",  # one kind more than before
        "command_secret_wiped",  # a column that it adds
        "refund_resent",  # columns that it adds
    },
    "commands.0005_second_person": {"refund_request_card_wiped", "refund_request_resends"},  # columns that it adds
    "complaints.0006_fewer_indexes": {"RunSQL"},  # drops indexes
    "complaints.0008_saved_views": {"SeparateDatabaseAndState"},  # another app's model; no SQL
    "desk.0002_saved_views_elsewhere": {"SeparateDatabaseAndState"},  # no SQL
    "intake.0002_fewer_indexes": {"RunSQL"},  # drops indexes
    "merchants.0002_watch_and_violations": {"RunPython"},  # adds rows to a table that it creates
    "sync.0002_fewer_indexes": {"RunSQL"},  # drops indexes
    "webhooks.0002_fewer_indexes": {"RunSQL"},  # drops indexes
}
"""What a migration may do although it could break the version before: constraints on tables that were there already, by
name, and ``RunSQL`` or ``RunPython``. Whoever adds a line has made sure that the version before can live with it.
"""

OURS = {config.label for config in apps.get_app_configs() if config.name.startswith("kesu.")}
TAKES_AWAY = (
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.RemoveField,
    migrations.RenameField,
    migrations.AlterModelTable,
    migrations.AlterUniqueTogether,
)
HARMLESS = (
    migrations.CreateModel,
    migrations.AddIndex,
    migrations.RemoveIndex,
    migrations.RenameIndex,
    migrations.AlterField,  # looked at by narrowed()
    migrations.RemoveConstraint,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
)


def later_operations() -> list[tuple[str, Operation]]:
    """Every operation of our migrations after an app's first."""
    loader = MigrationLoader(None)
    return [
        (f"{app}.{name}", operation)
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in OURS and not name.startswith("0001")
        for operation in migration.operations
    ]


def complaint_about(operation: Operation) -> str:
    """Why the version before could not live with it, or an empty string."""
    if isinstance(operation, TAKES_AWAY):
        return "takes away what the version before uses"
    if isinstance(operation, migrations.AddField):
        field = operation.field
        fills_itself = field.null or field.has_db_default() or isinstance(field, models.ManyToManyField)
        return "" if fills_itself else "the version before does not fill it: null=True or db_default"
    if isinstance(operation, migrations.AddConstraint):
        return "refuses rows that the version before may write"
    if isinstance(operation, migrations.RunPython | migrations.RunSQL):
        return "does what nobody can tell by looking at its kind"
    if isinstance(operation, HARMLESS):
        return ""
    return "unknown operation: think about it, then name it here"


def allowed(name: str, operation: Operation) -> bool:
    """Whether somebody has thought about it."""
    return what(operation) in THOUGHT_ABOUT.get(name, set())


def what(operation: Operation) -> str:
    """A constraint's name, or the kind of anything else."""
    return operation.constraint.name if isinstance(operation, migrations.AddConstraint) else type(operation).__name__


def of_a_new_table(name: str, operation: Operation) -> bool:
    """Whether it constrains a table that the same migration creates: the version before knows nothing of it."""
    if not isinstance(operation, migrations.AddConstraint):
        return False
    created = [one.name_lower for where, one in later_operations()
               if where == name and isinstance(one, migrations.CreateModel)]  # fmt: skip
    return operation.model_name_lower in created


def narrowed() -> list[str]:
    """Altered fields that refuse what they took before: shorter, or NULL no more."""
    loader = MigrationLoader(None)
    found = []
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app not in OURS or name.startswith("0001"):
            continue
        state = loader.project_state((app, name), at_end=False)
        for operation in migration.operations:
            if isinstance(operation, migrations.AlterField):
                before = state.models[app, operation.model_name_lower].fields[operation.name]
                after = operation.field
                if before.null and not after.null and not after.has_db_default():
                    found.append(f"{app}.{name}: {operation.name} becomes NOT NULL")
                if (before.max_length or 0) > (after.max_length or 10**9):
                    found.append(f"{app}.{name}: {operation.name} becomes shorter")
            operation.state_forwards(app, state)
    return found


def test_migrations_after_the_first_take_nothing_away():
    complaints = [f"{name}: {operation.describe()}: {why}" for name, operation in later_operations()
                  if (why := complaint_about(operation))
                  and not allowed(name, operation) and not of_a_new_table(name, operation)]  # fmt: skip
    assert complaints == []


def test_every_exception_is_of_a_migration_that_does_it():
    done = {(name, what(operation)) for name, operation in later_operations()}
    assert {(name, one) for name, those in THOUGHT_ABOUT.items() for one in those} <= done


def test_migrations_after_the_first_narrow_no_field():
    assert narrowed() == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("complaint", "detail"),
        migrations.RenameField("complaint", "detail", "words"),
        migrations.DeleteModel("Order"),
        migrations.AddConstraint("complaint", models.CheckConstraint(condition=models.Q(state="PENDING"), name="odd")),
        migrations.AddConstraint("complaint", models.UniqueConstraint(fields=["state"], name="odd")),
        migrations.RunSQL("update complaints_complaint set state = 'odd'"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.AddField("complaint", "colour", models.CharField(max_length=9, default="red")),
    ],
)
def test_an_operation_that_breaks_the_version_before_is_noticed(operation: Operation):
    assert complaint_about(operation)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("complaint", "colour", models.CharField(max_length=9, null=True)),
        migrations.AddField("complaint", "colour", models.CharField(max_length=9, db_default="red")),
        migrations.CreateModel("Colour", [("id", models.BigAutoField(primary_key=True))]),
    ],
)
def test_an_operation_that_only_adds_is_not(operation: Operation):
    assert complaint_about(operation) == ""


def test_every_model_has_its_migration(db):
    from django.core.management import call_command

    assert connection.vendor == "postgresql"
    call_command("makemigrations", *sorted(OURS), check=True, dry_run=True, verbosity=0)
