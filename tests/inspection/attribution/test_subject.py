import math
from dataclasses import replace

import pytest
import torch

from tests.conftest import make_tiny_model
from tests.inspection.subjects import make_clips, make_spool, make_stream
from vidmem.errors import SettingError
from vidmem.inspection import (
    Score,
    Subject,
    continue_step,
    empty_slots,
    log_odds,
    score_of,
    see,
    total_effects,
)
from vidmem.models import CardAxis
from vidmem.models.interface import class_probabilities

MODELS = pytest.mark.parametrize("make", [make_tiny_model, make_spool], ids=["fam-swin", "spool"])


def test_log_odds_are_those_of_the_probability():
    logits = torch.tensor([[0.3, -1.2, 2.0], [5.0, 5.0, -40.0]])
    probabilities = logits.double().softmax(-1)
    for index in range(3):
        p = probabilities[:, index]
        torch.testing.assert_close(log_odds(logits, index), (p / (1 - p)).log())
    torch.testing.assert_close(log_odds(logits.log_softmax(-1), 1), log_odds(logits, 1))
    score = score_of(logits[:1], 2)
    assert score.probability == pytest.approx(float(probabilities[0, 2]))


@torch.no_grad()
def test_a_class_is_scored_against_those_of_its_axis():
    model = make_tiny_model()
    subject, replay = make_stream(model)
    names = model.card.class_names
    axes = (CardAxis("first", names[:1]), CardAxis("second", names[1:]))
    model.card = replace(model.card, axes=axes)
    assert list(subject.among) == list(range(1, len(names)))
    found = class_probabilities(subject.logits(), model.card)[0, 1]
    assert subject.score().probability == pytest.approx(float(found), abs=1e-6)
    effects = total_effects(replay, [1], 1, among=subject.among).run()
    assert effects.score.log_odds == pytest.approx(subject.score().log_odds, abs=1e-4)
    with pytest.raises(SettingError, match="at least two classes, got 0 of 1"):
        replace(subject, class_index=0)


def test_a_sure_score_keeps_its_doubt_in_log_odds():
    score = score_of(torch.tensor([60.0, 0.0, 0.0]), 0)
    assert score.log_odds == pytest.approx(60 - math.log(2))
    assert score.probability == 1.0
    assert Score(-800.0).probability == 0.0


@MODELS
@torch.no_grad()
def test_a_clip_that_was_seen_is_judged_as_by_the_models_step(make):
    model = make()
    subject, _ = make_stream(model)
    whole = model.step(subject.clip, subject.state)
    split = continue_step(model, see(model, subject.clip), subject.state)
    torch.testing.assert_close(split.logits, whole.logits)
    assert subject.score() == score_of(whole.logits, 1)


@MODELS
def test_emptying_no_slot_changes_nothing(make):
    subject, _ = make_stream(make())
    emptied = empty_slots(subject.state, {77})
    assert emptied.slot_clips.equal(subject.state.slot_clips)
    assert continue_step(subject.model, subject.encoded, emptied).logits.equal(subject.logits())


def test_emptying_an_empty_slot_changes_nothing():
    subject, _ = make_stream(num_clips=3)
    assert subject.state.slot_clips.tolist() == [[-1, -1, 0, 1]]
    emptied = empty_slots(subject.state, {-1})
    assert continue_step(subject.model, subject.encoded, emptied).logits.equal(subject.logits())


def test_an_emptied_slot_holds_nothing_and_the_others_keep_their_order():
    subject, _ = make_stream()
    before = subject.state
    emptied = empty_slots(before, {1, 2})
    assert before.slot_clips.tolist() == [[0, 1, 2, 3]]
    assert emptied.slot_clips.tolist() == [[-1, -1, 0, 3]]
    assert emptied.clip_index.equal(before.clip_index)
    for old, new in zip(before.queues, emptied.queues, strict=True):
        assert new.tokens[:, 2:].equal(old.tokens[:, [0, 3]])
        assert not new.tokens[:, :2].any()
    for make_seconds in (before, emptied):
        assert make_seconds.slot_seconds.shape == (1, 4, 2)


def test_the_slot_is_masked_and_not_zeroed():
    subject, _ = make_stream()
    queues = []
    for queue in subject.state.queues:
        tokens = queue.tokens.clone()
        tokens[:, 1] = 0
        queues.append(type(queue)(**(vars(queue) | {"tokens": tokens})))
    zeroed = type(subject.state)(**(vars(subject.state) | {"queues": tuple(queues)}))
    zeros = continue_step(subject.model, subject.encoded, zeroed).logits
    assert not torch.allclose(zeros, subject.logits(without=[1]), atol=1e-4)


def test_all_slots_emptied_is_a_stream_that_has_seen_nothing():
    subject, _ = make_stream()
    fresh = subject.model.step(subject.clip, subject.model.init_state(1)).logits
    torch.testing.assert_close(subject.logits(without=subject.remembered), fresh)


def test_slots_of_streams_side_by_side_are_emptied_each_in_its_own_place():
    model = make_tiny_model()
    subject, _ = make_stream(model)
    other, _ = make_stream(model, num_clips=3)
    clip = make_clips(model, 1)[0]
    pairs = [empty_slots(one.state, {1}) for one in (subject, other)]
    queues = [
        type(a)(
            **{
                key: torch.cat([vars(a)[key], vars(b)[key]]) if key != "anchors" else 0
                for key in vars(a)
            }
        )
        for a, b in zip(subject.state.queues, other.state.queues, strict=True)
    ]
    both = type(subject.state)(
        queues=tuple(queues),
        clip_index=torch.cat([subject.state.clip_index, other.state.clip_index]),
        is_projected=True,
    )
    together = model.step(clip.expand(2, -1, -1, -1, -1), empty_slots(both, {1})).logits
    apart = torch.cat([model.step(clip, state).logits for state in pairs])
    torch.testing.assert_close(together, apart)


def test_a_frame_window_closes_up_where_spool_loses_a_clip():
    model = make_spool()
    subject, _ = make_stream(model)
    clips = [*make_clips(model, 5)[1:4:2], subject.clip]
    window = torch.cat(clips, 1)
    scores = model(window)
    want = scores.frame_logits[:, -subject.clip.shape[1] :].mean(1)
    assert subject.remembered == (1, 2, 3)
    torch.testing.assert_close(subject.logits(without=[2]), want)


def test_windows_are_counted_from_the_streams_first():
    subject, _ = make_stream(first_index=40)
    plain, _ = make_stream()
    assert subject.remembered == (40, 41, 42, 43)
    assert subject.score(without=[41]) == plain.score(without=[1])
    with pytest.raises(ValueError, match=r"windows \[1\] are not in memory"):
        subject.score(without=[1])


def test_what_cannot_be_explained_is_refused():
    subject, _ = make_stream()
    fields = vars(subject) | {"class_index": 3}
    fields.pop("seen", None)
    with pytest.raises(SettingError, match="got 3 of 3"):
        Subject(**fields)
    two = subject.clip.expand(2, -1, -1, -1, -1)
    with pytest.raises(ValueError, match="one clip of one stream"):
        Subject(**(fields | {"class_index": 0, "clip": two}))
