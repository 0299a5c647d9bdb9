"""The environment's values: typed, from files too, refused with a sentence that names the variable and keeps secrets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cardiocare_site.config import Config, split

GOOD = {
    "SECRET_KEY": "k" * 32,
    "DATABASE_URL": "postgresql://app:topsecret@db:5432/cardiocare",
    "REDIS_URL": "redis://:hushhush@broker:6379/0",
}


@pytest.fixture
def environment(monkeypatch):
    """A clean environment with the three required values, and changes."""

    def build(**changes):
        for name in Config.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
            monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
        for name, value in (GOOD | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return Config

    return build


def test_three_values_are_enough_and_the_mode_is_production(environment):
    config = environment()()
    assert (config.mode, config.database_role, config.upload_max_mb, config.upload_max_files) == (
        "production",
        "app",
        20,
        50,
    )
    assert config.active_database_url == GOOD["DATABASE_URL"]


@pytest.mark.parametrize("missing", GOOD)
def test_each_required_value_is_asked_for_by_name(environment, missing):
    with pytest.raises(ValidationError, match=rf"(?s){missing.lower()}\s+Field required"):
        environment(**{missing: None})()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MODE", "prod", "'production', 'development', 'demo' or 'test'"),
        ("SECRET_KEY", "short", "at least 32"),
        ("UPLOAD_MAX_MB", "0", "greater than or equal to 1"),
        ("UPLOAD_MAX_MB", "many", "valid integer"),
        ("UPLOAD_MAX_FILES", "101", "less than or equal to 100"),
        ("DICOM_PEERS", "PACS1", "should match pattern"),
        ("DICOM_PEERS", "ALONGERTITLETHANALLOWED=pacs", "should match pattern"),
        ("DIAGNOSIS_QUEUE", "tpu", "'gpu' or 'cpu'"),
        ("DIAGNOSIS_TIME_LIMIT_S", "0", "greater than or equal to 1"),
        ("DIAGNOSIS_MAX_ATTEMPTS", "11", "less than or equal to 10"),
        ("SWEEP_INTERVAL_S", "0.1", "greater than or equal to 0.2"),
        ("BEHIND_TLS_PROXY", "perhaps", "valid boolean"),
        ("LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("DATABASE_ROLE", "superuser", "'app' or 'owner'"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_the_reason(environment, name, value, words):
    with pytest.raises(ValidationError) as error:
        environment(**{name: value})()
    assert name.lower() in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [{"SECRET_KEY": "tooshortsecret"}, {"SECRET_KEY": None, "SECRET_KEY_FILE": "/nowhere"}, {"MODE": "x"}],
)
def test_no_error_prints_a_secret(environment, changes):
    with pytest.raises(ValidationError) as error:
        environment(**changes)()
    text = str(error.value) + repr(error.value)
    assert [
        secret for secret in ("tooshortsecret", "topsecret", "hushhush", "k" * 32) if secret in text
    ] == []


def test_a_secret_is_read_from_its_file_without_its_line_end(environment, tmp_path):
    (tmp_path / "key").write_text("f" * 40 + "\n")
    config = environment(SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "key"))()
    assert config.secret_key.get_secret_value() == "f" * 40


def test_a_value_goes_before_its_file(environment, tmp_path):
    (tmp_path / "key").write_text("f" * 40)
    config = environment(SECRET_KEY_FILE=str(tmp_path / "key"))()
    assert config.secret_key.get_secret_value() == GOOD["SECRET_KEY"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00binary"])
def test_a_file_that_cannot_be_read_is_named(environment, tmp_path, content):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(ValidationError, match=r"SECRET_KEY_FILE points to .*key, which cannot be read"):
        environment(SECRET_KEY=None, SECRET_KEY_FILE=str(tmp_path / "key"))()


@pytest.mark.parametrize(("role", "used"), [("app", "app"), ("owner", "owner")])
def test_the_role_chooses_the_connection(environment, role, used):
    owner = GOOD["DATABASE_URL"].replace("app:", "owner:")
    config = environment(DATABASE_ROLE=role, DATABASE_OWNER_URL=owner)()
    assert config.active_database_url.split("//")[1].split(":")[0] == used


def test_a_configuration_shown_hides_its_secrets(environment):
    shown = repr(environment()())
    assert [secret for secret in ("topsecret", "hushhush", "k" * 32) if secret in shown] == []


@given(
    st.lists(st.text(st.characters(exclude_characters=",", exclude_categories=["Z", "C"]), min_size=1)),
    st.sampled_from([",", " , ", ",,", ", ,"]),
)
def test_a_list_is_its_parts_without_blanks(parts, separator):
    assert split(separator.join(parts)) == parts
