"""`docker-compose.yml`: valid, and as closed as it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from cardiocare_site.config import Config
from deploy.environment import ROOT
from deploy.make_secrets import contents

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"migrate", "storage-bucket"}
EVERY = pytest.mark.parametrize("name", SERVICES)


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests" / "deploy" / "compose-spec.json").read_text())

    errors = jsonschema.Draft202012Validator(schema).iter_errors(COMPOSE)

    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_docker_compose_accepts_it() -> None:
    docker = shutil.which("docker")
    if (
        docker is None
        or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no docker client with the compose plugin here; the schema test above still runs")
    command = [docker, "compose", "--profile", "gpu", "--profile", "dicom", "config", "--quiet"]
    environment = {**os.environ, "CARDIOCARE_HOST": "cardio.example.org"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@EVERY
def test_each_service_is_hardened(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    user, group = service["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0


@EVERY
def test_each_lasting_service_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]

    if name in ONE_SHOT:
        assert check == {"disable": True}
        assert SERVICES[name]["restart"] == "no"
    else:
        assert check["test"][0] in {"CMD", "CMD-SHELL"}
        assert {"interval", "timeout", "retries"} <= check.keys()


def test_only_the_proxy_is_published_and_the_listener_where_it_is_asked_for() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy", "dicom-listener"}
    listener = SERVICES["dicom-listener"]
    assert listener["profiles"] == ["dicom"]
    assert listener["ports"] == ["${DICOM_ADDRESS:-127.0.0.1}:${DICOM_PORT:-11112}:11112"]
    open_networks = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}
    assert open_networks == {"edge", "dicom"}
    assert {name for name, service in SERVICES.items() if "dicom" in service["networks"]} == {
        "dicom-listener"
    }
    assert {name for name, service in SERVICES.items() if "edge" in service["networks"]} == {"proxy"}
    assert "data" not in SERVICES["proxy"]["networks"]


@EVERY
def test_no_secret_stands_in_the_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|_URL|KEY|CREDENTIALS", variable):
            assert variable.endswith("_FILE")
            assert value.removeprefix("/run/secrets/") in SERVICES[name]["secrets"]


def test_only_the_migration_has_the_owner_role() -> None:
    holders = {
        name for name, service in SERVICES.items() if "database_owner_url" in service.get("secrets", [])
    }

    assert holders == {"migrate"}


def test_every_secret_comes_from_the_file_that_is_generated() -> None:
    declared = {name: entry["file"] for name, entry in COMPOSE["secrets"].items()}
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}

    assert set(declared) == used == set(contents())
    assert declared == {name: f"./deploy/secrets/{name}" for name in declared}


def test_settings_know_every_variable() -> None:
    known = {name.upper() for name in Config.model_fields} | {
        "WORKER_QUEUES",
        "WORKER_CONCURRENCY",
        "WORKER_POOL",
    }
    known |= {"AWS_SHARED_CREDENTIALS"}  # botocore's own name
    given = {
        variable.removesuffix("_FILE")
        for name in ("web", "dicom-listener", "worker-cpu", "worker-gpu", "beat", "migrate")
        for variable in SERVICES[name]["environment"]
    }

    assert given - known == set()


def test_what_arrives_lies_on_a_disk_that_the_account_of_the_image_may_write() -> None:
    for name in ("web", "dicom-listener", "worker-cpu", "worker-gpu"):
        assert SERVICES[name]["environment"]["TEMP_DIR"] == "/incoming"
        assert SERVICES[name]["volumes"] == ["incoming:/incoming"]
    assert "chown 10001:10001 /incoming" in (ROOT / "deploy" / "Dockerfile").read_text()


def test_a_worker_listens_to_each_queue() -> None:
    queues = [SERVICES[name]["environment"]["WORKER_QUEUES"] for name in ("worker-cpu", "worker-gpu")]

    assert queues == ["cpu,io", "gpu"]
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


def test_each_build_target_exists() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    targets = {service["build"]["target"] for service in SERVICES.values() if "build" in service}

    assert targets <= stages
    for target in targets:
        stage = re.search(rf"^FROM \S+ AS {target}\n(.*?)(?=^FROM |\Z)", dockerfile, re.MULTILINE | re.DOTALL)
        assert re.search(r"^USER \d+:\d+$", stage[1], re.MULTILINE)


def test_every_file_that_a_service_mounts_or_runs_is_here_and_in_the_image() -> None:
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    for path in (part for part in mounted if part.startswith("./")):
        assert (ROOT / path).is_file()
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for path in set(re.findall(r"/app/(deploy/[\w.]+)", (ROOT / "docker-compose.yml").read_text())):
        assert (ROOT / path).is_file()
        assert path in kept
