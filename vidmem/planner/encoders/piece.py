"""What encoding frames holds, for any kind of image encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vidmem.planner.sizing import StepSize


@dataclass(frozen=True, kw_only=True)
class EncoderPiece:
    """Frames that go through an encoder together; bytes are those of one frame."""

    frames: int
    """At most, at a time."""

    num_tokens: int
    """That the encoder gives, before they are pooled."""

    token_bytes: int

    given_bytes: int
    """Held for the tokens of a frame until all frames are encoded, where they are not pooled."""

    summary_bytes: int

    working_bytes: int
    """The most that is held within the encoder."""


class EncoderShape(Protocol):
    """An image encoder, and what it costs."""

    @property
    def width(self) -> int:
        """D."""
        ...

    @property
    def num_parameters(self) -> int:
        """Weights and biases."""
        ...

    @property
    def table_bytes(self) -> int:
        """What it holds beside its parameters."""
        ...

    def flops(self, height: int, width: int) -> int:
        """Of one frame."""
        ...

    def piece(self, size: StepSize) -> EncoderPiece:
        """What encoding holds."""
        ...


def encoding_peak_bytes(shape: EncoderShape, size: StepSize, tokens_per_frame: int) -> int:
    """The most that encoding a clip holds: in the encoder, or when all frames are put together."""
    piece, num_frames = shape.piece(size), size.batch_size * size.clip_frames
    batch = min(piece.frames, num_frames)
    pooled = min(tokens_per_frame, piece.num_tokens) * piece.token_bytes
    is_pooled = tokens_per_frame < piece.num_tokens
    given = (pooled if is_pooled else piece.given_bytes) + piece.summary_bytes
    last = num_frames % batch or batch
    before = num_frames - last
    # Frames go through in batches, and the outputs of earlier batches are held. The last batch has
    # most outputs before it, but may be smaller than the one before.
    working = piece.working_bytes
    encoding = [before * given + last * working, max(before - batch, 0) * given + batch * working]
    return max(*encoding, num_frames * (given + pooled + piece.summary_bytes))
