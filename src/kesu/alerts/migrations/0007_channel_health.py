"""When a channel fell silent, since when its address is what it is, and how long a robot of several was silent."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0006_fewer_indexes'),
    ]

    operations = [
        migrations.AddField(
            model_name='budgetkey',
            name='unanswered',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text='One robot of several: its tries in a row that nobody answered.'),
        ),
        migrations.AddField(
            model_name='channel',
            name='address_since',
            field=models.DateTimeField(help_text='When its settings changed last: earlier tries say nothing about it.', null=True),
        ),
        migrations.AddField(
            model_name='channel',
            name='down_since',
            field=models.DateTimeField(help_text='Since when nobody answers. Dead as well, it was left alone for that, and heals by itself.', null=True),
        ),
        migrations.AlterField(
            model_name='budgetkey',
            name='gone_until',
            field=models.DateTimeField(help_text='One robot of several is gone, or answers nobody; when to try it again.', null=True),
        ),
    ]
