"""The grid of ECG paper in a photograph: from its lines to the place of every pixel in millimetres.

Lines at a distance of 5 mm, with finer ones between them, make a comb in the Fourier spectrum of every small piece of the
picture. Where the comb lies says how the paper is turned, scaled and tilted there; one homography is fitted to all pieces. The
phase of the lines on the straightened picture then corrects it to a part of a millimetre.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import rfft2
from scipy.ndimage import gaussian_filter, maximum_filter, uniform_filter
from scipy.optimize import least_squares

from ml.pages.geometry import Homography, apply, fitted, inverse, warped

_HARMONICS = (1, 2, 3, 4, 5)
_WIDTH_MM = (170.0, 480.0)  # what the longer side of a picture can show
_MOST_TURN = 26.0  # degrees; 15 of rotation, and what perspective adds
_CANDIDATES = 84
_DOUBLE = 0.75
_CLEAR = 1.1  # comb over its surroundings, natural logarithm, in the typical piece
WORKING_EDGE = 1400  # pixels; finer pictures are reduced, the grid is coarse
_SCALE = 4  # pixels per millimetre while phases are measured
_BLOCK_MM = 5
_LEAST_PIECES = 6
_MOST_RESIDUAL_MM = 0.9
# Rows of traces and the edges of plain paper on a table make a comb of 1.1 to 1.32 that leaves 0.67 mm and more.
_FAINT, _MOST_RESIDUAL_OF_FAINT_MM = 1.34, 0.6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Where the paper lies.

    Attributes:
        to_mm: from pixels of the picture to millimetres of the paper, shape (3, 3); 5-mm lines lie on multiples of 5.
        box_mm: left, top, right and bottom of the part of the paper that has a grid, millimetres.
        px_per_mm: pixels per millimetre in the middle of that part, across and down.
        clearness: how far the comb stands out, natural logarithm; noise gives less than 1.
        residual_mm: how far the lines lie from where the homography says, root mean square.
    """

    to_mm: Homography
    box_mm: tuple[float, float, float, float]
    px_per_mm: tuple[float, float]
    clearness: float
    residual_mm: float


