"""The bars of a letterbox are no part of the picture: nothing moves in them, whatever flickers."""

from __future__ import annotations

import torch

from vidmem.models.features.motion import SIDE, motion_channels

STD = (0.2, 0.25, 0.3)
BARS = 28
"""Rows above and below: a half of all, and the cells of the first and the last row."""


def picture(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, 3, SIDE, SIDE, generator=generator) * 0.2 + 0.5


def letterboxed(frames: torch.Tensor) -> torch.Tensor:
    frames = frames.clone()
    frames[..., :BARS, :] = frames[..., -BARS:, :] = 0
    return frames


def flickered(frames: torch.Tensor) -> torch.Tensor:
    """Brighter by the same grey everywhere."""
    return frames + 0.05 / torch.tensor(STD).view(1, 3, 1, 1)


def test_a_picture_that_flickers_between_bars_does_not_move():
    before, now = letterboxed(picture()), letterboxed(flickered(picture()))
    cells, whole = motion_channels(before, now, (4, 4), STD)
    still, still_whole = motion_channels(before, before, (4, 4), STD)
    torch.testing.assert_close(cells.exp(), still.exp(), rtol=0, atol=1e-4)
    torch.testing.assert_close(whole.exp(), still_whole.exp(), rtol=0, atol=1e-4)


def test_what_moves_is_seen_as_without_bars_and_the_bars_stay_still():
    before, now = picture(), flickered(picture())
    now[..., 50:60, 50:60] += 2
    cells, _ = motion_channels(letterboxed(before), letterboxed(now), (4, 4), STD)
    plain, _ = motion_channels(before, now, (4, 4), STD)
    of_rows, plain_of_rows = cells.unflatten(1, (4, 4))[0], plain.unflatten(1, (4, 4))[0]
    torch.testing.assert_close(of_rows[1:3].exp(), plain_of_rows[1:3].exp(), rtol=1e-3, atol=1e-3)
    still, _ = motion_channels(before, before, (4, 4), STD)
    assert torch.equal(of_rows[[0, 3]], still.unflatten(1, (4, 4))[0][[0, 3]])


def test_frames_that_are_nothing_but_bars_have_no_motion():
    bars = torch.zeros(2, 3, 40, 40)
    cells, whole = motion_channels(bars, bars, (2, 2), STD)
    assert cells.isfinite().all()
    assert whole.isfinite().all()


def test_rows_that_go_black_or_come_back_have_moved():
    """A bar is one in both frames."""
    black = picture()
    black[..., 60:66, :] = 0
    for before, now in ((picture(), black), (black, picture())):
        cells, _ = motion_channels(before, now, (4, 4), STD)
        assert (cells.unflatten(1, (4, 4))[0, 2, :, 2].exp() > 0.1).all()
