"""Foreign keys whose index another one begins with lose their own: less to write and to keep.

By hand: Django would take the key away and check every row again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]

    operations = [
        migrations.RunSQL(
            'drop index if exists "webhooks_delivery_endpoint_id_6cbee67d"',
            'create index "webhooks_delivery_endpoint_id_6cbee67d" on webhooks_delivery (endpoint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="delivery",
                    name="endpoint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="webhooks.endpoint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "webhooks_deliveryattempt_delivery_id_a3a82286"',
            'create index "webhooks_deliveryattempt_delivery_id_a3a82286" on webhooks_deliveryattempt (delivery_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="deliveryattempt",
                    name="delivery",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log",
                        to="webhooks.delivery",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "webhooks_event_complaint_id_fcb37f15"',
            'create index "webhooks_event_complaint_id_fcb37f15" on webhooks_event (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="event",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hook_events",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
    ]
