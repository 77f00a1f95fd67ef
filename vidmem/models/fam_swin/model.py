"""FAM Swin: Video Swin that reads and writes a bounded memory queue.

Video Swin: Liu et al., arXiv:2106.13230. Feedback attention memory: Hwang et al., TransformerFAM,
arXiv:2404.09173; here the memory is a queue of pooled tokens per clip, read by the last block of a
stage.

    clip ── stages 1, 2 ── stage 3 ─┬─ last block ── stage 4 ─┬─ last block ── head ── logits
                        read queue 3 ┘      │      read queue 4 ┘      │
                              pool, push ───┘            pool, push ───┘

On features (`FamSwinConfig.features`) a frozen image encoder stands in for stages 1 and 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from vidmem.errors import CheckpointError, SettingError, StateError
from vidmem.models.backbones.backbone import pooled_grid
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.feature_embedding import MergedFeatureEmbedding
from vidmem.models.fam_swin.state import FamSwinState
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.models.features.linear_head import FeatureHead
from vidmem.models.interface import ModelCard, StepOutput, StreamTraits
from vidmem.models.look import Look
from vidmem.nn.attention_windows import Size3
from vidmem.nn.capture import at, is_capturing
from vidmem.nn.memory import MemoryAttention, MemoryKeysValues, MemoryQueue
from vidmem.nn.pooling import grid_pool
from vidmem.nn.swin import (
    Grid,
    MemoryRead,
    PatchEmbedding,
    PatchMerging,
    SwinStage,
    WindowAttention,
    by_row,
)


@dataclass(frozen=True)
class _Features:
    """What the stages with memory and the last one put out."""

    memory_stages: tuple[Grid, ...]
    last: Grid


class FamSwin(nn.Module):
    """Video Swin with a bounded Feedback-Attention Memory queue.

    One set of weights serves any number of streams: what is remembered is in the state alone.

    Args:
        config: The architecture.
        card: Classes and sampling.
        encoder: For a model on features; without one, features have to be brought along.

    Raises:
        CheckpointError: If the encoder gives other features than the config says.
    """

    look: Look | None = None
    """How its training footage looks, for a warning about other footage; set as it is loaded."""

    def __init__(
        self,
        config: FamSwinConfig,
        card: ModelCard | None = None,
        *,
        encoder: FeatureEncoder | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.card = card or ModelCard(
            name="fam-swin",
            title="FAM Swin",
            class_names=tuple(f"class {i}" for i in range(config.num_classes)),
        )
        first, features = config.stages[0], config.features
        if features is None:
            self.patch_embedding = PatchEmbedding(config.tubelet_size, config.embed_dim)
        else:
            self.feature_embedding = MergedFeatureEmbedding(
                config.tubelet_size[0],
                features.tokens_per_frame,
                features.feature_dim,
                config.width(first),
            )
        # Stages that there are not keep their places, so that stage n is `stages[n - 1]` always.
        self.stages = nn.ModuleList(
            SwinStage(
                config.width(stage),
                config.depths[stage - 1],
                config.num_heads[stage - 1],
                config.window(stage),
            )
            if stage >= first
            else nn.Identity()
            for stage in (1, 2, 3, 4)
        )
        self.merges = nn.ModuleList(
            PatchMerging(config.width(stage)) if stage >= first else nn.Identity()
            for stage in (1, 2, 3)
        )
        self.norm = nn.LayerNorm(config.width(4))
        self.head = nn.Linear(config.width(4), config.num_classes)
        self.apply(_init_weights)
        self.memory = nn.ModuleDict()
        for stage in self.memory_stages:
            heads = config.num_heads[stage - 1]
            self.memory[str(stage)] = MemoryAttention(config.width(stage), heads)
        self.copy_memory_projections()
        # With minutes of labels a linear head is hard to beat: what time adds is added to it.
        self.linear_head = (
            None if features is None else FeatureHead(features.feature_dim, config.num_classes)
        )
        _check_encoder(config, encoder)
        self.encoder = encoder
        self.is_compiled = False

    @property
    def frame_grid(self) -> tuple[int, int]:
        """Rows and columns of the features of a frame of the card's size.

        Without an encoder, as near to the shape of the picture as can be.
        """
        assert self.config.features is not None
        size = (self.card.frame_height, self.card.frame_width)
        if self.encoder is not None:
            return self.encoder.token_grid(*size)
        return pooled_grid(size, self.config.features.tokens_per_frame)

    def first_grid(self, clip_frames: int) -> Size3:
        """Times, rows and columns of the tokens that enter the first stage, with the card's frames.

        Args:
            clip_frames: Sampled frames of a clip.
        """
        times, height, width = self.config.tubelet_size
        features = self.config.features
        if features is not None:
            return (-(-features.num_feature_frames(clip_frames) // times), *self.frame_grid)
        rows, columns = -(-self.card.frame_height // height), -(-self.card.frame_width // width)
        return (-(-clip_frames // times), rows, columns)

    @property
    def memory_stages(self) -> tuple[int, ...]:
        """Stages (from 1) with memory; empty for a plain Video Swin."""
        return self.config.memory.stages if self.config.memory else ()

    @property
    def has_feedback(self) -> bool:
        """Whether what a clip writes comes of what it read."""
        return self.config.memory is None or self.config.memory.has_feedback

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.head.weight.dtype

    def copy_memory_projections(self) -> None:
        """Start each memory attention as a copy of its block's own self-attention."""
        for stage in self.memory_stages:
            block = self.swin_stage(stage).last_block
            attention = block.attention
            self.memory_attention(stage).copy_from_block(block.norm1, attention.qkv, attention.proj)

    def use_flex(self, is_flex: bool) -> None:
        """Compute all attention with compiled `flex_attention`, or without (the default)."""
        for module in self.modules():
            if isinstance(module, WindowAttention | MemoryAttention):
                module.is_flex = is_flex

    def use_compiled(self, is_compiled: bool) -> None:
        """Compile `step`; it stays plain where gradients are on or attention is captured."""
        self.is_compiled = is_compiled

    def close_gates(self) -> None:
        """Set every gate to zero: memory is written but adds nothing."""
        for stage in self.memory_stages:
            nn.init.zeros_(self.memory_attention(stage).gate)

    def forward(self, clips: Tensor) -> Tensor:
        """Classify clips one by one, without reading memory.

        Args:
            clips: `[B, T, 3, H, W]`.

        Returns:
            Logits `[B, num_classes]`, float32.

        Raises:
            ValueError: If the clips have another shape.
        """
        _check_clip(clips)
        if self.config.features is None:
            return self.classify(self._tail(self.trunk(clips), ()).last)
        encoder = self._encoder()
        features = encoder(clips.to(self.dtype))
        trunk = self.trunk_features(features, encoder.token_grid(*clips.shape[3:]))
        return self.classify(self._tail(trunk, ()).last) + self.linear_logits(features)

    def forward_clips(
        self, clips: Tensor, state: FamSwinState | None = None
    ) -> tuple[Tensor, FamSwinState]:
        """Run clips in a row through memory, with gradients: the plain version of a stream.

        In training mode, gradients flow through the newest clip's memory tokens and no further back
        (one step of truncated back-propagation). In eval mode none flow through memory.

        Args:
            clips: `[B, N, T, 3, H, W]`.
            state: Where the streams left off; None for new ones.

        Returns:
            Logits `[B, N, num_classes]`, and the state after the last clip.

        Raises:
            ValueError: If the clips have another shape.
        """
        if clips.ndim != 6:
            raise ValueError(
                f"clips must have shape [B, N, T, 3, H, W], got {list(clips.shape)}; "
                "for one clip at a time use step"
            )
        now = self.init_state(len(clips)) if state is None else state
        logits = []
        for clip in clips.unbind(1):
            output = self.step(clip, now)
            logits.append(output.logits)
            now = output.state
        return torch.stack(logits, 1), now

    @property
    def traits(self) -> StreamTraits:
        """What a stream has to know beside the card."""
        return self.config.traits(self.card.clip_frames)

    def init_state(
        self,
        batch_size: int = 1,
        *,
        l_mem: int | None = None,
        clip_frames: int | None = None,
        is_projected: bool | None = None,
    ) -> FamSwinState:
        """The state of streams that have seen nothing.

        Args:
            batch_size: Streams.
            l_mem: Clips to remember; the config's if None. 0 turns memory off.
            clip_frames: Ignored: a clip of any length writes as many memory tokens.
            is_projected: Keep keys and values instead of memory tokens; None: when not training.
        """
        memory = self.config.memory
        l_mem = self.traits.l_mem if l_mem is None else l_mem
        if l_mem < 0:
            raise SettingError(f"l_mem must be at least 0 clips (0: memory off), got {l_mem}")
        is_projected = (not self.training) if is_projected is None else is_projected
        queues = tuple(
            MemoryQueue.empty(
                batch_size,
                l_mem,
                (memory.tokens_per_clip, self.config.width(stage) * (2 if is_projected else 1)),
                like=self.head.weight.detach(),
                anchors=memory.anchor_clips,
            )
            for stage in self.memory_stages
            if memory is not None
        )
        clip_index = torch.zeros(batch_size, dtype=torch.long, device=self.device)
        return FamSwinState(queues=queues, clip_index=clip_index, is_projected=is_projected)

    def step(
        self, clip: Tensor, state: FamSwinState, clip_seconds: Tensor | None = None
    ) -> StepOutput:
        """Take the next clip of each stream: read memory, classify, write memory.

        Args:
            clip: `[B, T, 3, H, W]`, normalised as the card says.
            state: The state of the same streams, in the same order; it is not changed.
            clip_seconds: `[B, 2]`, source time of the clips, kept beside what they write.

        Returns:
            Logits and the next state.

        Raises:
            ValueError: If the clip has another shape or another number of streams than the state.
        """
        _check_clip(clip)
        if self.config.features is not None:
            encoder = self._encoder()
            encoded = encoder.encode(clip.to(self.dtype))
            grid = encoder.token_grid(*clip.shape[3:])
            output = self.step_features(encoded.values, state, clip_seconds, frame_grid=grid)
            return replace(output, unlikeness=encoded.unlikeness)
        if self._is_step_compiled():
            from vidmem.models.fam_swin.compiled import compiled_step  # torch's compiler: seconds

            return compiled_step(self, clip, state, clip_seconds)
        with at(picture=tuple(clip.shape[3:])):
            return self.step_trunk(self.trunk(clip), state, clip_seconds)

    def step_features(
        self,
        features: Tensor,
        state: FamSwinState,
        clip_seconds: Tensor | None = None,
        *,
        frame_grid: tuple[int, int] | None = None,
    ) -> StepOutput:
        """`step` for a clip whose features are known already.

        Args:
            features: `[B, T', P, F]`, as the encoder gives them.
            state: See `step`.
            clip_seconds: See `step`.
            frame_grid: Rows and columns of the P tokens of a frame; None: of the card's frames.

        Raises:
            ValueError: If the features have another shape.
        """
        frame_grid = frame_grid or self.frame_grid
        if self._is_step_compiled():
            from vidmem.models.fam_swin.compiled import compiled_step  # torch's compiler: seconds

            self._check_features(features, frame_grid)
            output = compiled_step(self, features, state, clip_seconds, frame_grid)
        else:
            with at(picture=frame_grid):
                trunk = self.trunk_features(features, frame_grid)
                output = self.step_trunk(trunk, state, clip_seconds)
        return replace(output, logits=output.logits + self.linear_logits(features))

    def linear_logits(self, features: Tensor) -> Tensor:
        """What the linear head adds to the logits of clips: `[..., T', P, F]` to `[..., C]`."""
        assert self.linear_head is not None
        frames = features.flatten(0, -4)
        return self.linear_head(frames).mean(1).unflatten(0, features.shape[:-3])

    def trunk(self, clip: Tensor) -> Grid:
        """All of a clip `[B, T, 3, H, W]` that comes before the first memory read.

        Raises:
            CheckpointError: If the model is on features and was made without an encoder.
        """
        clip = clip.to(self.dtype)
        if self.config.features is None:
            return self._trunk(self.patch_embedding(clip))
        encoder = self._encoder()
        return self.trunk_features(encoder(clip), encoder.token_grid(*clip.shape[3:]))

    def trunk_features(self, features: Tensor, frame_grid: tuple[int, int] | None = None) -> Grid:
        """`trunk` of clips whose features are known: `[B, T', P, F]`; see `step_features`."""
        frame_grid = frame_grid or self.frame_grid
        self._check_features(features, frame_grid)
        return self._trunk(self.feature_embedding(features.to(self.dtype), frame_grid))

    def step_trunk(
        self, trunk: Grid, state: FamSwinState, clip_seconds: Tensor | None = None
    ) -> StepOutput:
        """`step` for a clip whose `trunk`, which does not depend on memory, is known already."""
        if len(trunk.tokens) != len(state.clip_index):
            raise ValueError(
                f"clip has {len(trunk.tokens)} streams and the state {len(state.clip_index)}"
            )
        memory = self._keys_values(state)
        features = self._tail(trunk, memory)
        logits = self.classify(features.last)
        if not state.l_mem:
            return StepOutput(logits, replace(state, clip_index=state.clip_index + 1))
        state = state.detach()
        if not self.has_feedback:
            features = self._tail(trunk, ())
        elif torch.is_grad_enabled() and self.training:
            # The tail runs again, on the detached state: what is written carries gradient into this
            # clip, not into what this clip remembered.
            features = self._tail(trunk, self._keys_values(state))
        written = self._written(features, state.is_projected)
        if not self.training:
            written = [tokens.detach() for tokens in written]
        return StepOutput(logits, self._pushed(state, written, clip_seconds))

    def forward_clip_features(
        self, features: Tensor, state: FamSwinState
    ) -> tuple[Tensor, FamSwinState]:
        """`forward_clips`, fast, for clips whose features are known.

        Args:
            features: `[B, N, T', P, F]`, N clips of each of B sequences.
            state: Where the sequences left off.

        Returns:
            Logits `[B, N, num_classes]`, and the state after the last clip.
        """
        trunks = self.trunk_features(features.flatten(0, 1))
        logits, after = self.forward_trunks(trunks, state)
        return logits + self.linear_logits(features), after

    def forward_trunks(self, trunks: Grid, state: FamSwinState) -> tuple[Tensor, FamSwinState]:
        """Run clips in a row through memory, with gradients: the fast version of `step_trunk`.

        Scores, states and gradients are those of steps, within rounding; see `forward_clips`. All
        that no memory is needed for is computed for all clips at once. As in `step_trunk`, what the
        linear head of a model on features adds is not in it: see `forward_clip_features`.

            trunks = model.trunk(clips.flatten(0, 1))  # of [B, N, T, 3, H, W]
            logits, state = model.forward_trunks(trunks, model.init_state(len(clips)))

        Args:
            trunks: Of N clips of each of B sequences, `[B * N, L, D]`, sequence after sequence.
            state: Where the B sequences left off.

        Returns:
            Logits `[B, N, num_classes]`, and the state after the last clip.

        Raises:
            ValueError: If there are not as many clips of each sequence of the state.
        """
        from vidmem.models.fam_swin.sequences import run_sequences  # it is made of this model

        return run_sequences(self, trunks, state)

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> FamSwinState:
        """Make a state of what `FamSwinState.to_tensors` gave.

        Raises:
            StateError: If the tensors do not fit this model.
        """
        try:
            is_projected = bool(tensors["is_projected"])
            clip_index = tensors["clip_index"].to(self.device)
            queues = tuple(
                self._queue_from_tensors(f"queue{number}.", stage, tensors, is_projected)
                for number, stage in enumerate(self.memory_stages)
            )
        except KeyError as error:
            raise StateError(f"the saved stream lacks {error}: it is of another model") from error
        rows = {len(clip_index), *(len(queue.tokens) for queue in queues)}
        if len(rows) > 1 or len({queue.l_mem for queue in queues}) > 1:
            raise StateError("the saved stream's queues are of different sizes: it is damaged")
        return FamSwinState(queues=queues, clip_index=clip_index, is_projected=is_projected)

    def _queue_from_tensors(
        self, prefix: str, stage: int, tensors: dict[str, Tensor], is_projected: bool
    ) -> MemoryQueue:
        assert self.config.memory is not None
        queue = MemoryQueue(
            tokens=tensors[f"{prefix}tokens"].to(self.device, self.dtype),
            slot_clips=tensors[f"{prefix}slot_clips"].to(self.device),
            slot_seconds=tensors[f"{prefix}slot_seconds"].to(self.device),
            anchors=self.config.memory.anchor_clips,
        )
        width = self.config.width(stage) * (2 if is_projected else 1)
        slots = (*queue.slot_clips.shape, self.config.memory.tokens_per_clip, width)
        if queue.tokens.shape != slots or queue.slot_seconds.shape != (*slots[:-2], 2):
            raise StateError(
                f"memory of stage {stage} must have shape {list(slots)}, got "
                f"{list(queue.tokens.shape)}: the saved stream is of another model"
            )
        return queue

    def stage_grids(self, clip: Tensor) -> list[Grid]:
        """The output of every stage without memory; the last one is for `classify`."""
        _check_clip(clip)
        clip, grids = clip.to(self.dtype), []
        if self.config.features is None:
            grid = self.patch_embedding(clip)
        else:
            encoder = self._encoder()
            grid = self.feature_embedding(encoder(clip), encoder.token_grid(*clip.shape[3:]))
        for stage in self.config.stages:
            grid = self.swin_stage(stage)(self.merges[stage - 2](grid) if grids else grid)
            grids.append(grid)
        return grids

    def memory_stages_without_memory(self, trunk: Grid) -> tuple[Grid, ...]:
        """What the stages with memory put out of clips that read nothing."""
        return self._tail(trunk, ()).memory_stages

    def classify(self, last: Grid) -> Tensor:
        """Logits `[B, num_classes]`, float32, of the output of the last stage."""
        return by_row(self.head, self.norm(last.tokens).mean(1)).float()

    def _trunk(self, grid: Grid) -> Grid:
        """From the embedded tokens to what comes before the first memory read."""
        first = self._first_read()
        for number in range(self.config.stages[0], first):
            grid = self.merges[number - 1](self.stages[number - 1](grid))
        return self.swin_stage(first).forward_trunk(grid)

    def _encoder(self) -> FeatureEncoder:
        if self.encoder is None:
            assert self.config.features is not None
            raise CheckpointError(
                f"this FAM Swin has no encoder; load one ({self.config.features.backbone}) or give "
                "features to step_features"
            )
        return self.encoder

    def _check_features(self, features: Tensor, frame_grid: tuple[int, int]) -> None:
        wanted = self.config.features
        if wanted is None:
            raise ValueError("this FAM Swin is made for pixels, not for features; use step")
        shape = (wanted.tokens_per_frame, wanted.feature_dim)
        is_fitting = features.ndim == 4 and features.shape[2:] == shape
        if not is_fitting or frame_grid[0] * frame_grid[1] != shape[0]:
            raise ValueError(
                f"features must have shape [B, T', {shape[0]}, {shape[1]}] on a grid of "
                f"{shape[0]} tokens, got {list(features.shape)} and {frame_grid}"
            )

    def _is_step_compiled(self) -> bool:
        return self.is_compiled and not torch.is_grad_enabled() and not is_capturing()

    def swin_stage(self, stage: int) -> SwinStage:
        """The stage of this number, from 1."""
        module = self.stages[stage - 1]
        assert isinstance(module, SwinStage)
        return module

    def memory_attention(self, stage: int) -> MemoryAttention:
        """How the stage of this number reads memory."""
        module = self.memory[str(stage)]
        assert isinstance(module, MemoryAttention)
        return module

    def _keys_values(self, state: FamSwinState) -> tuple[MemoryKeysValues, ...]:
        """What each stage with memory reads; nothing where memory is off."""
        if not state.l_mem:
            return ()
        return tuple(
            self.memory_attention(stage).keys_values(
                queue, state.clip_index, is_projected=state.is_projected
            )
            for stage, queue in zip(self.memory_stages, state.queues, strict=True)
        )

    def _tail(self, trunk: Grid, memory: tuple[MemoryKeysValues, ...]) -> _Features:
        """From the block of the first memory read to the last stage."""
        reads = dict(zip(self.memory_stages, memory, strict=False))  # empty where memory is off
        outputs, grid = [], trunk
        for number in range(self._first_read(), 5):
            if number > self._first_read():  # stages count from 1, `merges[0]` leads from 1 to 2
                grid = self.swin_stage(number).forward_trunk(self.merges[number - 2](grid))
            with at(stage=number, grid=grid.size):
                grid = self.swin_stage(number).forward_last(grid, self._memory_read(number, reads))
            if number in self.memory_stages:
                outputs.append(grid)
        return _Features(tuple(outputs), grid)

    def _first_read(self) -> int:
        # A plain Video Swin is cut before its last block, so that it needs no code of its own.
        return min(self.memory_stages, default=4)

    def _memory_read(self, stage: int, reads: dict[int, MemoryKeysValues]) -> MemoryRead | None:
        if stage not in reads:
            return None
        attention, memory = self.memory_attention(stage), reads[stage]
        return lambda tokens: attention(tokens, memory)

    def _written(self, features: _Features, is_projected: bool) -> list[Tensor]:
        """The memory tokens of a clip, or their keys and values, one tensor per stage."""
        written = []
        for stage, grid in zip(self.memory_stages, features.memory_stages, strict=True):
            tokens = grid_pool(grid.unflatten(), self.config.memory_grid(stage))
            # Projected once when written, instead of again for each of the `l_mem` clips that read.
            written.append(self.memory_attention(stage).project(tokens) if is_projected else tokens)
        return written

    def _pushed(
        self, state: FamSwinState, written: list[Tensor], clip_seconds: Tensor | None
    ) -> FamSwinState:
        assert self.config.memory is not None
        index = state.clip_index
        is_write = index % self.config.memory.memory_every == 0
        if clip_seconds is None:
            clip_seconds = torch.zeros(len(index), 2, device=index.device)
        seconds = clip_seconds.to(index.device, torch.float64)
        queues = tuple(
            queue.push(tokens, index, seconds, is_write)
            for queue, tokens in zip(state.queues, written, strict=True)
        )
        return replace(state, queues=queues, clip_index=index + 1)


def _check_encoder(config: FamSwinConfig, encoder: FeatureEncoder | None) -> None:
    if encoder is not None and encoder.config != config.features:
        raise CheckpointError(
            f"the encoder gives other features than the model's config says: {encoder.config} and "
            f"{config.features}"
        )


def _init_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)  # a fixed spread of 0.02 starves narrow models
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _check_clip(clip: Tensor) -> None:
    if clip.ndim != 5 or clip.shape[2] != 3:
        hint = "; add the batch with clip[None]" if clip.ndim == 4 else ""
        raise ValueError(f"clip must have shape [B, T, 3, H, W], got {list(clip.shape)}{hint}")
    if not clip.is_floating_point():
        raise ValueError(
            f"clip must be normalised floating point, got {clip.dtype}; vidmem.video.to_clip makes "
            "it of pixels"
        )
