"""EfficientNet-Lite: a small convolutional image encoder that comes with an extra of vidmem.

    pictures ── stem ── seven stages of inverted residuals ── head ── mean ── 1,280 numbers
                                    │
                                    └── a map of features, 32 times smaller

EfficientNet (Tan and Le, arXiv:1905.11946) without squeeze-and-excitation and with ReLU6 for swish,
as `tensorflow/tpu` published it. Convolutions pad as TensorFlow's "same" does.

Shapes: N pictures, D width of stage 7, G width of the head, `H W` pixels, `h w` cells of the map.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

CELL_PIXELS = 32
"""Height and width of a cell of the map: five convolutions halve the picture."""

HEAD_CHANNELS = 1280
"""G."""

NUM_CLASSES = 1000
"""Of ImageNet. Their names mean nothing for animals seen from above: vidmem never shows them."""

STEM_CHANNELS = 32
_NORM_EPS = 1e-3  # TensorFlow's


@dataclass(frozen=True)
class Scale:
    """How much wider and deeper a variant is than lite0."""

    width: float
    depth: float


VARIANTS: dict[str, Scale] = {"lite0": Scale(1.0, 1.0), "lite2": Scale(1.1, 1.2)}


@dataclass(frozen=True)
class BlockShape:
    """One inverted residual: channels are widened, filtered each by itself, and narrowed."""

    num_inputs: int
    num_hidden: int
    num_outputs: int
    kernel: int
    halves: bool
    """Whether it halves height and width."""

    @property
    def has_expansion(self) -> bool:
        """The very first block filters its inputs as they are."""
        return self.num_hidden != self.num_inputs

    @property
    def is_residual(self) -> bool:
        """Whether its input is added to its output."""
        return not self.halves and self.num_inputs == self.num_outputs


@dataclass(frozen=True)
class _Stage:
    """Some blocks of one width, as lite0 has them; the first of them may halve the picture."""

    num_blocks: int
    kernel: int
    halves: bool
    expansion: int
    num_outputs: int


_STAGES = (
    _Stage(1, 3, False, 1, 16),
    _Stage(2, 3, True, 6, 24),
    _Stage(2, 5, True, 6, 40),
    _Stage(3, 3, True, 6, 80),
    _Stage(3, 5, False, 6, 112),
    _Stage(4, 5, True, 6, 192),
    _Stage(1, 3, False, 6, 320),
)


def stage_blocks(variant: str) -> tuple[tuple[BlockShape, ...], ...]:
    """The blocks of a variant's seven stages."""
    scale, width = VARIANTS[variant], STEM_CHANNELS
    stages = []
    for number, stage in enumerate(_STAGES):
        # The first and the last stage keep their depth, as the stem and the head keep their width.
        is_edge = number in (0, len(_STAGES) - 1)
        depth = stage.num_blocks if is_edge else math.ceil(stage.num_blocks * scale.depth)
        num_outputs = _rounded(stage.num_outputs * scale.width)
        blocks = []
        for block in range(depth):
            halves = stage.halves and block == 0
            hidden = width * stage.expansion
            blocks.append(BlockShape(width, hidden, num_outputs, stage.kernel, halves))
            width = num_outputs
        stages.append(tuple(blocks))
    return tuple(stages)


