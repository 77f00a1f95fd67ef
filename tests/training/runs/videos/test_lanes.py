"""Lanes: each row follows its own stream, with a memory that neither leaks nor outlives it."""

from itertools import groupby
from pathlib import Path

import pytest
import torch

from tests.training.runs.videos.miniature import FAM, VIT, config_values, make_card
from vidmem.data import DatasetSample, Manifest
from vidmem.errors import SettingError
from vidmem.training.runs.config import config_from
from vidmem.training.runs.kinds import Draw, PixelFacts
from vidmem.training.runs.run import train_run
from vidmem.training.runs.videos.lanes import LaneBatch, StreamsTask, with_fresh_rows
from vidmem.training.runs.videos.segments import StreamSegments, segmental_scores_of
from vidmem.training.runs.videos.timeline import LaneTimeline, StreamPlan

MODEL = {"kind": "fam-swin", **FAM, "gate": 1.0}
TASK = {"clips_per_step": 2, "minutes": 0.1}


def make_config(miniature, **tables):
    task = TASK | tables.pop("task", {})
    values = config_values(miniature, MODEL, "streams", task=task, checkpoints={"every": 1})
    for name, table in tables.items():
        values[name] = values[name] | table
    return config_from(values)


def make_network(config):
    torch.manual_seed(0)
    return config.model_kind.make(config.model, PixelFacts(card=make_card())).train()


def make_batch(is_first, step=0, seed=0):
    source = torch.Generator().manual_seed(seed)
    rows = len(is_first)
    return LaneBatch(
        clips=torch.randn(rows, 2, 4, 3, 32, 32, generator=source),
        classes=torch.tensor([[0, 1]] * rows),
        is_first=torch.tensor(is_first),
        draw=Draw(seed=0, step=step, part=0, num_parts=1, size=rows),
    )


def rows_of(state, row):
    return state.select([row]).to_tensors()


