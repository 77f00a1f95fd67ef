"""What moves, and what only looks as if it did."""

import math

import pytest
import torch

from vidmem.models.features.motion import motion_channels

STD = (0.5, 0.5, 0.5)
GRID = (2, 3)
STILL = math.log(1e-4)


def picture(seed=0, height=48, width=72):
    """A smooth scene in colours of 0 to 1, `[1, 3, H, W]`."""
    torch.manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 9) * 0.5 + 0.25
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")


def motion(before, now):
    return motion_channels(before / 0.5, now / 0.5, GRID, STD)


def with_square(scene, row, column, side=8, colour=1.0):
    changed = scene.clone()
    changed[..., row : row + side, column : column + side] = colour
    return changed


def test_a_still_picture_has_no_motion():
    cells, frame = motion(picture(), picture())
    assert cells.shape == (1, 6, 3) and frame.shape == (1, 3)
    assert cells.flatten().tolist() == pytest.approx([STILL] * 18)
    assert frame.flatten().tolist() == pytest.approx([STILL] * 3)


@pytest.mark.parametrize("brighter", [0.1, -0.2])
def test_a_flicker_of_the_whole_picture_is_none(brighter):
    cells, frame = motion(picture(), picture() + brighter)
    assert (cells.exp() < 1e-3).all() and (frame.exp() < 1e-3).all()


def test_a_square_that_moved_is_in_its_cell():
    scene = picture()
    # From one place to another within the cell of the second row and the last column.
    cells, frame = motion(with_square(scene, 28, 52), with_square(scene, 36, 60))
    changed = cells[0, :, 2].exp()
    assert changed.argmax() == 5
    assert (changed[:5] < 1e-3).all()
    assert float(frame[0, 2].exp()) == pytest.approx(float(changed[5]) / 6, rel=0.05)
    assert cells[0].argmax(0).tolist() == [5, 5, 5]


def test_noise_of_single_pixels_is_no_motion():
    torch.manual_seed(1)
    scene = picture(height=224, width=224)
    noisy = [scene + 0.05 * torch.randn_like(scene) for _ in range(2)]
    cells, _ = motion(*noisy)
    assert (cells[0, :, 2].exp() < 0.01).all()


def test_in_noisy_footage_a_square_still_shows():
    torch.manual_seed(1)
    scene = picture(height=224, width=224)
    before, now = (
        with_square(scene, 150, at, side=40) + 0.1 * torch.randn_like(scene) for at in (160, 170)
    )
    cells, _ = motion(before, now)
    assert cells[0, :, 2].argmax() == 5


@pytest.mark.parametrize("flicker", [0.0, 0.2])
def test_bars_of_a_letterbox_do_no_harm(flicker):
    """They stay black while the picture between them flickers."""
    scene = with_square(picture(), 20, 30)
    moved = with_square(picture(), 24, 36) + flicker
    bars = [torch.nn.functional.pad(one, (0, 0, 8, 8), value=0.0) for one in (scene, moved)]
    cells, _ = motion(*bars)
    assert cells.isfinite().all()
    assert cells[0, :, 2].exp().max() > 0.02


def test_rows_of_a_batch_are_independent():
    pairs = [(picture(0), with_square(picture(0), 10, 10)), (picture(1), picture(2))]
    together = motion(*(torch.cat([pair[n] for pair in pairs]) for n in range(2)))
    for row, pair in enumerate(pairs):
        for got, want in zip(together, motion(*pair), strict=True):
            torch.testing.assert_close(got[row], want[0])
