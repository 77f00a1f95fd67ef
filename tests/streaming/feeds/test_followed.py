"""A square that follows what differs: the same wherever a stream begins, and never outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.streaming.doubles import CARD, FakeModel
from vidmem.errors import CheckpointError, SettingError
from vidmem.models import FollowedCrop, load_folder, save
from vidmem.streaming import Engine, PushedFeed, Region, RegionFeeds
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.streaming.feeds.followed import SquareCut, UsualPicture
from vidmem.video.frame_feed import SampledFrames

WIDTH, HEIGHT, SIDE = 160, 120, 12
SHARE = 0.3
FOLLOWING = replace(
    CARD,
    frame_width=18,
    frame_height=18,
    resize="letterbox",
    follow=FollowedCrop(share=SHARE, every_frames=3),
)
WITHOUT_PICTURES = 200
"""Frames: 20 s between the 33rd and the next."""


def drawn(number: int) -> np.ndarray:
    """A white animal that walks over floorboards."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    picture[:, ::8] = 60
    x, y = 8 + 2 * (number % 70), 40 + number % 17
    picture[y : y + SIDE, x : x + SIDE] = 250
    return picture


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("followed") / "animal.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "16", "g": "10"}
        for number in range(73):
            frame = av.VideoFrame.from_ndarray(drawn(number), format="rgb24")
            frame.pts = number if number < 33 else number + WITHOUT_PICTURES
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def request_of(path: Path, start_frame: int = 0) -> FeedRequest:
    return FeedRequest(path=path, card=FOLLOWING, fps=10.0, start_frame=start_frame, reader="auto")


def read_all(feed, num_frames: int) -> list[SampledFrames]:
    """Up to the end, so many at a time."""
    parts = [feed.read(num_frames)]
    while not parts[-1].is_end:
        parts.append(feed.read(num_frames))
    return parts


def by_number(parts: list[SampledFrames]) -> dict[int, torch.Tensor]:
    return {
        index: pixels
        for part in parts
        for index, pixels in zip(part.sample_indices.tolist(), part.pixels, strict=True)
    }


def test_it_is_the_same_in_pieces_and_wherever_reading_begins(video):
    feed = open_file_feed(request_of(video, start_frame=7))
    try:
        late = by_number(read_all(feed, 4))
        feed.seek(0)
        whole = read_all(feed, 500)
        assert [len(part) for part in whole[:2]] == [33, 40]
        assert (whole[0].is_before_break, whole[1].break_before is None) == (True, False)
        frames = by_number(whole)
        assert list(frames) == [*range(33), *range(233, 273)]
        assert next(iter(late)) == 7
        for start in (31, 32, 50, 234, 235):  # before the break, in it, and right behind it
            feed.seek(start)
            first = feed.read(2)
            assert int(first.sample_indices[0]) == max(start, 233 if start > 32 else start)
            assert (first.break_before is None) == (start != 50)
            late |= by_number([first])
        for index, pixels in late.items():
            assert torch.equal(pixels, frames[index]), index
        feed.set_fps(5.0, 3)
        assert torch.equal(feed.read(1).pixels[0], frames[6])  # 6 begins three frames at 10, too
    finally:
        feed.close()
    for index, pixels in frames.items():
        assert pixels.shape == (18, 18, 3)
        if index % 3 == 0:  # its place was found in this very frame
            light = torch.nonzero(pixels.float().mean(-1) > 170).float()
            number = index if index < 33 else index - WITHOUT_PICTURES
            if 20 < 2 * (number % 70) < 110:  # else the square is at the edge of the picture
                assert light.mean(0).tolist() == pytest.approx([8.5, 8.5], abs=1.5)
            assert 25 <= len(light) <= 60  # a third of the square each way


def picture(x: int, y: int, side: int = SIDE) -> torch.Tensor:
    pixels = torch.full((HEIGHT, WIDTH, 3), 90, dtype=torch.uint8)
    pixels[y : y + side, x : x + side] = 250
    return pixels


