from pathlib import Path

from django.db import migrations

from accounts.database import run_sql

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_initial")]

    operations = [run_sql(SQL / "system_policies.sql")]
