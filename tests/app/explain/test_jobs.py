"""What tests, without a page: one test at a time, as the package does it, and nothing left."""

from __future__ import annotations

import json
import sys
import threading

import pytest

from app.explain import wording
from app.explain.jobs import ModelTestRequest, ModelTests
from app.explain.model_tests import MODEL_TESTS, why_not
from tests.app.conftest import wait_until
from tests.app.tiny_spool import make_tiny_spool
from tests.conftest import make_tiny_model
from tests.streaming.doubles import FakeVideo, source_file
from vidmem.evaluation import record_replay
from vidmem.inspection import (
    ClipEffect,
    Score,
    attention_agreement,
    direct_effects,
    memory_gradients,
    occlusion,
    pixel_gradients,
    total_effects,
)
from vidmem.streaming import Engine, StateHistory

NUM_CLIPS = 8


class Moments:
    """A stream that has run; times in seconds are numbers of windows here."""

    def __init__(self, folder, model, num_clips=NUM_CLIPS):
        self.model, self.history = model, StateHistory()
        self.video, self.feed = source_file(folder), FakeVideo(2000, size=(64, 64))
        self.newest = num_clips - 1
        self.gate = threading.Event()  # shut, each evaluation of the model waits
        self.gate.set()
        with Engine(self.video, model, open_feed=self.feed) as engine:
            engine.keep_history(self.history)
            for _ in range(num_clips):
                next(engine)

    def recorded(self, at, progress=lambda done, total: None):
        index = self.newest if at == "newest" else int(at)
        return record_replay(
            self.video, self.model, self.history, index, open_feed=self.feed, progress=progress
        )


def hold(monkeypatch, moments, from_call=1):
    """From a call on, what the model does of a clip waits for the gate; returns the calls."""
    model, calls = moments.model, []
    name = "step_trunk" if hasattr(model, "step_trunk") else "step_features"
    step = getattr(model, name)

    def slow(*args):
        calls.append(1)
        if len(calls) >= from_call:
            assert moments.gate.wait(60)
        return step(*args)

    monkeypatch.setattr(model, name, slow)
    moments.gate.clear()
    return calls


@pytest.fixture
def moments(tmp_path):
    return Moments(tmp_path, make_tiny_model(l_mem=4))


@pytest.fixture
def spool_moments(tmp_path):
    return Moments(tmp_path, make_tiny_spool())


@pytest.fixture
def fitted():
    return []


@pytest.fixture
def tests(moments, fitted):
    made = ModelTests(moments, fitted.append)
    yield made
    made.forget()
    moments.gate.set()


def ask(tests, kind, at="newest", class_index="", *, same=False):
    tests.start(ModelTestRequest.read(kind, at, class_index, is_same_moment=same))


def do(tests, kind, at="newest", class_index="", *, same=False):
    """A test done to its end; its state."""
    ask(tests, kind, at, class_index, same=same)
    assert tests.wait(60)
    return tests.state()


def effects_of(result):
    return [(one.clip, one.log_odds) for one in result.clips]


@pytest.mark.slow
@pytest.mark.parametrize("make", ["moments", "spool_moments"])
def test_a_result_is_what_the_package_says(make, request):
    moments = request.getfixturevalue(make)
    tests = ModelTests(moments, lambda model: None)
    for kind, question in MODEL_TESTS.items():
        if not why_not(question, moments.model, None):
            state = do(tests, kind, same=True)
            assert state["state"] == "done", state["sentence"]
            assert state["done"] == state["total"]
    recorded = moments.recorded("newest")
    subject = recorded.subject()
    got = tests.tested_moment.results
    assert effects_of(got["direct"]) == effects_of(direct_effects(subject).run())
    want = total_effects(recorded.replay, subject.remembered, subject.class_index).run()
    assert effects_of(got["total"]) == effects_of(want)
    assert got["memory"].by_clip == memory_gradients(subject, num_steps=32).run().by_clip
    assert got["occlusion"].values.equal(occlusion(subject, columns=6, rows=4).run().values)
    assert ("pixels" in got) == (make == "moments")
    if "pixels" in got:
        assert got["pixels"].values.equal(pixel_gradients(subject, num_steps=64).run().values)


def test_attention_is_compared_with_the_effects_of_the_same_clips(tests, moments):
    do(tests, "direct")
    state = do(tests, "total", same=True)
    tested = tests.tested_moment
    assert list(tested.shares) == list(tested.seconds) == list(tested.subject.remembered)
    assert 0 < sum(tested.shares.values()) < 1
    for name in ("direct", "total"):
        want = attention_agreement(tested.shares, tested.results[name].clips)
        assert state["agreement"][name] == want is not None


