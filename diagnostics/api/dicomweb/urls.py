"""Routes of DICOMweb (PS3.18 table 10.1-1)."""

from django.urls import path

from diagnostics.api.dicomweb import qido, wado

app_name = "dicomweb"
STUDY = "studies/<str:study_uid>"
SERIES = f"{STUDY}/series/<str:series_uid>"
INSTANCE = f"{SERIES}/instances/<str:sop_uid>"
urlpatterns = [
    path("studies", qido.StudiesView.as_view(), name="studies"),
    path("series", qido.SeriesView.as_view(), name="all-series"),
    path("instances", qido.InstancesView.as_view(), name="all-instances"),
    path(STUDY, wado.RetrieveView.as_view(), name="study"),
    path(f"{STUDY}/metadata", wado.MetadataView.as_view(), name="study-metadata"),
    path(f"{STUDY}/series", qido.SeriesView.as_view(), name="series"),
    path(f"{STUDY}/instances", qido.InstancesView.as_view(), name="study-instances"),
    path(SERIES, wado.RetrieveView.as_view(), name="one-series"),
    path(f"{SERIES}/metadata", wado.MetadataView.as_view(), name="series-metadata"),
    path(f"{SERIES}/instances", qido.InstancesView.as_view(), name="instances"),
    path(INSTANCE, wado.RetrieveView.as_view(), name="instance"),
    path(f"{INSTANCE}/metadata", wado.MetadataView.as_view(), name="instance-metadata"),
    path(f"{INSTANCE}/rendered", wado.RenderedView.as_view(), name="instance-rendered"),
    path(f"{INSTANCE}/frames/<str:frames>", wado.FramesView.as_view(), name="frames"),
    path(f"{INSTANCE}/frames/<int:frame>/rendered", wado.RenderedView.as_view(), name="frame-rendered"),
]
