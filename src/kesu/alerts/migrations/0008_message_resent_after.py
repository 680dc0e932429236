"""Which tries of a message were before it was sent again by hand."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0007_channel_health'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='resent_after',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='The last try before it was sent again by hand: only later ones count.'),
        ),
    ]
