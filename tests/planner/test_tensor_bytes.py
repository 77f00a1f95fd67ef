import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from tests.planner.measured import SMALL
from vidmem.models.fam_swin.config import FamSwinConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.planner.tensor_bytes import LiveBytes, peak_live_bytes


def test_tensors_count_while_they_are_held():
    before = torch.ones(1000)
    with torch.no_grad(), LiveBytes() as live:
        kept = before + 1
        view = kept.view(10, 100)
        assert live.held_bytes == 4000
        more = view * 2
        assert live.held_bytes == 8000
        del more
        assert live.held_bytes == 4000
        del kept
        assert live.held_bytes == 4000  # the view holds it
        del view
        assert live.held_bytes == 0
    assert live.peak_bytes == 8000
    assert live.peak_at == "aten.mul.Tensor [10, 100]"


def test_what_was_there_before_is_not_counted():
    before = torch.ones(1000)
    with torch.no_grad(), LiveBytes() as live:
        before.add_(1)
        before.view(10, 100).mul_(2)
        del before
    assert live.peak_bytes == live.held_bytes == 0


def test_the_peak_of_a_call_has_its_output_in_it():
    assert peak_live_bytes(lambda: torch.zeros(10, dtype=torch.uint8)) == 10


def test_composed_operations_are_not_taken_as_a_whole():
    with (
        torch.inference_mode(),
        pytest.raises(RuntimeError, match="use no_grad"),
        LiveBytes(),
    ):
        torch.zeros(3) + 1


def test_it_sees_what_the_profiler_sees():
    model = FamSwin(FamSwinConfig(embed_dim=24, depths=(2, 2, 2, 2))).eval()
    clip, state = torch.randn(1, SMALL.clip_frames, 3, 64, 96), model.init_state(l_mem=3)
    with torch.no_grad():
        model.step(clip, state)
        counted = peak_live_bytes(lambda: model.step(clip, state))
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            model.step(clip, state)
    assert counted == pytest.approx(_profiled_peak(seen), rel=0.01)


def _profiled_peak(seen):
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak
