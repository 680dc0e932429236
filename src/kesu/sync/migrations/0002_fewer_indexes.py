"""Foreign keys whose index another one begins with lose their own: less to write and to keep.

By hand: Django would take the key away and check every row again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sync", "0001_initial")]

    operations = [
        migrations.RunSQL(
            'drop index if exists "sync_poll_account_id_279fc96d"',
            'create index "sync_poll_account_id_279fc96d" on sync_poll (account_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="poll",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="merchants.account"
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "sync_refresh_account_id_76472e18"',
            'create index "sync_refresh_account_id_76472e18" on sync_refresh (account_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="refresh",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="merchants.account"
                    ),
                )
            ],
        ),
    ]
