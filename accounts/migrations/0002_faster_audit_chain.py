from pathlib import Path

from django.db import migrations

from accounts.database import run_sql

SQL = Path(__file__).parents[1] / "sql"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [run_sql(SQL / "audit_functions.sql")]
