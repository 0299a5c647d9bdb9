"""Patients read their own clinical values."""

from pathlib import Path

from django.db import migrations

from accounts.database import run_sql

SQL = Path(__file__).parent.parent / "sql" / "own_values.sql"


class Migration(migrations.Migration):
    dependencies = [("patients", "0006_hand_on_imports")]
    operations = [run_sql(SQL)]
