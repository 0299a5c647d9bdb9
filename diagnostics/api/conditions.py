"""The condition library over the REST API: read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.policy import Permission
from diagnostics.conditions import selectors
from diagnostics.models import ConditionRevision

if TYPE_CHECKING:
    from rest_framework.request import Request


class ConditionSerializer(serializers.Serializer[Any]):
    """A condition with the texts in force."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    labels = serializers.ListField(child=serializers.CharField(), help_text="Of the models")
    episodes = serializers.ListField(child=serializers.CharField(), help_text="Kinds, of recordings")
    version = serializers.IntegerField()
    review_by = serializers.DateField()
    sources = serializers.ListField(child=serializers.CharField())
    texts = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField()),
        help_text="By audience (doctor, patient; patients get their own) and section (what, causes, symptoms, help, treatment)",
    )


class ConditionListView(APIView):
    """The condition library."""

    permission = Permission.READ_CONDITIONS

    @extend_schema(
        parameters=[OpenApiParameter("q", str, description="Words that all stand in the texts")],
        responses=ConditionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Every condition by name; it is short, so not in pages."""
        found = selectors.library(request.user, request.query_params.get("q", "")[:100])
        return Response([_shown(request, row) for row in found])


class ConditionView(APIView):
    """One condition."""

    permission = Permission.READ_CONDITIONS

    @extend_schema(responses=ConditionSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The texts in force."""
        try:
            row = selectors.revision(request.user, slug)
        except ConditionRevision.DoesNotExist:
            raise Http404 from None
        return Response(_shown(request, row))


def _shown(request: Request, row: ConditionRevision) -> dict[str, Any]:
    shown = {
        "slug": row.condition.slug,
        "name": row.condition.name,
        "labels": row.condition.labels,
        "episodes": row.condition.episodes,
        "version": row.number,
        "review_by": row.review_by,
        "sources": row.sources,
        "texts": {one.value: row.texts[one.value] for one in selectors.audiences(request.user)},
    }
    return dict(ConditionSerializer(shown).data)
