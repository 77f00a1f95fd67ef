"""Clips of several streams in one step: each is judged as if it were alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import vidmem
from tests.conftest import make_tiny_model
from tests.streaming.test_spool_stream import make_model as make_spool
from vidmem.streaming.batching import StepInput, framed_pixels, step_batch, to_model_clip

SHAPES = {"fam-swin": (8, 64, 64, 3), "spool": (4, 2, 3, 3), "nano": (16, 96, 96, 3)}
ROUNDING = 256 * torch.finfo(torch.float32).eps


def make(kind, **changes):
    if kind == "nano":
        return vidmem.load("fam-swin-nano", device="cpu", dtype="float32")
    return make_tiny_model(**changes) if kind == "fam-swin" else make_spool()


def pixels(kind, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, SHAPES[kind], dtype=torch.uint8, generator=generator)


def step(model, kind, memories, number):
    clips = [
        StepInput(pixels(kind, 100 * row + number), (number, number + 1.0), memory)
        for row, memory in enumerate(memories)
    ]
    together = step_batch(model, clips)
    alone = [step_batch(model, [clip])[0] for clip in clips]
    return together, alone


def aged(model, kind, l_mem, age):
    memory = model.init_state(1, l_mem=l_mem, clip_frames=SHAPES[kind][0])
    for number in range(age):
        memory = step_batch(model, [StepInput(pixels(kind, number), (0.0, 1.0), memory)])[0].memory
    return memory


def check_equal(together, alone, rounding=ROUNDING):
    for ours, theirs in zip(together, alone, strict=True):
        check_close(said(ours), said(theirs), rounding)
        tensors, wanted = ours.memory.to_tensors(), theirs.memory.to_tensors()
        assert tensors.keys() == wanted.keys()
        for name, tensor in tensors.items():
            is_made = name.endswith(("tokens", "features"))  # the rest are clips and times
            check_close(tensor, wanted[name], rounding if is_made else 0.0)
        assert ours.memory.num_bytes == theirs.memory.num_bytes


def check_close(ours, theirs, rounding):
    torch.testing.assert_close(ours, theirs, rtol=rounding, atol=rounding)


def said(judged):
    return torch.tensor(judged.probabilities).nan_to_num()


@pytest.mark.parametrize("changes", [{}, {"memory_every": 2}, {"anchors": 2}], ids=str)
def test_different_l_mem_and_ages_share_a_batch(changes):
    model = make("fam-swin", **changes)
    sizes = [(4, 0), (4, 9), (1, 3), (6, 2), (9, 30)]
    memories = [aged(model, "fam-swin", l_mem, age) for l_mem, age in sizes]
    assert len({memory.batch_key for memory in memories}) == 1
    for number in range(4):
        together, alone = step(model, "fam-swin", memories, number)
        check_equal(together, alone)
        memories = [one.memory for one in together]
    assert [memory.l_mem for memory in memories] == [l_mem for l_mem, _ in sizes]


def test_spool_streams_of_different_ages_share_a_batch():
    model = make("spool")
    memories = [aged(model, "spool", 3, age) for age in (0, 1, 5)]
    for number in range(4):
        together, alone = step(model, "spool", memories, number)
        check_equal(together, alone)
        memories = [one.memory for one in together]


def test_in_fp32_on_a_cpu_a_batch_equals_singles_bit_for_bit():
    """Of a model whose products have many rows: torch sums those in one order."""
    model = make("nano")
    memories = [aged(model, "nano", l_mem, age) for l_mem, age in ((8, 0), (8, 3), (2, 3), (5, 1))]
    for number in range(2):
        together, alone = step(model, "nano", memories, number)
        check_equal(together, alone, rounding=0.0)
        memories = [one.memory for one in together]


def test_in_bf16_a_batch_equals_singles_within_what_the_format_tells_apart():
    model = make("fam-swin").to(torch.bfloat16)
    memories = [aged(model, "fam-swin", l_mem, age) for l_mem, age in ((4, 0), (4, 9), (6, 2))]
    for number in range(3):
        together, alone = step(model, "fam-swin", memories, number)
        for ours, theirs in zip(together, alone, strict=True):
            check_close(said(ours), said(theirs), 16 * torch.finfo(torch.bfloat16).eps)
        memories = [one.memory for one in together]


def test_who_cannot_share_a_batch_has_another_key():
    fam, spool = make("fam-swin"), make("spool")
    assert aged(fam, "fam-swin", 0, 0).batch_key != aged(fam, "fam-swin", 4, 0).batch_key
    assert aged(spool, "spool", 2, 0).batch_key != aged(spool, "spool", 3, 0).batch_key
    ours = aged(spool, "spool", 2, 0)
    assert ours.batch_key != ours.with_range(1).batch_key
    whole = StepInput(pixels("spool", 0), (0.0, 1.0), ours)
    assert whole.batch_key != StepInput(whole.pixels[:2], (0.0, 1.0), ours).batch_key


@pytest.mark.parametrize("resize", ["squash", "crop", "letterbox"])
def test_a_picture_to_draw_on_is_what_the_model_sees(resize):
    model = make_tiny_model()
    model.card = replace(model.card, resize=resize, mean=(0.2, 0.4, 0.6), std=(1.0, 1.0, 1.0))
    sizes = {"squash": (64, 64), "crop": (64, 101), "letterbox": (37, 64)}
    generator = torch.Generator().manual_seed(0)
    given = torch.randint(0, 256, (2, *sizes[resize], 3), generator=generator, dtype=torch.uint8)
    framed = framed_pixels(given, model.card)
    assert framed.shape == (2, 64, 64, 3)
    seen = to_model_clip(given, model)[0].permute(0, 2, 3, 1)
    drawn = framed / 255 - torch.tensor(model.card.mean)
    torch.testing.assert_close(drawn, seen, atol=0.5 / 255, rtol=0)  # bars are whole numbers
