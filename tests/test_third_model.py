"""A model of a kind that vidmem does not know is saved, streamed, pooled, planned and explained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import vidmem
from tests.data.footage import write_pen
from tests.third_model import CARD, MeanConfig, add_records, make_mean
from vidmem.errors import CheckpointError, SettingError
from vidmem.evaluation import record_replay
from vidmem.inspection import (
    Subject,
    attention_view,
    empty_slots,
    memory_gradients,
    occlusion,
    pixel_gradients,
)
from vidmem.models.presets import describe
from vidmem.planner import estimate, measure_clips_per_second, plan, plan_numbers, request_for
from vidmem.streaming import Engine, StateHistory, StreamPool
from vidmem.streaming.whole import watch_whole


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_pen(tmp_path_factory.mktemp("third") / "pen.mp4", 6, width=96, height=64, fps=8)


@pytest.fixture
def records(monkeypatch):
    add_records(monkeypatch)


def test_it_is_saved_and_loaded_by_its_folder(records, tmp_path):
    model = make_mean()
    vidmem.save(model, tmp_path)
    loaded = vidmem.load(tmp_path, device="cpu")
    assert (loaded.config, loaded.card) == (model.config, model.card)
    assert torch.equal(loaded.head.weight, model.head.weight)
    assert describe(tmp_path) == (model.config, model.card)
    with pytest.raises(SettingError, match=r"only FAM Swin can be compiled, and .* a Mean colour"):
        vidmem.load(tmp_path, device="cpu", compile=True)


def test_without_its_record_the_sentence_says_where_it_goes(tmp_path, monkeypatch):
    with pytest.raises(SettingError, match=r"vidmem.models.architectures.ARCHITECTURES"):
        vidmem.save(make_mean(), tmp_path)
    with monkeypatch.context() as with_records:
        add_records(with_records)
        vidmem.save(make_mean(), tmp_path)
    with pytest.raises(CheckpointError, match=r"architecture 'mean'.*'fam_swin' and 'spool'"):
        vidmem.load(tmp_path)
    with pytest.raises(SettingError, match=r"vidmem.planner.architectures.COSTS"):
        request_for(MeanConfig(), CARD, device="cpu", device_bytes=10**9)


def test_it_streams_alone_and_in_a_pool_without_any_record(video, tmp_path):
    model = make_mean()
    with Engine(video, model) as engine:
        alone = [one.probabilities for one in engine]
    assert len(alone) == 6
    with StreamPool(model, max_batch=2) as pool:
        pool.add("a", video)
        pool.add("b", video)
        pooled = {"a": [], "b": []}
        for name, prediction in pool:
            pooled[name].append(prediction.probabilities)
    for rows in pooled.values():
        assert torch.allclose(torch.tensor(rows), torch.tensor(alone), atol=1e-6)


def test_a_whole_video_in_one_pass_is_refused(video):
    with pytest.raises(SettingError, match="needs a Spool"):
        watch_whole(video, make_mean())


def test_it_is_planned_and_measured(records):
    config = MeanConfig()
    request = request_for(config, CARD, device="cpu", device_bytes=10**9)
    assert (request.size.l_mem, request.has_memory, request.uncounted_encoder) == (0, False, None)
    assert estimate(config, request.size).weight_bytes == 4 * 3 * 4
    made = plan(request)
    assert made.streams_in_memory > 1000
    assert plan_numbers(request, made)["architecture"] == "mean"
    with pytest.raises(SettingError, match="has no memory, so l_mem must be 0, got 3"):
        request_for(config, CARD, device="cpu", device_bytes=10**9, l_mem=3)
    size = replace(request.size, batch_size=2)
    assert measure_clips_per_second(config, size, torch.device("cpu"), num_calls=2) > 0


def test_what_needs_no_memory_can_be_asked_of_it(video):
    model, history = make_mean(), StateHistory()
    with Engine(video, model) as engine:
        engine.keep_history(history)
        predictions = list(engine)
    recorded = record_replay(video, model, history, 3)
    subject = recorded.subject(class_index=1)
    assert isinstance(subject, Subject)
    assert subject.remembered == ()
    assert torch.allclose(
        subject.logits().softmax(-1)[0].double(),
        torch.tensor(predictions[3].probabilities).double(),
        atol=1e-6,
    )
    assert occlusion(subject, columns=2, rows=2).run().values.shape == (2, 2)
    assert pixel_gradients(subject, num_steps=4).run().values.abs().sum() > 0
    assert attention_view(model) is None
    assert torch.equal(empty_slots(subject.state, {1}).total, subject.state.total)
    with pytest.raises(SettingError, match="Mean colour has no tokens in memory"):
        memory_gradients(subject)
