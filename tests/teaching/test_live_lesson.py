"""A lesson in real time: what was shown is told apart at once, from a bounded number of frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.teaching.taught import load_tiny
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Behaviour, Ethogram
from vidmem.models import FeatureConfig, FeatureEncoder, Preprocessing
from vidmem.teaching import LiveLesson

FPS = 10.0
LEFT, RIGHT = ETHOGRAM = ("left", "right")


def tiny_encoder() -> FeatureEncoder:
    """It sees pictures of 48 x 48 pixels."""
    config = FeatureConfig(backbone="tiny", cell_components=3, frame_components=4)
    pictures = Preprocessing(frame_height=48, frame_width=48, resize="letterbox")
    return FeatureEncoder(config, load_tiny("tiny", tokens_per_frame=36, preprocessing=pictures))


def make_lesson(*names: str, **changes) -> LiveLesson:
    return LiveLesson(Ethogram.of(*(names or ETHOGRAM)), tiny_encoder(), **changes)


class Scene:
    """A light square that is shown to a lesson, and the clock that goes on meanwhile."""

    def __init__(self, lesson: LiveLesson) -> None:
        self.lesson, self.seconds = lesson, 0.0
        self._rng = np.random.default_rng(0)

    @property
    def now(self) -> float:
        """After the newest frame, before the next one."""
        return self.seconds + 0.5 / FPS

    def frames(self, place: str, count: int, *, moves: bool = True):
        """Frames `[count, 30, 40, 3]` and their times."""
        pictures = np.full((count, 30, 40, 3), 40, np.uint8)
        column = 4 if place == LEFT else 24
        for picture in pictures:
            at = column + int(self._rng.integers(0, 7)) * moves
            picture[10:20, at : at + 8] = 220
        times = [self.seconds + (number + 1) / FPS for number in range(count)]
        self.seconds += count / FPS
        return torch.from_numpy(pictures), times

    def run(self, place: str, seconds: float, **how) -> None:
        self.lesson.add_frames(*self.frames(place, round(seconds * FPS), **how))

    def show(self, name: str, seconds: float = 1.0, *, place: str = "", **how) -> None:
        self.lesson.begin(name, self.now)
        self.run(place or name, seconds, **how)
        self.lesson.end(self.now)


@pytest.fixture
def scene():
    return Scene(make_lesson())


def most_likely(scene: Scene) -> str:
    probabilities = scene.lesson.answer().probabilities
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-5)
    return scene.lesson.behaviours[int(np.argmax(probabilities))]


def test_what_was_shown_is_told_apart_from_the_release_on(scene):
    assert scene.lesson.answer().missing.startswith("Nothing was shown yet")
    scene.show(LEFT)
    answer = scene.lesson.answer()
    assert answer.probabilities == ()
    assert answer.missing.startswith("Only left was shown")
    scene.lesson.begin(RIGHT, scene.now)
    scene.run(RIGHT, 1.0)
    assert scene.lesson.answer().probabilities == ()  # it is still held
    scene.lesson.end(scene.now)
    assert most_likely(scene) == RIGHT
    for place in (LEFT, RIGHT, LEFT):
        scene.run(place, 0.2)
        assert most_likely(scene) == place


def test_what_is_shown_otherwise_is_said_otherwise(scene):
    scene.show(LEFT)
    scene.show(RIGHT)
    scene.lesson.clear()
    assert scene.lesson.answer().probabilities == ()
    scene.show(RIGHT, place=LEFT)
    scene.show(LEFT, place=RIGHT)
    scene.run(LEFT, 0.2)
    assert most_likely(scene) == RIGHT


def test_movement_is_told_from_rest():
    scene = Scene(make_lesson("moving", "still"))
    for place in (LEFT, RIGHT):
        scene.show("moving", place=place)
        scene.show("still", place=place, moves=False)
    scene.run(LEFT, 0.4, moves=False)
    assert most_likely(scene) == "still"


@pytest.mark.parametrize("sizes", [(1,) * 12, (3, 7, 2), (12,)])
def test_how_many_frames_come_at_a_time_makes_no_difference(sizes):
    whole, parts = Scene(make_lesson()), make_lesson()
    for place in ETHOGRAM:
        whole.lesson.begin(place, whole.now)
        parts.begin(place, whole.now)
        frames, times = whole.frames(place, 12)
        whole.lesson.add_frames(frames, times)
        for piece, at in zip(frames.split(sizes), torch.tensor(times).split(sizes), strict=True):
            parts.add_frames(piece, at.tolist())
        whole.lesson.end(whole.now)
        parts.end(whole.now)
    assert parts.num_feature_frames == whole.lesson.num_feature_frames == 12
    expected = pytest.approx(whole.lesson.answer().probabilities, abs=1e-6)
    assert parts.answer().probabilities == expected


def test_frames_that_do_not_follow_one_another_are_no_group(scene):
    frames, _ = scene.frames(LEFT, 2)
    for times in ([1.0, 1.4], [2.0, 1.9], [3.0, 3.0]):
        scene.lesson.add_frames(frames, times)
    assert scene.lesson.num_feature_frames == 0
    scene.lesson.add_frames(frames[:1], [3.1])  # follows on the last of these
    assert scene.lesson.num_feature_frames == 1
    with pytest.raises(ValueError, match="with N times"):
        scene.lesson.add_frames(frames, [1.0])


def test_what_it_holds_is_bounded_and_examples_stay():
    scene = Scene(make_lesson(max_feature_frames=20))
    scene.show(LEFT)
    scene.show(RIGHT)
    scene.run(LEFT, 10.0)
    assert scene.lesson.num_feature_frames == 20
    assert most_likely(scene) == LEFT
    for name in ETHOGRAM:
        scene.show(name)
    assert scene.lesson.num_feature_frames == 20
    limit = scene.lesson.answer().limit
    assert limit.startswith("The lesson is full: it holds 4 s of examples")
    with pytest.raises(LabelError, match="The lesson is full"):
        scene.lesson.begin(LEFT, scene.now)
    scene.lesson.clear_last()
    assert scene.lesson.answer().limit == ""
    scene.show(RIGHT)
    assert most_likely(scene) == RIGHT


def test_an_example_of_which_nothing_was_seen_is_none(scene):
    with pytest.raises(LabelError, match=r"nothing was seen of left, .* half a second"):
        scene.show(LEFT, 0.0)
    scene.show(LEFT, 1.0)
    scene.lesson.begin(LEFT, scene.now)
    scene.lesson.begin(RIGHT, scene.now)  # at once: the first was a slip of the hand
    scene.run(RIGHT, 1.0)
    scene.lesson.end(scene.now)
    scene.lesson.end(scene.now + 1.0)  # nothing is held any more
    assert [one.behaviour for one in scene.lesson.labels.bouts] == [LEFT, RIGHT]
    with pytest.raises(LabelError, match="no behaviour 'up' in this lesson, but left, right"):
        scene.lesson.begin("up", 0.0)


def test_the_last_example_is_taken_back_with_what_it_took_from_others(scene):
    scene.run(LEFT, 4.0)
    scene.lesson.begin(LEFT, 0.0)
    scene.lesson.end(3.0)
    before = scene.lesson.labels
    scene.lesson.begin(RIGHT, 1.0)  # the same moments, seen again
    scene.lesson.end(2.0)
    assert [one.behaviour for one in scene.lesson.labels.bouts] == [LEFT, RIGHT, LEFT]
    scene.lesson.clear_last()
    assert scene.lesson.labels == before
    scene.lesson.clear_last()
    scene.lesson.clear_last()
    assert scene.lesson.labels.bouts == ()


def test_how_good_it_is_is_said_of_examples_that_were_left_out(scene):
    for name in (LEFT, RIGHT, LEFT, RIGHT):
        scene.show(name, 0.6)
    answer = scene.lesson.answer()
    assert answer.left_out_f1 is None
    assert answer.missing.endswith("two of each behaviour that was shown; there are 4.")
    scene.show(LEFT, 0.6)
    answer = scene.lesson.answer()
    assert answer.missing == ""
    assert answer.left_out_f1 > 0.85


def test_examples_that_cannot_be_told_apart_are_not_said_to_be(scene):
    for number in range(8):
        scene.show(ETHOGRAM[number % 2], 0.6, place=ETHOGRAM[number // 2 % 2])
    assert scene.lesson.answer().left_out_f1 < 0.8


def test_what_cannot_be_a_lesson_is_refused():
    with pytest.raises(SettingError, match="2 to 9 behaviours to tell apart, got 1"):
        make_lesson("left")
    encoder = tiny_encoder()
    two_axes = Ethogram((Behaviour("lying", axis="posture"), Behaviour("eating", axis="activity")))
    with pytest.raises(SettingError, match="states of one axis; they are of posture, activity"):
        LiveLesson(two_axes, encoder)
    point = Ethogram((Behaviour("lying"), Behaviour("peck", kind="point")))
    with pytest.raises(SettingError, match="states of one axis; peck is a point"):
        LiveLesson(point, encoder)
