"""Pages of a list."""

from __future__ import annotations

from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """`?limit=&offset=`; never more than 200 rows in one answer."""

    max_limit = 200
