"""A model of pictures asked about every heartbeat of a recording: each is drawn as in training and goes the way of a picture."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.datasets.beats import cut
from ml.preprocessing.beat_image import PreparedImage, examine_beat_image
from ml.preprocessing.render import render_traces
from ml.serving.analysis import GATEKEEPER, calibrated
from ml.serving.beats import BeatAnswers
from ml.serving.gate import check_embedding, check_trace
from ml.serving.session import member
from ml.training.augment import crop

_BATCH = 256


class PictureClassifier:
    """A model of pictures on one lead of a whole recording; keeps what it answered.

    Args:
        model: name of the model.
        lead: position of the lead that is drawn.
    """

    def __init__(self, model: str, lead: int) -> None:
        self._opened = member(model)
        self._keeper = self._opened if self._opened.contract.gate else member(GATEKEEPER)
        self._lead = lead
        self._answers: BeatAnswers | None = None

    def __call__(
        self, signals: NDArray[np.float32], fs: float, r_samples: NDArray[np.int64]
    ) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
        """Names and confidences of every beat; see ``ml.recordings.analysis.Classify``."""
        started = time.perf_counter()
        contract = self._opened.contract
        rows = [self._batch(batch) for batch in self._pictures(signals[self._lead], fs, r_samples)]
        shares = np.concatenate([share for share, _ in rows]).astype(np.float32)
        eligible = np.concatenate([fits for _, fits in rows])
        sure = eligible & (shares.max(axis=1) >= contract.abstention_threshold)
        self._answers = BeatAnswers(
            labels=contract.labels,
            probabilities=shares,
            classes=np.where(sure, shares.argmax(axis=1), -1).astype(np.int8),
            model=contract.name,
            version=contract.version,
            weights_sha256=contract.weights_sha256,
            threshold=contract.abstention_threshold,
            duration_ms=(time.perf_counter() - started) * 1000.0,
            device=self._opened.network.device["name"],
        )
        names = np.array([*contract.labels, "unsure"])
        return names[self._answers.classes], shares.max(axis=1)

    def answers(self) -> BeatAnswers:
        """What the model answered for every beat; -1 where it abstains or the gate refuses the beat's picture.

        Raises:
            RuntimeError: when it has not been asked.
        """
        if self._answers is None:
            raise RuntimeError("the model has not been asked yet")
        return self._answers

    def _pictures(
        self, signal: NDArray[np.float32], fs: float, r_samples: NDArray[np.int64]
    ) -> Iterator[list[PreparedImage]]:
        """The prepared pictures of beats, a batch at a time."""
        shape = self._opened.contract.input
        for start in range(0, len(r_samples), _BATCH):
            at = r_samples[start : start + _BATCH]
            # A day of signal is not copied for each batch: the windows need little on either side.
            low, high = max(0, int(at[0] - 4.0 * fs)), int(at[-1] + 4.0 * fs)
            windows = cut(signal[low:high], fs, at - low)
            parts = crop(windows, before_s=shape["before_s"], after_s=shape["after_s"])
            yield [examine_beat_image(Image.fromarray(drawn)) for drawn in render_traces(parts)]

    def _batch(self, pictures: list[PreparedImage]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Calibrated probabilities (n, c), and which pictures the gate lets pass (n,)."""
        images = np.stack([picture.pixels for picture in pictures])
        judged = self._keeper.network(images)
        given = judged if self._keeper is self._opened else self._opened.network(images)
        shares = np.stack([calibrated(self._opened.contract, row) for row in given.logits])
        gate = self._keeper.contract.gate
        fits = [
            check_trace(picture) is None and check_embedding(row, self._keeper.reference, gate) is None
            for picture, row in zip(pictures, judged.embedding, strict=True)
        ]
        return shares, np.array(fits)
