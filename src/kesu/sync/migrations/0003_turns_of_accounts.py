"""Reads are claimed account by account, whatever one of them has waiting."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sync", "0002_fewer_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="refresh",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["priority", "account", "due_at"],
                name="refresh_of_account",
            ),
        ),
    ]
