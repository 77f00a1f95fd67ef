"""A model of several axes through streams: whole, streamed, batched, written and read back."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
import torch

from tests.streaming.doubles import CARD, FakeVideo, source_file
from tests.streaming.test_batching import pixels
from tests.streaming.test_spool_stream import NUM_FRAMES, make_engine, make_model
from vidmem.files import axes_cell, read_axes_cell
from vidmem.models import CardAxis
from vidmem.plain import from_plain
from vidmem.streaming import (
    Prediction,
    RunFiles,
    read_axes,
    read_predictions,
    watch_whole,
    whole,
    write_predictions,
)
from vidmem.streaming.batching import StepInput, step_batch

AXES = (
    CardAxis("activity", ("moving", "still, mostly")),
    CardAxis("place", ('the "wall"; left', "centre", "none of these (place)")),
)
NAMES = tuple(name for axis in AXES for name in axis.class_names)


def make_two(**changes):
    model = make_model(num_classes=5, **changes)
    model.card = replace(CARD, class_names=NAMES, axes=AXES)
    return model


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def probabilities(predictions):
    return torch.tensor([one.probabilities for one in predictions])


def check_sums(found):
    for own in (found[:, :2], found[:, 2:]):
        torch.testing.assert_close(own.sum(-1), torch.ones(len(found)))


def test_whole_is_streamed_and_each_axis_adds_up(video, monkeypatch):
    monkeypatch.setattr(whole, "open_file_feed", FakeVideo(NUM_FRAMES))
    model = make_two(has_context_frames=False, window_frames=20)
    with make_engine(video, model) as engine:
        streamed = [one for step in engine for one in step.settled]
    at_once = watch_whole(video, model)
    check_sums(probabilities(streamed))
    torch.testing.assert_close(
        probabilities(at_once), probabilities(streamed), rtol=1e-4, atol=1e-5
    )
    assert [one.labels for one in at_once] == [one.labels for one in streamed]


def test_batched_is_alone():
    model = make_two()
    clips = [
        StepInput(pixels("spool", seed), (0.0, 1.0), model.init_state(1, clip_frames=4))
        for seed in range(3)
    ]
    together = [one.probabilities[-1] for one in step_batch(model, clips)]
    alone = [step_batch(model, [clip])[0].probabilities[-1] for clip in clips]
    torch.testing.assert_close(torch.tensor(together), torch.tensor(alone), rtol=1e-4, atol=1e-5)
    check_sums(torch.tensor(together))


def test_a_prediction_has_a_label_of_each_axis_and_its_own_is_the_first(video):
    with make_engine(video, make_two()) as engine:
        steps = list(engine)
    for one in (*steps, *(earlier for step in steps for earlier in step.revised)):
        assert (one.axes, one.labels[0]) == (AXES, one.label)
        firsts, seconds = one.probabilities[:2], one.probabilities[2:]
        assert one.probability == max(firsts)
        assert one.labels == (
            NAMES[firsts.index(max(firsts))],
            NAMES[2 + seconds.index(max(seconds))],
        )
        assert Prediction.from_dict(one.as_dict()) == one


def test_the_file_says_the_axes_and_is_read_back_by_them(video, tmp_path):
    out = tmp_path / "p.csv"
    with make_engine(video, make_two(), files=RunFiles(out=out)) as engine:
        made = [one for step in engine for one in step.settled]
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[5:] == [*NAMES, "gap", "unlikeness", "model", "settings", "axes"]
    assert {row["axes"] for row in rows} == {axes_cell((a.name, a.class_names) for a in AXES)}
    assert read_axes(out) == AXES
    again = list(read_predictions(out, engine.settings))
    assert [one.labels for one in again] == [one.labels for one in made]
    write_predictions(tmp_path / "again.csv", again)
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()


def test_a_run_that_is_resumed_ends_with_the_same_file(video, tmp_path):
    def files(name, **more):
        return RunFiles(out=tmp_path / f"{name}.csv", state_path=tmp_path / f"{name}.state", **more)

    with make_engine(video, make_two(), files=files("whole")) as engine:
        list(engine)
    with make_engine(video, make_two(), files=files("cut")) as engine:
        for _ in range(5):
            next(engine)
    with make_engine(video, make_two(), files=files("cut", resume=True)) as engine:
        list(engine)
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_file_of_one_axis_is_as_it_was(video, tmp_path):
    named = make_model()
    named.card = replace(CARD, axes=(CardAxis("posture", CARD.class_names),))
    for name, model in (("plain", make_model()), ("named", named)):
        with make_engine(video, model, files=RunFiles(out=tmp_path / f"{name}.csv")) as engine:
            list(engine)
    lines = (tmp_path / "plain.csv").read_bytes()
    assert lines.splitlines()[0].endswith(b",gap,unlikeness,model,settings")
    assert (tmp_path / "named.csv").read_bytes() == lines
    assert read_axes(tmp_path / "plain.csv") == ()


def test_a_saved_prediction_of_an_earlier_version_is_read(video):
    with make_engine(video) as engine:
        values = next(engine).as_dict()
    del values["axes"]
    one = from_plain(Prediction, values, "pending")
    assert one == Prediction.from_dict(values)
    assert one.labels == (one.label,)


@pytest.mark.parametrize(
    "axes",
    [
        (("a", ("x",)),),
        (("a", ("x", "y, z", "x; b: x")), ("=b", ("b: w", ", x"))),
        (("=a", ("x",)), ("b", ("b: b",)), ("c", ("'x",))),
    ],
)
def test_axes_are_read_from_a_cell_whatever_is_in_the_names(axes):
    names = [name for _, own in axes for name in own]
    assert read_axes_cell(axes_cell(axes), names) == axes


@pytest.mark.parametrize(
    "cell", ["", "a", "a: x", "a: x, y, z", "a: y, x", ": x, y", "a: x; y", "a: x z; b: y"]
)
def test_a_cell_that_says_something_else_has_no_axes(cell):
    assert read_axes_cell(cell, ["x", "y"]) == ()
