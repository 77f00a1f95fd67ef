"""The architecture of Spool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vidmem.errors import SettingError
from vidmem.models.features.config import FeatureConfig
from vidmem.models.interface import StreamTraits
from vidmem.nn.frames import FrameLayout
from vidmem.nn.masks import ContextScope


@dataclass(frozen=True, kw_only=True)
class SpoolConfig:
    """Frozen or fine-tuned image features under a bidirectional temporal transformer."""

    backbone: str = "facebook/dinov2-small"
    """Name on the Hugging Face hub, or a folder."""

    backbone_config: Mapping[str, Any] | None = None
    """The backbone's own config; given where its weights are kept with ours."""

    is_backbone_frozen: bool = True
    """Frozen: no gradients, always in eval mode."""

    embed_dim: int = 384
    """Width of the backbone's tokens, and of the temporal blocks."""

    num_layers: int = 4
    """Temporal blocks."""

    num_heads: int = 6
    """Heads of a block: `num_lookback_heads + num_lookahead_heads`."""

    num_lookback_heads: int = 3
    """Heads that see earlier frames; 0 to all."""

    num_lookahead_heads: int = 3
    """Heads that see later frames; with none, no score waits for later frames."""

    local_frame_range: int = 4
    """Frames that a head sees to its side, besides the query's own."""

    context_scope: ContextScope = "global"
    """What context frames see: the whole window, or the frames within the range of their end."""

    has_context_frames: bool = True
    """Without them the clip's score is that of its mean frame."""

    has_offset_bias: bool = False
    """A learned bias per head and frame offset."""

    tokens_per_frame: int = 64
    """Tokens to which a frame's patches are pooled; a backbone with fewer keeps its own."""

    window_frames: int = 64
    """Frames that the temporal blocks see at a time in a stream."""

    dropout: float = 0.0
    """Dropout probability of the temporal blocks, in training."""

    num_classes: int = 400
    """Logits."""

    linear_reach: int = 0
    """On `features`: frames to each side that the linear head sees, within the range of the other
    heads."""

    features: FeatureConfig | None = None
    """The blocks are taught on features of groups of frames instead of an image encoder's tokens:
    `backbone` and what is said of it has no meaning then, and frames are counted in *feature
    frames*."""

    def __post_init__(self) -> None:
        if self.num_lookback_heads + self.num_lookahead_heads != self.num_heads:
            raise SettingError(
                f"num_lookback_heads + num_lookahead_heads must be num_heads, got "
                f"{self.num_lookback_heads} + {self.num_lookahead_heads} and {self.num_heads}"
            )
        if self.embed_dim % self.num_heads:
            raise SettingError(
                f"num_heads must divide embed_dim, got {self.num_heads} and {self.embed_dim}"
            )
        if self.num_layers < 1 or self.num_classes < 1:
            raise SettingError(
                f"num_layers and num_classes must be at least 1, got {self.num_layers} and "
                f"{self.num_classes}"
            )
        if not 0 <= self.dropout < 1:
            raise SettingError(f"dropout must be from 0 to below 1, got {self.dropout}")
        if self.features is not None and self.features.tokens_per_frame != self.tokens_per_frame:
            raise SettingError(
                f"tokens_per_frame must be that of the features, got {self.tokens_per_frame} and "
                f"{self.features.tokens_per_frame}"
            )
        if not 0 <= self.linear_reach <= self.local_frame_range:
            raise SettingError(
                f"linear_reach must be from 0 to local_frame_range, {self.local_frame_range}, got "
                f"{self.linear_reach}"
            )
        self.layout(self.window_frames)  # checks the range, the scope and the counts

    @property
    def feature_dim(self) -> int:
        """Width of what is kept of a token: of the features, or of the backbone's tokens."""
        return self.embed_dim if self.features is None else self.features.feature_dim

    @property
    def frame_step(self) -> int:
        """Sampled frames for each frame that the blocks see."""
        return 1 if self.features is None else self.features.encode_every

    def num_seen_frames(self, num_frames: int) -> int:
        """Frames that the blocks see of so many sampled ones."""
        return num_frames if self.features is None else self.features.num_feature_frames(num_frames)

    def layout(
        self,
        num_frames: int,
        tokens_per_frame: int | None = None,
        local_frame_range: int | None = None,
    ) -> FrameLayout:
        """How `num_frames` frames attend."""
        reach = self.local_frame_range if local_frame_range is None else local_frame_range
        return FrameLayout(
            num_frames=num_frames,
            tokens_per_frame=tokens_per_frame or self.tokens_per_frame,
            local_frame_range=reach,
            num_lookback_heads=self.num_lookback_heads,
            num_heads=self.num_heads,
            context_scope=self.context_scope,
            has_context_frames=self.has_context_frames,
        )

    def traits(self, clip_frames: int) -> StreamTraits:
        """What a stream has to know, with clips of so many sampled frames.

        `l_mem` are the window's clips but the newest one.
        """
        return StreamTraits(
            l_mem=max(self.window_frames // self.num_seen_frames(clip_frames) - 1, 0),
            frames_multiple=self.frame_step,
            encodes_frames_once=True,
            judges_whole_videos=True,
            local_frame_range=self.local_frame_range,
            lookahead_layers=self.num_layers if self.num_lookahead_heads else 0,
            frame_step=self.frame_step,
        )

    def judged_clips(
        self, l_mem: int, clip_frames: int, local_frame_range: int | None = None
    ) -> int:
        """Clips that a step scores: the newest, and those whose heads look ahead into it.

        Args:
            l_mem: Clips of the window before the newest one.
            clip_frames: Frames of a clip that the blocks see.
            local_frame_range: Instead of the config's.
        """
        num_waiting = -(-self.latency_frames(local_frame_range) // clip_frames)
        return min(num_waiting, l_mem) + 1

    def latency_frames(self, local_frame_range: int | None = None) -> int:
        """Later frames that a frame's score waits for until no look ahead can change it.

        Context frames also carry what they see to every frame; that is a summary of the window and
        not counted here.
        """
        reach = self.local_frame_range if local_frame_range is None else local_frame_range
        return reach * self.num_layers if self.num_lookahead_heads else 0
