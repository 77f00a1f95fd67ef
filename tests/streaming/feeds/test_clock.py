"""A burnt-in clock is found by its seconds and painted over, and nothing that moves is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.streaming.doubles import CARD
from vidmem.models import load_folder, save
from vidmem.streaming.feeds.clock import clock_blocks, find_clock, hide, ticking_blocks
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed

WIDTH, HEIGHT, SOURCE_FPS = 160, 96, 12
LEFT, TOP = 132, 82
"""Of the digit, 8 pixels wide and 10 high."""

SEGMENTS = torch.rand(10, 5, 4, generator=torch.Generator().manual_seed(1)) > 0.5
"""Ten digits that differ from one another, each in pixels of 2 x 2."""


def draw(seconds: float, *, has_clock: bool, speed: float = 11.0) -> np.ndarray:
    """A pen in which an animal walks all the time."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    x, y = int(speed * seconds) % 120, 30 + int(3 * speed * seconds) % 20
    picture[y : y + 12, x : x + 20] = 220
    if has_clock:
        digit = np.kron(SEGMENTS[int(seconds + 0.4) % 10].numpy(), np.ones((2, 2)))
        picture[TOP : TOP + 10, LEFT : LEFT + 8] = (235 * digit)[..., None].astype(np.uint8)
    return picture


def blocks_of(drawer: Callable[[float], np.ndarray]) -> torch.Tensor:
    """Those of a clock, in ten stretches of three seconds, at four looks a second."""
    starts = [7.3 * number for number in range(10)]
    looks = [[drawer(start + look / 4) for look in range(13)] for start in starts]
    return clock_blocks([ticking_blocks(torch.from_numpy(np.array(one))) for one in looks])


def walking(seconds: float) -> np.ndarray:
    return draw(seconds, has_clock=False)


def pausing(seconds: float) -> np.ndarray:
    """It takes a step about once a second."""
    return draw(round(seconds * 0.85) / 0.85, has_clock=False)


def test_the_blocks_of_a_clock_are_found_beside_an_animal_that_walks():
    found = blocks_of(lambda seconds: draw(seconds, has_clock=True))
    assert found.shape == (HEIGHT // 8, WIDTH // 8)
    places = {(y * 8, x * 8) for y, x in found.nonzero().tolist()}
    assert places  # of them each has a part of the digit
    assert all(TOP - 8 < y < TOP + 10 and LEFT - 8 < x < LEFT + 8 for y, x in places)


@pytest.mark.parametrize("drawer", [walking, pausing], ids=lambda one: one.__name__)
def test_what_moves_is_no_clock(drawer):
    assert not blocks_of(drawer).any()


def test_a_whole_scene_that_changes_once_a_second_is_no_clock():
    noise = torch.Generator().manual_seed(2)
    pictures = torch.randint(0, 256, (90, HEIGHT, WIDTH, 3), generator=noise, dtype=torch.uint8)
    assert not blocks_of(lambda seconds: pictures[int(seconds)].numpy()).any()


def write(path: Path, seconds: float, *, has_clock: bool, fps: int = SOURCE_FPS) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "18", "g": str(2 * fps)}
        for number in range(round(seconds * fps)):
            picture = draw(number / fps, has_clock=has_clock, speed=11 if fps > 1 else 90)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("clock") / "clock.mp4", 15, has_clock=True)


def read(path: Path, *, hides_clock: bool, start_frame: int = 0, num_frames: int = 30):
    card = replace(CARD, frame_width=WIDTH, frame_height=HEIGHT, hides_clock=hides_clock)
    request = FeedRequest(path=path, card=card, fps=4.0, start_frame=start_frame, reader="auto")
    feed = open_file_feed(request)
    try:
        return feed.read(num_frames).pixels
    finally:
        feed.close()


def test_a_feed_paints_it_over_and_nothing_else_and_the_same_wherever_it_begins(video):
    places = find_clock(video)
    assert 1 <= len(places) <= 8
    shown, hidden = read(video, hides_clock=False), read(video, hides_clock=True)
    painted = (shown != hidden).any(-1).any(0).nonzero()
    assert painted.amin(0).tolist() >= [TOP - 12, LEFT - 12]
    digits = hidden[:, TOP : TOP + 10, LEFT : LEFT + 8]
    assert (digits == 128).all()
    by_hand = shown.clone()
    hide(by_hand, places)
    assert torch.equal(by_hand, hidden)
    assert torch.equal(read(video, hides_clock=True, start_frame=17, num_frames=13), hidden[17:])


@pytest.mark.parametrize(
    ("seconds", "has_clock", "fps"),
    [(15, False, SOURCE_FPS), (9, True, SOURCE_FPS), (15, False, 1)],
    ids=["none", "too short to tell", "one picture a second"],
)
def test_a_file_without_one_stays_as_it_is(tmp_path, seconds, has_clock, fps):
    path = write(tmp_path / "none.mp4", seconds, has_clock=has_clock, fps=fps)
    assert find_clock(path) == ()


def test_a_model_keeps_that_it_is_hidden(tiny_model, tmp_path):
    tiny_model.card = replace(tiny_model.card, hides_clock=True)
    save(tiny_model, tmp_path)
    assert load_folder(tmp_path).card.hides_clock
