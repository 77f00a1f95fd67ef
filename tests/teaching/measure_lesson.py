"""How quick a lesson is, measured and printed: no test, since it depends on the machine.

    python -m tests.teaching.measure_lesson [VIDEO] [--minutes 6]

A video is taken through a lesson as fast as it goes, the two behaviours being shown in turn for
three seconds each, whatever there is to see: what is measured is time, not truth. It begins anew
where it is shorter.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from torch import Tensor

from tests.data.footage import SAMPLE
from vidmem.labels import Ethogram
from vidmem.processors import fit_threads
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.teaching import SAMPLED_FPS, LiveLesson, load_lesson_encoder
from vidmem.teaching.encoding import EncoderPictures
from vidmem.teaching.live.lesson import MAX_FEATURE_FRAMES

SHOWN_SECONDS = 3.0
NAMES = ("one", "other")


def frames_of(path: Path, encoder, seconds: float) -> Iterator[tuple[Tensor, list[float]]]:
    """Pieces of a second, with times that go on where the video begins anew."""
    card, since = EncoderPictures.of(encoder).card, 0.0
    while since < seconds:
        request = FeedRequest(path=path, card=card, fps=SAMPLED_FPS, start_frame=0, reader="auto")
        with closing(open_file_feed(request)) as feed:
            while since < seconds and len(read := feed.read(round(SAMPLED_FPS))):
                steps = range(1, len(read) + 1)
                yield read.pixels, [since + number / SAMPLED_FPS for number in steps]
                since += len(read) / SAMPLED_FPS


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", nargs="?", type=Path, default=SAMPLE)
    parser.add_argument("--minutes", type=float, default=MAX_FEATURE_FRAMES / 5 / 60)
    given = parser.parse_args()
    encoder = load_lesson_encoder()
    fit_threads(encoder)
    lesson = LiveLesson(Ethogram.of(*NAMES), encoder)
    encoded, fits, number = [], [], 0
    lesson.begin(NAMES[0], 0.0)
    for frames, times in frames_of(given.video, encoder, 60 * given.minutes):
        started = time.perf_counter()
        lesson.add_frames(frames, times)
        encoded.append((time.perf_counter() - started) / (len(times) / 2))
        if lesson.answer().limit:
            break
        if times[-1] >= SHOWN_SECONDS * (number + 1) - 1e-6:
            number += 1
            lesson.begin(NAMES[number % 2], times[-1] + 0.05)
            if lesson.fitted is not None:
                fits.append((times[-1], lesson.fitted.seconds))
    say("encoding a feature frame", [1000 * one for one in encoded], "ms")
    for minute in range(1, 1 + int(given.minutes)):
        near = [took for at, took in fits if 60 * minute - 20 < at <= 60 * minute]
        say(f"fitting to {minute} min of examples", near, "s")


def say(what: str, numbers: list[float], unit: str) -> None:
    """The median and the largest, with the load of the machine beside it."""
    median, most = statistics.median(numbers), max(numbers)
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"{what}: median {median:.3g} {unit}, at most {most:.3g} ({len(numbers)}; "
        f"load {load:.1f})\n"
    )


if __name__ == "__main__":
    main()
