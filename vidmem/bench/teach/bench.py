"""`vidmem bench teach`: all of it in one run, as a table and as plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import torch

from vidmem.bench.results import BenchResults, machine_as_text, machine_facts, today, versions_here
from vidmem.bench.teach.encoding import EncodingBench, bench_encoding
from vidmem.bench.teach.footage import draw_footage
from vidmem.bench.teach.invented import PIECE_SECONDS, load_encoder
from vidmem.bench.teach.lesson import LessonBench, bench_lesson, teach_briefly
from vidmem.bench.teach.streaming import TaughtStreamBench, bench_streams
from vidmem.models import FeatureEncoder
from vidmem.teaching import MODEL_NAMES, TeachConfig
from vidmem.teaching.encoding import feature_bytes
from vidmem.units import file_size, memory_size, span

NAMES = {"spool": "Spool", "fam": "FAM Swin"}


@dataclass(frozen=True, kw_only=True)
class TeachBenchSize:
    """How much is measured."""

    minutes: float = 60.0
    """Of video, whose cached features are taught on."""

    hours: float | None = None
    """Of another one, for the memory that it takes; None: none."""

    video_seconds: float = 60.0
    """Of the file that is encoded and streamed: starting its decoder counts, and must be little."""

    width: int = 1280
    """Pixels of it."""

    height: int = 720
    """Pixels of it."""

    num_rounds: int = 3
    """Of encoding and of streaming; medians count."""

    short_minutes: float = 10.0
    """Of video, for models that are taught only to be streamed."""


@dataclass(frozen=True, kw_only=True)
class TeachBench:
    """What teaching and streaming of one image encoder cost on one machine."""

    encoder: str
    feature_fps: float
    """Feature frames per second of video."""

    date: str
    """Of the measurement."""

    machine: dict[str, Any]
    versions: dict[str, str]
    encoding: EncodingBench
    lessons: tuple[LessonBench, ...]
    streams: tuple[TaughtStreamBench, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values with the ratios, for JSON."""
        values, encoding = asdict(self), self.encoding
        values["encoding"] |= {
            "times_real_time": encoding.times_real_time,
            "encoder_ms": encoding.encoder_ms,
            "shares": {name: share for name, share, _ in _shares(encoding)},
        }
        for row, lesson in zip(values["lessons"], self.lessons, strict=True):
            row["correction_share"] = lesson.correction_share
        for row, stream in zip(values["streams"], self.streams, strict=True):
            row |= {
                "times_real_time": stream.times_real_time,
                "temporal_share": stream.temporal_share,
            }
        return values


def bench_teach(
    config: TeachConfig, size: TeachBenchSize, tell: Callable[[str], object] = lambda _: None
) -> TeachBench:
    """Measure encoding, teaching and streaming, on the CPU.

    Args:
        config: The recipe; its image encoder is measured.
        size: How much.
        tell: Given a sentence before each part.

    Raises:
        WeightsNotAvailableError: If the image encoder is not on this machine.
        StorageError: If the temporary folder has no room for the features.
    """
    encoder = load_encoder(config.features)
    lessons = _lessons(config, size, encoder, tell)
    tell("teaching both models briefly, to be streamed")
    models = {
        name: teach_briefly(config, name, encoder, minutes=size.short_minutes)
        for name in MODEL_NAMES
    }
    with TemporaryDirectory(prefix="vidmem-") as folder:
        tell(f"drawing {span(size.video_seconds)} of a barn at {size.width} x {size.height}")
        video = draw_footage(
            Path(folder),
            seconds=size.video_seconds,
            width=size.width,
            height=size.height,
        )
        tell("encoding it, and each part of that alone")
        encoding = bench_encoding(video, models["spool"], num_rounds=size.num_rounds)
        tell("streaming it through the taught models")
        streams = bench_streams(video, models, num_rounds=size.num_rounds)
    return TeachBench(
        encoder=config.features.backbone,
        feature_fps=config.feature_fps,
        date=today(),
        machine=machine_facts(torch.device("cpu")),
        versions=versions_here(),
        encoding=encoding,
        lessons=lessons,
        streams=streams,
    )


