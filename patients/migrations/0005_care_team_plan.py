"""A plan for the second wall's list of a doctor's patients that holds for thousands of them."""

from pathlib import Path

from django.db import migrations

from accounts.database import run_sql

SQL = Path(__file__).parent.parent / "sql" / "care_team_plan.sql"


class Migration(migrations.Migration):
    dependencies = [("patients", "0004_value_imports")]
    operations = [run_sql(SQL)]
