"""Videos encoded for teaching: what a stream would be given, once, however often interrupted."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

import av
import pytest
import torch

from tests.streaming.doubles import FakeVideo, source_file
from tests.video.making import Kind, draw_number, write_video
from vidmem.errors import EmptyVideoError, ModelError, SettingError, StorageError
from vidmem.models import (
    Backbone,
    BackboneConfig,
    FeatureStore,
    FollowedCrop,
    ModelCard,
    Preprocessing,
)
from vidmem.models.features.config import FeatureConfig
from vidmem.models.features.encoder import FeatureEncoder
from vidmem.streaming import Region, RegionFeeds, StreamSettings
from vidmem.streaming.batching import to_model_clip
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.streaming.windows import Position, WindowReader
from vidmem.teaching import encoding
from vidmem.teaching.encoding import (
    EncodingCancelledError,
    encode_regions,
    encode_video,
    find_features,
)
from vidmem.video.sampling import Gap

NUM_FRAMES = 77
"""Three batches of 32 sampled frames, the last one short; the last group too."""

SIDE = 24
PICTURES = Preprocessing(frame_height=SIDE, frame_width=SIDE, resize="crop")


def make_encoder(encode_every: int = 2, **changes) -> FeatureEncoder:
    torch.manual_seed(3)
    options = {
        "hidden_size": 12,
        "num_hidden_layers": 1,
        "num_attention_heads": 3,
        "patch_size": 8,
        "image_size": 32,
    }
    config = BackboneConfig(
        options=options, tokens_per_frame=3, preprocessing=replace(PICTURES, **changes)
    )
    features = FeatureConfig(tokens_per_frame=3, encode_every=encode_every)
    return FeatureEncoder(features, Backbone(config))


@pytest.fixture
def store(tmp_path):
    return FeatureStore(folder=tmp_path / "features")


@pytest.fixture
def video(tmp_path, monkeypatch):
    """A fake one at 8 frames per second, of which pixels say the time."""
    return fake_video(tmp_path, monkeypatch)


def fake_video(tmp_path, monkeypatch, num_frames: int = NUM_FRAMES, **kwargs):
    opener = FakeVideo(num_frames, base_fps=8.0, size=(SIDE, SIDE), **kwargs)
    monkeypatch.setattr(encoding, "open_file_feed", opener)
    path = tmp_path / "pen.mp4"
    return SimpleNamespace(
        path=path if path.exists() else source_file(tmp_path), feeds=opener.feeds
    )


@pytest.fixture(scope="module")
def real_video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos"), Kind("pen", fps=10), 40)


class StopAfter:
    """Asks to stop when it was told of so many frames."""

    def __init__(self, num_frames: int) -> None:
        self.num_frames, self.told = num_frames, []

    def __call__(self, progress) -> None:
        self.told.append(progress)

    def is_cancelled(self) -> bool:
        return bool(self.told) and self.told[-1].num_frames >= self.num_frames


def assert_same(one, other) -> None:
    for name in ("tokens", "cell_motion", "frame_motion"):
        assert torch.equal(getattr(one.raw, name), getattr(other.raw, name)), name
    for name in ("start_seconds", "end_seconds", "times_seconds"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert (one.gaps, one.duration_seconds) == (other.gaps, other.duration_seconds)


def streamed(path, encoder, opener, clip_frames: int, follow: FollowedCrop | None = None):
    """What a model's encoder is given by a stream, clip by clip."""
    preprocessing = encoder.backbone.preprocessing
    card = ModelCard(name="m", title="M", class_names=("a",), follow=follow, **vars(preprocessing))
    model = SimpleNamespace(card=card, dtype=torch.float32, device=torch.device("cpu"))
    feed = opener(FeedRequest(path=path, card=card, fps=8.0, start_frame=0, reader="auto"))
    settings = StreamSettings(fps=8.0, clip_frames=clip_frames, window_stride=clip_frames)
    windows, raws = WindowReader(feed, settings, Position()), []
    try:
        while (read := windows.read()) is not None:
            raw = encoder.raw(to_model_clip(read.pixels, model))
            end = encoder.config.num_feature_frames(read.window.num_real_frames)
            raws.append([part[0, :end] for part in vars(raw).values()])
    finally:
        feed.close()
    return [torch.cat(parts) for parts in zip(*raws, strict=True)]


