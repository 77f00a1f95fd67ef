import sys
from types import SimpleNamespace

import pytest
import torch

from tests.conftest import make_tiny_model
from tests.inspection.subjects import make_spool, make_stream
from vidmem.errors import MissingPackageError, SettingError
from vidmem.inspection import (
    Subject,
    continue_step,
    direct_effects,
    log_odds,
    memory_gradients,
    occlusion,
    pixel_gradients,
    see,
)
from vidmem.inspection.attribution import work
from vidmem.inspection.attribution.maps import cell_index
from vidmem.nn.pooling import memory_grid

MODELS = pytest.mark.parametrize("make", [make_tiny_model, make_spool], ids=["fam-swin", "spool"])
QUESTIONS = pytest.mark.parametrize(
    "ask",
    [
        direct_effects,
        lambda subject: occlusion(subject, rows=2, columns=3),
        lambda subject: pixel_gradients(subject, num_steps=3),
        lambda subject: memory_gradients(subject, num_steps=3),
    ],
    ids=["direct effects", "occlusion", "pixels", "memory"],
)


def spool_stream():
    return make_stream(make_spool(), num_clips=4)[0]


@MODELS
def test_a_direct_effect_is_the_score_less_that_with_the_slot_empty(make):
    subject, _ = make_stream(make(), first_index=20)
    got = direct_effects(subject).run()
    assert got.score == subject.score()
    assert tuple(effect.clip for effect in got.clips) == subject.remembered
    for effect in got.clips:
        without = subject.score(without=[effect.clip])
        assert effect.without.log_odds == pytest.approx(without.log_odds, abs=1e-9)
        assert effect.log_odds != 0
    assert got.nothing_remembered == subject.score(without=subject.remembered)


def test_all_slots_together_bring_what_memory_brings():
    subject, _ = make_stream()
    got = direct_effects(subject).run()
    fresh = subject.model.step(subject.clip, subject.model.init_state(1)).logits
    want = float(log_odds(fresh.detach(), subject.class_index))
    assert got.nothing_remembered.log_odds == pytest.approx(want, abs=1e-5)


def test_with_the_gates_shut_no_memory_has_an_effect():
    subject, _ = make_stream(make_tiny_model(gate=0.0))
    effects = direct_effects(subject).run()
    assert [effect.log_odds for effect in effects.clips] == [0] * 4
    assert effects.nothing_remembered == effects.score
    tokens = memory_gradients(subject, num_steps=2).run()
    assert not any(one.values.any() for one in tokens.maps)


@pytest.mark.parametrize("l_mem", [0, 4])
def test_nothing_remembered_is_an_answer(l_mem):
    subject, _ = make_stream(num_clips=1, l_mem=l_mem)
    effects = direct_effects(subject).run()
    assert effects.clips == ()
    assert effects.nothing_remembered == effects.score == subject.score()
    tokens = memory_gradients(subject).run()
    assert tokens.by_clip == ()
    assert [one.values.shape[0] for one in tokens.maps] == [0, 0]


@QUESTIONS
@pytest.mark.parametrize("make", [lambda: make_stream()[0], spool_stream], ids=["fam", "spool"])
def test_evaluations_are_counted_before_and_told_one_by_one(ask, make, monkeypatch):
    subject = make()
    job, told = ask(subject), []
    steps = count_steps(monkeypatch, subject.model)
    job.run(lambda *counts: told.append(counts))
    assert told == [(done, job.num_evaluations) for done in range(job.num_evaluations + 1)]
    assert len(steps) == job.num_evaluations


@QUESTIONS
def test_stopping_stops_within_an_evaluation(ask, monkeypatch):
    class StoppedError(Exception):
        pass

    subject, _ = make_stream()
    steps = count_steps(monkeypatch, subject.model)

    def stop(done, total):
        if done == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        ask(subject).run(stop)
    assert len(steps) == 3


@QUESTIONS
def test_the_estimate_times_one_evaluation(ask, monkeypatch):
    subject, _ = make_stream()
    job = ask(subject)
    steps = count_steps(monkeypatch, subject.model)
    moments = iter([10.0, 10.25])
    monkeypatch.setattr(work.time, "perf_counter", lambda: next(moments))
    assert job.estimate_seconds() == 0.25 * job.num_evaluations
    assert len(steps) == 1


@QUESTIONS
def test_nothing_of_the_model_or_the_stream_is_changed(ask):
    subject, _ = make_stream()
    before = {name: x.clone() for name, x in subject.state.to_tensors().items()}
    clip, score = subject.clip.clone(), subject.score()
    ask(subject).run()
    assert all(x.equal(before[name]) for name, x in subject.state.to_tensors().items())
    assert subject.clip.equal(clip)
    assert subject.score() == score
    assert all(parameter.grad is None for parameter in subject.model.parameters())


def test_pixel_gradients_add_up_as_nearly_as_the_steps_allow():
    model = make_tiny_model()
    torch.nn.init.normal_(model.patch_embedding.proj.bias)  # as in a model that has learnt
    subject, _ = make_stream(model)
    few, many = (pixel_gradients(subject, num_steps=n).run() for n in (4, 64))
    assert few.score == many.score == subject.score()
    with torch.no_grad():
        neutral = continue_step(subject.model, see(subject.model, 0 * subject.clip), subject.state)
    assert many.neutral_score.log_odds == pytest.approx(float(log_odds(neutral.logits, 1)))
    assert abs(many.completeness_error) < 0.02
    assert abs(many.completeness_error) < abs(few.completeness_error)
    assert many.values.shape == (8, 64, 64)
    cells = many.cells(3, 5)
    torch.testing.assert_close(cells.sum((1, 2)), many.values.sum((1, 2)))


