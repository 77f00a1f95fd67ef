"""Tokens and motion of frames to the few numbers that a temporal model is taught on.

With minutes of labels few numbers win, so tokens are brought down to principal components. These
are fitted on all footage, labelled or not. Components keep their natural size, the strongest
having a spread of one: scaled up to equal size, the weak ones would drown the strong ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import torch
from torch import Tensor, nn

from vidmem.models.features.config import NUM_MOTION_CHANNELS, FeatureConfig
from vidmem.models.features.motion import NO_MOTION

_SMALL = 1e-6


@dataclass(frozen=True)
class RawFeatures:
    """What encoder and motion give for some feature frames: what a cache keeps."""

    tokens: Tensor
    """`[..., P, D]`, of the image encoder."""

    cell_motion: Tensor
    """`[..., P, 3]`"""

    frame_motion: Tensor
    """`[..., 3]`"""

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, index: slice | Tensor) -> RawFeatures:
        return RawFeatures(self.tokens[index], self.cell_motion[index], self.frame_motion[index])


class Reduction(nn.Module):
    """The fitted reduction, and how far frames are from the footage that it was fitted on.

    All of it are buffers: nothing here is learnt by gradients.
    """

    cell_mean: Tensor
    cell_components: Tensor
    frame_mean: Tensor
    frame_components: Tensor
    frame_spread: Tensor
    rest_spread: Tensor
    motion_mean: Tensor
    motion_std: Tensor
    distance_limit: Tensor

    def __init__(self, config: FeatureConfig, token_dim: int) -> None:
        super().__init__()
        self.config = config
        places, width = config.tokens_per_frame, token_dim
        zeros = {
            "cell_mean": (width,),
            "cell_components": (config.cell_components, width),
            "frame_mean": (places * width,),
            "frame_components": (config.frame_components, places * width),
            "frame_spread": (config.frame_components,),
            "rest_spread": (),
            "motion_mean": (2, NUM_MOTION_CHANNELS),
            "motion_std": (2, NUM_MOTION_CHANNELS),
            "distance_limit": (),
        }
        for name, shape in zeros.items():
            self.register_buffer(name, torch.zeros(shape))

    def forward(self, raw: RawFeatures) -> Tensor:
        """The features `[..., P, F]` of frames, float32."""
        tokens = raw.tokens.float()
        of_cells = (tokens - self.cell_mean) @ self.cell_components.T
        of_frame = self._of_frame(tokens)[..., None, :].expand(*of_cells.shape[:-1], -1)
        parts = [of_cells, of_frame]
        if self.config.has_motion:
            cells, frame = (
                raw.cell_motion,
                raw.frame_motion[..., None, :].expand_as(raw.cell_motion),
            )
            for number, motion in enumerate((cells, frame)):
                parts.append((motion - self.motion_mean[number]) / self.motion_std[number])
        return torch.cat([part.float() for part in parts], -1)

    def stilled(self, values: Tensor) -> Tensor:
        """Features `[..., P, F]` as those of the same pictures repeated: nothing moves in them."""
        if not self.config.has_motion:
            return values
        still = ((NO_MOTION - self.motion_mean) / self.motion_std).flatten().to(values)
        pictures = values[..., : -len(still)]
        return torch.cat([pictures, still.expand(*pictures.shape[:-1], -1)], -1)

    def distances(self, raw: RawFeatures) -> Tensor:
        """How far frames are from the footage that this was fitted on, `[...]`.

        Mahalanobis' distance within the principal components, and the size of what lies outside of
        them, whichever is larger in its own usual size (Lee et al., arXiv:1807.03888; the rest as
        in Wang et al., ViM, arXiv:2203.10807).
        """
        tokens = raw.tokens.float()
        away = tokens.flatten(-2) - self.frame_mean
        inside = self._of_frame(tokens)
        within = (inside / self.frame_spread).square().mean(-1).sqrt()
        scale = self._frame_scale()
        left = away.square().sum(-1) - (inside / scale).square().sum(-1)
        rest = left.clamp(min=0).sqrt() / self.rest_spread
        return torch.maximum(within, rest).float()

    def unlikeness(self, raw: RawFeatures) -> Tensor:
        """Of clips `[B, T', ...]`: `[B]`, above 1 where a clip is unlike what was taught on."""
        return self.distances(raw).median(-1).values / self.distance_limit

    def _of_frame(self, tokens: Tensor) -> Tensor:
        return (tokens.flatten(-2) - self.frame_mean) @ self.frame_components.T

    def _frame_scale(self) -> Tensor:
        # The components are orthogonal and were all divided by the spread of the strongest.
        # Of footage that never changes there are none.
        return self.frame_components[0].norm().clamp(min=_SMALL)

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        # `to(bfloat16)` leaves these in float32: rounded, components would no longer be orthogonal.
        before = dict(self.named_buffers(recurse=False))
        super()._apply(fn, recurse)
        for name, buffer in before.items():
            setattr(self, name, buffer.to(getattr(self, name).device))
        return self

    @classmethod
    @torch.no_grad()
    def fit(cls, config: FeatureConfig, raw: RawFeatures, *, num_blocks: int = 5) -> Self:
        """Fit it to feature frames `[N, ...]` in the order of time.

        Args:
            config: What to keep.
            raw: Of all footage, labelled or not; some thousands of frames are enough.
            num_blocks: The limit of `unlikeness` comes from so many stretches that were left out in
                turn, which takes as many fits more; 0: there is no limit, and nothing is unlike.
        """
        own = cls(config, raw.tokens.shape[-1])
        own._fit_components(raw)
        own._fit_motion(raw)
        own.distance_limit.fill_(_held_out_limit(own, raw, num_blocks))
        return own

    def _fit_components(self, raw: RawFeatures) -> None:
        tokens = raw.tokens.float()
        cells = tokens.flatten(0, 1)
        if len(cells) > MAX_CELLS:
            cells = cells[:: math.ceil(len(cells) / MAX_CELLS)]
        _fit_pca(cells, self.cell_mean, self.cell_components)
        frames = tokens.flatten(1)
        _fit_pca(frames, self.frame_mean, self.frame_components)
        inside = self._of_frame(tokens)
        self.frame_spread.copy_(_spread(inside).clamp(min=_SMALL))
        away = (frames - self.frame_mean).square().sum(1)
        left = away - (inside / self._frame_scale()).square().sum(1)
        self.rest_spread.copy_(left.clamp(min=_SMALL).mean().sqrt())

    def _fit_motion(self, raw: RawFeatures) -> None:
        for number, motion in enumerate((raw.cell_motion.flatten(0, -2), raw.frame_motion)):
            self.motion_mean[number].copy_(motion.float().mean(0))
            self.motion_std[number].copy_(_spread(motion.float()).clamp(min=1e-3))


MAX_CELLS = 20_000
"""Tokens that are enough to find the principal components of."""

LIMIT_QUANTILE = 0.99
LIMIT_MARGIN = 1.5
"""Footage of the same place at another time may be so much farther away than what was left out."""


def _held_out_limit(fitted: Reduction, raw: RawFeatures, num_blocks: int) -> float:
    edges = torch.linspace(0, len(raw), num_blocks + 1).round().long().tolist()
    held_out = []
    for start, stop in pairwise(edges):
        rows = torch.cat([torch.arange(start), torch.arange(stop, len(raw))])
        if stop == start or len(rows) <= 2:
            continue
        other = Reduction(fitted.config, raw.tokens.shape[-1])
        other._fit_components(raw[rows])
        held_out.append(other.distances(raw[slice(start, stop)]))
    if not held_out:
        return math.inf
    return LIMIT_MARGIN * float(torch.cat(held_out).quantile(LIMIT_QUANTILE))


def _spread(rows: Tensor) -> Tensor:
    """The standard deviation of each column; 0 of a single row."""
    return rows.std(0, correction=min(1, len(rows) - 1))


def _fit_pca(rows: Tensor, mean: Tensor, components: Tensor) -> None:
    """Fill in mean and components, these divided by the spread along the strongest.

    Components that the rows are too few for are 0.
    """
    mean.copy_(rows.mean(0))
    centred = rows - mean
    # The smaller of the two square matrices: there may be fewer rows than numbers in each.
    is_wide = centred.shape[1] > len(centred)
    square = centred @ centred.T if is_wide else centred.T @ centred
    values, vectors = torch.linalg.eigh(square.double())
    num = min(len(components), int((values > _SMALL * values[-1].clamp(min=_SMALL)).sum()))
    strongest = vectors[:, -num:].flip(1).float() if num else vectors[:, :0].float()
    directions = (centred.T @ strongest).T if is_wide else strongest.T
    directions = directions / directions.norm(dim=1, keepdim=True).clamp(min=_SMALL)
    spread = (values[-1].clamp(min=_SMALL) / max(len(rows) - 1, 1)).sqrt().float()
    # A fixed sign, so that the same footage gives the same features on every machine.
    directions = directions * directions.sum(1, keepdim=True).sign()
    components.zero_()
    components[:num].copy_(directions / spread)
