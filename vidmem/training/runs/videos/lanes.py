"""The task of following long streams: each row of a batch is a lane, with memory of its own.

A step takes the next `clips_per_step` clips of each lane, gradients flow within these, and what a
lane remembers goes on to the next step. Where a lane comes to another stream, it is made fresh.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vidmem.data import LongStream, StreamFrames
from vidmem.errors import SettingError
from vidmem.models.interface import ModelState
from vidmem.training.runs.kinds import Draw, PixelFacts, Split, TaskKind
from vidmem.training.runs.sequences.classes import NO_CLASS, device_of
from vidmem.training.runs.videos.reading import normalised, varied
from vidmem.training.runs.videos.scoring import Predictions
from vidmem.training.runs.videos.segments import StreamSegments, segmental_scores_of
from vidmem.training.runs.videos.source import VideoSourceConfig, VideoSplits, class_of
from vidmem.training.runs.videos.timeline import LanePlace, LaneTimeline, Reset, StreamPlan


class LaneNetwork(Protocol):
    """The face of a network that follows streams; it is an `nn.Module`."""

    @property
    def l_mem(self) -> int:
        """Clips that it remembers."""
        ...

    def init_state(self, batch_size: int, l_mem: int) -> Any:
        """The state of lanes that have seen nothing."""
        ...

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> Any:
        """The inverse of `ModelState.to_tensors`."""
        ...

    def __call__(self, clips: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Clips `[B, N, T, 3, H, W]` to logits `[B, N, C]`, and the state after them."""
        ...


