"""Which features of a video a model is taught on."""

from __future__ import annotations

from dataclasses import dataclass

from vidmem.errors import SettingError

NUM_MOTION_CHANNELS = 3
"""Mean and maximum of the grey difference, and the share of pixels that changed."""


@dataclass(frozen=True, kw_only=True)
class FeatureConfig:
    """What is taken of each frame: some principal components of its tokens, and motion.

    Sampled frames come in groups of `encode_every`: the last of a group is encoded, and its motion
    is what changed since the frame before it. One group gives one *feature frame*:

        sampled   0 1 2 3 4 5 6 7      at 8 frames per second
        encoded     x   x   x   x      encode_every=2: 4 feature frames per second
        motion    0>1 2>3 4>5 6>7      over an eighth of a second
    """

    backbone: str = "lite2"
    """The image encoder: `lite0`, `lite2`, or a name on the Hugging Face hub or a folder."""

    backbone_sha256: str = ""
    """`Backbone.fingerprint()` of the encoder that it was fitted to; another one is refused. Empty:
    any."""

    tokens_per_frame: int = 36
    """Tokens to which a frame's are averaged: P."""

    encode_every: int = 2
    """Sampled frames per feature frame."""

    cell_components: int = 16
    """Principal components of each token."""

    frame_components: int = 32
    """Principal components of all tokens of a frame together: these know what is where."""

    has_motion: bool = True
    """Without it, only what a still picture shows."""

    def __post_init__(self) -> None:
        counts = {
            "tokens_per_frame": self.tokens_per_frame,
            "cell_components": self.cell_components,
            "frame_components": self.frame_components,
        }
        for name, value in counts.items():
            if value < 1:
                raise SettingError(f"{name} must be at least 1, got {value}")
        # With one sampled frame per feature frame, the first of a clip would have none before it.
        least = 2 if self.has_motion else 1
        if self.encode_every < least:
            raise SettingError(
                f"encode_every must be at least {least} sampled frames"
                f"{' to see motion' if self.has_motion else ''}, got {self.encode_every}"
            )

    @property
    def feature_dim(self) -> int:
        """F, the width of a token as temporal models get it."""
        motion = 2 * NUM_MOTION_CHANNELS if self.has_motion else 0
        return self.cell_components + self.frame_components + motion

    def num_feature_frames(self, num_frames: int) -> int:
        """Feature frames of so many sampled frames; a group that is cut short counts."""
        return -(-num_frames // self.encode_every)

    def encoded_frames(self, num_frames: int) -> list[int]:
        """Which of so many sampled frames are encoded: the last of each group."""
        return [min(end, num_frames - 1) for end in self._ends(num_frames)]

    def compared_frames(self, num_frames: int) -> list[int]:
        """The frame before each that is encoded, which motion is measured from.

        Of a group that is cut short, the last frame itself, as if it were repeated: nothing moves.
        """
        return [min(max(end - 1, 0), num_frames - 1) for end in self._ends(num_frames)]

    def _ends(self, num_frames: int) -> range:
        """The last frame of each group, were none cut short."""
        every = self.encode_every
        return range(every - 1, self.num_feature_frames(num_frames) * every, every)
