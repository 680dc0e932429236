from django.db import migrations


class Migration(migrations.Migration):
    """Saved views belong to complaints, whose next migration takes them over. The table stays as it is."""

    dependencies = [("desk", "0001_initial")]
    operations = [migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("SavedView")])]
