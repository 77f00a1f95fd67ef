"""The architecture of FAM Swin, and what it remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from vidmem.errors import SettingError
from vidmem.models.features.config import FeatureConfig
from vidmem.models.interface import StreamTraits
from vidmem.nn.attention_windows import Size3
from vidmem.nn.pooling import memory_grid, square_grid

MAX_WINDOW_TOKENS = 4096
"""Of an attention window; torchvision's have 392."""

FIRST_STAGE_ON_FEATURES = 3
"""An image encoder's tokens are as coarse as this stage."""


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """What a FAM Swin remembers."""

    l_mem: int = 25
    """Clips remembered; the oldest is dropped when one more arrives. 0: memory off."""

    tokens_per_clip: int = 128
    """Memory tokens each clip writes, per stage."""

    stages: tuple[int, ...] = (3, 4)
    """Stages (from 1) that read and write memory."""

    memory_every: int = 1
    """Write every n-th clip, so the same queue reaches n times further back."""

    anchors: int = 0
    """Clips written first that are never evicted, as long as the newest finds room."""

    has_feedback: bool = True
    """Clips write what they made of themselves and of memory, so that it outlives its eviction.
    Without feedback, to be held against it, they write what they made of themselves alone."""

    @property
    def anchor_clips(self) -> int:
        """Clips from the start of a stream among which the anchors are."""
        return self.anchors * self.memory_every

    def __post_init__(self) -> None:
        if self.l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: memory off), got {self.l_mem}")
        if self.tokens_per_clip < 1:
            raise SettingError(f"tokens_per_clip must be at least 1, got {self.tokens_per_clip}")
        if self.memory_every < 1:
            raise SettingError(f"memory_every must be at least 1 clip, got {self.memory_every}")
        if self.anchors < 0:
            raise SettingError(f"anchors must be at least 0 clips, got {self.anchors}")
        # Rising and without repeats: queues are paired with stages by their order.
        if not self.stages or list(self.stages) != sorted(set(self.stages) & {1, 2, 3, 4}):
            raise SettingError(f"stages must be some of 1, 2, 3, 4 in order, got {self.stages}")


@dataclass(frozen=True, kw_only=True)
class FamSwinConfig:
    """The architecture; the defaults are torchvision's `swin3d_t` with memory."""

    tubelet_size: Size3 = (2, 4, 4)
    """Frames, pixel rows and pixel columns that make one token. On `features` only the first of
    them counts: the feature frames that are merged."""

    embed_dim: int = 96
    """Width of stage 1, even where there is none; every stage doubles it."""

    depths: tuple[int, int, int, int] = (2, 2, 6, 2)
    """Blocks per stage."""

    num_heads: tuple[int, int, int, int] = (3, 6, 12, 24)
    """Attention heads per stage."""

    attention_window: Size3 = (8, 7, 7)
    """Tokens per axis, at most; every second block shifts it by half."""

    num_classes: int = 400
    """Logits."""

    memory: MemoryConfig | None = field(default_factory=MemoryConfig)
    """None: plain Video Swin."""

    features: FeatureConfig | None = None
    """Of the frames: then a frozen image encoder takes the place of the patch embedding and of
    stages 1 and 2, and what is said of these stages has no meaning. None: pixels."""

    def __post_init__(self) -> None:
        _check_counts("tubelet_size", self.tubelet_size, 3)
        _check_counts("attention_window", self.attention_window, 3)
        _check_counts("depths", self.depths, 4)
        _check_counts("num_heads", self.num_heads, 4)
        _check_counts("embed_dim and num_classes", (self.embed_dim, self.num_classes), 2)
        # Its table of positions has the square of that: no more than 128 MiB.
        if math.prod(self.attention_window) > MAX_WINDOW_TOKENS:
            raise SettingError(
                f"attention_window must hold at most {MAX_WINDOW_TOKENS} tokens, got "
                f"{self.attention_window}"
            )
        for stage in self.stages:
            width, heads = self.width(stage), self.num_heads[stage - 1]
            if width % heads:
                raise SettingError(
                    f"num_heads must divide the width of each stage, got {heads} heads and width "
                    f"{width} at stage {stage}"
                )
        if self.memory is not None and not set(self.memory.stages) <= set(self.stages):
            raise SettingError(
                f"on features there are only the stages {self.stages}, so memory cannot be in "
                f"stages {self.memory.stages}"
            )

    @property
    def stages(self) -> range:
        """The stages that there are, from 1: on features only the last two."""
        return range(1 if self.features is None else FIRST_STAGE_ON_FEATURES, 5)

    def width(self, stage: int) -> int:
        """Token width at a stage (from 1)."""
        return self.embed_dim * 2 ** (stage - 1)

    def memory_grid(self, stage: int) -> Size3:
        """Times, rows and columns of the memory tokens that a clip writes at a stage (from 1).

        On features, 9 or 18 of them, say, are 3 x 3 in the picture where frames have 36 tokens.
        """
        assert self.memory is not None
        tokens_per_clip = self.memory.tokens_per_clip
        if self.features is None:
            return memory_grid(stage, tokens_per_clip)
        return square_grid(tokens_per_clip, self._side(stage, self.features))

    def window(self, stage: int) -> Size3:
        """The attention window of a stage (from 1): on features no wider than a square picture.

        So that each pair of places has the bias of its offset. Where a window is fitted to a
        smaller grid only as it is used, torchvision's weights want another order.
        """
        if self.features is None:
            return self.attention_window
        times, rows, columns = self.attention_window
        side = self._side(stage, self.features)
        return (times, min(rows, side), min(columns, side))

    def _side(self, stage: int, features: FeatureConfig) -> int:
        """Tokens along a side of a square picture, rounded up where patches are merged."""
        merged = 2 ** (stage - FIRST_STAGE_ON_FEATURES)
        return -(-math.isqrt(features.tokens_per_frame) // merged)

    def traits(self, clip_frames: int) -> StreamTraits:
        """What a stream has to know; it is the same for clips of any length."""
        memory = self.memory
        frame_step = self.features.encode_every if self.features else 1
        return StreamTraits(
            l_mem=memory.l_mem if memory else 0,
            has_memory=memory is not None,
            memory_every=memory.memory_every if memory else 1,
            frames_multiple=frame_step * self.tubelet_size[0],
            frame_step=frame_step,
        )


def _check_counts(name: str, values: tuple[int, ...], length: int) -> None:
    if len(values) != length or min(values) < 1:
        raise SettingError(f"{name} must be {length} numbers of at least 1, got {values}")
