"""Long streams: which samples are in them, their labels, and frames that are their videos'."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.footage import write_pen
from vidmem.data import DatasetSample, LongStream, LongStreams, Manifest, write_stream
from vidmem.data.streams import long_stream
from vidmem.data.streams.writing import stream_labels
from vidmem.errors import SettingError, UnreadableVideoError
from vidmem.labels import read
from vidmem.video import FrameFeed, probe_video

FPS = 5
SIZE = {"fps": FPS, "width": 32, "height": 18}


def manifest_of(seconds: dict[str, float], folder: Path = Path("clips")) -> Manifest:
    """A sample for each video, whole, in a class of its own."""
    samples = tuple(
        DatasetSample(video=folder / name, classes=(index,), annotation=folder, group=name)
        for index, name in enumerate(seconds)
    )
    return Manifest(
        samples=samples,
        class_names=tuple(Path(name).stem for name in seconds),
        folder=folder,
        kind="folders",
        title="A folder per class",
        how="hand",
        durations={folder / name: length for name, length in seconds.items()},
    )


lengths = st.lists(st.floats(0.2, 20), min_size=1, max_size=8)
invented = lengths.map(lambda all: manifest_of({f"{n}.mp4": one for n, one in enumerate(all)}))


def names_in(stream: LongStream) -> list[str]:
    return [part.sample.video.name for part in stream.parts]


@settings(max_examples=25)
@given(invented, st.floats(0.1, 1), st.integers(0, 3))
def test_every_sample_is_in_one_stream_and_none_is_longer_than_asked_for(manifest, minutes, seed):
    streams = LongStreams(manifest, minutes=minutes, seed=seed, **SIZE)
    found = [name for stream in streams for name in names_in(stream)]
    assert sorted(found) == sorted(sample.video.name for sample in manifest)
    assert all(stream.num_frames <= round(minutes * 60 * FPS) for stream in streams)


@settings(max_examples=25)
@given(invented, st.integers(0, 3))
def test_parts_follow_each_other_and_say_the_class_of_every_frame(manifest, seed):
    for stream in LongStreams(manifest, minutes=0.5, seed=seed, **SIZE):
        assert stream.parts[0].start_frame == 0
        assert all(
            before.end_frame == after.start_frame
            for before, after in zip(stream.parts, stream.parts[1:], strict=False)
        )
        classes = stream.class_indices().tolist()
        assert len(classes) == stream.num_frames
        for number, part in enumerate(stream.parts):
            for frame in (part.start_frame, part.end_frame - 1):
                assert stream.part_number_at(frame) == number
                assert (classes[frame],) == part.sample.classes
                assert stream.classes_at(frame / FPS) == part.sample.classes
                assert stream.classes_at((frame + 0.9) / FPS) == part.sample.classes


@settings(max_examples=25)
@given(invented, st.integers(0, 3))
def test_the_same_seed_gives_the_same_streams(manifest, seed):
    first, second = (LongStreams(manifest, minutes=0.5, seed=seed, **SIZE) for _ in range(2))
    assert [names_in(stream) for stream in first] == [names_in(stream) for stream in second]


def test_another_seed_gives_other_streams():
    manifest = manifest_of({f"{number}.mp4": 3 for number in range(30)})
    first, second = (LongStreams(manifest, minutes=0.5, seed=seed, **SIZE) for seed in (0, 1))
    assert names_in(first[0]) != names_in(second[0])


def test_streams_go_on_anew_where_all_samples_were_taken():
    manifest = manifest_of({f"{number}.mp4": 4 for number in range(5)})
    streams = LongStreams(manifest, minutes=0.2, num_streams=6, **SIZE)
    # Three fit into twelve seconds, and two are left: no clip comes twice in a stream.
    assert [len(stream.parts) for stream in streams] == [3, 2, 3, 2, 3, 2]
    assert all(max(Counter(names_in(stream)).values()) == 1 for stream in streams)
    assert names_in(streams[0]) + names_in(streams[1]) != names_in(streams[2]) + names_in(
        streams[3]
    )


def test_streams_that_may_repeat_are_full():
    manifest = manifest_of({f"{number}.mp4": 4 for number in range(5)})
    (stream,) = LongStreams(manifest, minutes=1, repeat=True, **SIZE)
    assert stream.duration_seconds == 60
    assert set(Counter(names_in(stream)).values()) == {3}
    assert [len(one.parts) for one in LongStreams(manifest, minutes=0.2, repeat=True, **SIZE)] == [
        3,
        3,
    ]


def test_samples_are_spans_of_their_videos():
    whole = manifest_of({"a.mp4": 10})
    span = replace(whole.samples[0], start_seconds=2.05, end_seconds=4.0)
    (part,) = LongStreams(replace(whole, samples=(span,)), minutes=1, **SIZE)[0].parts
    # Frames at 2.2, 2.4, ... 3.8 s; the one at 4 s is no longer of it.
    assert (part.start_in_video, part.num_frames) == (11, 9)
    (cut,) = LongStreams(whole, minutes=0.1, **SIZE)[0].parts
    assert cut.num_frames == 30


def test_a_sample_between_two_frames_is_in_no_stream():
    whole = manifest_of({"a.mp4": 10, "b.mp4": 10})
    short = replace(whole.samples[0], start_seconds=0.05, end_seconds=0.15)
    streams = LongStreams(replace(whole, samples=(short, whole.samples[1])), **SIZE)
    assert streams.too_short == (short,)
    assert [names_in(stream) for stream in streams] == [["b.mp4"]]
    with pytest.raises(SettingError, match=r"samples that last at least 0\.2 s, and .* has none"):
        LongStreams(replace(whole, samples=(short,)), **SIZE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"minutes": 0}, "minutes must be above 0, got 0"),
        ({"fps": 0}, "fps must be above 0 frames per second, got 0"),
        ({"height": 0}, "must be at least 1 pixel, got 32 x 0"),
        ({"num_streams": 0}, "num_streams must be from 1 to 1000000, got 0"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(SettingError, match=message):
        LongStreams(manifest_of({"a.mp4": 1}), **{**SIZE, **change})


def test_a_length_that_is_not_known_is_refused():
    manifest = replace(manifest_of({"a.mp4": 1}), durations={})
    with pytest.raises(
        SettingError, match=r"length of clips/a\.mp4 is not known; take manifest.ch"
    ):
        LongStreams(manifest, **SIZE)


def test_a_moment_and_a_frame_outside_are_refused():
    (stream,) = LongStreams(manifest_of({"a.mp4": 1}), **SIZE)
    for frame in (-1, 5):
        with pytest.raises(ValueError, match=rf"frame must be in \[0, 5\), got {frame}"):
            stream.part_number_at(frame)
    with pytest.raises(ValueError, match="batch_frames must be at least 1, got 0"):
        stream.batches(0)


def test_samples_of_several_classes_have_no_single_class():
    manifest = manifest_of({"a.mp4": 1})
    both = replace(manifest.samples[0], classes=(0, 1))
    (stream,) = LongStreams(replace(manifest, samples=(both,), class_names=("x", "y")), **SIZE)
    assert stream.classes_at(0.5) == (0, 1)
    with pytest.raises(ValueError, match="have several classes"):
        stream.class_indices()


def test_each_of_several_classes_is_an_axis_of_labels():
    manifest = manifest_of({"a.mp4": 1})
    both = replace(manifest.samples[0], classes=(0, 1))
    (stream,) = LongStreams(replace(manifest, samples=(both,), class_names=("x", "y")), **SIZE)
    labels = stream_labels(stream, "long.mp4")
    assert [(one.behaviour, one.end_seconds) for one in labels.bouts] == [("x", 1), ("y", 1)]


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Manifest:
    """Two short videos: one whole, and two spans of the other."""
    folder = tmp_path_factory.mktemp("clips")
    seconds = {"day.mp4": 1.0, "night.mp4": 2.0}
    for name, length in seconds.items():
        write_pen(folder / name, length, width=64, height=36, fps=10)
    whole = manifest_of(seconds, folder)
    day, night = whole.samples
    spans = [
        replace(night, start_seconds=0.0, end_seconds=0.8),
        replace(night, start_seconds=1.2, classes=(0,)),
    ]
    return replace(whole, samples=(day, *spans))


@pytest.fixture(scope="module")
def stream(clips) -> LongStream:
    return LongStreams(clips, minutes=1, seed=2, **SIZE)[0]


@pytest.fixture(scope="module")
def whole(stream):
    """All of its frames at once."""
    return stream.read(0, 100)


def test_frames_are_those_of_the_videos(stream, whole):
    assert len(whole) == stream.num_frames == 13
    assert not whole.is_repeated.any()
    for number, part in enumerate(stream.parts):
        with FrameFeed(part.sample.video, start_frame=part.start_in_video, **SIZE) as feed:
            wanted = feed.read(part.num_frames).pixels
        assert torch.equal(whole.pixels[part.start_frame : part.end_frame], wanted)
        assert whole.part_numbers[part.start_frame : part.end_frame].unique().tolist() == [number]


def test_a_stream_in_pieces_is_the_whole_stream(stream, whole):
    pieces = list(stream.batches(4))
    assert [len(piece) for piece in pieces] == [4, 4, 4, 1]
    assert [piece.start_frame for piece in pieces] == [0, 4, 8, 12]
    assert torch.equal(torch.cat([piece.pixels for piece in pieces]), whole.pixels)
    middle = stream.parts[1].start_frame + 1
    rest = stream.read(middle, 100)
    assert torch.equal(rest.pixels, whole.pixels[middle:])
    assert torch.equal(rest.part_numbers, whole.part_numbers[middle:])


def test_labels_of_frames_are_those_of_their_samples(stream, whole):
    classes = [stream.parts[number].sample.classes[0] for number in whole.part_numbers.tolist()]
    assert stream.class_indices().tolist() == classes


def test_a_video_shorter_than_stated_ends_with_its_last_frame(clips, stream):
    day = clips.samples[0]
    manifest = replace(clips, samples=(day,), durations={day.video: 1.6})
    (longer,) = LongStreams(manifest, **SIZE)
    frames = longer.read(0, 100)
    assert frames.is_repeated.tolist() == [False] * 5 + [True] * 3
    assert torch.equal(frames.pixels[5:], frames.pixels[4:5].expand(3, -1, -1, -1))
    # In pieces too: a piece that begins behind the end looks back for what it repeats.
    assert torch.equal(longer.read(7, 1).pixels, frames.pixels[7:])


def test_a_video_that_is_gone_is_an_error_at_its_turn(clips):
    day = clips.samples[0]
    gone = replace(day, video=day.video.with_name("gone.mp4"))
    manifest = replace(clips, samples=(gone,), durations={gone.video: 1.0})
    (stream,) = LongStreams(manifest, **SIZE)
    batches = stream.batches(4)
    with pytest.raises(UnreadableVideoError, match=r"gone\.mp4"):
        next(batches)


def test_a_reader_that_leaves_early_leaves_no_decoder(stream, monkeypatch):
    opened, closed = [], []

    class Feed(FrameFeed):
        def __init__(self, path, **settings) -> None:
            super().__init__(path, **settings)
            opened.append(self)

        def close(self) -> None:
            super().close()
            closed.append(self)

    monkeypatch.setattr(long_stream, "FrameFeed", Feed)
    batches = stream.batches(2)
    next(batches)
    batches.close()
    assert len(opened) == 2  # its own, and the one that is opened ahead
    assert set(closed) == set(opened)


def test_a_stream_can_be_written_with_its_labels(stream, tmp_path):
    steps: list[tuple[int, int]] = []
    written = write_stream(
        stream, tmp_path / "long.mp4", on_progress=lambda *step: steps.append(step)
    )
    assert steps == [(13, 13)]
    info = probe_video(written.video_path)
    assert (info.num_frames, info.fps, info.width) == (13, FPS, 32)
    labels = read(written.labels_path)
    wanted = [
        (part.start_frame / FPS, part.end_frame / FPS, stream.class_names[part.sample.classes[0]])
        for part in stream.parts
    ]
    found = [(one.start_seconds, one.end_seconds, one.behaviour) for one in labels.bouts]
    assert found == wanted
