from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('commands', '0003_resending'),
    ]

    operations = [
        migrations.AddField(
            model_name='refundrequest',
            name='launch_refund_day',
            field=models.IntegerField(db_default=0, default=0, help_text='Of the approval: working days.'),
        ),
        migrations.AddField(
            model_name='refundrequest',
            name='remark',
            field=models.CharField(blank=True, db_default='', default='', help_text='Of the approval.', max_length=200),
        ),
    ]