def _rounded(width: float) -> int:
    """The nearest multiple of 8, at most a tenth narrower."""
    nearest = max(8, int(width + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * width else nearest


@dataclass(frozen=True)
class LiteFeatures:
    """What EfficientNet-Lite makes of pictures."""

    maps: Tensor
    """`[N, D, h, w]`, of stage 7."""

    pooled: Tensor
    """`[N, G]`, the mean of the head over all cells."""


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite, with batch norms and a classifier as it was published, or folded.

    Args:
        variant: One of `VARIANTS`.
        is_folded: Batch norms have gone into the convolutions, and there is no classifier. This is
            what runs: a third fewer passes over memory.

    Names of weights are those of the published files.
    """

    def __init__(self, variant: str, *, is_folded: bool = True) -> None:
        super().__init__()
        self.variant, self.is_folded = variant, is_folded
        blocks = [block for stage in stage_blocks(variant) for block in stage]
        last = blocks[-1].num_outputs
        self._conv_stem = _SameConv(3, STEM_CHANNELS, 3, stride=2, has_bias=is_folded)
        self._bn0 = _norm(STEM_CHANNELS, is_folded)
        self._blocks = nn.ModuleList(_InvertedResidual(block, is_folded) for block in blocks)
        self._conv_head = _SameConv(last, HEAD_CHANNELS, 1, has_bias=is_folded)
        self._bn1 = _norm(HEAD_CHANNELS, is_folded)
        self._fc = nn.Identity() if is_folded else nn.Linear(HEAD_CHANNELS, NUM_CLASSES)

    @property
    def num_channels(self) -> int:
        """D, the width of stage 7."""
        return self._conv_head.in_channels

    def forward(self, pictures: Tensor) -> LiteFeatures:
        """Encode pictures `[N, 3, H, W]`, normalised as `(pixel - 127) / 128`, of any size."""
        weight = self._conv_stem.weight
        # On CPUs convolutions of one channel each are a third faster with channels last.
        maps = pictures.to(weight.dtype, memory_format=torch.channels_last)
        maps = F.relu6(self._bn0(self._conv_stem(maps)), inplace=True)
        for block in self._blocks:
            maps = block(maps)
        head = F.relu6(self._bn1(self._conv_head(maps)), inplace=True)
        return LiteFeatures(maps=maps, pooled=head.mean((2, 3)))

    def classify(self, pooled: Tensor) -> Tensor:
        """Logits `[N, 1000]` of ImageNet's classes; what was folded gives back its input."""
        return self._fc(pooled)

    @torch.no_grad()
    def folded(self) -> EfficientNetLite:
        """The same function of pictures in eval mode, without batch norms and classifier."""
        folded = EfficientNetLite(self.variant)
        for (conv, norm), (target, _) in zip(self._layers(), folded._layers(), strict=True):
            assert isinstance(norm, nn.BatchNorm2d), "it is folded already"
            assert norm.running_mean is not None
            assert norm.running_var is not None
            assert target.bias is not None
            weight, bias = fuse_conv_bn_weights(
                conv.weight,
                None,
                norm.running_mean,
                norm.running_var,
                norm.eps,
                norm.weight,
                norm.bias,
            )
            target.weight.copy_(weight)
            target.bias.copy_(bias)
        return folded.train(self.training)

    def _layers(self) -> Iterator[tuple[_SameConv, nn.Module]]:
        """Each convolution with the norm behind it."""
        yield self._conv_stem, self._bn0
        for block in self._blocks:
            assert isinstance(block, _InvertedResidual)
            yield from block.layers()
        yield self._conv_head, self._bn1


class _InvertedResidual(nn.Module):
    def __init__(self, shape: BlockShape, is_folded: bool) -> None:
        super().__init__()
        self.shape = shape
        hidden = shape.num_hidden
        if shape.has_expansion:
            self._expand_conv = _SameConv(shape.num_inputs, hidden, 1, has_bias=is_folded)
            self._bn0 = _norm(hidden, is_folded)
        self._depthwise_conv = _SameConv(
            hidden,
            hidden,
            shape.kernel,
            stride=2 if shape.halves else 1,
            groups=hidden,
            has_bias=is_folded,
        )
        self._bn1 = _norm(hidden, is_folded)
        self._project_conv = _SameConv(hidden, shape.num_outputs, 1, has_bias=is_folded)
        self._bn2 = _norm(shape.num_outputs, is_folded)

    def forward(self, maps: Tensor) -> Tensor:
        hidden = maps
        if self.shape.has_expansion:
            hidden = F.relu6(self._bn0(self._expand_conv(maps)), inplace=True)
        hidden = F.relu6(self._bn1(self._depthwise_conv(hidden)), inplace=True)
        narrow = self._bn2(self._project_conv(hidden))
        return narrow + maps if self.shape.is_residual else narrow

    def layers(self) -> Iterator[tuple[_SameConv, nn.Module]]:
        """Each convolution with the norm behind it."""
        if self.shape.has_expansion:
            yield self._expand_conv, self._bn0
        yield self._depthwise_conv, self._bn1
        yield self._project_conv, self._bn2


class _SameConv(nn.Conv2d):
    """A convolution that pads as TensorFlow's "same": where it cannot be even, more at the end."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        has_bias: bool,
    ) -> None:
        super().__init__(num_inputs, num_outputs, kernel, stride, groups=groups, bias=has_bias)

    def reset_parameters(self) -> None:
        """Random weights that keep the spread of what goes through: torch's own let it fade."""
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        before, after = zip(*(self._padding(size) for size in input.shape[-2:]), strict=True)
        if before == after:  # by the convolution itself, without a copy
            return F.conv2d(input, self.weight, self.bias, self.stride, before, groups=self.groups)
        padded = F.pad(input, (before[1], after[1], before[0], after[0]))
        return F.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)

    def _padding(self, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2


def _norm(num_channels: int, is_folded: bool) -> nn.Module:
    return nn.Identity() if is_folded else nn.BatchNorm2d(num_channels, eps=_NORM_EPS)
