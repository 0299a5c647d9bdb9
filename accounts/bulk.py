"""Writing many rows of one table in one statement, for what a batch writes by the thousand.

The rows go as one JSON parameter, which PostgreSQL takes apart by the table's own types: a tenth of the time of `bulk_create`, which
prepares every value of every row by itself. COPY would be no way, because it is refused on tables with row-level security.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models.expressions import DatabaseDefault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from django.db import models

INSERT = """INSERT INTO {table} ({columns}) SELECT {columns}
    FROM json_populate_recordset(NULL::{table}, %s::json) WITH ORDINALITY ORDER BY ordinality"""
UPDATE = """UPDATE {table} AS kept SET {assigned}
    FROM json_populate_recordset(NULL::{table}, %s::json) AS given WHERE kept.{key} = given.{key}"""


def insert_many(rows: Sequence[models.Model]) -> None:
    """Add rows of one model, in their order. What the database gives them, such as numbers and times, is not read back.

    For fields that JSON knows, which binary ones are not. Policies, triggers and constraints hold as for any statement.
    """
    if not rows:
        return
    names = {
        column: name for column, name in _columns(rows[0]).items() if not _left_to_database(rows[0], name)
    }
    _execute(INSERT, rows, names, columns=", ".join(map(connection.ops.quote_name, names)))


def update_many(rows: Sequence[models.Model], fields: Collection[str]) -> None:
    """Store these fields of rows that are there already; of rows that are not there nothing. Fields as attributes: `patient_id`."""
    if not rows:
        return
    key = rows[0]._meta.pk.attname  # Django's documented Model._meta
    names = {column: name for column, name in _columns(rows[0]).items() if name in fields or name == key}
    quoted = [connection.ops.quote_name(column) for column, name in names.items() if name != key]
    (of_key,) = (connection.ops.quote_name(column) for column, name in names.items() if name == key)
    _execute(UPDATE, rows, names, assigned=", ".join(f"{one} = given.{one}" for one in quoted), key=of_key)


def _execute(statement: str, rows: Sequence[models.Model], names: Mapping[str, str], **parts: str) -> None:
    documents = [{column: getattr(row, name) for column, name in names.items()} for row in rows]
    table = connection.ops.quote_name(rows[0]._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=table, **parts), [json.dumps(documents, default=str)])


def _columns(row: models.Model) -> dict[str, str]:
    """The attribute of each column."""
    return {field.column: field.attname for field in row._meta.concrete_fields if field.column}


def _left_to_database(row: models.Model, name: str) -> bool:
    value: Any = getattr(row, name)
    return isinstance(value, DatabaseDefault) or (value is None and name == row._meta.pk.attname)
