"""What can be seen of a Spool on features: its frames are the encoded ones of each group."""

import numpy as np
import pytest
import torch

from tests.inspection.subjects import make_stream
from tests.models.features.tiny import tiny_spool
from vidmem.errors import SettingError
from vidmem.inspection import (
    direct_effects,
    inspect_heads,
    memory_gradients,
    patch_grid,
    pixel_gradients,
    reaches_pixels,
    total_effects,
)


def seconds(start, stop):
    return torch.tensor([[start, stop]], dtype=torch.float64)


@torch.no_grad()
@pytest.mark.parametrize(("num_last", "last"), [(4, [3.25, 3.75]), (3, [3.25, 3.5]), (1, [3.0])])
def test_the_times_of_frames_are_those_of_the_pictures_encoded(num_last, last):
    model = tiny_spool()
    torch.manual_seed(0)
    video = torch.randn(1, 16, 3, 32, 32)
    state = model.init_state(1)
    for start in range(3):
        state = model.step(
            video[:, 4 * start : 4 * start + 4], state, seconds(start, start + 1)
        ).state
    clip = video[:, 12 : 12 + num_last]
    span = seconds(3, 3 + num_last / 4)
    view = inspect_heads(model, clip, state, span).heads
    past = [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]
    assert view.frame_seconds.tolist() == pytest.approx([*past, *last])
    assert view.layout.num_frames == len(past) + len(last)
    if num_last == 4:  # from features alone, which are of whole groups
        again = inspect_heads(model, model.encode(clip), state, span).heads
        assert again.frame_seconds.tolist() == view.frame_seconds.tolist()
        np.testing.assert_array_equal(again.offset_share, view.offset_share)
    assert patch_grid(model) == (2, 2)


def test_attributions_work_but_for_pixels():
    subject, replay = make_stream(tiny_spool(), num_clips=4)
    maps = memory_gradients(subject, num_steps=8).run()
    # Of each clip in memory, over its two feature frames and the tokens' grid.
    assert [one.values.shape for one in maps.maps] == [(3, 2, 2, 2)]
    assert maps.score.log_odds == pytest.approx(subject.score().log_odds, abs=1e-4)
    assert len(direct_effects(subject).run().clips) == 3
    effects = total_effects(replay, subject.remembered, subject.class_index).run()
    assert len(effects.clips) == 3
    assert not reaches_pixels(subject.model)
    with pytest.raises(SettingError, match="no gradients reach the pixels"):
        pixel_gradients(subject)
