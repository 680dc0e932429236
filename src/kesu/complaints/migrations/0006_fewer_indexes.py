"""Foreign keys whose index another one begins with lose their own: less to write and to keep.

By hand: Django would take the key away and check every row again.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("complaints", "0005_search_and_lists")]

    operations = [
        migrations.RunSQL(
            'drop index if exists "complaints_complaint_account_id_2036e635"',
            'create index "complaints_complaint_account_id_2036e635" on complaints_complaint (account_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="complaint",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="merchants.account"
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "complaints_media_complaint_id_c12a8222"',
            'create index "complaints_media_complaint_id_c12a8222" on complaints_media (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="media",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="media",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "complaints_order_complaint_id_c40b35f7"',
            'create index "complaints_order_complaint_id_c40b35f7" on complaints_order (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="order",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="orders",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "complaints_round_complaint_id_b55f3f40"',
            'create index "complaints_round_complaint_id_b55f3f40" on complaints_round (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="round",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rounds",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "complaints_serviceorder_complaint_id_887dce4c"',
            'create index "complaints_serviceorder_complaint_id_887dce4c" on complaints_serviceorder (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="serviceorder",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="service_orders",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
        migrations.RunSQL(
            'drop index if exists "complaints_timelineentry_complaint_id_df91c8e3"',
            'create index "complaints_timelineentry_complaint_id_df91c8e3" on complaints_timelineentry (complaint_id)',
            state_operations=[
                migrations.AlterField(
                    model_name="timelineentry",
                    name="complaint",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="timeline",
                        to="complaints.complaint",
                    ),
                )
            ],
        ),
    ]
