"""Pictures for people's eyes."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.video.making import Kind, draw_number, read_number, write_video
from vidmem.errors import SettingError
from vidmem.video import PictureReader


def decode(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)))


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    kind = Kind("pictures", gop=100, b_frames=2, width=320, height=240)
    return write_video(tmp_path_factory.mktemp("pictures"), kind, 300)


def test_the_picture_on_display_at_any_time(video: Path) -> None:
    with PictureReader(video) as reader:
        assert (reader.width, reader.height) == (320, 240)
        for seconds, number in (
            (0, 0),
            (0.05, 1),
            (0.08, 2),
            (9.2, 230),
            (9.3, 232),
            (1.0, 25),
            (-3, 0),
            (11.96, 299),
            (1e6, 299),
        ):
            picture = reader.picture(seconds)
            assert read_number(decode(picture.jpeg)) == number
            assert picture.pts_seconds == pytest.approx(number / 25)


def test_large_videos_are_shrunk_and_small_ones_left(video: Path) -> None:
    with PictureReader(video, max_height=120) as reader:
        picture = reader.picture(1.0)
        assert decode(picture.jpeg).shape == (120, 160, 3)
        assert (picture.width, picture.height) == (160, 120)


def test_pictures_are_upright_and_in_their_true_shape(tmp_path: Path) -> None:
    path = tmp_path / "rotated.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        stream.set_display_rotation(90)
        for number in range(5):
            upright = np.rot90(draw_number(number * 500 + 3, 96, 128), -1)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(upright), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with PictureReader(path) as reader:
        # Stored 128 x 96 with pixels twice as wide as high, lying on its side.
        assert (reader.width, reader.height) == (96, 256)
        numbers = [read_number(decode(reader.picture(k / 25).jpeg)) for k in range(5)]
    assert numbers == [3, 503, 1003, 1503, 2003]


def test_impossible_settings_are_refused(video: Path) -> None:
    with pytest.raises(SettingError, match="at least 16 pixels"):
        PictureReader(video, max_height=3)
    with pytest.raises(SettingError, match=r"quality must be in \[1, 95\]"):
        PictureReader(video, quality=0)


def test_several_threads_may_ask(video: Path) -> None:
    numbers = [7, 250, 31, 120, 3, 290]
    with PictureReader(video) as reader, ThreadPoolExecutor(3) as pool:
        pictures = list(pool.map(lambda number: reader.picture(number / 25), numbers))
    assert [read_number(decode(picture.jpeg)) for picture in pictures] == numbers
