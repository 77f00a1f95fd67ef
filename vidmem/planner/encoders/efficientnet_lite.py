"""What EfficientNet-Lite costs: its convolutions one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from vidmem.models.backbones.config import BackboneConfig
from vidmem.models.backbones.efficientnet_lite import (
    CELL_PIXELS,
    HEAD_CHANNELS,
    STEM_CHANNELS,
    BlockShape,
    stage_blocks,
)
from vidmem.models.backbones.families import FAMILIES, variant_of
from vidmem.planner.encoders.piece import EncoderPiece
from vidmem.planner.sizing import StepSize

Side = tuple[int, int]
"""Height and width of a map."""


@dataclass(frozen=True)
class _Convolution:
    """A convolution with a bias: batch norms are folded into it."""

    num_inputs: int
    num_outputs: int
    kernel: int = 1
    halves: bool = False
    is_depthwise: bool = False

    @property
    def num_parameters(self) -> int:
        inputs = 1 if self.is_depthwise else self.num_inputs
        return self.num_outputs * (inputs * self.kernel**2 + 1)

    def side(self, side: Side) -> Side:
        return (-(-side[0] // 2), -(-side[1] // 2)) if self.halves else side

    def flops(self, side: Side) -> int:
        height, width = self.side(side)
        return 2 * height * width * (self.num_parameters - self.num_outputs)

    def padded_numbers(self, side: Side) -> int:
        """Of the copy with uneven borders, which halving an even side needs; else 0."""
        if not self.halves or side[0] % 2 == side[1] % 2 == 1:
            return 0
        # As many as the windows cover: from the first one's start to the last one's end.
        height, width = (2 * (length - 1) + self.kernel for length in self.side(side))
        return self.num_inputs * height * width

    def numbers(self, side: Side) -> int:
        """Of what it gives."""
        height, width = self.side(side)
        return self.num_outputs * height * width


_STEM = _Convolution(3, STEM_CHANNELS, 3, halves=True)


@dataclass(frozen=True)
class EfficientNetLiteShape:
    """An EfficientNet-Lite as it runs: an `EncoderShape`."""

    config: BackboneConfig

    @property
    def blocks(self) -> tuple[BlockShape, ...]:
        """All, in order."""
        return tuple(chain.from_iterable(stage_blocks(variant_of(self.config.options))))

    @property
    def width(self) -> int:
        """D."""
        return self.blocks[-1].num_outputs

    @property
    def num_parameters(self) -> int:
        """Weights and biases."""
        return sum(convolution.num_parameters for convolution in self._convolutions())

    @property
    def table_bytes(self) -> int:
        """Nothing."""
        return 0

    def flops(self, height: int, width: int) -> int:
        """Of one frame."""
        total, side = 0, (height, width)
        for convolution in self._convolutions():
            total += convolution.flops(side)
            side = convolution.side(side)
        return total

    def piece(self, size: StepSize) -> EncoderPiece:
        """What encoding holds."""
        side = (size.frame_height, size.frame_width)
        family, frames = FAMILIES[self.config.model_type], self.config.frames_per_batch
        if size.device == "cpu" and family.most_pictures_on_cpu is not None:
            frames = min(frames, family.most_pictures_on_cpu)
        rows, columns = (-(-length // CELL_PIXELS) for length in side)
        vector = self.width * size.number_bytes
        return EncoderPiece(
            frames=frames,
            num_tokens=rows * columns,
            token_bytes=vector,
            given_bytes=rows * columns * vector,
            summary_bytes=HEAD_CHANNELS * size.number_bytes,
            working_bytes=self._most_numbers(side) * size.number_bytes,
        )

    def _convolutions(self) -> Iterator[_Convolution]:
        yield _STEM
        for block in self.blocks:
            yield from _of_block(block)
        yield _Convolution(self.width, HEAD_CHANNELS)

    def _most_numbers(self, side: Side) -> int:
        """The most that is held for one frame, within any convolution."""
        given = 3 * side[0] * side[1]
        most = given + _STEM.padded_numbers(side) + _STEM.numbers(side)
        given, side = _STEM.numbers(side), _STEM.side(side)
        for block in self.blocks:
            most = max(most, given + _most_of_block(block, side))
            last = _of_block(block)[-1]
            side = _of_block(block)[-2].side(side)
            given = last.numbers(side)
        return max(most, given + HEAD_CHANNELS * side[0] * side[1])


def _of_block(block: BlockShape) -> tuple[_Convolution, ...]:
    hidden = block.num_hidden
    expansion = (_Convolution(block.num_inputs, hidden),) if block.has_expansion else ()
    filtering = _Convolution(hidden, hidden, block.kernel, block.halves, is_depthwise=True)
    return *expansion, filtering, _Convolution(hidden, block.num_outputs)


def _most_of_block(block: BlockShape, side: Side) -> int:
    """The most that a block holds beside what it was given."""
    *expansion, filtering, narrowing = _of_block(block)
    widened = sum(one.numbers(side) for one in expansion)
    filtered, after = filtering.numbers(side), filtering.side(side)
    within = widened + filtering.padded_numbers(side) + filtered
    # The sum with the block's input is a map of its own.
    return max(within, filtered + (1 + block.is_residual) * narrowing.numbers(after))
