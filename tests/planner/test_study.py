from dataclasses import replace

import pytest
import torch

from vidmem.models import presets
from vidmem.models.fam_swin.model import FamSwin
from vidmem.planner.request import PlanRequest
from vidmem.planner.sizing import StepSize
from vidmem.planner.study import (
    GRADIENTS_BYTES,
    STUDY_L_MEMS,
    STUDY_STREAM_BYTES,
    STUDY_STREAMS,
    compare_with_study,
)
from vidmem.planner.tensor_bytes import LiveBytes

SIZE = StepSize(batch_size=8, dtype=torch.bfloat16, device="cuda")
SWIN_T = PlanRequest(
    config=presets.fam_swin_t(), size=SIZE, fps=4, window_stride=32, device_bytes=1
)


@pytest.fixture(scope="module")
def compared():
    return compare_with_study(SWIN_T)


def test_the_table_has_the_studys_rows(compared):
    assert tuple(row.l_mem for row in compared.rows) == STUDY_L_MEMS == (10, 20, 25, 30)


def test_a_stream_with_everything_to_itself_is_mostly_copies(compared):
    for row in compared.rows:
        assert row.copied_bytes == sum(part.amount for part in row.breakdown)
        assert row.state_bytes < row.copied_bytes / 10


def test_sharing_beats_copying_and_the_study_on_both_devices(compared):
    for row in compared.rows:
        for gigabytes, plan in row.shared.items():
            assert plan.streams_in_memory > 10 * row.copied_streams[gigabytes]
            assert plan.streams_in_memory > 50 * STUDY_STREAMS[1]


def test_the_study_is_not_explained_by_copies_and_the_text_says_so(compared):
    in_float32 = replace(SWIN_T, size=replace(SIZE, dtype=torch.float32))
    base = replace(in_float32, config=presets.fam_swin_b())
    for row in compare_with_study(base).rows:
        assert row.copied_bytes < STUDY_STREAM_BYTES[0]
    text = " ".join(compared.sentences)
    assert "2.4 to 3.0 GB each" in text
    assert "27 to 38 streams" in text
    assert "Copies alone do not reach 2.5 GB" in text


@pytest.mark.slow
def test_a_step_that_keeps_what_gradients_need_holds_what_the_study_says():
    model = FamSwin(presets.fam_swin_t()).eval()
    clip, state = torch.randn(1, 32, 3, 224, 224), model.init_state()
    with LiveBytes() as live:
        output = model.step(clip, state)
    del output
    assert live.peak_bytes == pytest.approx(GRADIENTS_BYTES, rel=0.05)
    low, high = STUDY_STREAM_BYTES
    assert low < live.peak_bytes < high
