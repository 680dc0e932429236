"""Quick replies to begin with. Whoever removes one does not get it back."""

from django.db import migrations
from django.utils import timezone

from kesu.commands.starters import STARTERS


def install(apps, schema_editor):
    QuickReply = apps.get_model("commands", "QuickReply")
    if QuickReply.objects.exists():
        return
    QuickReply.objects.bulk_create(
        QuickReply(
            name=starter.name,
            problem_type=starter.problem_type,
            text=starter.text,
            position=position,
            changed_at=timezone.now(),
        )
        for position, starter in enumerate(STARTERS, 1)
    )


class Migration(migrations.Migration):
    dependencies = [("commands", "0001_initial")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
