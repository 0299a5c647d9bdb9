"""Connection URLs, and a real upload to an S3 server."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given
from hypothesis import strategies as st

from accounts.actor import acting_as
from accounts.roles import SYSTEM
from cardiocare_site.connections import broker_from_url, database_from_url, storage_from_url
from diagnostics.models import Upload
from diagnostics.services import lifecycle
from diagnostics.services.claims import stored_bytes
from tests import factories, images

TEXT = st.text(st.characters(exclude_categories=["C"]), min_size=1)


def quoted(text):
    from urllib.parse import quote

    return quote(text, safe="")


@given(user=TEXT, password=TEXT, name=TEXT.filter(lambda text: "/" not in text), port=st.integers(1, 65535))
def test_any_user_password_and_name_survive_the_url(user, password, name, port):
    read = database_from_url(
        f"postgresql://{quoted(user)}:{quoted(password)}@db.example:{port}/{quoted(name)}"
    )
    assert (read["USER"], read["PASSWORD"], read["NAME"], read["HOST"], read["PORT"]) == (
        user,
        password,
        name,
        "db.example",
        str(port),
    )


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgres://u@h/n", {"HOST": "h", "PORT": "", "PASSWORD": ""}),
        ("postgresql://u:p@/n?host=/run/pg&port=5433", {"HOST": "/run/pg", "PORT": "5433", "USER": "u"}),
        ("postgresql://u@[::1]:5432/n", {"HOST": "::1", "PORT": "5432"}),
        ("postgresql://u@h/n?sslmode=require", {"OPTIONS": {"sslmode": "require", "connect_timeout": 5}}),
    ],
)
def test_the_forms_of_a_database_url(url, wanted):
    read = database_from_url(url)
    assert {name: read[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///db.sqlite3", "PostgreSQL is the only database"),
        ("mysql://u@h/n", "PostgreSQL is the only database"),
        ("", "must begin with postgresql://"),
        ("postgresql://u:p@h", "names no database"),
        ("postgresql://u:p@h:port/n", "no readable port"),
        ("postgresql://u:p/secret@h/n", "no readable port"),
    ],
)
def test_a_bad_database_url_is_refused_without_repeating_it(url, words):
    with pytest.raises(ValueError, match=words) as error:
        database_from_url(url)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["redis://h", "rediss://:p@h:6380/1", "redis+socket:///run/redis.sock"])
def test_a_broker_url_goes_through(url):
    assert broker_from_url(url) == url


@pytest.mark.parametrize("url", ["", "amqp://h", "memory://", "http://h"])
def test_another_broker_is_refused(url):
    with pytest.raises(ValueError, match="REDIS_URL must begin with redis://"):
        broker_from_url(url)


def test_files_are_private_to_the_user_of_the_process(tmp_path):
    from django.core.files.base import ContentFile
    from django.core.files.storage import FileSystemStorage

    options = storage_from_url(f"file://{tmp_path}/a%20folder")["OPTIONS"]
    assert options["location"] == f"{tmp_path}/a folder"
    storage = FileSystemStorage(**options)
    name = storage.save("deep/er/x.png", ContentFile(b"x"))
    path = tmp_path / "a folder" / name
    assert [oct(one.stat().st_mode & 0o777) for one in (path, path.parent, path.parent.parent)] == [
        "0o600",
        "0o700",
        "0o700",
    ]


@pytest.mark.parametrize("url", ["", "s3://", "file:", "/var/media", "ftp://h/x", "http://bucket"])
def test_another_storage_is_refused(url):
    with pytest.raises(ValueError, match=r"^STORAGE_URL must be file:///directory or s3://bucket"):
        storage_from_url(url)


class S3(NamedTuple):
    """A client and the bucket of this test."""

    client: Any
    bucket: str


@pytest.fixture
def s3(settings, monkeypatch):
    """A bucket on a real (local) S3 server, in place of the folder."""
    import boto3
    from moto.server import ThreadedMotoServer

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_DEFAULT_REGION", "eu-central-1"),
    ):
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    bucket = f"uploads-{uuid.uuid4().hex}"
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}".replace("0.0.0.0", "127.0.0.1")  # what moto says it listens on
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    settings.STORAGES = settings.STORAGES | {
        "default": storage_from_url(f"s3://{bucket}?endpoint_url={endpoint}&region_name=eu-central-1")
    }
    yield S3(client, bucket)
    client.close()
    server.stop()


def objects(s3):
    found = s3.client.list_objects_v2(Bucket=s3.bucket).get("Contents", [])
    return sorted(s3.client.get_object(Bucket=s3.bucket, Key=one["Key"])["Body"].read() for one in found)


@pytest.mark.django_db
def test_an_upload_goes_to_s3_and_comes_back_to_the_worker(s3, client, doctor):
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    good, bad = images.png(seed=1), b"%PDF"
    files = [SimpleUploadedFile("a.png", good), SimpleUploadedFile("b.png", bad)]
    response = client.post("/api/v1/uploads/", {"patient": str(patient.pk), "files": files})
    assert (response.status_code, [one["accepted"] for one in response.json()["files"]]) == (
        207,
        [True, False],
    )
    assert objects(s3) == [good]
    with acting_as(SYSTEM):
        (claim,) = lifecycle.claim([(response.json()["files"][0]["diagnosis_id"], 1)], worker="w")
        assert stored_bytes(claim) == good
        assert patient.mrn not in Upload.objects.get().storage_name


@pytest.mark.django_db
def test_a_bucket_that_is_gone_refuses_the_file(s3, client, doctor):
    s3.client.delete_bucket(Bucket=s3.bucket)
    client.force_login(doctor)
    patient = factories.patient(team=(doctor,))
    response = client.post(
        "/api/v1/uploads/", {"patient": str(patient.pk), "files": [SimpleUploadedFile("a.png", images.png())]}
    )
    assert [one["reason_code"] for one in response.json()["files"]] == ["storage_unavailable"]