@MODELS
def test_memory_gradients_add_up_and_lie_where_their_tokens_do(make):
    subject, _ = make_stream(make(), first_index=7)
    got = memory_gradients(subject, num_steps=48).run()
    assert got.clips == subject.remembered
    moved = got.score.log_odds - got.baseline_score.log_odds
    assert abs(moved) > 0.005
    assert sum(got.by_clip) == pytest.approx(moved, rel=0.01)


def test_memory_gradients_begin_where_all_slots_are_empty():
    subject, _ = make_stream()
    got = memory_gradients(subject, num_steps=2).run()
    nothing = direct_effects(subject).run().nothing_remembered
    assert got.baseline_score.log_odds == pytest.approx(nothing.log_odds, abs=1e-5)
    assert [one.stage for one in got.maps] == [3, 4]
    grids = [tuple(one.values.shape[1:]) for one in got.maps]
    assert grids == [memory_grid(stage, 8) for stage in (3, 4)]


def test_memory_tokens_may_be_kept_as_tokens_instead_of_projections():
    projected, plain = (
        memory_gradients(make_stream(is_projected=is_projected)[0], num_steps=64).run()
        for is_projected in (True, False)
    )
    assert plain.baseline_score.log_odds == pytest.approx(
        projected.baseline_score.log_odds, abs=1e-5
    )
    assert abs(plain.completeness_error) < 0.02


def test_a_token_that_alone_speaks_gets_all():
    subject, _ = make_stream()
    quiet = memory_gradients(subject, num_steps=2).run()
    assert all((one.values != 0).any() for one in quiet.maps)
    model, tokens = subject.model, subject.state
    queues = []
    for queue, stage in zip(tokens.queues, (3, 4), strict=True):
        attention = model.memory[str(stage)]
        with torch.no_grad():
            nothing = attention.project(attention.no_memory).expand_as(queue.tokens).clone()
        if stage == 3:
            nothing[:, 2, 5] = queue.tokens[:, 2, 5]
        queues.append(type(queue)(**(vars(queue) | {"tokens": nothing})))
    state = type(tokens)(**(vars(tokens) | {"queues": tuple(queues)}))
    one = Subject(model=model, clip=subject.clip, state=state, class_index=1)
    got = memory_gradients(one, num_steps=8).run().maps
    assert got[0].values.flatten(1).nonzero().tolist() == [[2, 5]]
    assert not got[1].values.any()


@MODELS
@torch.no_grad()
def test_occlusion_is_the_score_less_that_with_the_cell_neutral(make):
    model = make()
    subject, _ = make_stream(model)
    rows, columns = 2, 3
    got = occlusion(subject, rows=rows, columns=columns).run()
    assert got.score == subject.score()
    cells = cell_index(*subject.clip.shape[3:], rows, columns)
    for cell in range(rows * columns):
        pixels = subject.clip.masked_fill(cells == cell, 0)
        logits = continue_step(model, see(model, pixels), subject.state).logits
        want = got.score.log_odds - float(log_odds(logits, 1))
        assert float(got.values.flatten()[cell]) == pytest.approx(want, abs=1e-5)
        p = got.score.probability - float(logits.double().softmax(-1)[0, 1])
        assert float(got.probabilities.flatten()[cell]) == pytest.approx(p, abs=1e-5)


def test_cells_differ_by_a_pixel_at_most():
    index = cell_index(7, 11, 3, 4)
    areas = index.flatten().bincount()
    assert index.shape == (7, 11)
    assert areas.tolist() == [rows * columns for rows in (3, 2, 2) for columns in (3, 3, 3, 2)]


def test_too_much_work_is_refused_before_any_of_it():
    subject, _ = make_stream()
    with pytest.raises(SettingError, match=r"40 x 30 cells takes 1201 evaluations .* at most 1024"):
        occlusion(subject, columns=40, rows=30)
    with pytest.raises(SettingError, match=r"64 steps takes 66 .* at most 65 .* take fewer steps"):
        pixel_gradients(subject, max_evaluations=65)
    with pytest.raises(SettingError, match="emptying slot by slot takes 6"):
        direct_effects(subject, max_evaluations=5)
    with pytest.raises(SettingError, match="from 1 to as many rows and columns, got 0 x 6"):
        occlusion(subject, rows=0)
    with pytest.raises(SettingError, match="at least 1, got 0"):
        memory_gradients(subject, num_steps=0)


def test_a_frozen_encoder_has_no_gradients_for_pixels():
    subject = spool_stream()
    subject.model.backbone.config = SimpleNamespace(is_frozen=True)
    with pytest.raises(SettingError, match="frozen"):
        pixel_gradients(subject)


def test_without_captum_the_message_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'vidmem\[inspect\]'"):
        direct_effects(make_stream()[0])


def count_steps(monkeypatch, model):
    """A list that grows with every step."""
    steps, name = [], "step_trunk" if hasattr(model, "step_trunk") else "step_features"
    step = getattr(model, name)
    monkeypatch.setattr(model, name, lambda *args: steps.append(1) or step(*args))
    return steps
