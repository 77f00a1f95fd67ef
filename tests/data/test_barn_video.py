"""Pictures: functions of seed and time, which show what the labels say and nothing more."""

from __future__ import annotations

import gc
import weakref
from itertools import pairwise

import numpy as np
import pytest

from vidmem.data.barn import CLASS_NAMES, LOOK_ALIKES, BarnConfig, BarnVideo, render_clips
from vidmem.data.barn.places import turn


def make_video(seed: int = 3, minutes: float = 4.0, **fields) -> BarnVideo:
    return BarnVideo(BarnConfig(minutes=minutes, seed=seed, **fields))


def test_a_frame_depends_on_seed_and_time_only() -> None:
    times = [0.0, 71.25, 33.5, 71.25]
    forwards = make_video().frames(times, 96, 54)
    backwards = make_video().frames(times[::-1], 96, 54)
    assert forwards.shape == (4, 54, 96, 3)
    assert forwards.dtype == np.uint8
    assert np.array_equal(forwards, backwards[::-1])
    assert np.array_equal(forwards[1], forwards[3])
    assert not np.array_equal(forwards[0], make_video(seed=4).frame(0.0, 96, 54))


def test_two_looks_at_once_do_not_disturb_each_other() -> None:
    video = make_video()
    small = video.frame(10.0, 128, 128)
    video.frame(10.0, 640, 360)
    assert np.array_equal(video.frame(10.0, 128, 128), small)


def test_rests_look_the_same_whichever_visit_decided() -> None:
    config = BarnConfig(minutes=5, seed=5)
    plain, swapped = BarnVideo(config), BarnVideo(config, swap_visits=True)
    rests = [b for b in plain.bouts if b.label in LOOK_ALIKES]
    assert rests
    for bout in rests:
        for seconds in np.linspace(bout.start_seconds, bout.end_seconds - 0.01, 5):
            assert plain.label_at(seconds) != swapped.label_at(seconds)
            assert np.array_equal(plain.frame(seconds, 128, 128), swapped.frame(seconds, 128, 128))


def test_two_seconds_before_a_rest_look_the_same_too() -> None:
    """A window may hold the end of the walk to the rest: it must not show where the walk began."""
    config = BarnConfig(minutes=12, seed=1)
    plain, swapped = BarnVideo(config), BarnVideo(config, swap_visits=True)
    rests = [i for i, b in enumerate(plain.bouts) if b.label in LOOK_ALIKES]
    walked = [i for i in rests if plain.bouts[i - 1].label == "walking"]
    assert walked
    for index in walked:
        seconds = plain.bouts[index].start_seconds - 2.0
        assert np.array_equal(plain.frame(seconds, 64, 64), swapped.frame(seconds, 64, 64))


def test_the_sow_neither_jumps_nor_spins() -> None:
    video = make_video(minutes=6)
    herd = video._herd
    index = herd.bout_index
    positions = [herd._sow(index(t), t) for t in np.arange(0, 360, 0.1)]
    pairs = list(pairwise(positions))
    assert max(np.hypot(b.x - a.x, b.y - a.y) for a, b in pairs) < 9
    assert max(abs(turn(a.angle, b.angle)) for a, b in pairs) < 0.5


def test_piglets_do_not_jump() -> None:
    video = make_video(minutes=3)
    litter, index = video._herd._litter, video._herd.bout_index
    positions = np.array([litter._positions(index(t), t)[:, :2] for t in np.arange(0, 180, 0.1)])
    assert np.hypot(*np.moveaxis(np.diff(positions, axis=0), -1, 0)).max() < 26


def test_night_is_grey_and_day_is_not() -> None:
    night = make_video(light="night").frame(5.0, 96, 54).astype(int)
    day = make_video(light="day").frame(5.0, 96, 54).astype(int)
    assert np.ptp(night, axis=-1).max() == 0
    assert np.ptp(day, axis=-1).mean() > 8


def test_a_minute_can_hold_day_and_night() -> None:
    video = make_video(minutes=1, light_seconds=25)
    assert {video.is_night(t) for t in range(60)} == {True, False}


def test_a_small_frame_matches_a_large_one_scaled_down() -> None:
    Image = pytest.importorskip("PIL.Image")
    video = make_video()
    for seconds in (12.0, 100.0):
        large = Image.fromarray(video.frame(seconds, 640, 360))
        scaled = large.resize((128, 128), Image.Resampling.BILINEAR)
        difference = np.abs(np.asarray(scaled, int) - video.frame(seconds, 128, 128))
        assert difference.mean() < 2


def test_window_labels_agree_with_moments() -> None:
    video = make_video()
    for start in np.arange(0, 200, 7.3):
        moments = [video.label_at(start + 4 * (i + 0.5) / 400) for i in range(400)]
        label, share = video.window_majority(start, start + 4)
        assert label == video.window_label(start, start + 4)
        assert moments.count(label) / 400 == pytest.approx(share, abs=0.006)


def test_clips_are_the_frames_at_their_times() -> None:
    config = BarnConfig(minutes=2, seed=8)
    clips = render_clips(
        config, fps=2, clip_frames=8, width=48, height=48, num_clips=5, start_seconds=20
    )
    assert clips.pixels.shape == (5, 8, 48, 48, 3)
    video = BarnVideo(config)
    assert np.array_equal(clips.pixels[2, 3], video.frame(20 + 2 * 4 + 1.5, 48, 48))
    wanted = [video.window_label(20 + 4 * i, 24 + 4 * i) for i in range(5)]
    assert [CLASS_NAMES[i] for i in clips.labels] == wanted


def test_delays_count_clips_since_the_deciding_visit() -> None:
    clips = render_clips(
        BarnConfig(minutes=6, seed=5), width=16, height=16, num_clips=88, clip_frames=4, fps=1
    )
    video = make_video(seed=5, minutes=6)
    is_rest = np.array([CLASS_NAMES[i] in LOOK_ALIKES for i in clips.labels])
    assert is_rest.any()
    assert np.array_equal(clips.delay_clips > 0, is_rest)
    assert (clips.delay_clips[~is_rest] == -1).all()
    for number in np.flatnonzero(is_rest):
        decided_in = 4.0 * (number - clips.delay_clips[number])
        ends = [b.end_seconds for b in video.bouts if b.label in ("feeding", "drinking")]
        assert any(decided_in <= end < decided_in + 4 for end in ends)


def test_clips_beyond_the_end_fail_clearly() -> None:
    with pytest.raises(ValueError, match="the video ends at 60 s; raise minutes"):
        render_clips(BarnConfig(minutes=1), num_clips=16)


def test_a_video_takes_its_pictures_with_it() -> None:
    gc.disable()
    try:
        video = make_video(minutes=1)
        video.frame(1.0, 64, 36)
        watcher = weakref.ref(video)
        del video
        assert watcher() is None
    finally:
        gc.enable()
