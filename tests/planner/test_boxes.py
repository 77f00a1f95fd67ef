"""Boxes and stretches that a plan counts are those that a model makes, whatever their number."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
import torch

from vidmem.models.presets import describe
from vidmem.nn.attention_windows import Size3, fit_window, runs_of, window_plan
from vidmem.nn.frame_attention import chunk_frames, sees_whole_range, stretch_bounds
from vidmem.nn.frames import FrameLayout
from vidmem.planner import PlanRequest, plan
from vidmem.planner.fam_swin.swin_shapes import box_plan, different_runs
from vidmem.planner.request import request_for

CPU = torch.device("cpu")


def size_up_to(chance: random.Random, most: int) -> Size3:
    return chance.randint(1, most), chance.randint(1, most), chance.randint(1, most)


@pytest.mark.parametrize("seed", range(40))
def test_counted_boxes_are_those_of_the_model(seed):
    chance = random.Random(seed)
    grid, window = size_up_to(chance, 20), size_up_to(chance, 7)
    half = (window[0] // 2, window[1] // 2, window[2] // 2)
    shift = half if seed % 2 else (0, 0, 0)
    window, shift = fit_window(grid, window, shift)
    made, counted = window_plan(grid, window, shift, CPU), box_plan(grid, window, shift)
    assert [(g.num_boxes, g.tokens_per_box) for g in made.groups] == [
        (g.num_boxes, g.tokens_per_box) for g in counted.groups
    ]
    assert (made.num_tokens, made.has_padding) == (counted.num_tokens, counted.has_padding)
    assert made.order.numel() == counted.num_boxed
    for max_tokens in (1, 7, 50, 300, 10**6):
        runs = {
            tuple((group.num_boxes, group.tokens_per_box) for _, group in run.parts)
            for run in runs_of(made, max_tokens)
        }
        assert runs == {
            tuple((group.num_boxes, group.tokens_per_box) for group in run)
            for run in different_runs(counted, max_tokens)
        }


@pytest.mark.parametrize("seed", range(40))
def test_the_inside_of_a_window_is_where_every_chunk_sees_its_whole_range(seed):
    chance = random.Random(seed)
    layout = FrameLayout(
        num_frames=chance.randint(1, 40),
        tokens_per_frame=chance.choice([1, 7, 30, 64, 200]),
        local_frame_range=chance.randint(0, 50),
        num_lookback_heads=1,
        num_heads=2,
        context_scope="global",
        has_context_frames=True,
    )
    for is_lookback in (True, False):
        bounds = stretch_bounds(layout, is_lookback=is_lookback)
        assert bounds[-1] == -(-layout.num_frames // chunk_frames(layout))
        for is_inside, (low, high) in zip((False, True, False), pairwise(bounds), strict=True):
            for chunk in range(low, high):
                whole = sees_whole_range(layout, chunk, chunk + 1, is_lookback=is_lookback)
                assert whole == is_inside


def absurd(name: str) -> PlanRequest:
    return request_for(
        *describe(name),
        device="cpu",
        device_bytes=10**14,
        frame_height=4096,
        frame_width=4096,
        clip_frames=512,
        l_mem=1000,
        batch_size=1024,
    )


@pytest.mark.parametrize("name", ["fam-swin-b", "spool-nano"])
def test_planning_an_absurd_size_costs_no_more_than_planning_a_usual_one(name):
    # Its grid has 268 million tokens: a list of them would be gigabytes, and take minutes.
    began = time.process_time()
    assert plan(absurd(name)).step_bytes > 10**12
    assert time.process_time() - began < 2
