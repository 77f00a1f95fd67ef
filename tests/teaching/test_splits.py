"""Splits: never by frame, never too near, every class in what is learnt from."""

from __future__ import annotations

import fnmatch
import itertools
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.teaching.invented import (
    ACTIVITY,
    ETHOGRAM,
    POSTURE,
    alternating,
    make_video,
    one_video,
)
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Bout, Labels
from vidmem.teaching.splits import (
    PARTS,
    Piece,
    Split,
    SplitConfig,
    _with_gaps,
    extend_split,
    make_split,
)


def pieces_of(seconds, lengths):
    """Labels in pieces that lie apart."""
    bouts = []
    for number, (start, stop) in enumerate(lengths):
        names = POSTURE.class_names[:: 1 if number % 2 else -1]
        bouts += alternating(stop, 2.5, names=names, start=start)
    labels = Labels(ETHOGRAM, tuple(bouts))
    return (make_video(labels, (POSTURE,), seconds=seconds),)


def many(number, seconds=20.0):
    names = [f"day{index % 2}_{index}.mp4" for index in range(number)]
    bouts = [bout for name in names for bout in alternating(seconds, 2.5, name=name)]
    labels = Labels(ETHOGRAM, tuple(bouts))
    return tuple(make_video(labels, (POSTURE,), name, seconds) for name in names)


def nearest_seconds(split, videos):
    """Between labelled frames of two parts of one video."""
    found = [np.inf]
    for video in videos:
        times = {part: video.times_seconds[split.mask(video, part)] for part in PARTS}
        for one, other in itertools.combinations(times.values(), 2):
            if len(one) and len(other):
                found.append(np.abs(one[:, None] - other).min())
    return min(found)