def test_results_of_one_moment_and_class_are_kept_together(tests):
    do(tests, "direct", at="5")
    do(tests, "occlusion", at="5")
    assert set(tests.tested_moment.results) == {"direct", "occlusion"}
    label = tests.tested_moment.subject.class_index
    do(tests, "direct", at="5", class_index=str(1 - label))
    assert set(tests.tested_moment.results) == {"direct"}
    assert tests.tested_moment.subject.class_index == 1 - label
    do(tests, "occlusion", at="6")
    assert (tests.tested_moment.index, set(tests.tested_moment.results)) == (6, {"occlusion"})


def test_the_same_moment_can_be_asked_again_when_the_stream_went_on(tests, moments):
    do(tests, "direct")
    moments.newest -= 2  # newest is another one now
    state = do(tests, "total", same=True)
    assert state["at_index"] == NUM_CLIPS - 1
    assert set(tests.tested_moment.results) == {"direct", "total"}
    assert do(tests, "total")["at_index"] == NUM_CLIPS - 3


def test_one_test_at_a_time(tests, moments, monkeypatch):
    hold(monkeypatch, moments)
    ask(tests, "direct")
    with pytest.raises(ValueError, match="tested already"):
        ask(tests, "occlusion")
    moments.gate.set()
    assert tests.wait(60)
    assert do(tests, "occlusion")["state"] == "done"


@pytest.mark.parametrize("kind", MODEL_TESTS)
def test_cancelling_ends_within_one_evaluation_and_leaves_nothing(
    kind, tests, moments, monkeypatch, own_threads
):
    ask(tests, "occlusion")
    assert tests.wait(60)
    kept, version = tests.tested_moment, tests.version
    calls = hold(monkeypatch, moments, from_call=4)
    ask(tests, kind, same=True)
    wait_until(lambda: len(calls) >= 4)
    tests.cancel()
    moments.gate.set()
    assert tests.wait(60)
    assert len(calls) <= 4
    state = tests.state()
    assert state["state"] == "cancelled"
    assert state["sentence"].startswith("Cancelled")
    assert own_threads("model-test") == []
    assert tests.tested_moment is kept
    assert (set(kept.results), tests.version) == ({"occlusion"}, version)


def test_cancelling_on_the_way_to_the_moment(tests, moments, monkeypatch):
    calls = hold(monkeypatch, moments, from_call=2)
    ask(tests, "direct", at="6")
    wait_until(lambda: len(calls) >= 2)
    state = tests.state()
    assert state["state"] == "preparing"
    assert state["sentence"] == "Going back to this moment: clip 2 of 5."
    tests.cancel()
    moments.gate.set()
    assert tests.wait(60)
    assert len(calls) == 2
    assert tests.state()["sentence"] == wording.CANCELLED_EARLY
    assert tests.tested_moment is None


def test_what_is_forgotten_is_ended_and_comes_back_no_more(
    tests, moments, monkeypatch, own_threads
):
    do(tests, "direct")
    calls = hold(monkeypatch, moments, from_call=3)
    ask(tests, "total", same=True)
    wait_until(lambda: len(calls) >= 3)
    tests.forget()
    moments.gate.set()
    wait_until(lambda: own_threads("model-test") == [])
    assert len(calls) == 3
    assert tests.tested_moment is None
    assert tests.state()["state"] == "idle"


def test_progress_and_the_time_left_are_told(tests, moments, monkeypatch):
    do(tests, "direct")
    calls = hold(monkeypatch, moments, from_call=5)
    ask(tests, "direct", same=True)
    wait_until(lambda: len(calls) >= 5)  # two were timed, two are done
    state = tests.state()
    assert (state["state"], state["done"], state["total"]) == ("running", 2, 6)
    assert state["sentence"].startswith("6 runs of the model, ")
    assert state["seconds_left"] > 0


def test_threads_of_torch_are_fitted_where_the_model_runs(tests, moments, fitted):
    do(tests, "direct")
    assert fitted == [moments.model]


def test_what_each_test_takes_is_said_before(tests):
    before = {one["name"]: one["cost"] for one in tests.state()["offers"]}
    assert before["occlusion"] == "25 runs of the model"
    assert before["direct"] == ""  # how much is remembered there is not known yet
    offers = do(tests, "occlusion")["offers"]
    after = {one["name"]: one["cost"] for one in offers}
    assert after["occlusion"].startswith("25 runs of the model, ")
    assert after["direct"] == "6 runs of the model"