def flattened(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The picture divided by the paper's own colour and light around each pixel.

    Args:
        picture: RGB, shape (height, width, 3), 0 to 255.

    Returns:
        Shape (height, width, 3); about 1 on empty paper whatever the shadow and the lamp, 0 for black.
    """
    height, width = picture.shape[:2]
    factor = max(1, round(max(height, width) / 140))
    small = np.asarray(Image.fromarray(picture).reduce(factor), dtype=np.float32)
    light = maximum_filter(small, size=(7, 7, 1))
    light = gaussian_filter(light, sigma=(3.0, 3.0, 0.0))
    planes = np.empty((3, height, width), dtype=np.float32)  # one after the other, as they are used
    for channel in range(3):
        full = Image.fromarray(np.maximum(light[..., channel], 8.0)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        np.divide(picture[..., channel], np.asarray(full), out=planes[channel])
    return np.moveaxis(np.minimum(planes, 1.2, out=planes), 0, 2)


def line_map(flat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Darkness of grid lines; the trace is cut down to their depth.

    Args:
        flat: as `flattened` gives it.

    Returns:
        Shape (height, width), mean about 0.
    """
    lightest = np.minimum(np.minimum(flat[..., 0], flat[..., 1]), flat[..., 2])
    dark: NDArray[np.float32] = np.maximum(1.0 - lightest, 0.0)
    dark = np.minimum(dark, np.float32(max(float(np.percentile(dark[::3, ::3], 88)), 0.02)))
    result: NDArray[np.float32] = dark - uniform_filter(dark, 41)
    return result


@dataclasses.dataclass(frozen=True, slots=True)
class _Pieces:
    """Overlapping square pieces of a picture and their spectra."""

    centres: NDArray[np.float64]  # (pieces, 2) x, y
    spectra: NDArray[
        np.float32
    ]  # (pieces, n, n / 2 + 1), logarithm over the typical value at that distance from the middle; the other half is the same
    size: int  # n, after padding


def _pieces(lines: NDArray[np.float32]) -> _Pieces:
    longest = max(lines.shape)
    size = 1 << max(6, round(np.log2(longest / 7.0)))
    starts = [
        np.unique(np.linspace(0, max(0, length - size), max(2, round(1.6 * length / size))).astype(int))
        for length in lines.shape
    ]
    window = np.hanning(size).astype(np.float32)
    window = window[:, None] * window[None, :]
    padded = 2 * size
    radius = np.hypot(np.fft.fftfreq(padded)[:, None] * padded, np.arange(size + 1)).astype(int)
    twice = np.r_[1.0, np.full(size - 1, 2.0), 1.0].astype(
        np.float32
    )  # what stands for its mirror image as well
    rings = np.bincount(radius.ravel(), np.broadcast_to(twice, radius.shape).ravel())
    centres, spectra = [], []
    for top in starts[0]:
        for left in starts[1]:
            part = lines[top : top + size, left : left + size]
            if part.shape != (size, size):
                continue
            power = np.abs(rfft2((part - part.mean()) * window, (padded, padded)))
            mean = (np.bincount(radius.ravel(), (power * twice).ravel()) / rings).astype(np.float32)
            spectra.append(np.clip(np.log((power + 1e-9) / (mean + 1e-9)[radius]), 0.0, 3.0))
            centres.append((left + size / 2, top + size / 2))
    if not centres:
        return _Pieces(np.empty((0, 2)), np.empty((0, 1, 1), dtype=np.float32), 1)
    return _Pieces(np.array(centres), np.stack(spectra), padded)


def _comb(
    pieces: _Pieces, angles: NDArray[np.float64], periods: NDArray[np.float64], *, upright: bool
) -> NDArray[np.float32]:
    """How well lines of each angle and distance fit each piece.

    Args:
        pieces: of the picture.
        angles: degrees clockwise, shape (a,).
        periods: distance of the 5-mm lines, pixels, shape (p,).
        upright: whether the lines run from top to bottom.

    Returns:
        Shape (pieces, a, p): the mean over the harmonics.
    """
    turned = np.deg2rad(angles)[:, None] + (0.0 if upright else np.pi / 2)
    frequency = pieces.size / periods[None, :]
    score = np.zeros((len(pieces.centres), len(angles), len(periods)), dtype=np.float32)
    middle = pieces.size // 2
    spectra = pieces.spectra.reshape(len(pieces.centres), -1)
    for k in _HARMONICS:
        x = np.rint(k * frequency * np.cos(turned)).astype(int)
        y = np.rint(k * frequency * np.sin(turned)).astype(int)
        seen = np.maximum(np.abs(x), np.abs(y)) < middle
        row = np.where(x < 0, -y, y) % pieces.size  # of the half that is kept
        score += np.where(seen, spectra[:, row * (middle + 1) + np.minimum(np.abs(x), middle)], 0.0)
    mean: NDArray[np.float32] = (score / len(_HARMONICS)).astype(np.float32)
    return mean


def _first_guess(pieces: _Pieces, longest: int) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Gradient of both paper coordinates in every piece, millimetre per pixel, and how clear the comb is.

    Returns:
        Gradients, shape (pieces, 2, 2): across and down, x and y; weights, shape (pieces, 2); the clearness.
    """
    angles = np.arange(-_MOST_TURN, _MOST_TURN + 1e-6, 1.0)
    periods = np.geomspace(5 * longest / _WIDTH_MM[1], 5 * longest / _WIDTH_MM[0], _CANDIDATES)
    both = [_comb(pieces, angles, periods, upright=upright) for upright in (True, False)]
    near = [maximum_filter(score, size=(1, 7, 7)) for score in both]
    pooled = sum(np.sort(score, axis=0)[len(score) // 3 :].mean(axis=0) for score in near)
    angle, period = _not_a_harmonic(pooled, periods)
    gradients, weights = np.zeros((len(pieces.centres), 2, 2)), np.zeros((len(pieces.centres), 2))
    reach = (slice(max(0, angle - 9), angle + 10), slice(max(0, period - 14), period + 15))
    for family, score in enumerate(both):
        part = score[(slice(None), *reach)]
        tops = part.reshape(len(part), -1).max(axis=1)
        # The middle of what is nearly as good as the best is finer than the steps of the search.
        good = np.clip(part - 0.85 * tops[:, None, None], 0.0, None) + 1e-9
        good *= maximum_filter(part == tops[:, None, None], size=(1, 5, 5))
        share = good / good.sum(axis=(1, 2), keepdims=True)
        turned = np.deg2rad((share.sum(axis=2) * angles[reach[0]]).sum(axis=1)) + family * np.pi / 2
        size = 5.0 / np.exp((share.sum(axis=1) * np.log(periods[reach[1]])).sum(axis=1))
        gradients[:, family, 0], gradients[:, family, 1] = size * np.cos(turned), size * np.sin(turned)
        weights[:, family] = tops
    return gradients, weights, float(np.percentile(weights.min(axis=1), 75))


def _not_a_harmonic(pooled: NDArray[np.float32], periods: NDArray[np.float64]) -> tuple[int, int]:
    """The best angle and period; every second line of a comb makes a comb as well, so twice the period is preferred."""
    angle, period = (int(i) for i in np.unravel_index(int(np.argmax(pooled)), pooled.shape))
    double = int(np.argmin(np.abs(periods - 2 * periods[period])))
    if abs(periods[double] / periods[period] - 2.0) < 0.08:
        around = pooled[max(0, angle - 2) : angle + 3, max(0, double - 3) : double + 4]
        if around.max() > _DOUBLE * pooled[angle, period]:
            a, p = np.unravel_index(int(np.argmax(around)), around.shape)
            return max(0, angle - 2) + int(a), max(0, double - 3) + int(p)
    return angle, period


def _homography_of(
    centres: NDArray[np.float64], gradients: NDArray[np.float64], weights: NDArray[np.float64]
) -> Homography:
    """The homography to millimetres whose gradients fit best; its origin is the middle of the pieces."""
    origin, spread = centres.mean(axis=0), float(centres.std()) or 1.0
    x, y = ((centres - origin) / spread).T
    wanted = gradients * spread
    trust = np.clip(weights - 0.6, 0.0, 1.5) / 1.5

    def misfit(p: NDArray[np.float64]) -> NDArray[np.float64]:
        a, b, c, d, g, h = p
        w = 1.0 + g * x + h * y
        across, down = (a * x + b * y) / w, (c * x + d * y) / w
        found = np.stack(
            [
                np.stack([(a - g * across) / w, (b - h * across) / w], axis=1),
                np.stack([(c - g * down) / w, (d - h * down) / w], axis=1),
            ],
            axis=1,
        )
        return np.asarray(((found - wanted) * trust[:, :, None]).ravel())

    middle = np.median(wanted, axis=0)
    start = np.r_[middle.ravel(), 0.0, 0.0]
    scale = 0.01 * float(np.abs(middle).max())
    a, b, c, d, g, h = least_squares(misfit, start, loss="soft_l1", f_scale=scale).x
    local = np.array([[a, b, 0.0], [c, d, 0.0], [g, h, 1.0]])
    return local @ np.array(
        [[1 / spread, 0, -origin[0] / spread], [0, 1 / spread, -origin[1] / spread], [0, 0, 1]]
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Phases:
    """The lines on the straightened picture, block by block of 5 mm."""

    origin: NDArray[np.float64]  # millimetres of the first block's corner
    waves: NDArray[np.complex128]  # (2 families, rows, columns): phase and strength
    seen: NDArray[np.float64]  # part of each block that lies in the picture


def _phases(lines: NDArray[np.float32], to_mm: Homography, harmonic: int) -> _Phases | None:
    """Demodulate the lines on the picture as the homography straightens it; None when it is nonsense."""
    height, width = lines.shape
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    w = np.c_[corners, np.ones(4)] @ to_mm[2]
    if w.min() <= 0.2 * w.max():
        return None
    seen = apply(to_mm, corners)
    low = np.floor(seen.min(axis=0) / _BLOCK_MM) * _BLOCK_MM
    blocks = np.ceil((seen.max(axis=0) - low) / _BLOCK_MM).astype(int)
    if blocks.max() > 200 or blocks.min() < 4:
        return None
    to_px = np.diag([_SCALE, _SCALE, 1.0]) @ np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1.0]]) @ to_mm
    edge = _BLOCK_MM * _SCALE
    size = (int(blocks[0]) * edge, int(blocks[1]) * edge)
    flat = np.asarray(warped(Image.fromarray(lines), to_px, size, resample=Image.Resampling.BILINEAR))
    inside = np.asarray(
        warped(Image.new("L", (width, height), 255), to_px, size, resample=Image.Resampling.NEAREST)
    )
    wave = np.exp(-2j * np.pi * harmonic * (np.arange(edge) + 0.5) / edge)
    cells = flat.reshape(blocks[1], edge, blocks[0], edge)
    across = cells.sum(axis=1, dtype=np.float64) @ wave
    down = np.einsum("ruc,u->rc", cells.sum(axis=3, dtype=np.float64), wave)
    part = inside.reshape(blocks[1], edge, blocks[0], edge).mean(axis=(1, 3)) / 255.0
    waves = np.stack([across, down])
    smooth = gaussian_filter(waves.real, (0, 1.2, 1.2)) + 1j * gaussian_filter(waves.imag, (0, 1.2, 1.2))
    return _Phases(low, smooth, part)


def _corrected(to_mm: Homography, found: _Phases, harmonic: int, reach: float) -> tuple[Homography, float]:
    """A homography that puts the lines where they belong, and the root mean square of what is left, millimetre."""
    _, rows, columns = found.waves.shape
    strength = np.abs(found.waves).min(axis=0) * found.seen
    trust = np.clip(strength / max(float(np.percentile(strength, 90)), 1e-9), 0.0, 1.0)
    trust[trust < 0.25] = 0.0
    side = np.hypot(np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :])
    trust[side > reach] = 0.0  # far out, lines may be taken for their neighbours until the middle is right
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    centres = found.origin + (np.stack([x, y], axis=2) + 0.5) * _BLOCK_MM
    period = _BLOCK_MM / harmonic
    common = (found.waves * trust).sum(axis=(1, 2))
    offset = -np.angle(common) * period / (2 * np.pi)
    rest = -np.angle(found.waves * np.exp(-1j * np.angle(common))[:, None, None]) * period / (2 * np.pi)
    wanted = centres - np.moveaxis(rest, 0, 2) - offset
    chosen = trust.ravel() > 0
    source = apply(inverse(to_mm), centres.reshape(-1, 2)[chosen])
    target, weight = wanted.reshape(-1, 2)[chosen], trust.ravel()[chosen]
    if len(source) < 12:
        return to_mm, float("inf")
    better, error = to_mm, np.zeros(len(source))
    for _ in range(4):  # lines that follow the trace, or the edge of the paper, lose their weight
        keep = weight * np.exp(-0.5 * (error / (0.12 * period)) ** 2) > 0.05
        if keep.sum() < 12:
            break
        better = fitted(source[keep], target[keep])
        error = np.hypot(*(apply(better, source) - target).T)
    return better, float(np.sqrt(np.mean(np.minimum(error, period) ** 2)))


def _box(found: _Phases) -> tuple[float, float, float, float] | None:
    """The part of the paper whose lines are seen, millimetres."""
    strength = np.abs(found.waves).min(axis=0)
    limit = 0.35 * float(np.percentile(strength, 85))
    held = (strength > limit) & (found.seen > 0.5)
    rows = np.flatnonzero(held.mean(axis=1) > 0.35 * held.mean(axis=1).max())
    columns = np.flatnonzero(held.mean(axis=0) > 0.35 * held.mean(axis=0).max())
    if len(rows) < 6 or len(columns) < 6:
        return None
    left, top = found.origin
    return (
        float(left + columns[0] * _BLOCK_MM),
        float(top + rows[0] * _BLOCK_MM),
        float(left + (columns[-1] + 1) * _BLOCK_MM),
        float(top + (rows[-1] + 1) * _BLOCK_MM),
    )


def find_grid(flat: NDArray[np.float32]) -> Grid | None:
    """Find the grid of the paper.

    Args:
        flat: as `flattened` gives it, shape (height, width, 3).

    Returns:
        None when the picture shows no grid. The paper is taken to be less than 26 degrees from upright; which of its ends is
        up is not asked here.
    """
    factor = -(-max(flat.shape) // WORKING_EDGE)
    height, width = (length // factor for length in flat.shape[:2])
    if factor > 1:
        whole = flat[: height * factor, : width * factor]
        flat = whole.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
    lines = line_map(flat)
    pieces = _pieces(lines)
    if len(pieces.centres) < _LEAST_PIECES:
        return None
    gradients, weights, clearness = _first_guess(pieces, max(lines.shape))
    if clearness < _CLEAR:
        return None
    to_mm = _homography_of(pieces.centres, gradients, weights)
    residual = float("inf")
    for harmonic, reach in ((1, 0.5), (1, 0.9), (1, 1.5), (2, 1.5)):
        found = _phases(lines, to_mm, harmonic)
        if found is None:
            return None
        to_mm, residual = _corrected(to_mm, found, harmonic, reach)
    last = _phases(lines, to_mm, 1)
    box = _box(last) if last is not None else None
    most = _MOST_RESIDUAL_OF_FAINT_MM if clearness < _FAINT else _MOST_RESIDUAL_MM
    if box is None or residual > most:
        return None
    to_mm = to_mm @ np.diag([1.0 / factor, 1.0 / factor, 1.0])
    middle = np.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    ends = apply(inverse(to_mm), middle + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    size = np.hypot(*(ends[1:] - ends[0]).T)
    return Grid(
        to_mm=to_mm,
        box_mm=box,
        px_per_mm=(float(size[0]), float(size[1])),
        clearness=clearness,
        residual_mm=residual,
    )
