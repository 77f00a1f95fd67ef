"""One stream: whole, in pieces, and taken up again from a file."""

from __future__ import annotations

import pytest
import torch

from tests.streaming.doubles import CARD, FakeModel
from vidmem.errors import StateError
from vidmem.streaming import Stream, StreamSettings
from vidmem.video.sampling import Window


def make_clips(num_clips):
    generator = torch.Generator().manual_seed(3)
    shape = (num_clips, 4, 2, 3, 3)
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def make_stream(model=None):
    model = model or FakeModel()
    return Stream(model, StreamSettings.for_model(model))


def run(stream, clips, first_index=0):
    predictions = []
    for index, pixels in enumerate(clips, start=first_index):
        window = Window(
            index=index,
            start_frame=4 * index,
            num_frames=4,
            num_real_frames=4,
            start_seconds=float(index),
            end_seconds=index + 1.0,
            is_last=False,
        )
        predictions.append(stream.step(window, pixels).probabilities)
    return predictions


def test_two_pieces_equal_the_whole():
    clips = make_clips(9)
    whole = run(make_stream(), clips)
    stream = make_stream()
    first = run(stream, clips[:4])
    second = Stream(stream.model, stream.settings, stream.state)
    assert first + run(second, clips[4:], first_index=4) == whole


def test_a_saved_stream_goes_on_as_if_it_had_not_stopped(tmp_path):
    clips = make_clips(9)
    whole = run(make_stream(), clips)
    stream = make_stream()
    run(stream, clips[:5])
    stream.save(tmp_path / "stream.safetensors")
    restored = Stream.restore(tmp_path / "stream.safetensors", FakeModel())
    assert restored.settings == stream.settings
    assert run(restored, clips[5:], first_index=5) == whole[5:]


def test_a_step_leaves_the_state_it_was_given_as_it_was():
    clips = make_clips(4)
    stream = make_stream()
    run(stream, clips[:2])
    before = stream.state
    first = run(stream, clips[2:], first_index=2)
    stream.state = before
    assert run(stream, clips[2:], first_index=2) == first


def test_two_streams_share_a_model_and_know_nothing_of_each_other():
    model, clips = FakeModel(), make_clips(6)
    alone = run(make_stream(model), clips[:3])
    one, other = make_stream(model), make_stream(model)
    mixed = []
    for index in range(3):
        mixed += run(one, clips[index : index + 1], first_index=index)
        run(other, clips[3 + index : 4 + index], first_index=index)
    assert mixed == alone


def test_resizing_keeps_the_newest_clips():
    stream = make_stream()
    run(stream, make_clips(5))
    stream.resize(2)
    assert stream.state.memory.slot_clips.tolist() == [[3, 4]]
    stream.resize(4)
    assert stream.state.memory.slot_clips.tolist() == [[-1, -1, 3, 4]]
    assert stream.settings.l_mem == 4


@pytest.mark.parametrize(
    "other, difference",
    [
        (FakeModel(seed=1), "its weights differ"),
        (FakeModel().double(), r"its number format differ \(float32 there, float64 here\)"),
    ],
)
def test_another_models_stream_is_refused_with_the_difference(tmp_path, other, difference):
    make_stream().save(tmp_path / "stream")
    with pytest.raises(StateError, match=difference):
        Stream.restore(tmp_path / "stream", other)


def test_another_config_is_refused(tmp_path):
    make_stream().save(tmp_path / "stream")
    other = FakeModel()
    other.config.memory.l_mem = 9
    with pytest.raises(StateError, match="its config"):
        Stream.restore(tmp_path / "stream", other)


def test_the_label_is_the_most_probable_class():
    stream = make_stream()
    window = Window(
        index=0,
        start_frame=0,
        num_frames=4,
        num_real_frames=3,
        start_seconds=0.0,
        end_seconds=0.75,
        is_last=True,
    )
    prediction = stream.step(window, make_clips(1)[0])
    assert (
        prediction.label == CARD.class_names[prediction.probabilities.index(prediction.probability)]
    )
    assert prediction.probability == max(prediction.probabilities)
    assert (prediction.num_real_frames, prediction.end_seconds) == (3, 0.75)