@dataclass(frozen=True, kw_only=True)
class StreamsConfig(VideoSourceConfig):
    """Long streams made of the samples of a dataset; see `vidmem.data.LongStreams`."""

    resize: Literal["crop", "squash"] = "squash"
    """`squash` alone: the pictures of a stream have one size, whatever the shape of its videos."""

    minutes: float = 30.0
    """Longest stream."""

    clips_per_step: int = 4
    """Clips of a lane in a step: gradients reach no further."""

    reset: Reset = "stream"
    """Where memory is made fresh: at each new stream, or at each video, which then is one."""

    l_mem_shortest: int | None = None
    """While it learns, memory has a length drawn from this one to the model's; a length is kept for
    as long as it takes to fill the longest twice. None: it has the model's always."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.minutes > 0:
            raise SettingError(f"minutes must be above 0, got {self.minutes:g}")
        if self.clips_per_step < 1:
            raise SettingError(f"clips_per_step must be at least 1, got {self.clips_per_step}")
        if self.l_mem_shortest is not None and self.l_mem_shortest < 0:
            raise SettingError(f"l_mem_shortest must be at least 0, got {self.l_mem_shortest}")
        if self.resize != "squash":
            raise SettingError(f'streams have resize = "squash", got {self.resize!r}')
        if self.crop_share != 1:
            raise SettingError(
                f"streams are not cropped: crop_share must be 1, got {self.crop_share:g}"
            )

    @property
    def segment_frames(self) -> int:
        """Sampled frames of a step."""
        return self.clips_per_step * self.clip_frames


@dataclass(frozen=True)
class LaneBatch:
    """The next clips of some lanes."""

    clips: Tensor
    """`[B, N, T, 3, H, W]`"""

    classes: Tensor
    """`[B, N]`, -1 behind the end of a stream."""

    is_first: Tensor
    """`[B]`: a stream begins."""

    draw: Draw


class StreamsTask:
    """Tell the class of each moment of long streams.

    Args:
        config: Where the samples are.

    Raises:
        DatasetError: If there is no such dataset, or a split has no samples.
        SettingError: If it has no such subset.
    """

    def __init__(self, config: StreamsConfig) -> None:
        self._config = config
        self.splits = VideoSplits.of(config, needs_lengths=True)
        self.facts = PixelFacts(card=config.card(self.splits.train.class_names))
        self._timelines: dict[tuple[int, int], LaneTimeline] = {}
        self._readers: dict[int, _LaneReader] = {}
        self._states: dict[int, Any] = {}

    def batch(self, draw: Draw) -> LaneBatch:
        """The next clips of the lanes of a part."""
        places = [self._place(draw, draw.part * draw.size + row) for row in range(draw.size)]
        readers = [
            self._readers.setdefault(draw.part * draw.size + row, _LaneReader(self._config))
            for row in range(draw.size)
        ]
        with ThreadPoolExecutor(self._config.workers) as pool:
            read = list(pool.map(_LaneReader.read, readers, places))
        clips = [
            self._varied(pixels, draw, place)
            for (pixels, _), place in zip(read, places, strict=True)
        ]
        return LaneBatch(
            clips=torch.stack(clips).unflatten(1, (self._config.clips_per_step, -1)),
            classes=torch.stack([classes for _, classes in read]),
            is_first=torch.tensor([place.segment == 0 for place in places]),
            draw=draw,
        )

    def loss(self, network: nn.Module, batch: LaneBatch) -> Tensor:
        """Cross-entropy of the clips; what the lanes remember goes on."""
        device, part = device_of(network), batch.draw.part
        lanes: Any = network
        l_mem = self._l_mem(lanes, batch.draw)
        state = self._states.get(part)
        if isinstance(state, dict):  # of a checkpoint
            tensors = {name: tensor.to(device) for name, tensor in state.items()}
            state = lanes.state_from_tensors(tensors)
        if state is not None and state.l_mem != l_mem:
            state = state.resized(l_mem)
        state = with_fresh_rows(
            state, lanes.init_state(len(batch.clips), l_mem), batch.is_first.to(device)
        )
        logits, after = lanes(batch.clips.to(device), state)
        self._states[part] = after.detach()
        classes = batch.classes.to(device).flatten()
        if (classes == NO_CLASS).all():
            return logits.float().sum() * 0
        return F.cross_entropy(logits.float().flatten(0, 1), classes, ignore_index=NO_CLASS)

    def scores(self, network: nn.Module, split: Split) -> dict[str, float]:
        """See `scored`."""
        return self.scored(network, split)[1]

    def scored(self, network: nn.Module, split: Split) -> tuple[Predictions, dict[str, float]]:
        """What a network says of every clip with all of its memory, and the scores of that.

        Of clips as `Predictions.scores` has them, and of stretches: `segmental_scores_of`.
        """
        streams = self._streams(network, split)
        segments = [
            StreamSegments.of(stream, own.probabilities.argmax(1), self._config.clip_frames)
            for stream, own in streams
        ]
        clips = _together(streams)
        return clips, {**clips.scores(), **segmental_scores_of(segments)}

    def _streams(self, network: nn.Module, split: Split) -> list[tuple[LongStream, Predictions]]:
        manifest = self.splits.valid if split == "valid" else self.splits.test
        return [
            (stream, self._predictions(network, stream))
            for stream in self._plan(manifest).streams(0)
        ]

    @torch.no_grad()
    def _predictions(self, network: nn.Module, stream: LongStream) -> Predictions:
        lanes: Any = network
        device, said, classes = device_of(network), [], []
        state = lanes.init_state(1, lanes.l_mem)
        for frames in stream.batches(self._config.segment_frames):
            pixels, own = _filled(frames, stream, self._config)
            clips = normalised([pixels], self.facts.card).to(device)
            logits, state = lanes(clips.unflatten(1, (len(own), -1)), state)
            is_real = own != NO_CLASS
            said.append(logits[0].float().softmax(-1).cpu()[is_real])
            classes.append(own[is_real])
        return Predictions(torch.cat(said).numpy(), torch.cat(classes).numpy())

    def state_dict(self) -> dict[str, Any]:
        """What the lanes remember."""
        # Those still as they were loaded are of parts that other processes take.
        return {
            str(part): state.to_tensors()
            for part, state in self._states.items()
            if not isinstance(state, dict)
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self._states = {int(part): dict(tensors) for part, tensors in state.items()}

    def close(self) -> None:
        """End the decoders."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def _plan(self, manifest: Any) -> StreamPlan:
        config = self._config
        return StreamPlan(
            manifest=manifest,
            minutes=config.minutes,
            reset=config.reset,
            fps=config.fps,
            width=config.width,
            height=config.height,
        )

    def _place(self, draw: Draw, lane: int) -> LanePlace:
        key = (draw.seed, draw.num_parts * draw.size)
        if key not in self._timelines:
            plan = self._plan(self.splits.train)
            self._timelines[key] = LaneTimeline(plan, *key, self._config.segment_frames)
        return self._timelines[key].place(lane, draw.step)

    def _varied(self, pixels: NDArray[np.uint8], draw: Draw, place: LanePlace) -> Tensor:
        # One camera sees a whole stream: what is drawn for it stays as it is.
        rng = np.random.default_rng([draw.seed, place.number, 2])
        return varied(pixels[None], self._config, self.facts.card, rng)[0]

    def _l_mem(self, lanes: LaneNetwork, draw: Draw) -> int:
        longest, shortest = lanes.l_mem, self._config.l_mem_shortest
        if shortest is None or shortest >= longest:
            return longest
        period = max(1, 2 * longest // self._config.clips_per_step)
        rng = np.random.default_rng([draw.seed, draw.step // period, 3])
        return int(rng.integers(shortest, longest + 1))


def _together(streams: Sequence[tuple[LongStream, Predictions]]) -> Predictions:
    """The predictions of all streams, as if they were one."""
    return Predictions(
        np.concatenate([own.probabilities for _, own in streams]),
        np.concatenate([own.classes for _, own in streams]),
    )


def with_fresh_rows(state: ModelState | None, fresh: ModelState, is_first: Tensor) -> Any:
    """The state of lanes, some of which begin anew.

    Args:
        state: Where the lanes left off; `None`: all begin.
        fresh: As many lanes that have seen nothing.
        is_first: `[B]`: these take the fresh one.
    """
    if state is None:
        return fresh
    rows = torch.arange(len(is_first), device=is_first.device)
    return state.joined([fresh]).select(rows + len(rows) * is_first)


class _LaneReader:
    """The frames of a lane; where they follow each other, from a decoder that stays open."""

    def __init__(self, config: StreamsConfig) -> None:
        self._config = config
        self._next: tuple[int, int] | None = None
        self._batches: Iterator[StreamFrames] = iter(())

    def read(self, place: LanePlace) -> tuple[NDArray[np.uint8], Tensor]:
        """Pixels `[N * T, H, W, 3]` and classes `[N]` of the segment at a place."""
        key = (place.number, place.segment)
        if key != self._next:
            self.close()
            start = place.segment * self._config.segment_frames
            self._batches = place.stream.batches(self._config.segment_frames, start_frame=start)
        frames = next(self._batches)
        self._next = (place.number, place.segment + 1)
        return _filled(frames, place.stream, self._config)

    def close(self) -> None:
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
        self._next = None


def _filled(
    frames: StreamFrames, stream: LongStream, config: StreamsConfig
) -> tuple[NDArray[np.uint8], Tensor]:
    """A segment, filled up with its last frame, and the class of each clip's middle frame."""
    length = config.clip_frames
    num_real = -(-len(frames) // length)
    missing = config.segment_frames - len(frames)
    pixels = frames.pixels
    if missing:
        pixels = torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)])
    classes = torch.full((config.clips_per_step,), NO_CLASS)
    for clip in range(num_real):
        own = frames.part_numbers[clip * length : (clip + 1) * length]
        classes[clip] = class_of(stream.parts[int(own[len(own) // 2])].sample)
    return pixels.numpy(), classes


STREAMS = TaskKind(
    name="streams", form="lanes", config=StreamsConfig, make=StreamsTask, reads_ahead=True
)
