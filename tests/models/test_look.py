"""Whether footage is like what a model was trained on: drawn barns are, everything else is not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vidmem.data.barn import BarnConfig, BarnVideo
from vidmem.errors import CheckpointError
from vidmem.models.look import LOOK_FILE, SIZE, Look, frame_statistics, look_of
from vidmem.models.presets import bundled_models
from vidmem.video.probe import probe_video
from vidmem.video.readers.sampled_video import SampledVideo

UNSEEN_SEEDS = range(9000, 9006)


@pytest.fixture(scope="module")
def look() -> Look:
    made = Look.read(bundled_models()["fam-swin-nano"])
    assert made is not None
    return made


def as_frame(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.broadcast_to(values, (*SIZE, 3)).astype(np.uint8).copy())


def colour_bars() -> torch.Tensor:
    colours = np.array([[(n >> bit & 1) * 255 for bit in range(3)] for n in range(8)])
    return as_frame(np.repeat(colours, SIZE[1] // 8, 0)[None])


@pytest.mark.slow
def test_unseen_barns_by_day_and_night_are_like_it(look):
    for seed in UNSEEN_SEEDS:
        light = ("day", "night", "auto")[seed % 3]
        frame = BarnVideo(BarnConfig(minutes=2, seed=seed, light=light)).frame(50.0, 160, 96)
        assert look.unlikeness(torch.from_numpy(frame)[None]) < 1, seed


def test_test_cards_and_noise_are_not(look):
    random = np.random.default_rng(0)
    cards = [colour_bars(), *(as_frame(np.array(level)) for level in (0, 128, 255))]
    cards.append(torch.from_numpy(random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)))
    for card in cards:
        assert look.unlikeness(card[None]) > 1


def test_real_footage_is_not(look, shared_videos):
    for name in ("tracktor_mouse_first_half.mp4", "cows_freestall_night.gif", "pigtrack.mp4"):
        (path,) = shared_videos.rglob(name)
        info, (height, width) = probe_video(path), SIZE
        video = SampledVideo(info, fps=1.0, size=(width, height), reader="pyav")
        first = next(iter(video.samples(0)))
        assert look.unlikeness(torch.from_numpy(first.pixels)[None]) > 1, name


def test_other_sizes_are_brought_to_its_own():
    frame = as_frame(np.linspace(0, 255, SIZE[1])[None, :, None])
    doubled = frame.repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.allclose(frame_statistics(doubled), frame_statistics(frame), atol=2e-3)


def test_it_is_written_and_read_beside_the_weights_and_refused_where_damaged(tmp_path):
    frames = torch.randint(0, 256, (12, *SIZE, 3), dtype=torch.uint8)
    look = Look.fit(frames, limit=1.5)
    assert look_of(object()) is None
    assert Look.read(tmp_path) is None
    look.write(tmp_path)
    again = Look.read(tmp_path)
    assert again is not None
    assert again.unlikeness(frames[:1]) == pytest.approx(look.unlikeness(frames[:1]), abs=1e-9)
    content = (tmp_path / LOOK_FILE).read_bytes()
    for damaged in (content[:100], b"", content[:-4]):
        (tmp_path / LOOK_FILE).write_bytes(damaged)
        with pytest.raises(CheckpointError, match="is damaged"):
            Look.read(tmp_path)
