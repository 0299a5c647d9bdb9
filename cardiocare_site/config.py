"""Every setting that an operator can make, typed, with its default and meaning.

Each is an environment variable of the same name in capitals; `NAME_FILE` names a file that holds the value (a mounted secret).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent


class Config(BaseSettings):
    """What the environment says. Raises pydantic.ValidationError, which names each bad value."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)  # a bad value may be a secret

    mode: Literal["production", "development", "demo", "test"] = Field(
        "production",
        description="`demo` loads the demo people; `production` refuses them and insists on secure cookies.",
    )
    secret_key: SecretStr = Field(description="Django's signing key, at least 32 characters.", min_length=32)
    database_url: SecretStr = Field(
        description="`postgresql://user:password@host:port/name` of the application's role, which owns nothing."
    )
    database_owner_url: SecretStr | None = Field(
        None,
        description="The same database as the role that owns the tables; used by `migrate` and the tests only.",
    )
    database_role: Literal["app", "owner"] = Field(
        "app", description="Which of the two roles this process connects as."
    )
    redis_url: SecretStr = Field(description="`redis://:password@host:port/0` of the broker.")
    storage_url: str = Field(
        f"file://{BASE_DIR}/.local/media",
        description="Where uploads are kept: `file:///directory` or `s3://bucket?endpoint_url=…&region_name=…`.",
    )
    allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]", description="Host names served, separated by commas."
    )
    csrf_trusted_origins: str = Field(
        "", description="Origins for forms behind a proxy, separated by commas."
    )
    behind_tls_proxy: bool = Field(
        False, description="Trust `X-Forwarded-Proto` and `X-Forwarded-For` of exactly one proxy."
    )
    temp_dir: str = Field(
        "",
        description="Folder with room for what is being received, unpacked or read, for CardioCare alone: what is older than a day there is"
        " removed. By default the system's, which may be small.",
    )
    upload_max_mb: int = Field(20, ge=1, le=500, description="Largest file accepted, megabytes.")
    recording_max_mb: int = Field(4000, ge=1, le=20_000, description="Largest recording accepted, megabytes.")
    dicom_max_mb: int = Field(
        2000,
        ge=1,
        le=4000,
        description="Largest DICOM object accepted, megabytes; an archive may unpack to twice as much.",
    )
    dicom_idle_s: float = Field(
        60,
        ge=0.1,
        le=86_400,
        description="A study of which nothing came for so long is taken for complete, seconds.",
    )
    dicom_archive_url: str = Field(
        "",
        description="Where the DICOMweb of the archive begins to which doctors may send results, for example"
        " `https://archive.example/dicom-web`; without it nothing is sent.",
        pattern=r"^(https?://\S+)?$",
    )
    dicom_archive_token: SecretStr = Field(
        SecretStr(""), description="Bearer token for the archive, if it wants one."
    )
    dicom_refusals_days: int = Field(
        30, ge=1, le=3650, description="How long it is kept which DICOM files were refused and why, days."
    )
    dicom_export_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Secret by which exports without identity get their pseudonyms, shifts of dates and UIDs, at least 32 characters; with"
        " another one these are others. Derived from `SECRET_KEY` by default.",
    )
    dicom_export_hours: int = Field(
        24, ge=1, le=720, description="How long an export without identity can be downloaded, hours."
    )
    dicom_port: int = Field(
        11112, ge=0, le=65_535, description="Port of `manage.py dicom_listener`; 0 takes a free one."
    )
    dicom_title: str = Field("CARDIOCARE", min_length=1, max_length=16, description="Its own AE title.")
    dicom_peers: str = Field(
        "",
        pattern=r"^([^=,]{1,16}=[^=,]+(,[^=,]{1,16}=[^=,]+)*)?$",
        description="Calling AE titles that `manage.py dicom_listener` takes objects from, each with the integration account that it acts"
        " as: `PACS1=pacs,CT2=pacs`. All others are refused.",
    )
    upload_max_files: int = Field(50, ge=1, le=100, description="Most files accepted in one batch.")
    diagnosis_queue: Literal["gpu", "cpu"] = Field(
        "gpu", description="Queue that diagnoses are published to."
    )
    diagnosis_time_limit_s: int = Field(
        90, ge=1, le=3600, description="A diagnosis that runs longer is ended, seconds."
    )
    recording_time_limit_s: int = Field(
        1800, ge=1, le=86_400, description="An analysis of a recording that runs longer is ended, seconds."
    )
    diagnosis_max_attempts: int = Field(
        3, ge=1, le=10, description="Attempts before a diagnosis stays failed."
    )
    sweep_interval_s: float = Field(
        10, ge=0.2, le=600, description="How often lost diagnoses are looked for, seconds."
    )
    score2_region: Literal["", "low", "moderate", "high", "very high"] = Field(
        "",
        description="Risk region of the country by the 2021 ESC guideline on prevention, which SCORE2 needs; without it SCORE2 is not"
        " computed.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe log line kept."
    )

    @model_validator(mode="before")
    @classmethod
    def read_secret_files(cls, values: dict[str, object]) -> dict[str, object]:
        """Fill a value from the file that `NAME_FILE` points to. Raises ValueError when the file cannot be read."""
        for name in cls.model_fields:
            path = os.environ.get(f"{name.upper()}_FILE")
            if path and name not in values:
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError) as error:
                    raise ValueError(
                        f"{name.upper()}_FILE points to {path}, which cannot be read: {error}"
                    ) from error
        return values

    @property
    def active_database_url(self) -> str:
        """The URL of the role that this process connects as."""
        if self.database_role == "owner" and self.database_owner_url:
            return self.database_owner_url.get_secret_value()
        return self.database_url.get_secret_value()


def split(value: str) -> list[str]:
    """A comma-separated value as a list without blanks."""
    return [part.strip() for part in value.split(",") if part.strip()]
