"""Where `make run` takes studies by C-STORE."""

from __future__ import annotations

import socket

import pytest

from deploy.commands import DEMO_PEER, dicom_port
from deploy.processes import DeployError
from deploy.valkey import free_port
from patients.demo import ARCHIVE


def test_it_opens_for_known_peers_alone() -> None:
    port = free_port()
    assert dicom_port({"DICOM_PORT": str(port)}) is None
    assert dicom_port({"DICOM_PORT": str(port), "DICOM_PEERS": "CT=pacs"}) == port


def test_a_port_in_use_leaves_it_closed_and_one_that_is_none_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert dicom_port({"DICOM_PORT": port, "DICOM_PEERS": "CT=pacs"}) is None
    assert "DICOM_PORT" in capsys.readouterr().err
    for text in ("x", "0", "70000"):
        with pytest.raises(DeployError, match="not a port number"):
            dicom_port({"DICOM_PORT": text, "DICOM_PEERS": "CT=pacs"})


def test_the_peer_of_the_demo_acts_as_an_account_of_the_demo() -> None:
    assert DEMO_PEER.split("=") == ["DEMO", ARCHIVE]
