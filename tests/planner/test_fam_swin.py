from dataclasses import replace

import pytest
import torch

from tests.planner.measured import SMALL, cost_of_fam_swin
from vidmem.errors import SettingError
from vidmem.models import presets
from vidmem.models.fam_swin.config import FamSwinConfig, MemoryConfig
from vidmem.models.fam_swin.model import FamSwin
from vidmem.nn import swin
from vidmem.planner.estimate import estimate
from vidmem.planner.measure import measure
from vidmem.planner.rate import full_state
from vidmem.planner.sizing import StepSize

WITHIN = 0.1
NARROW = FamSwinConfig(embed_dim=24, num_heads=(1, 2, 4, 8), depths=(2, 2, 3, 2), num_classes=7)
ONE_BLOCK_EACH = replace(NARROW, depths=(1, 1, 1, 1), memory=MemoryConfig(stages=(1, 4)))
OTHER_WINDOW = replace(NARROW, attention_window=(2, 3, 5), tubelet_size=(1, 8, 4))
ONE_STAGE = replace(NARROW, memory=MemoryConfig(stages=(2,), tokens_per_clip=32))
PLAIN = replace(NARROW, memory=None)

CASES = {
    "usual": (NARROW, SMALL),
    "memory off": (NARROW, replace(SMALL, l_mem=0)),
    "long memory": (NARROW, replace(SMALL, l_mem=30)),
    "plain Video Swin": (PLAIN, replace(SMALL, l_mem=0)),
    "three streams": (NARROW, replace(SMALL, batch_size=3)),
    "padded": (NARROW, replace(SMALL, clip_frames=7, frame_height=90, frame_width=70)),
    "one block in each stage": (ONE_BLOCK_EACH, SMALL),
    "another attention window": (OTHER_WINDOW, replace(SMALL, batch_size=2)),
    "memory in one stage": (ONE_STAGE, replace(SMALL, l_mem=12)),
    "wider frames, longer clips": (NARROW, replace(SMALL, clip_frames=20, frame_width=160)),
}


ALSO_IN_BF16 = ["usual", "three streams", "padded", "another attention window"]


@pytest.mark.parametrize("name", CASES)
def test_what_is_estimated_is_what_is_measured(name):
    check(*CASES[name])


@pytest.mark.parametrize("has_amx", [True, False])
@pytest.mark.parametrize("name", ALSO_IN_BF16)
def test_in_bf16_too_where_attention_may_go_in_pieces(name, has_amx, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    config, size = CASES[name]
    check(config, replace(size, dtype=torch.bfloat16))


@pytest.mark.parametrize("name", ["usual", "three streams", "another attention window"])
def test_where_a_block_takes_many_runs(name, monkeypatch):
    monkeypatch.setattr(swin, "CACHED_BYTES", 1 << 15)
    check(*CASES[name])


def check(config, size):
    estimated, measured = estimate(config, size), cost_of_fam_swin(config, size)
    assert estimated.weight_bytes == measured.weight_bytes
    assert estimated.state_bytes == measured.state_bytes
    assert estimated.table_bytes == pytest.approx(measured.table_bytes, rel=WITHIN)
    assert estimated.activation_bytes == pytest.approx(measured.activation_bytes, rel=WITHIN)
    assert estimated.total_flops == pytest.approx(measured.flops, rel=1e-6)


@pytest.mark.parametrize("preset", ["t", "s", "b"])
def test_the_weights_of_the_presets_are_counted_exactly(preset):
    config = getattr(presets, f"fam_swin_{preset}")()
    model = FamSwin(config)
    assert estimate(config, StepSize()).weight_bytes == sum(p.nbytes for p in model.parameters())


def test_swin_t_remembers_25_clips_in_16_mb():
    size = StepSize(l_mem=25, dtype=torch.bfloat16)
    estimated = estimate(presets.fam_swin_t(), size)
    model = FamSwin(presets.fam_swin_t()).eval().to(torch.bfloat16)
    assert estimated.state_bytes == model.init_state(1, l_mem=25).num_bytes <= 16_000_000


def test_memory_costs_by_the_clip_and_nothing_else_grows():
    short, long = (estimate(NARROW, replace(SMALL, l_mem=clips)) for clips in (10, 20))
    by_name = [{part.name: part.amount for part in e.flops} for e in (short, long)]
    grown = {name for name in by_name[0] if by_name[0][name] != by_name[1][name]}
    assert grown == {"memory read"}
    assert long.weight_bytes == short.weight_bytes
    per_clip = (long.state_bytes - short.state_bytes) / 10
    assert per_clip == 128 * 2 * (NARROW.width(3) + NARROW.width(4)) * 4 + 2 * 24


def test_streams_share_weights_and_tables():
    one, four = (estimate(NARROW, replace(SMALL, batch_size=n)) for n in (1, 4))
    assert four.shared_bytes == one.shared_bytes
    assert four.state_bytes == 4 * one.state_bytes


def test_impossible_sizes_are_refused():
    with pytest.raises(SettingError, match="clip_frames must be at least 1, got 0"):
        StepSize(clip_frames=0)
    with pytest.raises(SettingError, match="at least 0 clips"):
        StepSize(l_mem=-1)
    with pytest.raises(SettingError, match="floating point"):
        StepSize(dtype=torch.int8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_on_cuda_the_peak_is_what_the_allocator_says(dtype):
    cuda, size = torch.device("cuda"), StepSize(l_mem=25, dtype=dtype, device="cuda")
    model = FamSwin(presets.fam_swin_t()).eval().to(cuda, dtype)
    state = full_state(model, size)
    clip = torch.randn(1, 32, 3, 224, 224, device=cuda)
    with torch.no_grad():
        measured = measure(lambda: model.step(clip, state), cuda)
    estimated = estimate(presets.fam_swin_t(), size)
    assert estimated.activation_bytes == pytest.approx(measured.peak_bytes, rel=WITHIN)