@pytest.mark.parametrize("method", ["blocks", "time"])
@pytest.mark.parametrize("gap", [0.0, 2.0, 7.0, 10.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_parts_lie_apart_and_each_has_labels_of_every_class(method, gap, seed):
    videos = one_video(240.0, seed=seed).videos
    split = make_split(videos, SplitConfig(method=method, gap_seconds=gap, seed=seed))
    assert nearest_seconds(split, videos) >= gap
    for part in PARTS:
        mask = split.mask(videos[0], part)
        assert set(videos[0].classes[0][mask]) == {0, 1}, part
        assert split.seconds[part] == pytest.approx(mask.sum() / 4)
    masks = [split.mask(videos[0], part) for part in PARTS]
    assert not (np.sum(masks, 0) > 1).any()


def test_a_piece_shorter_than_its_gaps_leaves_its_neighbours_as_far_apart():
    """Blocks of 6 s with 10 s between parts: much of what is learnt from is gap."""
    videos = one_video(60.0).videos
    for seed in range(5):
        try:
            split = make_split(videos, SplitConfig(gap_seconds=4.0, seed=seed))
        except LabelError:
            continue
        assert nearest_seconds(split, videos) >= 4.0


def test_neighbours_of_a_piece_that_its_gaps_swallow_lie_apart():
    pieces = [Piece("a", 0, 10, "stop"), Piece("a", 10, 12, "learn"), Piece("a", 12, 20, "test")]
    stop, test = _with_gaps(pieces, 4.0)
    assert (stop.end_seconds, test.start_seconds, test.end_seconds) == (10, 14, 20)


def test_unlabelled_time_between_pieces_serves_as_their_gap():
    """Six pieces of 10 s, 30 s apart: no label is lost to a gap."""
    videos = pieces_of(240, [(40.0 * index, 40.0 * index + 10) for index in range(6)])
    split = make_split(videos, SplitConfig(gap_seconds=10))
    assert sum(split.seconds.values()) == 60
    assert nearest_seconds(split, videos) >= 10


def test_enough_videos_are_left_out_whole():
    videos = many(6)
    split = make_split(videos, SplitConfig())
    assert split.method == "whole videos left out"
    for video in videos:
        assert len({one.part for one in split.of_video(video.name)}) == 1
    assert {one.part for one in split.pieces} == set(PARTS)


@pytest.mark.parametrize("number", [2, 3, 4, 6])
def test_a_pattern_says_what_is_tested_with(number):
    videos = many(number, seconds=60.0)
    split = make_split(videos, SplitConfig(test_videos="day1*", gap_seconds=2))
    tested = {one.video for one in split.pieces if one.part == "test"}
    assert tested == {video.name for video in videos if video.name.startswith("day1")}
    assert all(split.seconds[part] for part in PARTS)
    assert nearest_seconds(split, videos) >= 2
    with pytest.raises(SettingError, match="must fit some and not all"):
        make_split(videos, SplitConfig(test_videos="night*"))


def test_of_many_videos_a_fifth_says_when_to_stop_with_a_pattern_too():
    videos = many(22, seconds=20.0)
    split = make_split(videos, SplitConfig(test_videos="day0*", gap_seconds=2))
    of_each = Counter(one.part for one in split.pieces)
    assert of_each == {"test": 11, "stop": 2, "learn": 9}


def pens(subjects=("sow 1", "sow 2", "sow 3", "boar"), videos=("monday.mp4", "tuesday.mp4")):
    """Each subject in each video, the last of them unlabelled on Tuesday."""
    found = []
    for name in videos:
        labels = Labels(ETHOGRAM, alternating(20.0, 2.5, name=name))
        for one in subjects:
            is_said = (name, one) != ("tuesday.mp4", subjects[-1])
            video = make_video(labels if is_said else Labels(ETHOGRAM), (POSTURE,), name, 20.0)
            found.append(replace(video, subject=one))
    return found


@pytest.mark.parametrize(
    ("method", "pattern"),
    [("subjects", ""), ("auto", "boar"), ("subjects", "sow*"), ("auto", "sow [12]")],
)
def test_whole_subjects_are_left_out_of_all_videos(method, pattern):
    split = make_split(pens(), SplitConfig(method=method, test_subjects=pattern, gap_seconds=2))
    tested = {one.subject for one in split.pieces if one.part == "test"}
    assert split.words().startswith(f"whole subjects left out ({', '.join(sorted(tested))}): ")
    if pattern:
        assert all(fnmatch.fnmatchcase(one, pattern) for one in tested)
    # Also where nobody labelled it.
    assert split.tested_only == {one.key for one in pens() if one.subject in tested}
    assert not tested & {one.subject for one in split.learnt}
    assert not tested & {one.subject for one in split.pieces if one.part != "test"}
    for part in PARTS:
        assert sum(split.mask(one, part).sum() for one in pens()) / 4 == split.seconds[part] > 0


def test_whole_videos_are_left_out_with_all_who_are_in_them():
    videos = pens(videos=("monday.mp4", "tuesday.mp4", "friday.mp4"))
    split = make_split(videos, SplitConfig(method="videos"))
    for name in ("monday.mp4", "tuesday.mp4", "friday.mp4"):
        assert len({one.part for one in split.pieces if one.video == name}) == 1


def test_pens_of_one_video_are_split_in_blocks_each_by_itself():
    videos = pens(videos=("monday.mp4",))
    split = make_split(videos, SplitConfig(gap_seconds=1))
    assert "blocks of time" in split.method
    assert {one.subject for one in split.pieces} == {one.subject for one in videos}
    for video in videos:
        assert nearest_seconds(split, [video]) >= 1


def test_subjects_that_cannot_be_left_out_are_said():
    few = pens(subjects=("sow 1", "sow 2"))
    with pytest.raises(LabelError, match="2 labelled subjects are too few"):
        make_split(few, SplitConfig(method="subjects"))
    with pytest.raises(SettingError, match=r"'boar' fits 0 of 2 labelled subjects \(sow 1, sow 2"):
        make_split(few, SplitConfig(test_subjects="boar"))
    with pytest.raises(LabelError, match=r"labels of pen\.mp4 do not say whose they are"):
        make_split(one_video(60.0).videos, SplitConfig(test_subjects="sow*"))
    with pytest.raises(SettingError, match="give one of them"):
        SplitConfig(test_videos="*2*", test_subjects="sow*")


def test_the_same_seed_gives_the_same_split():
    videos = one_video(240.0).videos
    one, other = (make_split(videos, SplitConfig(seed=3)) for _ in range(2))
    assert one == other


def test_an_axis_that_is_labelled_elsewhere_is_in_every_part():
    bouts = (*alternating(120.0), *alternating(240.0, names=("nursing", "eating"), start=120.0))
    labels = Labels(ETHOGRAM, bouts)
    axes = (POSTURE, ACTIVITY)
    videos = (make_video(labels, axes, seconds=240.0),)
    split = make_split(videos, SplitConfig(gap_seconds=2))
    for axis, num_classes in ((0, 2), (1, 2)):
        classes = videos[0].classes[axis][split.mask(videos[0], "learn")]
        assert len(set(classes[classes >= 0])) == num_classes


def with_more(videos, seconds):
    """The same footage, with labels up to a later time."""
    labels = Labels(ETHOGRAM, alternating(seconds))
    longest = float(videos[0].end_seconds[-1])
    return (make_video(labels, (POSTURE,), seconds=longest),)


@pytest.mark.parametrize("method", ["blocks", "time"])
@pytest.mark.parametrize("seed", range(3))
def test_held_out_time_stays_held_out_when_labels_are_added(method, seed):
    before = with_more(one_video(360.0).videos, 330.0)
    earlier = make_split(before, SplitConfig(method=method, gap_seconds=4.0, seed=seed))
    read = Split.from_dict(json.loads(json.dumps(earlier.as_dict())))
    assert (read.pieces, read.gap_seconds) == (earlier.pieces, 4.0)
    (now,) = videos = one_video(360.0).videos
    split = extend_split(read, videos)
    assert nearest_seconds(split, videos) >= 4
    tested, learnt = split.mask(now, "test"), split.mask_learnt(now)
    # What was learnt from is not tested, what is tested is not learnt from; new labels are either.
    assert not (earlier.mask_learnt(before[0]) & tested).any()
    assert not (earlier.covers(now, "test") & learnt).any()
    assert np.array_equal(tested, earlier.covers(now, "test"))
    assert split.seconds["learn"] > earlier.seconds["learn"]
    nearest = np.abs(now.times_seconds[tested][:, None] - now.times_seconds[learnt]).min()
    assert nearest >= 4
    assert extend_split(split, videos) == split


def test_videos_that_are_kept_to_test_with_stay_so():
    videos = many(6)
    earlier = make_split(videos, SplitConfig())
    held = {one.video: one.part for one in earlier.pieces if one.part != "learn"}
    split = extend_split(earlier, (*videos, *many(7)[6:]))
    assert {one.video: one.part for one in split.pieces if one.video in held} == held
    assert split.tested_only == earlier.tested_only
    assert {one.part for one in split.of_video("day0_6.mp4")} == {"learn"}
    rest = [one for one in videos if one.name not in split.tested_only]
    with pytest.raises(LabelError, match="which has time that was kept to test with; give all"):
        extend_split(earlier, rest)


def test_a_subject_that_is_kept_to_test_with_stays_so_in_other_videos():
    subjects = [f"sow {index % 3}" for index in range(8)]
    videos = [replace(one, subject=own) for one, own in zip(many(8), subjects, strict=True)]
    earlier = make_split(videos[:6], SplitConfig(method="subjects", test_subjects="sow 1"))
    split = extend_split(earlier, videos)
    assert {one.part for one in split.pieces if one.subject == "sow 1"} == {"test"}
    assert {one.video for one in split.pieces if one.part == "test"} == {
        one.name for one in videos if one.subject == "sow 1"
    }
    assert not any(split.mask_learnt(one).any() for one in videos if one.subject == "sow 1")
    assert split.mask_learnt(videos[6]).any()  # of sow 0


def test_too_few_labels_are_said():
    with pytest.raises(LabelError, match="no labelled time is left to"):
        make_split(one_video(20.0).videos, SplitConfig(gap_seconds=30))
    with pytest.raises(LabelError, match="too few to leave whole ones out"):
        make_split(many(2), SplitConfig(method="videos"))
    apart = (Bout("pen.mp4", 0, 40, "lying"), Bout("pen.mp4", 45, 60, "standing"))
    videos = (make_video(Labels(ETHOGRAM, apart), (POSTURE,)),)
    with pytest.raises(LabelError, match="would be learnt from nowhere"):
        make_split(videos, SplitConfig(method="time", gap_seconds=1))


def test_it_is_plain_for_json_and_told_in_words():
    split = make_split(one_video(240.0).videos, SplitConfig(gap_seconds=3))
    assert set(split.as_dict()) == {"method", "seconds", "gap_seconds", "pieces"}
    assert "to learn from" in split.words()
    assert "to test with" in split.words()


@pytest.mark.parametrize(
    "fields",
    [
        {"gap_seconds": float("nan")},
        {"gap_seconds": -1},
        {"learn_share": 0},
        {"learn_share": 0.8, "test_share": 0.4},
    ],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(SettingError):
        SplitConfig(**fields)
