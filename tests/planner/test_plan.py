import json
from dataclasses import asdict, replace

import pytest
import torch

from tests.planner.measured import SMALL, tiny_encoder
from vidmem.errors import SettingError
from vidmem.models import presets
from vidmem.models.fam_swin.config import FamSwinConfig, MemoryConfig
from vidmem.models.interface import ModelCard
from vidmem.models.spool.config import SpoolConfig
from vidmem.planner.estimate import estimate
from vidmem.planner.plan import PIXEL_BYTES, plan
from vidmem.planner.rate import full_state, measure_clips_per_second
from vidmem.planner.request import PlanRequest, memory_of_this_machine, request_for
from vidmem.planner.sizing import StepSize

GB = 1_000_000_000
CONFIG = FamSwinConfig(embed_dim=24, num_heads=(1, 2, 4, 8), depths=(1, 1, 1, 1), num_classes=7)
SPOOL = SpoolConfig(embed_dim=48, num_heads=4, num_lookback_heads=2, num_lookahead_heads=2)
CARD = ModelCard(name="tiny", title="Tiny", class_names=("one", "two"), fps=2.0, clip_frames=8)
REQUEST = PlanRequest(
    config=CONFIG, size=SMALL, fps=2.0, window_stride=6, device_bytes=GB, free_share=0.25
)


def test_all_streams_together_just_fit():
    found, size = plan(REQUEST), REQUEST.size
    cost = estimate(CONFIG, size)
    pixels = size.clip_frames * 3 * size.frame_height * size.frame_width
    once = cost.shared_bytes + cost.activation_bytes + pixels * PIXEL_BYTES
    streams = found.streams_in_memory
    assert once + streams * cost.state_bytes <= 0.75 * GB
    assert once + (streams + 1) * cost.state_bytes > 0.75 * GB


def test_what_is_remembered_is_counted_in_seconds():
    found = plan(REQUEST)
    assert found.seconds_per_clip == 8 / 2
    assert found.seconds_between_clips == 6 / 2
    assert found.seconds_remembered == 3 * 6 / 2
    seldom = replace(CONFIG, memory=MemoryConfig(memory_every=5))
    assert plan(replace(REQUEST, config=seldom)).seconds_remembered == 5 * 9


def test_a_rate_is_shared_out_over_streams():
    found = plan(replace(REQUEST, clips_per_second=10.0, decode_speed=25.5))
    assert (found.streams_computed, found.streams_decoded) == (30, 25)
    assert (found.streams, found.binds) == (25, "decoding")


@pytest.mark.parametrize(
    ("changes", "binds", "said"),
    [
        ({}, "memory", "fit into memory; how fast this device computes and how fast it decodes"),
        ({"clips_per_second": 10.0}, "compute", "30 streams: computing binds first"),
        ({"clips_per_second": 10.0}, "compute", "how fast it decodes is not known"),
        ({"clips_per_second": 1e9, "decode_speed": 1e9}, "memory", "memory is full first"),
        ({"clips_per_second": 10.0, "decode_speed": 2.0}, "decoding", "2 streams: decoding binds"),
    ],
)
def test_a_sentence_says_what_binds_first(changes, binds, said):
    found = plan(replace(REQUEST, **changes))
    assert found.binds == binds
    assert said in found.sentence


def test_a_device_too_small_is_told_so():
    found = plan(replace(REQUEST, device_bytes=1000))
    assert found.streams == 0
    assert found.sentence.startswith("Not even one stream fits")


