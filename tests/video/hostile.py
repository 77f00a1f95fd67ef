"""Videos with headers that somebody, or some disk, has spoilt; run as a module for many of them.

python -m tests.video.hostile --number 2000
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.video.making import Kind, write_video
from vidmem.errors import VidmemError
from vidmem.video import open_video, probe_video
from vidmem.video.readers.sampled_video import SampledVideo

BASE = Kind("whole", fps=10, gop=12, b_frames=2, width=64, height=48)
KINDS = {
    "mp4": replace(BASE, container_options={"movflags": "+faststart"}),
    "fragmented": replace(BASE, container_options={"movflags": "frag_keyframe+empty_moov"}),
    "mkv": replace(BASE, suffix=".mkv"),
    "ts": replace(BASE, suffix=".ts"),
    "avi": replace(BASE, suffix=".avi"),
}
NUM_FRAMES = 40
HEADER_BYTES = {"mp4": 2048, "fragmented": 2048, "mkv": 1024, "ts": 1024, "avi": 1024}
"""From the start, where most mutations strike; the rest strike anywhere, indexes included."""

SHARE_ANYWHERE = 0.3
MOST_SECONDS = 20
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(data: bytes, name: str, seed: int) -> bytes:
    """A copy with a few places of its header changed; the same for the same seed."""
    dice = random.Random(f"{name} {seed}")
    spoilt = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 4, 12))):
        end = len(spoilt) if dice.random() < SHARE_ANYWHERE else HEADER_BYTES[name]
        place = dice.randrange(max(1, min(end, len(spoilt)) - 8))
        kind = dice.randrange(6)
        if kind == 0:
            spoilt[place] ^= 1 << dice.randrange(8)
        elif kind == 1:
            spoilt[place] = dice.randrange(256)
        elif kind == 2:
            spoilt[place : place + 4] = dice.choice(INTERESTING).to_bytes(4, "big")
        elif kind == 3:
            spoilt[place : place + 8] = dice.choice(INTERESTING).to_bytes(8, "little")
        elif kind == 4:
            del spoilt[place : place + dice.choice((1, 4, 16, 188))]
        else:
            spoilt[place:place] = dice.randbytes(dice.choice((1, 4, 16)))
    return bytes(spoilt[: dice.randrange(1, len(spoilt))] if dice.random() < 0.05 else spoilt)


def look_at(path: Path) -> str:
    """Probe it, read its first frames, go to its middle: "read", or the kind of refusal.

    Raises:
        Exception: Other than a `VidmemError`, which is a sentence.
    """
    try:
        info = probe_video(path)
        video = SampledVideo(info, fps=4, size=(32, 24), reader="pyav")
        for start in (0, int(min(info.duration_seconds, 1e6) * 2)):
            for sample, _ in zip(video.samples(start), range(6), strict=False):
                assert sample.index >= start
            video.take_gaps()
        video.close()
        with open_video(path, width=32, height=24, reader="pyav") as opened:
            if opened.num_frames:
                opened.frames([opened.num_frames - 1])
    except VidmemError as error:
        assert str(path) in str(error) or path.name in str(error), error
        return type(error).__name__
    return "read"


def looked_at(data: bytes, name: str, seeds: range, folder: Path) -> Iterator[tuple[int, str]]:
    """What became of each mutation; one that takes too long ends as a `TimeoutError`."""
    for seed in seeds:
        path = folder / f"{name}-{seed}.bin"
        path.write_bytes(mutated(data, name, seed))
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(MOST_SECONDS)
        try:
            yield seed, look_at(path)
        except Exception as error:
            raise AssertionError(f"{name}, seed {seed}: {type(error).__name__}: {error}") from error
        finally:
            signal.alarm(0)
            path.unlink()


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s")


def _part(data: bytes, name: str, seeds: range) -> list[tuple[str, float]]:
    results: list[tuple[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            began = time.perf_counter()
            try:
                result = next(looked_at(data, name, range(seed, seed + 1), Path(folder)))[1]
            except AssertionError as error:
                result = f"FAILED {error}"
            results.append((result, time.perf_counter() - began))
    return results


def main() -> None:
    """Many of them, in two processes, with a figure at the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, default=2000)
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(2) as pool:
        for name in asked.kinds:
            data = write_video(Path(folder), KINDS[name], NUM_FRAMES).read_bytes()
            step = 50
            starts = range(asked.first, asked.first + asked.number, step)
            parts = [pool.submit(_part, data, name, range(at, at + step)) for at in starts]
            results = [one for part in parts for one in part.result()]
            for text, _ in results:
                if text.startswith("FAILED"):
                    sys.stdout.write(f"{text}\n")
            counts = Counter(text.split(":")[0].split(",")[0] for text, _ in results)
            slowest = max(seconds for _, seconds in results)
            figures = f"{len(results)} {dict(counts)}, slowest {slowest:.1f} s"
            sys.stdout.write(f"{name} {figures}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
