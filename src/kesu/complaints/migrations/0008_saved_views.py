import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Saved views, which were the desk's. The table stays as it is."""

    dependencies = [
        ("complaints", "0007_order_payments"),
        ("desk", "0002_saved_views_elsewhere"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="SavedView",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=40)),
                        (
                            "query",
                            models.CharField(
                                help_text="The inbox's own parameters, as complaints.narrowing has them.",
                                max_length=1000,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="saved_views",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "desk_savedview",
                        "constraints": [
                            models.UniqueConstraint(fields=("user", "name"), name="saved_view_name"),
                        ],
                    },
                ),
            ],
        ),
    ]
