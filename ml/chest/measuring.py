"""The cardiothoracic ratio of one film with its error, its diameters and the probability of an enlarged heart.

The error has two parts, both fitted to films that the network had not seen: a floor, and the spread of the ratio over variants of the film
(other exposure, other size). True ratios are taken as normal around the measured one with that standard deviation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.optimize import minimize
from scipy.stats import norm

from ml.chest.ratio import HeartSize, NotMeasurable, heart_size, joined_heart
from ml.preprocessing.chest_image import SIZE

LIMIT = 0.50
BORDER = 0.02  # what two readers of one film differ by
LABELS = ("Normal heart size", "Borderline heart size", "Cardiomegaly")
GAP = 6.0  # pixels of the network; a strip of heart no more than twice as far from the rest belongs to it
FINER = 2  # outlines are drawn at so many times the resolution of the network
_GAMMAS = (0.75, 1.35)
_ZOOMS = (0.86, 0.94)
VARIANTS = 1 + len(_GAMMAS) + len(_ZOOMS)
MOST_ERROR = 0.06  # beyond it the interval reaches from a normal heart to an enlarged one, whatever the ratio
_FINEST = 0.004  # no film is measured better than its pixels
Shares = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def variants(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A prepared film as it is, then otherwise exposed, then smaller; shape (5, 256, 256, 1)."""
    values = pixels.astype(np.float32) / 255.0
    exposed = [np.rint(values**gamma * 255.0).astype(np.uint8) for gamma in _GAMMAS]
    smaller = [_zoomed(pixels[..., 0], zoom)[..., None] for zoom in _ZOOMS]
    return np.stack([pixels, *exposed, *smaller])


def _zoomed(plane: NDArray[Any], zoom: float) -> NDArray[Any]:
    """A plane made larger about its centre; 0 comes in from outside."""
    off = (1.0 - 1.0 / zoom) * SIZE / 2.0
    placed = (1.0 / zoom, 0.0, off, 0.0, 1.0 / zoom, off)
    picture = Image.fromarray(plane)
    return np.asarray(
        picture.transform((SIZE, SIZE), Image.Transform.AFFINE, placed, resample=Image.Resampling.BILINEAR)
    )


