"""`vidmem bench pool`: many streams through a pool, beside the model alone on the same pixels.

Pixels are made beforehand, so what is compared is the pool itself: its threads, its waiting, how
it joins states and takes them apart, and the bookkeeping of predictions. Short rounds of all
alternate, and the best of each are compared: the ones that other work on the machine disturbed
least.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vidmem.bench.endless_feed import EndlessFeed
from vidmem.models.interface import StreamModel
from vidmem.streaming.batching import to_model_clip
from vidmem.streaming.pool.pool import StreamPool
from vidmem.streaming.settings import StreamSettings
from vidmem.video.transforms import decode_size


@dataclass(frozen=True, kw_only=True)
class PoolBench:
    """Rates of a pool and of the model alone, in clips per second."""

    num_streams: int
    max_batch: int
    batch_rates: dict[int, float]
    """Of the model alone, from pixels to logits, with the memories of a batch in one state all
    along; by batch size."""

    pool_rate: float
    """Of all streams together."""

    turn_spread: int
    """The most clips that any stream was ahead of any other."""

    @property
    def best_batch_rate(self) -> float:
        """The model's rate at the batch size that is fastest."""
        return max(self.batch_rates.values())

    @property
    def ratio(self) -> float:
        """The pool's rate over the best that the model alone reaches."""
        return self.pool_rate / self.best_batch_rate


def bench_pool(
    model: StreamModel,
    *,
    num_streams: int = 8,
    max_batch: int = 8,
    batch_sizes: Sequence[int] = (1, 2, 4, 8),
    num_rounds: int = 20,
    clips_per_round: int = 32,
) -> PoolBench:
    """Measure a pool of streams whose memories are full.

    Args:
        model: In eval mode, where and as it is to run.
        num_streams: In the pool.
        max_batch: The pool's.
        batch_sizes: Of the model alone.
        num_rounds: Of each; the best are compared.
        clips_per_round: Judged in each.
    """
    settings = StreamSettings.for_model(model)
    alone = {size: _Alone(model, settings, size) for size in batch_sizes}
    rates: dict[int, list[float]] = {size: [] for size in batch_sizes}
    pool_rates, spread = [], 0
    with _full_pool(model, settings, num_streams, max_batch) as pool:
        for _ in range(num_rounds):
            for size, one in alone.items():
                rates[size].append(one.rate(clips_per_round))
            pool_rates.append(_pool_rate(pool, clips_per_round))
            done = [one.clips_done for one in pool.figures().streams]
            spread = max(spread, max(done) - min(done))
    return PoolBench(
        num_streams=num_streams,
        max_batch=max_batch,
        # The best of each: other work on the machine makes rounds slower, and none quicker.
        batch_rates={size: max(own) for size, own in rates.items()},
        pool_rate=max(pool_rates),
        turn_spread=spread,
    )


def bench_as_markdown(bench: PoolBench) -> str:
    """A table of the rates, and a sentence with the pool's share of the best."""
    lines = ["| what | clips per second |", "| --- | --- |"]
    for size, rate in bench.batch_rates.items():
        lines.append(f"| model alone, batches of {size} | {rate:.4g} |")
    what = f"pool of {bench.num_streams} streams, batches of at most {bench.max_batch}"
    lines += [f"| {what} | {bench.pool_rate:.4g} |", ""]
    lines.append(
        f"The pool reaches {bench.ratio:.2f} of the best batch throughput; no stream was ever more "
        f"than {bench.turn_spread} clips ahead of another."
    )
    return "\n".join(lines)


class _Alone:
    """The model on batches of one size, without a pool."""

    def __init__(self, model: StreamModel, settings: StreamSettings, batch_size: int) -> None:
        self.model, self.batch_size = model, batch_size
        self.pixels = [
            noise_pixels(model, settings.clip_frames, seed) for seed in range(batch_size)
        ]
        self.state = model.init_state(
            batch_size, l_mem=settings.l_mem, clip_frames=settings.clip_frames
        )
        for _ in range(settings.l_mem + 1):  # until its memory is full
            self._step()

    def rate(self, num_clips: int) -> float:  # clips per second
        num_steps = max(num_clips // self.batch_size, 1)
        started = time.perf_counter()
        for _ in range(num_steps):
            self._step()
        return num_steps * self.batch_size / (time.perf_counter() - started)

    def _step(self) -> None:
        with torch.no_grad():
            clips = torch.cat([to_model_clip(one, self.model) for one in self.pixels])
            output = self.model.step(clips, self.state)
            output.logits.tolist()  # waits for the device, as reading the scores does
        self.state = output.state


@contextmanager
def _full_pool(
    model: StreamModel, settings: StreamSettings, num_streams: int, max_batch: int
) -> Iterator[StreamPool]:
    """A pool of endless streams, each of which remembers as much as it can."""
    with StreamPool(model, max_batch=max_batch) as pool:
        for number in range(num_streams):
            feed = EndlessFeed(noise_pixels(model, 2 * settings.clip_frames, number))
            pool.add(str(number), Path("endless"), settings, open_feed=feed)
        for _ in range(num_streams * (settings.l_mem + 1)):
            next(pool)
        yield pool


def _pool_rate(pool: StreamPool, num_clips: int) -> float:
    started = time.perf_counter()
    for _ in range(num_clips):
        next(pool)
    return num_clips / (time.perf_counter() - started)


def noise_pixels(model: StreamModel, num_frames: int, seed: int = 0) -> Tensor:
    """Noise of the size that a decoder would give for a picture of 640 x 480 pixels."""
    card = model.card
    width, height = decode_size(
        640,
        480,
        frame_height=card.frame_height,
        frame_width=card.frame_width,
        resize=card.resize,
    )
    generator = torch.Generator().manual_seed(seed)
    shape = (num_frames, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