def test_a_batch_that_does_not_fit_is_halved():
    size = replace(SMALL, batch_size=1024)
    found = plan(replace(REQUEST, size=size, device_bytes=GB // 10))
    assert found.batch_size < 1024
    assert found.streams_in_memory >= found.batch_size >= 1


def test_more_memory_costs_streams_and_more_streams_cost_no_weights():
    short, long = (plan(replace(REQUEST, size=replace(SMALL, l_mem=n))) for n in (5, 50))
    assert long.streams_in_memory < short.streams_in_memory
    assert long.estimate.shared_bytes == short.estimate.shared_bytes


def test_thousands_of_streams_of_swin_t_fit_where_the_study_had_forty():
    size = StepSize(batch_size=8, dtype=torch.bfloat16, device="cuda")
    request = PlanRequest(
        config=presets.fam_swin_t(), size=size, fps=4, window_stride=32, device_bytes=96 * GB
    )
    assert plan(request).streams_in_memory > 2000


def test_what_is_impossible_is_refused():
    with pytest.raises(SettingError, match="window_stride must be clip_frames for this model"):
        replace(REQUEST, config=SPOOL)
    with pytest.raises(SettingError, match="free_share must be from 0 to below 1, got 1"):
        replace(REQUEST, free_share=1)
    with pytest.raises(SettingError, match="clips_per_second must be above 0"):
        replace(REQUEST, clips_per_second=0.0)
    with pytest.raises(SettingError, match="must have memory"):
        replace(REQUEST, device_bytes=0)


def test_a_card_gives_what_nobody_says():
    request = request_for(CONFIG, CARD, device="cpu", device_bytes=GB, l_mem=None)
    assert (request.fps, request.size.clip_frames, request.window_stride) == (2.0, 8, 16)
    assert (request.size.l_mem, request.size.dtype) == (25, torch.float32)
    both = replace(CARD, window_stride=8)
    longer = request_for(CONFIG, both, device="cpu", device_bytes=GB, clip_frames=12, fps=4)
    assert (longer.window_stride, longer.fps) == (12, 4)


def test_a_window_is_a_memory_of_its_clips_but_one():
    both = replace(CARD, window_stride=8)
    request = request_for(SPOOL, both, device="cpu", device_bytes=GB)
    assert request.size.l_mem == 64 // 8 - 1
    assert request.uncounted_encoder is None
    other = request_for(replace(SPOOL, backbone="mine"), both, device="cpu", device_bytes=GB)
    assert other.uncounted_encoder == "mine"


def test_a_model_without_memory_remembers_nothing():
    plain = replace(CONFIG, memory=None)
    assert request_for(plain, CARD, device="cpu", device_bytes=GB).size.l_mem == 0
    with pytest.raises(SettingError, match="has no memory, so l_mem must be 0, got 3"):
        request_for(plain, CARD, device="cpu", device_bytes=GB, l_mem=3)


def test_this_machine_has_memory():
    assert memory_of_this_machine("cpu") > GB // 10
    if not torch.cuda.is_available():
        with pytest.raises(SettingError, match="no CUDA device here"):
            memory_of_this_machine("cuda")


@pytest.mark.parametrize("config", [CONFIG, SPOOL], ids=["FAM Swin", "Spool"])
def test_a_rate_is_measured_with_a_full_memory(config, monkeypatch):
    size, remembered = replace(SMALL, batch_size=2), []

    def watch(model, size):
        state = full_state(model, size)
        remembered.extend(state.num_remembered.tolist())
        return state

    monkeypatch.setattr("vidmem.planner.rate.full_state", watch)
    encoder = replace(tiny_encoder(), tokens_per_frame=64)
    config = replace(config, tokens_per_frame=64) if config is SPOOL else config
    rate = measure_clips_per_second(config, size, torch.device("cpu"), encoder, num_calls=2)
    assert rate > 0
    assert remembered == [3, 3]


def test_a_rate_needs_an_encoder_that_is_known():
    with pytest.raises(SettingError, match="give --clips-per-second"):
        measure_clips_per_second(replace(SPOOL, backbone="mine"), SMALL, torch.device("cpu"))


def test_an_estimate_can_be_written_as_json():
    parts = [asdict(part) for part in estimate(CONFIG, SMALL).flops]
    assert json.loads(json.dumps(parts))[0]["name"] == "patch embedding"
