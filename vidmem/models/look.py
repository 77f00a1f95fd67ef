"""How the footage looks that a model was trained on, and how unlike it a clip is.

A model answers with one of its classes whatever it is shown, and often surely: a test card is
"lying lateral" to a model of sows. This measure is there to say so. It is cheap and knows nothing
of behaviour: brightness, colour, contrast, edges and where in the picture they are, in one frame of
a clip as the model sees it. Its distance is Mahalanobis', from the frames that a model was trained
on (Lee et al., A Simple Unified Framework for Detecting Out-of-Distribution Samples,
arXiv:1807.03888, take it of a network's features). It finds other scenes; not a known scene with
other animals in it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.torch
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from vidmem.errors import CheckpointError

LOOK_FILE = "look.safetensors"
"""Beside the weights, and not part of them: a model's identity does not depend on it."""

SIZE = (96, 160)
"""Height and width at which frames are compared; others are brought to it."""

CELLS = (3, 5)
"""Rows and columns of cells whose brightness and contrast are compared."""

EDGES = (0.01, 0.03, 0.08, 0.2)
"""Differences between neighbouring pixels, of 1, beyond which they are counted."""

NUM_LEVELS = 8
"""Of brightness."""

SHRINKAGE = 0.05
"""Share of the identity in the covariance: else directions in which training footage hardly varies
would decide all."""

_GREY = (0.299, 0.587, 0.114)
_SMALL = 1e-3


@dataclass(frozen=True, kw_only=True)
class Look:
    """The statistics of the frames that a model was trained on. Letters: F statistics."""

    mean: Tensor
    """`[F]`"""

    std: Tensor
    """`[F]`, above 0."""

    precision: Tensor
    """`[F, F]`, the inverse covariance of the standardised statistics."""

    limit: float
    """The distance beyond which footage is called unlike."""

    @classmethod
    def fit(cls, frames: Tensor, limit: float) -> Self:
        """The look of frames `[N, H, W, 3]`, uint8."""
        rows = torch.stack([frame_statistics(frame) for frame in frames]).double()
        mean, std = rows.mean(0), rows.std(0) + _SMALL
        covariance = torch.cov(((rows - mean) / std).T)
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * torch.eye(len(covariance)).double()
        return cls(
            mean=mean.float(),
            std=std.float(),
            precision=torch.linalg.inv(shrunk).float(),
            limit=limit,
        )

    def distance(self, frame: Tensor) -> float:
        """How far a frame is from the training footage: about 0.7 for a frame of that.

        Args:
            frame: uint8, `[H, W, 3]`.
        """
        away = (frame_statistics(frame) - self.mean.double()) / self.std.double()
        squared = float(away @ (self.precision.double() @ away))
        return math.sqrt(max(0.0, squared) / len(away))

    def unlikeness(self, pixels: Tensor) -> float:
        """The distance of a clip in limits: above 1, it is unlike what the model was trained on.

        Args:
            pixels: uint8, `[T, H, W, 3]`, at the size that the model asks for, without the bars of
                a letterbox: they are no footage. One frame is looked at: a clip is short, and the
                measure must cost next to nothing.
        """
        return self.distance(pixels[len(pixels) // 2].cpu()) / self.limit

    def fingerprint(self) -> str:
        """SHA-256 of everything that the measure depends on."""
        digest = hashlib.sha256(repr(self.limit).encode())
        for tensor in (self.mean, self.std, self.precision):
            digest.update(tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def write(self, folder: str | Path) -> None:
        """Write it beside a model's weights."""
        tensors = {"mean": self.mean, "std": self.std, "precision": self.precision.contiguous()}
        content = safetensors.torch.save(tensors, {"limit": repr(self.limit)})
        (Path(folder) / LOOK_FILE).write_bytes(content)

    @classmethod
    def read(cls, folder: str | Path) -> Self | None:
        """What `write` wrote; `None` where there is none.

        Raises:
            CheckpointError: If it is damaged.
        """
        path = Path(folder) / LOOK_FILE
        if not path.is_file():
            return None
        try:
            with safetensors.safe_open(path, "pt") as file:
                tensors = {name: file.get_tensor(name) for name in ("mean", "std", "precision")}
                look = cls(**tensors, limit=float((file.metadata() or {})["limit"]))
            num_rows = len(frame_statistics(torch.zeros(*SIZE, 3, dtype=torch.uint8)))
            shapes = [tuple(tensors[name].shape) for name in ("mean", "std", "precision")]
            is_whole = shapes == [(num_rows,), (num_rows,), (num_rows, num_rows)]
            if not is_whole or not (look.limit > 0 and math.isfinite(look.limit)):
                raise ValueError(f"it holds no {num_rows} statistics of frames")
        except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
            raise CheckpointError(
                f"{path} is damaged ({error}): fetch it anew, or delete it to do without the "
                "warning about unlike footage"
            ) from error
        return look


def look_of(model: object) -> Look | None:
    """How the footage of a model looks; `None` where nobody measured it."""
    return getattr(model, "look", None)


def frame_statistics(frame: Tensor) -> Tensor:
    """`[F]`, float64, of a frame `[H, W, 3]`, uint8."""
    if tuple(frame.shape[:2]) != SIZE:
        resized = F.interpolate(frame.permute(2, 0, 1)[None].float(), SIZE, mode="area")
        frame = resized[0].permute(1, 2, 0)
    # In NumPy: so many small steps take it a third of torch's time.
    pixels = np.multiply(frame.numpy(), np.float32(1 / 255), dtype=np.float32)
    red, green, blue = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    grey = _GREY[0] * red + _GREY[1] * green + _GREY[2] * blue
    colours = [
        _mean_and_std(one) for one in (red, green, blue, red - green, 0.5 * (red + green) - blue)
    ]
    across = np.abs(grey[:-1, 1:] - grey[:-1, :-1])
    down = np.abs(grey[1:, :-1] - grey[:-1, :-1])
    edges = np.sort(np.maximum(across, down), axis=None)
    beyond = 1 - np.searchsorted(edges, EDGES, side="right") / edges.size
    level = np.minimum((grey * NUM_LEVELS).astype(np.uint8), NUM_LEVELS - 1)
    levels = np.bincount(level.ravel(), minlength=NUM_LEVELS) / grey.size
    rows, columns = CELLS
    cells = grey.reshape(rows, SIZE[0] // rows, columns, SIZE[1] // columns)
    cell_means = _mean(cells, (1, 3))
    cell_squares = _mean(cells * cells, (1, 3))
    cell_stds = np.sqrt(np.maximum(cell_squares - cell_means**2, 0))
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    roughness = _mean(np.abs(4 * grey[1:-1, 1:-1] - around))
    steepness = _mean(across), _mean(down)
    slant = math.log((steepness[0] + _SMALL) / (steepness[1] + _SMALL))
    single = [*steepness, slant, roughness, math.log(roughness + _SMALL)]
    numbers = [
        *(mean for mean, _ in colours),
        *(std for _, std in colours),
        *beyond,
        *np.sqrt(levels),
        *cell_means.ravel(),
        *cell_stds.ravel(),
        *single,
    ]
    return torch.tensor(numbers, dtype=torch.float64)


def _mean_and_std(values: NDArray[np.float32]) -> tuple[float, float]:
    mean = float(_mean(values))
    return mean, math.sqrt(max(float(_mean(values * values)) - mean**2, 0.0))


def _mean(values: NDArray[np.float32], axes: tuple[int, ...] | None = None) -> Any:
    # In float64: else the last digits depend on where in memory the frame lies, and a run that was
    # resumed could write another row than one that was not.
    return values.mean(axes, dtype=np.float64)
