"""A linear head sees the frames around each one, in the order of time."""

from __future__ import annotations

import pytest
import torch

from vidmem.models.features.linear_head import FeatureHead

REACH, NUM_FRAMES = 2, 7


@pytest.mark.parametrize(("back", "ahead"), [(None, None), (1, None), (None, 0), (5, 1)])
def test_it_sees_its_neighbours_in_the_order_of_time(back, ahead):
    torch.manual_seed(0)
    head = FeatureHead(3, 2, reach_frames=REACH)
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    features = torch.randn(2, NUM_FRAMES, 4, 3)
    means, want = features.mean(2), []
    first = -min(REACH, REACH if back is None else back)
    last = min(REACH, REACH if ahead is None else ahead)
    for frame in range(NUM_FRAMES):
        # Beyond what may be seen, and beyond the video, stands the farthest that there is.
        offsets = [min(max(offset, first), last) for offset in range(-REACH, REACH + 1)]
        places = [min(max(frame + offset, 0), NUM_FRAMES - 1) for offset in offsets]
        seen = torch.cat([means[:, place] for place in places], 1)
        want.append(seen @ head.weight.T + head.bias)
    with torch.no_grad():
        got = head(features, back_frames=back, ahead_frames=ahead)
    torch.testing.assert_close(got, torch.stack(want, 1).detach())
