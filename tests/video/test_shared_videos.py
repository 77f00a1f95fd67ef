"""Every real file of `shared/videos`: its frames, its upright size and its times, or a refusal.

The numbers were written down from `ffprobe` (frames of the best video stream,
`best_effort_timestamp` and duration of the first and last), not from this package; those of
`torchcodec_nasa_13013.mp4` are also in `annotations/torchcodec_nasa`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vidmem.errors import EmptyVideoError, SettingError
from vidmem.video import FrameFeed, open_video, probe_video
from vidmem.video.readers.sampled_video import SampledVideo

SUFFIXES = {".mp4", ".avi", ".mkv", ".mov", ".gif", ".webm", ".ts", ".3gp"}


@dataclass(frozen=True)
class Expected:
    """What is in a file."""

    num_frames: int
    size: tuple[int, int]
    """Width and height, upright."""

    last_seconds: float
    """Start of the last frame, from the start of the first one."""

    end_seconds: float
    """End of the last frame."""

    decodable: int | None = None
    """Frames that can be decoded, where not all of them can."""

    reader: str = "decord"
    """What reads it, at the size of a model, where decord is asked for."""


TABLE = {
    "animals/tracktor_mouse_first_half.mp4": Expected(5000, (640, 480), 166.633333, 166.666667),
    "animals/tracktor_spider.mp4": Expected(2352, (1920, 1080), 39.183333, 39.2),
    "animals/zamba_benjamin_04250002.MP4": Expected(61, (106, 60), 60.0, 61.0),
    "animals/zamba_chimp.mp4": Expected(450, (320, 180), 14.966667, 15.0),
    "animals/zamba_chimpandsee_EK000018.AVI": Expected(55, (106, 60), 54.0, 55.0),
    "animals/zamba_chimpandsee_EK000019.AVI": Expected(61, (106, 60), 60.0, 61.0),
    "animals/zamba_chimpandsee_PICT0146.AVI": Expected(61, (106, 60), 60.0, 61.0),
    "animals/zamba_dzanga_sangha_01170043.MP4": Expected(6, (106, 60), 5.0, 6.0),
    "animals/zamba_goualougo_2013_FID_20_Duboscia_2013-6-14_0083.AVI": Expected(
        61, (90, 60), 60.0, 61.0
    ),
    "animals/zamba_lope_EK000059.AVI": Expected(61, (106, 60), 60.0, 61.0),
    # One of 61 frames was dropped when it was recorded, the second.
    "animals/zamba_savanna_07120049.AVI": Expected(60, (106, 60), 60.0, 61.0),
    "animals/zamba_savanna_09100029_Eland.MP4": Expected(31, (106, 60), 30.0, 31.0),
    "animals/zamba_savanna_09190048_Hyena.AVI": Expected(15, (80, 60), 14.0, 15.0),
    "human/decord_flipping_a_pancake.mkv": Expected(310, (426, 240), 10.3, 10.333),
    "human/mmaction2_demo.mp4": Expected(280, (340, 256), 9.964286, 10.0),
    "human/mmaction2_part_0.mp4": Expected(32, (340, 256), 1.066667, 1.1),
    # AVI with B-frames: its packets have no times of their own, frames are shown at 25 per second.
    "human/mmaction2_test.avi": Expected(164, (320, 240), 6.52, 6.56, reader="pyav"),
    "human/mmaction2_test.mp4": Expected(300, (340, 256), 9.966667, 10.0),
    "livestock/cows_freestall_night.gif": Expected(70, (480, 270), 9.86, 10.0, reader="pyav"),
    "livestock/pig_behaviour_slowfast.gif": Expected(10, (692, 388), 0.9, 1.0, reader="pyav"),
    "livestock/pigtrack.mp4": Expected(27, (854, 480), 0.866667, 0.9),
    # One packet in the middle (at 3.0 s) is damaged, and so is part of the picture at 3.2 s, which
    # FFmpeg marks; decord gives up there, and PyAV goes on.
    "tricky/decord_corrupted.mp4": Expected(50, (1280, 720), 4.9, 5.0, 48, reader="pyav"),
    "tricky/decord_unordered.mov": Expected(4, (50, 50), 0.09375, 0.125),
    "tricky/decord_video_0.mov": Expected(3, (568, 320), 0.066667, 0.1),
    "tricky/decord_video_180.mov": Expected(3, (568, 320), 0.066667, 0.1),
    "tricky/decord_video_90.mov": Expected(3, (320, 568), 0.066667, 0.1),
    "tricky/exo_bear-vp9-odd-dimensions.webm": Expected(30, (161, 121), 0.968, 1.001),
    "tricky/exo_bear-vp9.webm": Expected(82, (320, 240), 2.703, 2.736),
    "tricky/exo_portrait_4k60.mp4": Expected(18, (2160, 3840), 0.283067, 0.299711),
    # Says 98 frames and has 96: two were dropped.
    "tricky/exo_sample.avi": Expected(96, (960, 400), 4.045708, 4.087417),
    # Starts at 0.067 s, and gives each frame a made-up duration of 1 ms.
    "tricky/exo_sample.mkv": Expected(30, (1080, 720), 0.967, 1.0),
    "tricky/exo_sample_android_slow_motion.mp4": Expected(7, (1280, 720), 0.492011, 0.525344),
    "tricky/exo_sample_av1.mp4": Expected(30, (1080, 720), 0.967633, 1.001, reader="pyav"),
    "tricky/exo_sample_fragmented_seekable.mp4": Expected(30, (1080, 720), 0.967633, 1.001),
    "tricky/exo_sample_h265.ts": Expected(30, (854, 480), 0.966667, 1.0, reader="pyav"),
    # Some of its key frames are only where a picture has been renewed (recovery points).
    "tricky/exo_sample_with_increasing_timestamps_360p.mp4": Expected(
        512, (640, 360), 17.029984, 17.063311, reader="pyav"
    ),
    "tricky/exo_testvid_1022ms.mp4": Expected(30, (480, 360), 0.969349, 1.002774),
    # The title in it is no valid text; the stream's duration is 5.02 s.
    "tricky/exo_video_desks.3gp": Expected(71, (352, 288), 4.956, 5.02),
    "tricky/torchcodec_av1_video.mkv": Expected(125, (640, 360), 4.96, 5.0, reader="pyav"),
    "tricky/torchcodec_bt709_full_range.mp4": Expected(30, (1280, 720), 0.966667, 1.0),
    "tricky/torchcodec_h264_10bits.mp4": Expected(30, (200, 200), 0.966667, 1.0),
    # Some frames behind its second key frame are shown before it: there decord loses count.
    "tricky/torchcodec_h265_video.mp4": Expected(10, (128, 128), 0.9, 1.0, reader="pyav"),
    # Six streams: the larger of its two video streams is read.
    "tricky/torchcodec_nasa_13013.mp4": Expected(390, (480, 270), 12.979633, 13.013),
}
REFUSED = {"tricky/exo_invalid-bitstream.webm": (EmptyVideoError, "no frame can be decoded")}


def test_the_table_has_every_file(shared_videos: Path) -> None:
    found = {
        path.relative_to(shared_videos).as_posix()
        for path in shared_videos.rglob("*")
        if path.suffix.lower() in SUFFIXES
    }
    assert found == TABLE.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", TABLE)
def test_frames_size_and_times(shared_videos: Path, name: str) -> None:
    expected, path = TABLE[name], shared_videos / name
    is_short = expected.num_frames <= 600
    info = probe_video(path)
    assert (info.width, info.height) == expected.size
    with open_video(path, width=64, height=48, reader="pyav") as video:
        assert video.num_frames == expected.num_frames
        assert video.duration_seconds == pytest.approx(expected.end_seconds, abs=6e-4)
        seconds = [frame.pts_seconds for frame in video] if is_short else list(video.pts_seconds)
        assert len(video.frames([expected.num_frames - 1])) == 1
    assert len(seconds) == (expected.decodable or expected.num_frames)
    assert (seconds[0], seconds[-1]) == pytest.approx((0.0, expected.last_seconds), abs=6e-4)
    assert seconds == sorted(set(seconds))
    is_whole = expected.decodable is None
    assert not is_whole or info.duration_seconds == pytest.approx(expected.end_seconds, abs=0.06)
    assert not info.num_frames_is_exact or info.num_frames == expected.num_frames


@pytest.mark.parametrize("name", TABLE)
def test_both_readers_choose_the_same_frames(shared_videos: Path, name: str) -> None:
    expected, path = TABLE[name], shared_videos / name
    info = probe_video(path)
    fps = min(4.0, info.fps * 0.8) if expected.num_frames > 200 else 12.0
    count = 24 if expected.num_frames > 2000 else 60
    samples = {}
    for reader in ("decord", "pyav"):
        try:
            video = SampledVideo(info, fps=fps, size=(96, 64), reader=reader)
        except SettingError:
            assert expected.reader == "pyav"
            return
        samples[reader] = [
            sample for sample, _ in zip(video.samples(0), range(count), strict=False)
        ]
        if reader == "decord":
            assert video.reader_name == expected.reader
        video.close()
    decord, pyav = samples["decord"], samples["pyav"]
    assert [sample.pts_seconds for sample in decord] == [sample.pts_seconds for sample in pyav]
    if expected.decodable is None:
        for ours, theirs in zip(decord, pyav, strict=True):
            difference = np.abs(ours.pixels.astype(int) - theirs.pixels.astype(int)).mean()
            assert difference < 3, f"sample {ours.index}"


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused(shared_videos: Path, name: str) -> None:
    kind, text = REFUSED[name]
    for read in (probe_video, lambda path: FrameFeed(path, fps=4, width=64, height=64)):
        with pytest.raises(kind, match=text) as caught:
            read(shared_videos / name)
        assert Path(name).name in str(caught.value)


def test_times_of_every_frame_of_the_nasa_video(shared_videos: Path) -> None:
    folder = shared_videos / "annotations/torchcodec_nasa"
    frames = json.loads((folder / "stream3.all_frames_info.json").read_text())
    times = np.array(sorted(float(frame["pts_time"]) for frame in frames))
    with open_video(shared_videos / "tricky/torchcodec_nasa_13013.mp4") as video:
        assert np.abs(video.pts_seconds - (times - times[0])).max() < 1e-5


def test_a_feed_tells_of_the_damaged_frame(shared_videos: Path) -> None:
    for reader in ("decord", "pyav"):
        with FrameFeed(
            shared_videos / "tricky/decord_corrupted.mp4",
            fps=10,
            width=96,
            height=64,
            reader=reader,
        ) as feed:
            frames = feed.read(100)
        assert frames.sample_indices.tolist() == list(range(50))
        gaps = [(gap.start_seconds, gap.end_seconds) for gap in frames.gaps]
        assert gaps == [pytest.approx((3.0, 3.1)), pytest.approx((3.2, 3.3))]
        assert frames.pts_seconds[30] == frames.pts_seconds[29]
