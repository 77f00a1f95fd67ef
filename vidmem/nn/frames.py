"""How a sequence of frames may attend: the one description that all backends are made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from vidmem.errors import SettingError
from vidmem.nn.masks import CONTEXT_SCOPES, ContextScope, MaskMod, spool_mask_mod


@dataclass(frozen=True, kw_only=True)
class FrameLayout:
    """Frames in order, with or without context frames, and which frames each head sees.

    See `vidmem.nn.masks` for a picture of the mask.
    """

    num_frames: int
    """Real frames."""

    tokens_per_frame: int
    """Tokens of a frame, context frames included."""

    local_frame_range: int
    """Frames that a head sees to its side, besides the query's own."""

    num_lookback_heads: int
    """The first heads; the others look ahead."""

    num_heads: int
    """All heads."""

    context_scope: ContextScope = "global"
    """What context frames see: all frames, or those within the range of their own end."""

    has_context_frames: bool = True
    """Whether there is a frame before the first and one after the last."""

    padded_frames: int = 0
    """Frames after all others that attend to nothing and are attended to by nothing: what attention
    gives for them is zero. Their tokens have to be finite. They give sequences of many lengths one
    shape, so that attention is compiled once."""

    def __post_init__(self) -> None:
        for name in ("num_frames", "tokens_per_frame", "num_heads"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.padded_frames < 0:
            raise SettingError(f"padded_frames must be at least 0, got {self.padded_frames}")
        if self.local_frame_range < 0:
            raise SettingError(
                f"local_frame_range must be at least 0 frames (0: the query's own frame only), "
                f"got {self.local_frame_range}"
            )
        if not 0 <= self.num_lookback_heads <= self.num_heads:
            raise SettingError(
                f"num_lookback_heads must be from 0 to {self.num_heads}, "
                f"got {self.num_lookback_heads}"
            )
        if self.context_scope not in CONTEXT_SCOPES:
            raise SettingError(f"context_scope must be global or local, got {self.context_scope!r}")

    @property
    def num_context_frames(self) -> int:
        """Context frames at each end: 1 or 0."""
        return int(self.has_context_frames)

    @property
    def attended_frames(self) -> int:
        """Real frames and context frames: all but padding."""
        return self.num_frames + 2 * self.num_context_frames

    @property
    def sequence_frames(self) -> int:
        """Frames of the sequence, context frames and padding included."""
        return self.attended_frames + self.padded_frames

    @property
    def length(self) -> int:
        """Tokens of the sequence, padding included."""
        return self.sequence_frames * self.tokens_per_frame

    @property
    def reach(self) -> int:
        """The range, or the frames beside a frame where those are fewer."""
        return min(self.local_frame_range, self.num_frames - 1)

    def with_range(self, local_frame_range: int) -> Self:
        """The same frames under another range."""
        return replace(self, local_frame_range=local_frame_range)

    def newest(self, num_frames: int) -> Self:
        """The last so many real frames, between the same context frames; all, if there are fewer.

        Raises:
            SettingError: If there is padding behind them.
        """
        if self.padded_frames:
            raise SettingError("frames with padding behind them cannot be cut to the newest")
        return replace(self, num_frames=min(num_frames, self.num_frames))

    def padded_to(self, num_frames: int) -> Self:
        """The same frames, in a sequence as long as one of `num_frames` real frames.

        Raises:
            SettingError: If there are more than that.
        """
        if num_frames < self.num_frames:
            raise SettingError(f"{self.num_frames} frames cannot be padded to {num_frames}")
        return replace(self, padded_frames=num_frames - self.num_frames)

    def unpadded(self) -> Self:
        """The same frames without padding."""
        return replace(self, padded_frames=0)

    def mask_mod(self) -> MaskMod:
        """The predicate."""
        return spool_mask_mod(
            self.num_frames,
            self.tokens_per_frame,
            self.local_frame_range,
            self.num_lookback_heads,
            self.context_scope,
            has_context_frames=self.has_context_frames,
        )
