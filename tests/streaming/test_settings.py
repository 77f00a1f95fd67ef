"""What settings allow, and what they mean in seconds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.streaming.doubles import CARD, FakeModel
from vidmem.errors import SettingError
from vidmem.streaming import StreamSettings, change_settings


def test_settings_say_what_they_mean_in_seconds():
    settings = StreamSettings(fps=4, clip_frames=16, window_stride=24, l_mem=25, memory_every=2)
    assert settings.seconds_per_clip == 4
    assert settings.seconds_between_predictions == 6
    assert settings.memory_span_seconds == 25 * 2 * 6
    assert settings.unseen_seconds == 2
    assert settings.shortest_bout_seconds == 6
    assert replace(settings, min_bout_seconds=8.0).shortest_bout_seconds == 8


def test_a_card_gives_the_defaults_and_overrides_win():
    settings = StreamSettings.from_card(CARD, fps=2.0, l_mem=7, window_stride=None)
    assert (settings.fps, settings.clip_frames, settings.window_stride) == (2.0, 4, 4)
    assert settings.l_mem == 7


def test_back_to_back_windows_stay_so_when_only_the_clip_length_changes():
    settings = StreamSettings(clip_frames=16, window_stride=16)
    assert settings.changed(clip_frames=32).window_stride == 32
    assert settings.changed(clip_frames=32, window_stride=8).window_stride == 8
    assert settings.changed(window_stride=4).changed(clip_frames=32).window_stride == 4


def test_the_models_tubelet_bounds_the_clip_length():
    with pytest.raises(SettingError, match="multiple of 2 for this model, such as 6 or 8, got 7"):
        StreamSettings.for_model(FakeModel(), clip_frames=7)


def test_the_models_own_memory_length_holds_where_none_is_given():
    assert StreamSettings.for_model(FakeModel()).l_mem == 3
    assert StreamSettings.for_model(FakeModel(), l_mem=None).l_mem == 3
    assert StreamSettings.for_model(FakeModel(), l_mem=0).l_mem == 0


def test_a_model_without_memory_has_none_to_set():
    model = FakeModel()
    model.config.memory = None
    assert StreamSettings.for_model(model).l_mem == 0
    assert StreamSettings.for_model(model, l_mem=9).memory_span_seconds == 0


@pytest.mark.parametrize(
    "name, value, allowed",
    [
        ("fps", 61, "fps must be from 0.1 to 60 frames per second, got 61"),
        ("fps", True, "got True"),
        ("clip_frames", 1, "clip_frames must be a whole number from 2 to 128, got 1"),
        ("clip_frames", 16.0, "got 16.0"),
        ("window_stride", 0, "window_stride must be a whole number from 1 to 64, got 0"),
        ("window_stride", 65, "from 1 to 64"),
        ("l_mem", 201, "l_mem must be a whole number from 0 to 200, got 201"),
        ("min_bout_seconds", -1.0, "min_bout_seconds must be from 0 to 86400 seconds"),
    ],
)
def test_a_wrong_value_is_answered_with_the_allowed_ones(name, value, allowed):
    with pytest.raises(SettingError, match=allowed):
        StreamSettings(**{name: value})


def test_a_change_says_what_it_makes_of_the_settings():
    model = FakeModel()
    settings = StreamSettings.for_model(model)
    change = change_settings(settings, model, None, {"l_mem": 7.0, "fps": 2, "clip_frames": None})
    assert change.settings == replace(settings, l_mem=7, fps=2.0)
    assert (type(change.settings.l_mem), type(change.settings.fps)) == (int, float)
    assert (change.model, change.restarted) == (model, None)
    longer = change_settings(settings, model, FakeModel(seed=1), {"clip_frames": 8})
    assert longer.settings.window_stride == 8
    assert longer.restarted == (
        "The memory starts empty: the model is now Fake, and clips now have 8 frames instead of 4."
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"l_mem": 201}, "l_mem must be a whole number from 0 to 200, got 201"),
        ({"l_mem": 2.5}, "l_mem must be a whole number"),
        ({"frames_multiple": 2}, "frames_multiple cannot be changed; it must be one of"),
        ({"local_frame_range": 3}, "Fake has no local_frame_range"),
    ],
)
def test_a_change_that_is_not_allowed_says_what_is(changes, message):
    model = FakeModel()
    with pytest.raises(SettingError, match=message):
        change_settings(StreamSettings.for_model(model), model, None, changes)
