"""Foreign keys whose index another one begins with lose their own: less to write and to keep.

By hand: Django would take the key away and check every row again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_initial")]

    operations = [
        migrations.RunSQL(
            'drop index if exists "intake_notice_account_id_f32a7f2b"',
            'create index "intake_notice_account_id_f32a7f2b" on intake_notice (account_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="notice",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="merchants.account"
                    ),
                )
            ],
        ),
    ]
