"""Spool: image features of every frame under a bidirectional temporal transformer.

Shapes: B clips or streams, T frames, P tokens of a frame, D width of the blocks, F width of what
they are given: D, or that of the features (`SpoolConfig.features`), where T counts feature frames.

    frames ── backbone ── patch tokens ─┬─ start context frame
                                        ├─ frames 1 .. T      ── temporal blocks ─┬─ clip logits
                                        └─ end context frame                      └─ frame logits

Lookback heads see earlier frames and the start context frame, lookahead heads later ones and the
end context frame; context frames see the whole clip, so cost stays linear in its length.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidmem.errors import CheckpointError, SettingError, StateError
from vidmem.models.backbones.backbone import Backbone, pooled_grid
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.linear_head import FeatureHead
from vidmem.models.interface import ModelCard, StepOutput, StreamTraits
from vidmem.models.look import Look
from vidmem.models.spool.config import SpoolConfig
from vidmem.models.spool.feature_embedding import FeatureEmbedding
from vidmem.models.spool.newest import newest_through_blocks
from vidmem.models.spool.state import SpoolState
from vidmem.nn.capture import at, is_capturing
from vidmem.nn.frame_attention import FrameBackend, newest_frames, resolve_frame_backend
from vidmem.nn.memory import MemoryQueue
from vidmem.nn.temporal import ContextFrames, TemporalBlock


@dataclass(frozen=True)
class SpoolScores:
    """The scores of some clips, and of each of their frames."""

    clip_logits: Tensor
    """`[B, num_classes]`, float32."""

    frame_logits: Tensor
    """`[B, T, num_classes]`, float32."""


class Spool(nn.Module):
    """A bidirectional temporal transformer over the patch tokens of an image encoder.

    Args:
        config: The architecture.
        card: Classes and sampling.
        backbone: The image encoder; without one, features have to be brought along.
        encoder: Gives the features instead where the config has `features`.

    Raises:
        CheckpointError: If the backbone is of another width than the config says, or the encoder
            gives other features.
        ValueError: If the config is for the other one of the two.
    """

    look: Look | None = None
    """How its training footage looks, for a warning about other footage; set as it is loaded."""

    def __init__(
        self,
        config: SpoolConfig,
        card: ModelCard | None = None,
        *,
        backbone: Backbone | None = None,
        encoder: FeatureEncoder | None = None,
    ) -> None:
        super().__init__()
        _check_encoders(config, backbone, encoder)
        self.config = config
        self.card = card or ModelCard(
            name="spool",
            title="Spool",
            class_names=tuple(f"class {i}" for i in range(config.num_classes)),
        )
        self.backbone = backbone
        self.encoder = encoder
        width = config.embed_dim
        self.embedding = (
            FeatureEmbedding(config.tokens_per_frame, config.feature_dim, width)
            if config.features is not None
            else None
        )
        self.context = (
            ContextFrames(config.tokens_per_frame, width) if config.has_context_frames else None
        )
        num_offsets = config.local_frame_range + 1 if config.has_offset_bias else None
        self.blocks = nn.ModuleList(
            TemporalBlock(width, config.num_heads, dropout=config.dropout, num_offsets=num_offsets)
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.frame_head = nn.Linear(width, config.num_classes)
        # With context frames a clip is scored from both, side by side; else from its mean frame.
        self.clip_head = nn.Linear(
            2 * width if config.has_context_frames else width, config.num_classes
        )
        # With minutes of labels a linear head is hard to beat: what time adds is added to it.
        self.linear_head = (
            FeatureHead(config.feature_dim, config.num_classes, config.linear_reach)
            if config.features is not None
            else None
        )
        self.backend: FrameBackend | None = None

    @property
    def embed_dim(self) -> int:
        """D, the width of the temporal blocks, and of the backbone's tokens if it has one."""
        return self.config.embed_dim

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.clip_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.clip_head.weight.dtype

    @property
    def traits(self) -> StreamTraits:
        """What a stream has to know beside the card."""
        return self.config.traits(self.card.clip_frames)

    def forward(self, clips: Tensor, *, local_frame_range: int | None = None) -> SpoolScores:
        """Score clips `[B, T, 3, H, W]`, normalised as the card says; see `forward_features`."""
        return self.forward_features(self.encode(clips), local_frame_range=local_frame_range)

    def encode(self, clips: Tensor) -> Tensor:
        """Each frame, or group of frames, by itself: `[B, T, 3, H, W]` to features `[B, T, P, F]`.

        Raises:
            CheckpointError: If the model was made without a backbone or an encoder.
            ValueError: If the clips have another shape.
        """
        encoder, kind, name = self.backbone, "backbone", self.config.backbone
        if self.config.features is not None:
            encoder, kind, name = self.encoder, "encoder", self.config.features.backbone
        if encoder is None:
            raise CheckpointError(
                f"this Spool has no {kind}; load one ({name}) or give features to forward_features"
            )
        return encoder(clips)

    def token_grid(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the tokens of a frame of so many pixels: their product is P."""
        encoder = self.backbone or self.encoder
        if encoder is not None:
            return encoder.token_grid(height, width)
        return pooled_grid((height, width), self.config.tokens_per_frame)

    def forward_features(
        self,
        features: Tensor,
        *,
        local_frame_range: int | None = None,
        padded_to: int | None = None,
    ) -> SpoolScores:
        """Score clips, or a whole video in one pass, from the features of its frames.

        Args:
            features: `[B, T, P, F]`, any T; with context frames P is the config's
                `tokens_per_frame`.
            local_frame_range: Instead of the config's.
            padded_to: Compute with so many frames, those beyond the video's seen by none: windows
                of different lengths then share one compiled kernel. The scores are the same.

        Raises:
            ValueError: If the features have another shape.
            SettingError: If the range is negative, or there are more frames than `padded_to`.
        """
        self._check_features(features)
        num_frames, tokens_per_frame = features.shape[1:3]
        layout = self.config.layout(num_frames, tokens_per_frame, local_frame_range)
        tokens = self._embed(features).flatten(1, 2)
        if padded_to is not None:
            layout = layout.padded_to(padded_to)
            num_padded = layout.padded_frames * tokens_per_frame
            tokens = F.pad(tokens, (0, 0, 0, num_padded))  # behind the end frame
        for layer, block in enumerate(self.blocks):
            with at(layer=layer):
                tokens = block(tokens, layout, self.backend)
        means = self._means(tokens, tokens_per_frame)[:, : layout.attended_frames]
        real = means
        summary = means.mean(1)
        if self.context is not None:
            # The context frames gather what sums up the clip; they get no frame scores.
            real, summary = means[:, 1:-1], torch.cat([means[:, 0], means[:, -1]], -1)
        frame_logits = self.frame_head(real).float()
        clip_logits = self.clip_head(summary).float()
        if self.linear_head is not None:
            linear_logits = self.linear_logits(features, layout.local_frame_range)
            frame_logits = frame_logits + linear_logits
            clip_logits = clip_logits + linear_logits.mean(1)
        return SpoolScores(clip_logits=clip_logits, frame_logits=frame_logits)

    def newest_frame_logits(
        self, features: Tensor, num_newest: int, *, local_frame_range: int | None = None
    ) -> Tensor:
        """As `forward_features(...).frame_logits[:, -num_newest:]`, for less.

        Only what these depend on is computed: see `vidmem.models.spool.newest`.

        Args:
            features: `[B, T, P, F]`, as `forward_features` takes them.
            num_newest: At least 1; at most T are given.
            local_frame_range: Instead of the config's.

        Returns:
            `[B, num_newest, num_classes]`, float32.
        """
        self._check_features(features)
        num_frames, tokens_per_frame = features.shape[1:3]
        layout = self.config.layout(num_frames, tokens_per_frame, local_frame_range)
        reach = layout.local_frame_range
        tokens = self._embed(features).flatten(1, 2)
        own = newest_through_blocks(self.config.num_layers, layout, num_newest)
        for block, frames in zip(self.blocks, own, strict=True):
            tokens = newest_frames(tokens, layout, frames.layout.num_frames)
            tokens = block(tokens, frames.layout, self.backend, num_newest=frames.num_newest)
            layout = frames.layout.newest(frames.num_newest)
        means = self._means(tokens, tokens_per_frame)
        real = means[:, 1:-1] if self.config.has_context_frames else means
        logits = self.frame_head(real).float()
        if self.linear_head is not None:
            near = features[:, -(num_newest + self.config.linear_reach) :]
            logits = logits + self.linear_logits(near, reach)[:, -num_newest:]
        return logits

    def linear_logits(self, features: Tensor, local_frame_range: int) -> Tensor:
        """What the linear head says of each frame; it sees no farther than the others may."""
        assert self.linear_head is not None
        config = self.config
        return self.linear_head(
            features,
            back_frames=local_frame_range if config.num_lookback_heads else 0,
            ahead_frames=local_frame_range if config.num_lookahead_heads else 0,
        )

    def _embed(self, features: Tensor) -> Tensor:
        """`[B, T, P, F]` to the frames `[B, T, P, D]`, or `[B, T + 2, P, D]`, of the blocks."""
        frames = features.to(self.dtype)
        if self.embedding is not None:
            frames = self.embedding(frames)
        return frames if self.context is None else self.context(frames)

    def _means(self, tokens: Tensor, tokens_per_frame: int) -> Tensor:
        """The normed mean of each frame, `[B, frames, D]`."""
        return self.norm(tokens).unflatten(1, (-1, tokens_per_frame)).mean(2)

    def init_state(
        self,
        batch_size: int = 1,
        *,
        l_mem: int | None = None,
        clip_frames: int | None = None,
        local_frame_range: int | None = None,
    ) -> SpoolState:
        """The state of streams that have seen nothing; None: the card's or the config's.

        Args:
            batch_size: Streams.
            l_mem: Clips of a window before the newest one.
            clip_frames: Sampled frames of a clip.
            local_frame_range: Frames that heads see to their side.
        """
        l_mem = self.traits.l_mem if l_mem is None else l_mem
        if l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: no past), got {l_mem}")
        reach = self.config.local_frame_range if local_frame_range is None else local_frame_range
        tokens = self.config.tokens_per_frame
        num_frames = self.config.num_seen_frames(clip_frames or self.card.clip_frames)
        shape = (num_frames * tokens, self.config.feature_dim)
        zeros = torch.zeros(batch_size, dtype=torch.long, device=self.device)
        return SpoolState(
            queue=MemoryQueue.empty(batch_size, l_mem, shape, like=self.clip_head.weight.detach()),
            clip_index=zeros,
            newest_frames=zeros + num_frames,
            tokens_per_frame=tokens,
            local_frame_range=reach,
        )

    def step(
        self, clip: Tensor, state: SpoolState, clip_seconds: Tensor | None = None
    ) -> StepOutput:
        """Take the next clip of each stream: encode its frames, and score the window they end.

        Args:
            clip: `[B, T, 3, H, W]`, normalised as the card says; the last one of a video may have
                fewer frames than the others.
            state: The state of the same streams, in the same order; it is not changed.
            clip_seconds: `[B, 2]`, source time of the clips, kept beside their features.

        Returns:
            Logits of the clip (the mean of its frames'), those of the clips before it again, now
            that frames after them are known, and the next state.

        Raises:
            ValueError: If the clip has another shape or another number of streams than the state.
        """
        if self.encoder is None:
            return self.step_features(self.encode(clip), state, clip_seconds)
        features = self.encoder.encode(clip)
        output = self.step_features(features.values, state, clip_seconds)
        return replace(output, unlikeness=features.unlikeness)

    def step_features(
        self, features: Tensor, state: SpoolState, clip_seconds: Tensor | None = None
    ) -> StepOutput:
        """As `step`, from the features `[B, T, P, F]` of the clip's frames."""
        self._check_step(features, state)
        num_judged = self.config.judged_clips(
            state.l_mem, state.clip_frames, state.local_frame_range
        )
        shape = (len(features), num_judged, self.config.num_classes)
        logits = torch.full(shape, torch.nan, device=features.device)
        held = state.num_remembered
        for num_clips in held.unique().tolist():  # streams of one age share a batch
            rows = (held == num_clips).nonzero()[:, 0]
            window = torch.cat([state.select(rows).past(num_clips), features[rows]], 1)
            newest = min(shape[1], num_clips + 1)
            num_newest = (newest - 1) * state.clip_frames + features.shape[1]
            with at(rows=rows):
                frame_logits = self._score_newest(window, num_newest, state)
            logits[rows, shape[1] - newest :] = _mean_by_clip(
                frame_logits, newest, features.shape[1]
            )
        if clip_seconds is None:
            clip_seconds = torch.zeros(len(features), 2, dtype=torch.float64, device=self.device)
        following = state.push(features.to(self.dtype), clip_seconds)
        earlier = logits[:, :-1] if self.config.num_lookahead_heads else None
        return StepOutput(logits[:, -1], following, earlier)

    def _score_newest(self, window: Tensor, num_newest: int, state: SpoolState) -> Tensor:
        """`[B, num_newest, num_classes]`."""
        reach = state.local_frame_range
        backend = self.backend or resolve_frame_backend(window.device)[0]
        if backend == "sdpa" and not is_capturing():
            return self.newest_frame_logits(window, num_newest, local_frame_range=reach)
        # Who looks in wants to see all frames look. And `flex` compiles for each shape: a window
        # that fills up is computed at its full length.
        padded_to = state.window_frames if backend == "flex" else None
        scores = self.forward_features(window, local_frame_range=reach, padded_to=padded_to)
        return scores.frame_logits[:, -num_newest:]

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> SpoolState:
        """Make a state of what `SpoolState.to_tensors` gave.

        Raises:
            StateError: If the tensors do not fit this model.
        """
        try:
            features = tensors["features"]
            state = SpoolState(
                queue=MemoryQueue(
                    tokens=features.to(self.device, self.dtype),
                    slot_clips=tensors["slot_clips"].to(self.device),
                    slot_seconds=tensors["slot_seconds"].to(self.device),
                ),
                clip_index=tensors["clip_index"].to(self.device),
                newest_frames=tensors["newest_frames"].to(self.device),
                tokens_per_frame=self.config.tokens_per_frame,
                local_frame_range=int(tensors["local_frame_range"]),
            )
        except KeyError as error:
            raise StateError(f"the saved stream lacks {error}: it is of another model") from error
        tokens, width = self.config.tokens_per_frame, self.config.feature_dim
        if features.ndim != 4 or features.shape[2] % tokens or features.shape[3] != width:
            raise StateError(
                f"the saved stream has features {list(features.shape)}, this model wants frames of "
                f"{tokens} tokens of {width}"
            )
        return state

    def _check_step(self, features: Tensor, state: SpoolState) -> None:
        self._check_features(features)
        if len(features) != len(state.clip_index):
            raise ValueError(
                f"the clip is of {len(features)} streams and the state of {len(state.clip_index)}"
            )
        if features.shape[1] > state.clip_frames:
            sampled = features.shape[1] * self.config.frame_step
            raise ValueError(
                f"clips of this state have at most {state.clip_frames} frames, got "
                f"{features.shape[1]}; make one with init_state(clip_frames={sampled})"
            )
        is_short = (state.newest_frames < state.clip_frames) & (state.num_remembered > 0)
        if is_short.any():
            raise ValueError(
                "the clip before had fewer frames than the others, so it was the last of its video"
            )

    def _check_features(self, features: Tensor) -> None:
        tokens, width = self.config.tokens_per_frame, self.config.feature_dim
        is_fitting = features.ndim == 4 and features.shape[3] == width
        if self.context is not None or self.embedding is not None:
            is_fitting = is_fitting and features.shape[2] == tokens
        if not is_fitting or not features.shape[1]:
            raise ValueError(
                f"features must have shape [B, T, {tokens}, {width}] with at least one frame, got "
                f"{list(features.shape)}"
            )


def _check_encoders(
    config: SpoolConfig, backbone: Backbone | None, encoder: FeatureEncoder | None
) -> None:
    if backbone is not None and config.features is not None:
        raise ValueError("a Spool on features gets encoder=..., not backbone=...")
    if backbone is not None and backbone.embed_dim != config.embed_dim:
        raise CheckpointError(
            f"the backbone's tokens are {backbone.embed_dim} wide and the config says "
            f"embed_dim={config.embed_dim}; make the config with embed_dim={backbone.embed_dim}"
        )
    if encoder is not None and config.features is None:
        raise ValueError(
            "a Spool without features in its config gets backbone=..., not encoder=..."
        )
    if encoder is not None and encoder.config != config.features:
        raise CheckpointError(
            f"the encoder gives other features than the model was made for: {encoder.config} "
            f"instead of {config.features}"
        )


def _mean_by_clip(frame_logits: Tensor, newest: int, num_frames: int) -> Tensor:
    """`[B, newest, num_classes]`: the mean logits of clips, the last of them of `num_frames`."""
    last = frame_logits[:, -num_frames:].mean(1, keepdim=True)
    if newest == 1:
        return last
    # All clips but the last one of a video have as many frames: [B, past clips, frames, classes].
    past = frame_logits[:, :-num_frames].unflatten(1, (newest - 1, -1)).mean(2)
    return torch.cat([past, last], 1)