def test_what_a_model_cannot_be_asked_is_said_and_refused(spool_moments):
    tests = ModelTests(spool_moments, lambda model: None)
    offers = {one["name"]: one["why_not"] for one in tests.state()["offers"]}
    assert "frozen" in offers["pixels"]
    assert offers["occlusion"] == offers["direct"] == ""
    with pytest.raises(ValueError, match="frozen"):
        ask(tests, "pixels")


def test_where_nothing_is_remembered_memory_cannot_be_asked(tests):
    assert do(tests, "direct", at="0")["sentence"].startswith("Not at this moment")
    offers = do(tests, "occlusion", at="0")["offers"]
    refused = {one["name"] for one in offers if one["why_not"]}
    assert refused == {"direct", "total", "memory"}


def test_without_captum_it_is_said_how_to_get_it(tests, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum", None)
    offers = {one["name"]: one["why_not"] for one in tests.state()["offers"]}
    assert "pip install 'vidmem[inspect]'" in offers["direct"]
    assert offers["total"] == ""
    with pytest.raises(ValueError, match="Captum"):
        ask(tests, "occlusion")
    assert do(tests, "total")["state"] == "done"


def test_a_moment_that_cannot_be_come_to_is_a_sentence(tests, moments, caplog):
    moments.history.clear()
    state = do(tests, "direct", at="3")
    assert state["state"] == "failed"
    assert "cannot be gone back to" in state["sentence"]
    moments.video.unlink()
    assert do(tests, "direct", at="3")["state"] == "failed"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("all", "newest", ""), "kind must be one of direct, total"),
        (("direct", "now", ""), "at must be newest or seconds"),
        (("direct", "newest", "-1"), "class must be a whole number"),
    ],
)
def test_what_is_not_allowed_is_refused(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        ModelTestRequest.read(*asked, is_same_moment=False)


def test_a_class_that_the_model_does_not_have_is_refused(tests):
    state = do(tests, "direct", class_index="77")
    assert state["state"] == "failed"
    assert "class_index must be one of" in state["sentence"]


def test_the_file_holds_all_that_was_found(tests):
    for kind in MODEL_TESTS:
        do(tests, kind, same=True)
    tested = tests.tested_moment
    content = json.loads(tested.as_json())
    assert set(content["results"]) == set(MODEL_TESTS)
    clips = [one["index"] for one in content["clips"]]
    assert clips == list(tested.subject.remembered)
    for name in ("direct", "total"):
        effects = content["results"][name]["clips"]
        assert [one["clip"] for one in effects] == clips
        score = content["results"][name]["score"]["probability"]
        for one in effects:
            assert one["probability"] == pytest.approx(score - one["probability_without"])
    memory = content["results"]["memory"]
    totals = [
        sum(sum(map(sum, stage["maps"][at])) for stage in memory["stages"])
        for at in range(len(clips))
    ]
    assert totals == pytest.approx(memory["by_clip"], abs=1e-5)


def effect(clip, log_odds):
    return ClipEffect(clip=clip, score=Score(2.0), without=Score(2.0 - log_odds))


def test_direct_beside_total_is_explained_as_it_is_seen():
    seconds = {3: (12.0, 16.0), 4: (16.0, 20.0)}

    def words(own, all_ways):
        direct, total = [effect(3, own), effect(4, 0.01)], [effect(3, all_ways), effect(4, 0.02)]
        return wording.direct_beside_total(direct, total, seconds)

    assert "later clips carry on" in words(0.02, 2.3)
    assert "00:12" in words(0.02, 2.3)
    assert "the two agree" in words(2.32, 2.33)
    assert "differ" in words(0.9, 2.3)
    assert "differ" in words(-0.9, 2.3)
    assert words(0.01, 0.02) == ""


def test_agreement_is_said_in_words():
    agreed = wording.agreement("direct", 0.81)
    assert "they agree in size here; attention does not say in which direction" in agreed
    assert "(rank correlation +0.81)" in agreed
    assert (
        "do not agree (rank correlation \N{MINUS SIGN}0.20): trust the effect"
        in wording.agreement("total", -0.2)
    )
    assert "in part" in wording.agreement("total", 0.4)
    assert "too few" in wording.agreement("direct", None)


def test_the_strongest_clip_is_named_by_its_time():
    words = wording.strongest("total", "nursing", [effect(3, 0.4), effect(4, -1.9)], {4: (76, 80)})
    assert "01:16" in words
    assert "\N{MINUS SIGN}1.90" in words
    assert "mattered much" not in words
    small = wording.strongest("total", "nursing", [effect(3, -0.48)], {3: (72, 76)})
    assert small.startswith("No single clip mattered much here. The clip at 01:12 has")
    assert "No clip" in wording.strongest("direct", "nursing", [effect(3, 0.05)], {})