def assert_equal_states(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def config(miniature):
    return make_config(miniature)


@pytest.fixture
def task(config):
    return StreamsTask(config.task)


def test_a_lane_that_begins_anew_is_a_fresh_one_bit_for_bit(config, task):
    network = make_network(config)
    task.loss(network, make_batch([True, True]))
    state = task._states[0]
    assert state.num_remembered.tolist() == [2, 2]
    fresh = network.init_state(2, network.l_mem)
    after = with_fresh_rows(state, fresh, torch.tensor([False, True]))
    assert_equal_states(rows_of(after, 0), rows_of(state, 0))
    assert_equal_states(rows_of(after, 1), rows_of(fresh, 1))
    # And so is all that it says from there on: the lane in row 1 is at its first clip again.
    batch = make_batch([False, True], step=1, seed=1)
    logits, _ = network(batch.clips, after)
    alone, _ = network(batch.clips[1:], network.init_state(1, network.l_mem))
    torch.testing.assert_close(logits[1:], alone)


def test_rows_do_not_leak(config, task):
    network = make_network(config)
    for step in range(2):
        task.loss(network, make_batch([step == 0] * 3, step))
    state = task._states[0]
    batch = make_batch([False, True, False], 2, seed=5)
    clips = batch.clips.requires_grad_()
    start = with_fresh_rows(state, network.init_state(3, network.l_mem), batch.is_first)
    logits, after = network(clips, start)
    (grad,) = torch.autograd.grad(logits[0].square().sum(), clips)
    assert grad[0].abs().max() > 0
    assert not grad[1:].any()
    order = torch.tensor([0, 2, 1])
    moved, moved_after = network(clips[order], start.select(order))
    torch.testing.assert_close(moved, logits[order])
    for name, tensor in rows_of(after, 0).items():
        torch.testing.assert_close(rows_of(moved_after, 0)[name], tensor)


def test_a_fam_swin_on_an_encoder_follows_lanes_too(miniature, task):
    model = {"kind": "fam-on-encoder", "backbone_config": VIT, "embed_dim": 4}
    model |= {"num_heads": [1, 2], "gate": 1.0, "memory": {"l_mem": 3, "tokens_per_clip": 4}}
    values = config_values(miniature, model, "streams", task=TASK)
    network = make_network(config_from(values))
    task.loss(network, make_batch([True, True])).backward()
    learned = {name for name, p in network.named_parameters() if p.grad is not None}
    assert any("memory" in name for name in learned)
    assert not any(name.startswith("backbone") for name in learned)
    batch = make_batch([False, True], 1, seed=1)
    fresh = network.init_state(2, network.l_mem)
    state = with_fresh_rows(task._states[0], fresh, batch.is_first)
    logits, _ = network(batch.clips, state)
    alone, _ = network(batch.clips[1:], network.init_state(1, network.l_mem))
    torch.testing.assert_close(logits[1:], alone)
    without, _ = network(batch.clips, network.init_state(2, network.l_mem))
    assert (without - logits)[0].abs().max() > 1e-4  # the other lane remembers
    with pytest.raises(SettingError, match="clip_frames must be a multiple of merged_frames"):
        make_network(config_from(config_values(miniature, model | {"merged_frames": 3}, "streams")))


def test_gradients_reach_no_further_than_a_step(config, task):
    network = make_network(config)
    first = make_batch([True, True])
    clips = first.clips.requires_grad_()
    task.loss(network, first)
    loss = task.loss(network, make_batch([False, False], 1, seed=1))
    assert torch.autograd.grad(loss, clips, allow_unused=True) == (None,)


def test_a_run_goes_on_bit_for_bit_with_what_its_lanes_remember(miniature, tmp_path):
    config = make_config(
        miniature, optimizer={"steps": 3, "accumulate": 2, "batch": 1, "precision": "bf16"}
    )
    scores = train_run(config, tmp_path / "whole", device="cpu")

    def die(report):
        if report.step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(config, tmp_path / "cut", device="cpu", on_step=die)
    last = torch.load(tmp_path / "cut" / "checkpoints" / "last.pt", weights_only=True)
    assert set(last["task"]) == {"0", "1"}  # each part has lanes of its own
    assert train_run(config, tmp_path / "cut", device="cpu") == scores
    whole, cut = (
        torch.load(next((tmp_path / name / "checkpoints").glob("best-*")), weights_only=True)
        for name in ("whole", "cut")
    )
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_memory_has_a_length_drawn_and_kept_for_a_while(miniature):
    config = make_config(miniature, task={"l_mem_shortest": 0})
    task, network = StreamsTask(config.task), make_network(config)
    lengths = []
    for step in range(24):
        draw = Draw(seed=0, step=step, part=0, num_parts=1, size=1)
        lengths.append(task._l_mem(network, draw))
    assert set(lengths) == {0, 1, 2, 3}
    assert all(len({*lengths[at : at + 3]}) == 1 for at in range(0, 24, 3))
    for step, length in ((0, lengths[0]), (3, lengths[3])):
        task.loss(network, make_batch([step == 0], step))
        assert task._states[0].l_mem == length


def make_manifest(seconds):
    samples = [
        DatasetSample(video=Path(f"{n}.mp4"), classes=(n % 2,), end_seconds=s, annotation=Path("a"))
        for n, s in enumerate(seconds)
    ]
    return Manifest(
        samples=tuple(samples), class_names=("a", "b"), folder=Path(), kind="", title="", how=""
    )


@pytest.mark.parametrize("reset", ["stream", "video"])
def test_lanes_share_out_all_streams_each_epoch_and_begin_where_these_do(reset):
    plan = StreamPlan(
        manifest=make_manifest([2, 4, 3, 6, 1]),
        minutes=0.1,
        reset=reset,
        fps=4,
        width=32,
        height=32,
    )
    timeline = LaneTimeline(plan, 3, 2, 8)
    places = [[timeline.place(lane, step) for step in range(30)] for lane in range(2)]
    taken: dict[int, list] = {}
    for lane, own in enumerate(places):
        for place in own:
            assert place.number % 2 == lane
            taken.setdefault(place.number, []).append(place)
    for one in taken.values():
        assert [place.segment for place in one] == list(range(len(one)))
        num_segments = -(-one[0].stream.num_frames // 8)
        assert len(one) == num_segments or one[-1] in (places[0][-1], places[1][-1])
    first_epoch = len(plan.streams(0))
    parts = [p for n in range(first_epoch) if n in taken for p in taken[n][0].stream.parts]
    assert len({part.sample.video for part in parts}) == len(parts)
    if reset == "video":
        assert all(len(place.stream.parts) == 1 for own in places for place in own)
    # Going back gives what it gave before.
    assert timeline.place(0, 5) == places[0][5]
    assert LaneTimeline(plan, 3, 2, 8).place(1, 29) == places[1][29]


def test_stretches_are_scored_as_well_as_moments():
    plan = StreamPlan(
        manifest=make_manifest([2, 2, 4]), minutes=1, reset="stream", fps=4, width=32, height=32
    )
    (stream,) = plan.streams(0)
    truth = [part.sample.classes[0] for part in stream.parts for _ in range(part.num_frames // 4)]
    right = StreamSegments.of(stream, truth, 4)
    assert set(segmental_scores_of([right]).values()) == {1.0}
    assert [one.behaviour for one in right.labelled] == ["ab"[c] for c, _ in groupby(truth)]
    assert right.labelled[-1].end_seconds == 8
    wrong = StreamSegments.of(stream, [1 - index for index in truth], 4)
    assert segmental_scores_of([wrong])["segmental_f1_10"] == 0
    # A clip of another class in the midst of a stretch is a stretch of its own, and cuts it in two.
    longest = max(range(len(truth)), key=lambda at: truth[at - 1 : at + 2].count(truth[at]))
    cut = [index if at != longest else 1 - index for at, index in enumerate(truth)]
    scores = segmental_scores_of([StreamSegments.of(stream, cut, 4), right])
    assert scores["edit_score"] < 1 and scores["segmental_f1_50"] < 1


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ({"clips_per_step": 0}, "clips_per_step must be at least 1"),
        ({"resize": "crop"}, "streams have resize"),
        ({"reset": "never"}, "task.reset must be one of"),
    ],
)
def test_what_does_not_fit_is_named(miniature, task, message):
    with pytest.raises(SettingError, match=message):
        make_config(miniature, task=task)
