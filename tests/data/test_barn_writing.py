"""Files: the frames and the labels of a video, or a clear reason why not."""

from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from vidmem.data.barn import LOOK_ALIKES, BarnConfig, BarnVideo, write_labels, write_video
from vidmem.data.barn.__main__ import SAMPLE
from vidmem.errors import StorageError

SMALL = {"width": 192, "height": 108, "fps": 5}


def test_written_video_has_the_frames_of_the_config(tmp_path) -> None:
    config = BarnConfig(minutes=0.1, seed=3)
    seen: list[tuple[int, int]] = []
    written = write_video(
        config, tmp_path / "pen.mp4", **SMALL, on_progress=lambda *step: seen.append(step)
    )
    assert written.num_frames == 30
    assert seen == [(i, 30) for i in range(1, 31)]
    with av.open(str(written.video_path)) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 30
    assert [f.time for f in frames] == pytest.approx([i / 5 for i in range(30)])
    wanted = BarnVideo(config).frame(4.0, 192, 108).astype(int)
    got = frames[20].to_ndarray(format="rgb24").astype(int)
    assert np.abs(got - wanted).mean() < 9  # what lossy coding of noise costs


def test_labels_lie_beside_the_video(tmp_path) -> None:
    config = BarnConfig(minutes=3, seed=5)
    written = write_video(config, tmp_path / "pen.mp4", width=64, height=36, fps=1)
    assert written.labels_path == tmp_path / "pen.labels.csv"
    with open(written.labels_path, newline="") as file:
        rows = list(csv.DictReader(file))
    bouts = BarnVideo(config).bouts
    assert [row["label"] for row in rows] == [b.label for b in bouts]
    assert [float(row["start_seconds"]) for row in rows] == [b.start_seconds for b in bouts]
    assert float(rows[-1]["end_seconds"]) == 180
    for row, bout in zip(rows, bouts, strict=True):
        decided = row["deciding_seconds"]
        assert (float(decided) if decided else None) == bout.deciding_seconds


def test_a_missing_folder_fails_clearly(tmp_path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*pen\.mp4: No such file"):
        write_video(BarnConfig(minutes=0.1), tmp_path / "gone" / "pen.mp4", **SMALL)


def test_a_crop_is_a_part_of_the_picture(tmp_path) -> None:
    config = BarnConfig(minutes=0.05, seed=3)
    written = write_video(config, tmp_path / "pen.mp4", **SMALL, crop=(40, 10, 64, 80))
    with av.open(str(written.video_path)) as container:
        got = next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int)
    wanted = BarnVideo(config).frame(0.0, 192, 108)[10:90, 40:104].astype(int)
    assert got.shape == wanted.shape
    assert np.abs(got - wanted).mean() < 9
    for crop in ((150, 10, 64, 80), (40, -2, 64, 80)):
        with pytest.raises(ValueError, match="crop must lie within 192 x 108 pixels"):
            write_video(config, tmp_path / "other.mp4", **SMALL, crop=crop)


def test_odd_sizes_fail_clearly(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"must be even for H\.264, got 63 x 36"):
        write_video(BarnConfig(minutes=0.1), tmp_path / "pen.mp4", width=63, height=36)


def test_the_bundled_labels_are_those_of_the_sample(tmp_path) -> None:
    bundled = Path(__file__).parents[2] / "assets" / "barn-sample.labels.csv"
    write_labels(BarnVideo(SAMPLE).bouts, tmp_path / "labels.csv")
    assert bundled.read_text() == (tmp_path / "labels.csv").read_text()
    assert any(label in bundled.read_text() for label in LOOK_ALIKES)