USUAL = UsualPicture.of([torch.full((HEIGHT, WIDTH), 90 / 255)])


@pytest.mark.parametrize("brightness", [0, 40], ids=["still", "lit otherwise"])
def test_where_nothing_differs_it_is_in_the_middle(brightness):
    pixels = torch.full((HEIGHT, WIDTH, 3), 90 + brightness, dtype=torch.uint8)
    pixels[3, 3] = 255  # too little to be an animal
    assert USUAL.place(pixels, SHARE) == (0.5, 0.5)


def test_it_stays_inside_the_picture():
    cut = SquareCut.of(WIDTH, HEIGHT, FOLLOWING, FollowedCrop(share=SHARE))
    across, down = cut.decoded
    for x, y in ((0, 0), (WIDTH - 4, HEIGHT - 4), (0, HEIGHT - 4), (70, 50)):
        left, top = cut.corner(USUAL.place(picture(x, y), SHARE))
        assert 0 <= left <= across - cut.side
        assert 0 <= top <= down - cut.side
        middle = [(x + SIDE / 2) * across / WIDTH, (y + SIDE / 2) * down / HEIGHT]
        assert left - 1 <= middle[0] <= left + cut.side + 1
        assert top - 1 <= middle[1] <= top + cut.side + 1


def test_of_two_animals_it_follows_the_one_that_differs_more():
    pixels = picture(20, 20)
    pixels[90:105, 120:140] = 250
    x, y = USUAL.place(pixels, SHARE)
    assert (x * WIDTH, y * HEIGHT) == pytest.approx((130, 97.5), abs=1)


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (320, 240), (64, 400), (9, 9)])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_pictures_are_decoded_no_larger_than_needed(width, height, share):
    card = replace(FOLLOWING, frame_width=100, frame_height=80)
    cut = SquareCut.of(width, height, card, FollowedCrop(share=share))
    assert cut.size == (80, 80)
    assert 1 <= cut.side <= min(cut.decoded)
    assert cut.decoded[0] <= width
    assert cut.decoded[1] <= height
    assert cut.side <= 81  # of which no pixel is thrown away, but for rounding


def test_what_is_no_file_is_refused_with_a_sentence(video, tmp_path):
    model = FakeModel(FOLLOWING)
    with pytest.raises(SettingError, match="is live, and Fake follows"):
        Engine("rtsp://127.0.0.1:9/pen", model)
    feed = PushedFeed(8, 6, 4.0, CARD)
    with pytest.raises(SettingError, match="record it"):
        Engine("webcam", model, open_feed=lambda request: feed)
    feed = PushedFeed(8, 6, 4.0, CARD)
    engine = Engine("webcam", FakeModel(), open_feed=lambda request: feed)
    with engine, pytest.raises(SettingError, match="record it"):
        engine.update(model=model)
    region = Region("left", 0, 0, 0.5, 1)
    with RegionFeeds(video, [region]) as feeds, pytest.raises(SettingError, match="no region"):
        feeds.open_feed(region)(request_of(video))


def test_a_model_keeps_it_in_its_folder(tiny_model, tmp_path):
    save(tiny_model, tmp_path / "plain")
    assert '"follow"' not in (tmp_path / "plain" / "config.json").read_text()
    assert load_folder(tmp_path / "plain").card.follow is None
    tiny_model.card = replace(tiny_model.card, follow=FollowedCrop(share=0.25, every_frames=4))
    save(tiny_model, tmp_path / "following")
    assert load_folder(tmp_path / "following").card == tiny_model.card
    path = tmp_path / "following" / "config.json"
    path.write_text(path.read_text().replace("0.25", "7.5"))
    with pytest.raises(CheckpointError, match=r"0\.05 to 1 of the shorter edge, got 7\.5"):
        load_folder(tmp_path / "following")
