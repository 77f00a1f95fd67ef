"""Pictures of past clips: held as long as they fit, and read again from the file when not."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from app.sources import clip_pictures
from app.sources.clip_pictures import MAX_HELD_BYTES, ClipPictures

PICTURE_BYTES = 90_000


class Source:
    """Reads a picture for each time, and counts."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def picture(self, seconds):
        self.times.append(seconds)
        return SimpleNamespace(jpeg=os.urandom(PICTURE_BYTES), pts_seconds=seconds)

    def close(self):
        pass


@pytest.fixture
def source(monkeypatch):
    monkeypatch.setattr(clip_pictures, "_shrunk", lambda jpeg: jpeg)
    return Source()


def test_what_is_held_stays_within_its_bytes_however_many_are_looked_at(source, tmp_path):
    clips = ClipPictures(tmp_path / "barn.mp4", lambda path: source)
    for number in range(300):
        clips.frames(number, number + 1, 1)
    held = sum(len(one["jpeg"]) for one in clips._held.values())
    assert MAX_HELD_BYTES - 2 * PICTURE_BYTES <= held <= MAX_HELD_BYTES
    clips.close()


def test_those_asked_for_last_are_not_read_again(source, tmp_path):
    clips = ClipPictures(tmp_path / "barn.mp4", lambda path: source)
    first = clips.frames(0, 1, 1)
    for number in range(1, 300):
        clips.frames(number, number + 1, 1)
        assert clips.frames(0, 1, 1) == first  # looked at all the while
    assert len(source.times) == 300
    clips.frames(1, 2, 1)  # not looked at for long
    assert len(source.times) == 301
    clips.close()
