import dataclasses

import pytest

from ml.serving.session import OnnxNetwork, open_network


def test_one_session_per_process(monkeypatch):
    from ml.serving import session

    first = session.member("beat-cnn")
    monkeypatch.setattr(session, "open_network", lambda _: pytest.fail("opened twice"))
    assert session.member("beat-cnn") is first


def test_a_graph_that_cannot_be_opened_is_an_error_without_a_gpu(contract, tmp_path, monkeypatch, keras):
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(Exception, match=r"model\.onnx") as caught:
        open_network(dataclasses.replace(contract, folder=tmp_path))
    assert type(caught.value).__module__.startswith("onnxruntime")


def test_tensorflow_takes_over_where_it_sees_a_gpu(contract, tmp_path, monkeypatch, keras):
    import numpy as np
    import tensorflow as tf

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [kind])
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    (tmp_path / "model.keras").write_bytes((contract.folder / "model.keras").read_bytes())
    network = open_network(dataclasses.replace(contract, folder=tmp_path))
    assert network.device == {"provider": "TensorFlow", "name": "cuda", "gpu": True}
    images = np.zeros((1, 64, 64, 1), dtype=np.uint8)
    np.testing.assert_allclose(network(images).logits, OnnxNetwork(contract)(images).logits, atol=1e-4)