def _brought_back(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of the variants of one film, each where the film itself lies; shape (5, 256, 256, 4)."""
    placed = shares.copy()
    for place, zoom in enumerate(_ZOOMS, start=len(shares) - len(_ZOOMS)):
        for part in range(shares.shape[-1]):
            placed[place, ..., part] = _zoomed(shares[place, ..., part], 1.0 / zoom)
    return placed


def outlined(shares: NDArray[np.floating], *, gap: float = GAP) -> NDArray[np.uint8]:
    """The most probable part of each pixel, drawn finer than the network answers, the heart in one piece.

    Args:
        shares: of each part, shape (256, 256, 4).
        gap: how far apart pieces of the heart are joined, in pixels of the network.

    Returns:
        Classes of `ml.chest.ratio`, shape (512, 512).
    """
    size = (FINER * shares.shape[1], FINER * shares.shape[0])
    finer = [
        np.asarray(Image.fromarray(plane.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
        for plane in np.moveaxis(shares, -1, 0)
    ]
    classes: NDArray[np.uint8] = np.argmax(np.stack(finer), axis=0).astype(np.uint8)
    return joined_heart(classes, FINER * gap)


def coarse(shares: NDArray[np.floating]) -> NDArray[np.integer]:
    """The same as fine as the network answers, shape (256, 256)."""
    return joined_heart(shares.argmax(axis=-1), GAP)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What the network makes of one film and its variants.

    Attributes:
        shares: of each part, mean over the variants, shape (256, 256, 4).
        classes: outlines by these shares, shape (512, 512).
        size: diameters in pixels of ``classes``.
        ratios: of each variant by itself; NaN where a part was not found, shape (5,).
    """

    shares: NDArray[np.float32]
    classes: NDArray[np.uint8]
    size: HeartSize
    ratios: NDArray[np.float64]

    @property
    def spread(self) -> float:
        """Standard deviation of the ratio over the variants; a part that comes and goes counts as a ratio of 0."""
        return float(np.std(np.nan_to_num(self.ratios, nan=0.0)))


def read(pixels: NDArray[np.uint8], shares_of: Shares) -> Reading:
    """Measure a prepared film by what the network says of it and its variants together.

    Args:
        pixels: shape (256, 256, 1).
        shares_of: from pictures (n, 256, 256, 1) to the share of each part at each pixel (n, 256, 256, 4).

    Raises:
        NotMeasurable: when a lung or the heart is not found.
    """
    each = _brought_back(shares_of(variants(pixels)))
    shares = each.mean(axis=0)
    classes = outlined(shares)
    size = heart_size(classes)
    return Reading(
        shares=shares,
        classes=classes,
        size=size,
        ratios=np.array([_ratio(coarse(one)) for one in each]),
    )


def _ratio(classes: NDArray[np.integer]) -> float:
    """The ratio of outlines; NaN where a part was not found."""
    try:
        return heart_size(classes).ratio
    except NotMeasurable:
        return float("nan")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErrorModel:
    """How far a ratio is off, fitted to films that were not learnt from.

    Attributes:
        floor: standard deviation of the error where the variants agree.
        slope: how much of their spread is added.
        reach: standard deviations to each side that hold 90 % of the true ratios.
        most: the largest standard deviation with which an answer is given.
    """

    floor: float
    slope: float
    reach: float
    most: float

    def of(self, spread: NDArray[np.floating] | float) -> NDArray[np.float64]:
        """Standard deviation of the error."""
        return np.sqrt(self.floor**2 + (self.slope * np.asarray(spread, dtype=np.float64)) ** 2)

    def as_contract(self) -> dict[str, float]:
        """The fields as they are kept in a contract."""
        return {name: round(number, 5) for name, number in dataclasses.asdict(self).items()}


def fit_error(
    measured: NDArray[np.float64],
    spread: NDArray[np.float64],
    true: NDArray[np.float64],
    *,
    alpha: float = 0.10,
) -> ErrorModel:
    """Fit the error by maximum likelihood, and its reach by split conformal prediction.

    Args:
        measured: ratios, shape (n,).
        spread: over variants, shape (n,).
        true: ratios of the drawn contours, shape (n,).
        alpha: part of the true ratios that may lie outside the interval.
    """
    off = np.abs(measured - true)

    def unlikely(logs: NDArray[np.float64]) -> float:
        sigma = np.sqrt(np.exp(2.0 * logs[0]) + (np.exp(logs[1]) * spread) ** 2)
        return float(np.mean(np.log(sigma) + 0.5 * (off / sigma) ** 2))

    found = minimize(unlikely, np.log([max(float(off.mean()), _FINEST), 0.5]), method="Nelder-Mead").x
    model = ErrorModel(
        floor=max(float(np.exp(found[0])), _FINEST),
        slope=float(min(np.exp(found[1]), 10.0)),
        reach=0.0,
        most=MOST_ERROR,
    )
    sigma = model.of(spread)
    rank = min(1.0, np.ceil((len(off) + 1) * (1.0 - alpha)) / len(off))
    reach = float(np.quantile(off / sigma, rank, method="higher"))
    return dataclasses.replace(model, reach=reach)


def probability_enlarged(
    ratio: NDArray[np.floating] | float, sigma: NDArray[np.floating] | float
) -> NDArray[np.float64]:
    """Probability that the true ratio is above 0.50."""
    return np.asarray(norm.sf(LIMIT, loc=ratio, scale=sigma), dtype=np.float64)


def shares_of_labels(ratio: float, sigma: float) -> dict[str, float]:
    """Probability of a true ratio below 0.48, from 0.48 to 0.52, and above: `LABELS`."""
    low, high = (float(norm.cdf(limit, loc=ratio, scale=sigma)) for limit in (LIMIT - BORDER, LIMIT + BORDER))
    return dict(zip(LABELS, (low, high - low, 1.0 - high), strict=True))


def labels_between(low: float, high: float) -> tuple[str, ...]:
    """Labels that an interval of ratios touches."""
    touched = (low < LIMIT - BORDER, low < LIMIT + BORDER and high >= LIMIT - BORDER, high >= LIMIT + BORDER)
    return tuple(label for label, holds in zip(LABELS, touched, strict=True) if holds)


def error_model(fields: dict[str, Any]) -> ErrorModel:
    """The error model of a contract's ``conformal``."""
    return ErrorModel(**{field.name: float(fields[field.name]) for field in dataclasses.fields(ErrorModel)})