REGION = Region("corner", 0.25, 0.0, 0.5, 0.75)


@pytest.mark.parametrize(
    ("region", "resize", "follow"),
    [(None, "crop", None), (REGION, "squash", None), (None, "letterbox", FollowedCrop(share=0.6))],
    ids=["whole picture", "region", "followed"],
)
def test_features_are_those_of_the_clips_that_a_stream_gets(
    real_video, store, region, resize, follow
):
    encoder = make_encoder(resize=resize)
    got = encode_video(real_video, encoder, fps=8.0, store=store, region=region, follow=follow)
    if region is None:
        want = streamed(real_video, encoder, open_file_feed, 12, follow)
    else:
        with RegionFeeds(real_video, [region]) as feeds:
            want = streamed(real_video, encoder, feeds.open_feed(region), 12)
    assert got.raw.tokens.dtype == torch.float16
    assert len(got) == len(want[0]) == 16
    torch.testing.assert_close(got.raw.tokens.float(), want[0], rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(got.raw.cell_motion, want[1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(got.raw.frame_motion, want[2], rtol=1e-4, atol=1e-4)
    assert got.raw.frame_motion.std() > 0.1  # something moves in it
    other = None if region or follow else REGION
    different = encode_video(real_video, encoder, fps=8.0, store=store, region=other)
    assert not torch.equal(different.raw.tokens, got.raw.tokens)


CORNERS = (REGION, Region("foot", 0.0, 0.5, 0.9, 0.5))


def test_regions_are_decoded_once_and_are_those_that_streams_of_all_get(
    real_video, store, monkeypatch
):
    openings = []

    def counting(request):
        openings.append(request.start_frame)
        return open_file_feed(request)

    monkeypatch.setattr(encoding, "open_file_feed", counting)
    monkeypatch.setattr(encoding, "BATCH_GROUPS", 4)
    encoder, settings = make_encoder(resize="squash"), {"regions": CORNERS, "fps": 8.0}
    got = encode_regions(real_video, encoder, **settings, store=store)
    assert openings == [0]
    with RegionFeeds(real_video, CORNERS) as feeds:
        for region in CORNERS:
            want = streamed(real_video, encoder, feeds.open_feed(region), 12)
            raw = got[region.name].raw
            torch.testing.assert_close(raw.tokens.float(), want[0], rtol=2e-3, atol=2e-3)
            torch.testing.assert_close(raw.cell_motion, want[1], rtol=1e-4, atol=1e-4)
    assert_same(encode_regions(real_video, encoder, **settings, store=store)["foot"], got["foot"])
    assert openings == [0]

    other = replace(store, folder=store.folder / "other")
    stop = StopAfter(8)
    listening = {"progress": stop, "is_cancelled": stop.is_cancelled}
    with pytest.raises(EncodingCancelledError):
        encode_regions(real_video, encoder, **settings, store=other, **listening)
    told = []
    again = encode_regions(real_video, encoder, **settings, store=other, progress=told.append)
    assert told[0].num_frames > 0  # it went on
    for name, features in again.items():
        assert_same(features, got[name])


def test_times_are_those_of_groups(video, store):
    got = encode_video(video.path, make_encoder(), fps=8.0, store=store)
    starts = [n / 4 for n in range(39)]
    assert got.start_seconds.tolist() == starts
    assert got.end_seconds.tolist() == [*starts[1:], NUM_FRAMES / 8]
    assert got.times_seconds.tolist() == [*(one + 1 / 8 for one in starts[:-1]), 76 / 8]
    assert got.start_seconds.dtype == torch.float64
    assert (got.duration_seconds, got.gaps, got.video) == (NUM_FRAMES / 8, (), str(video.path))


def test_the_second_call_decodes_nothing(video, store):
    assert find_features(video.path, make_encoder(), fps=8.0, store=store) is None
    first = encode_video(video.path, make_encoder(), fps=8.0, store=store)
    found = find_features(video.path, make_encoder(), fps=8.0, store=store)
    assert found is not None
    assert torch.equal(found.raw.tokens, first.raw.tokens)
    told = []
    again = encode_video(video.path, make_encoder(), fps=8.0, store=store, progress=told.append)
    assert_same(first, again)
    assert (len(video.feeds), told) == (1, [])


@pytest.mark.parametrize("num_frames", [0, 32, 64, 77])
@pytest.mark.parametrize("encode_every", [2, 3])
def test_cancelled_and_gone_on_is_as_in_one_go(
    tmp_path, monkeypatch, store, num_frames, encode_every
):
    gap = Gap(start_seconds=2.0, end_seconds=2.25, reason="a hole")
    video = fake_video(tmp_path, monkeypatch, gap_at={16: gap})
    encoder = make_encoder(encode_every)
    whole = encode_video(
        video.path, encoder, fps=8.0, store=replace(store, folder=tmp_path / "other")
    )
    stop = StopAfter(num_frames)
    settings = {"fps": 8.0, "store": store}
    with pytest.raises(EncodingCancelledError):
        encode_video(video.path, encoder, **settings, progress=stop, is_cancelled=stop.is_cancelled)
    told = []
    got = encode_video(video.path, encoder, **settings, progress=told.append)
    assert_same(got, whole)
    assert video.feeds[-1].start_frame >= num_frames
    assert told[0].num_frames == video.feeds[-1].start_frame
    assert all(feed.is_closed for feed in video.feeds)


def test_a_decoder_that_fails_keeps_what_is_encoded(tmp_path, monkeypatch, store):
    video = fake_video(tmp_path, monkeypatch, error_at={70: RuntimeError("of a decoder")})
    with pytest.raises(RuntimeError, match="of a decoder"):
        encode_video(video.path, make_encoder(), fps=8.0, store=store)
    video = fake_video(tmp_path, monkeypatch)
    encode_video(video.path, make_encoder(), fps=8.0, store=store)
    assert video.feeds[0].start_frame == 64


def test_groups_with_damage_inside_are_left_out(tmp_path, monkeypatch, store):
    gap = Gap(start_seconds=1.3, end_seconds=1.8, reason="a hole")
    video = fake_video(tmp_path, monkeypatch, gap_at={11: gap})
    got = encode_video(video.path, make_encoder(), fps=8.0, store=store)
    assert got.gaps == (gap,)
    assert got.start_seconds.tolist() == [n / 4 for n in range(39) if n not in (5, 6, 7)]
    assert len(got.raw.tokens) == len(got) == 36


def test_nothing_is_in_a_hole_and_it_is_gone_on_behind_it(tmp_path, monkeypatch, store):
    path, encoder, settings = tmp_path / "hole.mp4", make_encoder(), {"fps": 8.0}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": "10"}
        for number in [*range(33), *range(233, 273)]:  # no pictures from 3.3 s to 23.3 s
            frame = av.VideoFrame.from_ndarray(draw_number(number, 64, 48), format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    monkeypatch.setattr(encoding, "BATCH_GROUPS", 4)
    whole = encode_video(path, encoder, **settings, store=replace(store, folder=tmp_path / "a"))
    assert bool(((whole.end_seconds <= 3.4) | (whole.start_seconds >= 23.2)).all())
    assert whole.start_seconds[0] == 0
    assert 26.9 < float(whole.end_seconds[-1]) <= whole.duration_seconds
    assert [round(gap.start_seconds, 1) for gap in whole.gaps] == [3.3]
    stop = StopAfter(24)
    with pytest.raises(EncodingCancelledError):
        encode_video(
            path, encoder, **settings, store=store, progress=stop, is_cancelled=stop.is_cancelled
        )
    assert_same(encode_video(path, encoder, **settings, store=store), whole)


def test_all_of_it_damaged_is_an_error(tmp_path, monkeypatch, store):
    gap = Gap(start_seconds=0.0, end_seconds=99.0, reason="a hole")
    video = fake_video(tmp_path, monkeypatch, gap_at={0: gap})
    for _ in range(2):
        with pytest.raises(EmptyVideoError, match="no 2 sampled frames in a row"):
            encode_video(video.path, make_encoder(), fps=8.0, store=store)


def test_progress_says_frames_and_time_left(video, store):
    told = []
    encode_video(video.path, make_encoder(), fps=8.0, store=store, progress=told.append)
    assert [one.num_frames for one in told] == [0, 32, 64, 77]
    assert {one.total_frames for one in told} == {NUM_FRAMES}
    assert told[0].seconds_left is None
    assert told[1].seconds_left > told[-1].seconds_left == 0


def test_what_somebody_else_encodes_is_waited_for(video, store, monkeypatch):
    keys, make = [], store.writer

    def keep(self, key):
        keys.append(key)
        return make(key)

    monkeypatch.setattr(FeatureStore, "writer", keep)
    stop = StopAfter(32)
    settings = {"fps": 8.0, "store": store}
    with pytest.raises(EncodingCancelledError):
        encode_video(
            video.path, make_encoder(), **settings, progress=stop, is_cancelled=stop.is_cancelled
        )
    monkeypatch.undo()
    other = store.writer(keys[0])
    waits = []

    def let_go(progress) -> None:
        waits.append(progress.is_waiting)
        other.close()

    monkeypatch.setattr(encoding, "_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(encoding, "open_file_feed", FakeVideo(NUM_FRAMES, size=(SIDE, SIDE)))
    encode_video(video.path, make_encoder(), **settings, progress=let_go)
    assert waits[0]
    assert not waits[-1]


@pytest.mark.parametrize("change", ["fps", "every", "weights", "pixels", "file"])
def test_other_settings_are_encoded_anew(video, store, change):
    encoder, settings = make_encoder(), {"fps": 8.0, "store": store}
    encode_video(video.path, encoder, **settings)
    if change == "fps":
        settings["fps"] = 4.0
    elif change == "every":
        encoder = make_encoder(4)
    elif change == "weights":
        next(encoder.backbone.parameters()).data.add_(1)
    elif change == "pixels":
        encoder = make_encoder(mean=(0.1, 0.2, 0.3))
    else:
        os.utime(video.path, (1, 1))
    encode_video(video.path, encoder, **settings)
    assert len(video.feeds) == 2


def test_what_will_not_fit_is_said_before_anything_is_encoded(video, store):
    encoder = make_encoder()
    encoder.backbone.forward = None
    with pytest.raises(StorageError, match="do not fit"):
        encode_video(video.path, encoder, fps=8.0, store=replace(store, max_bytes=3000))


def test_what_is_no_number_is_said(video, store):
    encoder = make_encoder()
    for parameter in encoder.backbone.parameters():
        parameter.data.fill_(torch.nan)
    with pytest.raises(ModelError, match="too large for float16, near 00:00"):
        encode_video(video.path, encoder, fps=8.0, store=store)


def test_impossible_settings_are_refused(video, store):
    with pytest.raises(SettingError, match="fps must be"):
        encode_video(video.path, make_encoder(), fps=0.0, store=store)
    with pytest.raises(SettingError, match="is live"):
        encode_video("rtsp://camera/1", make_encoder(), fps=8.0, store=store)
