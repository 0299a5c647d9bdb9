"""The suite as the worker sees it: bytes in, results out. Never imports TensorFlow unless it must fall back to it."""

from ml.serving.analysis import CODE_VERSION, analyse
from ml.serving.session import Device, device
from ml.serving.warming import warm

__all__ = ["CODE_VERSION", "Device", "analyse", "device", "warm"]
