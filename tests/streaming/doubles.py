"""A model and a feed that do next to nothing, with the interfaces of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from vidmem.models.interface import ModelCard, StepOutput, StreamTraits
from vidmem.streaming.feeds.feed import Feed, FeedOpener, FeedRequest, RecordedFeed
from vidmem.streaming.source import open_source
from vidmem.video.frame_feed import SampledFrames
from vidmem.video.sampling import Gap

CARD = ModelCard(
    name="fake",
    title="Fake",
    class_names=("standing", "lying, on the left", 'the "other" one'),
    fps=4.0,
    clip_frames=4,
    window_stride=4,
    frame_height=2,
    frame_width=3,
    resize="squash",
)


@dataclass(frozen=True, kw_only=True)
class FakeMemory:
    """One number per clip, made of the clip and of what was remembered before it."""

    tokens: Tensor
    slot_clips: Tensor
    clip_index: Tensor

    @property
    def l_mem(self) -> int:
        return self.tokens.shape[1]

    @property
    def num_bytes(self) -> int:
        return self.tokens.nbytes + self.slot_clips.nbytes

    @property
    def num_remembered(self) -> Tensor:
        return (self.slot_clips >= 0).sum(1)

    def resized(self, l_mem: int) -> FakeMemory:
        shape = (len(self.tokens), l_mem)
        tokens = torch.cat([self.tokens.new_zeros(shape), self.tokens], 1)
        clips = torch.cat([self.slot_clips.new_full(shape, -1), self.slot_clips], 1)
        start = tokens.shape[1] - l_mem
        return replace(self, tokens=tokens[:, start:], slot_clips=clips[:, start:])

    @property
    def batch_key(self) -> bool:
        return self.l_mem > 0

    def joined(self, others: Sequence[FakeMemory]) -> FakeMemory:
        rows = [one.to_tensors() for one in (self, *others)]
        return FakeMemory(**{name: torch.cat([row[name] for row in rows]) for name in rows[0]})

    def select(self, rows: Sequence[int]) -> FakeMemory:
        return FakeMemory(**{name: tensor[rows] for name, tensor in self.to_tensors().items()})

    def to_tensors(self) -> dict[str, Tensor]:
        return {
            "tokens": self.tokens,
            "slot_clips": self.slot_clips,
            "clip_index": self.clip_index,
        }


class FakeModel(nn.Module):
    """Its logits depend on the pixels and, with feedback, on all clips since the start."""

    def __init__(self, card: ModelCard = CARD, *, seed: int = 0) -> None:
        super().__init__()
        self.card = card
        memory = SimpleNamespace(l_mem=3, memory_every=1)
        self.config = SimpleNamespace(tubelet_size=(2, 1, 1), memory=memory)
        generator = torch.Generator().manual_seed(seed)
        self.weight = nn.Parameter(torch.randn(len(card.class_names), generator=generator))

    @property
    def device(self) -> torch.device:
        return self.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.weight.dtype

    @property
    def traits(self) -> StreamTraits:
        memory = self.config.memory
        return StreamTraits(
            l_mem=memory.l_mem if memory else 0,
            has_memory=memory is not None,
            frames_multiple=self.config.tubelet_size[0],
        )

    def init_state(
        self, batch_size: int = 1, *, l_mem: int | None = None, clip_frames: int | None = None
    ) -> FakeMemory:
        l_mem = self.config.memory.l_mem if l_mem is None else l_mem
        clips = torch.full((batch_size, l_mem), -1)
        return FakeMemory(
            tokens=torch.zeros(batch_size, l_mem),
            slot_clips=clips,
            clip_index=torch.zeros(batch_size, dtype=torch.long),
        )

    def step(
        self, clip: Tensor, state: FakeMemory, clip_seconds: Tensor | None = None
    ) -> StepOutput:
        token = clip.mean((1, 2, 3, 4)) + 0.5 * state.tokens.sum(1)
        logits = (token[:, None] + torch.arange(3)).sin() * self.weight * 3
        tokens = torch.cat([state.tokens, token[:, None].sin()], 1)[:, 1:]
        clips = torch.cat([state.slot_clips, state.clip_index[:, None]], 1)[:, 1:]
        if state.l_mem == 0:
            tokens, clips = state.tokens, state.slot_clips
        following = FakeMemory(tokens=tokens, slot_clips=clips, clip_index=state.clip_index + 1)
        return StepOutput(logits.float(), following)

    def state_from_tensors(self, tensors: dict[str, Tensor]) -> FakeMemory:
        return FakeMemory(**tensors)


@dataclass
class FakeFeed(RecordedFeed):
    """Frames that show their own number, without a file."""

    num_frames: int
    """At `base_fps`."""

    base_fps: float = 4.0
    fps: float = 4.0
    start_frame: int = 0
    gap_at: dict[int, Gap] = field(default_factory=dict)
    error_at: dict[int, Exception] = field(default_factory=dict)
    size: tuple[int, int] = (2, 3)
    calls: list[tuple] = field(default_factory=list)
    max_calls: int = 1000
    reader_name: str = "fake"
    reader_reason: str = "it is a test"
    child_pid: int | None = None
    is_closed: bool = False

    def __post_init__(self) -> None:
        self._next = self.start_frame
        self.info = SimpleNamespace(
            duration_seconds=self.num_frames / self.base_fps,
            fps=self.base_fps,
            width=3,
            height=2,
            display_width=3,
            display_height=2,
        )

    @property
    def _end(self) -> int:
        return round(self.num_frames / self.base_fps * self.fps)

    def read(self, num_frames: int) -> SampledFrames:
        self._note("read", num_frames)
        end = min(self._next + num_frames, self._end)
        indices = list(range(self._next, max(end, self._next)))
        for frame in indices:
            if frame in self.error_at:
                raise self.error_at[frame]
        numbers = torch.tensor([int(i / self.fps * 1000) % 251 for i in indices], dtype=torch.uint8)
        self._next += len(indices)
        return SampledFrames(
            pixels=numbers.view(-1, 1, 1, 1).expand(-1, *self.size, 3).clone(),
            pts_seconds=torch.tensor([i / self.fps for i in indices], dtype=torch.float64),
            sample_indices=torch.tensor(indices, dtype=torch.int64),
            gaps=tuple(self.gap_at[i] for i in indices if i in self.gap_at),
            is_end=len(indices) < num_frames,
        )

    def seek(self, start_frame: int) -> None:
        self._note("seek", start_frame)
        self._next = start_frame

    def set_fps(self, fps: float, start_frame: int) -> None:
        self._note("set_fps", fps, start_frame)
        self.fps, self._next = fps, start_frame

    def close(self) -> None:
        self.is_closed = True

    def _note(self, *call) -> None:
        self.calls.append(call)
        del self.calls[: -self.max_calls]


class FakeVideo:
    """Opens fake feeds of one video; `feeds` has those opened so far."""

    def __init__(self, num_frames: int, **kwargs) -> None:
        self.num_frames, self.kwargs = num_frames, kwargs
        self.feeds: list[FakeFeed] = []
        self.readers: list[str] = []  # those that were asked for

    def __call__(self, request: FeedRequest) -> FakeFeed:
        feed = FakeFeed(
            self.num_frames, fps=request.fps, start_frame=request.start_frame, **self.kwargs
        )
        self.readers.append(request.reader)
        self.feeds.append(feed)
        return feed


def source_file(folder: Path, content: bytes = b"a video") -> Path:
    path = folder / "pen.mp4"
    path.write_bytes(content)
    return path


class KeptFeeds:
    """An opener that keeps what it opened, to look at its decoder."""

    def __init__(self, opener: FeedOpener = open_source) -> None:
        self.opener = opener
        self.feeds: list[Feed] = []

    def __call__(self, request: FeedRequest) -> Feed:
        self.feeds.append(self.opener(request))
        return self.feeds[-1]

    @property
    def child_pid(self) -> int:
        """Of the only feed."""
        (feed,) = self.feeds
        assert feed.child_pid is not None
        return feed.child_pid