def _lessons(
    config: TeachConfig,
    size: TeachBenchSize,
    encoder: FeatureEncoder,
    tell: Callable[[str], object],
) -> tuple[LessonBench, ...]:
    # Hours come first: what a process held before would count to its peak.
    of_hours = () if size.hours is None else (60 * size.hours,)
    lessons = []
    for minutes in (*of_hours, size.minutes):
        tell(_before_lesson(config, minutes, encoder))
        lessons.append(bench_lesson(config, minutes, encoder))
    return tuple(lessons)


def _before_lesson(config: TeachConfig, minutes: float, encoder: FeatureEncoder) -> str:
    num_bytes = round(60 * minutes * config.feature_fps) * feature_bytes(encoder)
    return (
        f"writing {file_size(num_bytes)} of invented features of {span(60 * minutes)} of video to "
        f"{gettempdir()}, and teaching on them; they are deleted afterwards"
    )


def bench_as_markdown(bench: TeachBench) -> str:
    """A table, below what it was measured on."""
    machine = machine_as_text(BenchResults(bench.machine, bench.versions, ()))
    lines = [
        f"{bench.encoder}, {bench.feature_fps:g} feature frames per second; "
        f"{machine.removesuffix('.')}; measured {bench.date}.",
        "",
        "| what | measured |",
        "| --- | --- |",
    ]
    rows = [*_encoding_rows(bench.encoding)]
    for lesson in bench.lessons:
        rows += _lesson_rows(lesson)
    for stream in bench.streams:
        rows += _stream_rows(stream)
    return "\n".join(lines + [f"| {what} | {measured} |" for what, measured in rows])


def _encoding_rows(one: EncodingBench) -> Iterator[tuple[str, str]]:
    yield (
        f"encoding {span(one.video_seconds)} of {one.width} x {one.height} H.264",
        f"{one.times_real_time:.1f} times real time",
    )
    for _, share, words in _shares(one):
        yield f"encoding: {words}", f"{share:.2f} of its time"
    yield "encoding: image encoder", f"{one.encoder_ms:.1f} ms a feature frame"


def _shares(one: EncodingBench) -> list[tuple[str, float, str]]:
    """Of each part alone: a name, its share of the whole, and words."""
    parts = (
        ("decoding", one.decoding_seconds, "decoding alone, which goes on beside the rest"),
        ("pictures", one.pictures_seconds, "pictures made ready, alone"),
        ("encoder", one.encoder_seconds, "image encoder alone"),
        ("motion", one.motion_seconds, "motion alone"),
    )
    return [(name, one.share(seconds), words) for name, seconds, words in parts]


def _lesson_rows(one: LessonBench) -> Iterator[tuple[str, str]]:
    of = span(60 * one.minutes)
    yield (
        f"teaching {NAMES[one.model]} on {of} of cached features, {span(one.labelled_seconds)} of "
        "them labelled, with its report",
        f"{span(one.seconds)}, {span(one.preparing_seconds)} of it before learning; "
        f"{one.num_steps} steps were best",
    )
    yield (
        f"a correction on top of that, {span(PIECE_SECONDS)} of labels more, with its report",
        f"{span(one.correction_seconds)}, {span(one.correction_preparing_seconds)} of it before "
        f"learning; {one.correction_share:.2f} of the time of teaching anew",
    )
    own = one.peak.own_bytes
    without = "" if own is None else f", {memory_size(own)} without pages of mapped files"
    yield (
        f"peak of resident memory meanwhile, {of} ({file_size(one.feature_bytes)} on disk)",
        f"{memory_size(one.peak.resident_bytes)}{without}",
    )


def _stream_rows(one: TaughtStreamBench) -> Iterator[tuple[str, str]]:
    name = NAMES[one.model]
    yield (
        f"{name} taught, streaming the same file end to end",
        f"{one.times_real_time:.1f} times real time",
    )
    yield (
        f"{name}: temporal part of a step, {one.num_remembered} clips remembered",
        f"{one.temporal_share:.2f} of its encoder's time ({1000 * one.temporal_seconds:.1f} ms of "
        f"{1000 * one.encoder_seconds:.1f})",
    )
