"""Foreign keys whose index another one begins with lose their own: less to write and to keep.

By hand: Django would take the key away and check every row again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0005_rereading_and_addresses")]

    operations = [
        migrations.RunSQL(
            'drop index if exists "alerts_attempt_channel_id_332ebc32"',
            'create index "alerts_attempt_channel_id_332ebc32" on alerts_attempt (channel_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="attempt",
                    name="channel",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="alerts.channel"
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "alerts_clock_complaint_id_d6eeadc9"',
            'create index "alerts_clock_complaint_id_d6eeadc9" on alerts_clock (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="clock",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clocks",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "alerts_message_channel_id_e4787640"',
            'create index "alerts_message_channel_id_e4787640" on alerts_message (channel_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="message",
                    name="channel",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="alerts.channel"
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "alerts_message_complaint_id_68c9e47b"',
            'create index "alerts_message_complaint_id_68c9e47b" on alerts_message (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="message",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
    ]
