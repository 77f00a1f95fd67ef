"""Which window a time is in, over jumps and changed settings."""

from __future__ import annotations

from app.explain.window_index import MAX_STRETCHES, WindowIndex
from vidmem.streaming import StreamSettings, Window

SETTINGS = StreamSettings(fps=4.0, clip_frames=8, window_stride=8, l_mem=4)


def window(index: int, start_frame: int, settings: StreamSettings = SETTINGS) -> Window:
    start = start_frame / settings.fps
    return Window(
        index=index,
        start_frame=start_frame,
        num_frames=settings.clip_frames,
        num_real_frames=settings.clip_frames,
        start_seconds=start,
        end_seconds=start + settings.seconds_per_clip,
        is_last=False,
    )


def test_every_time_that_was_judged_has_its_window_and_no_other():
    places = WindowIndex()
    for index in range(50):
        places.add(window(index, 8 * index), SETTINGS)
    for tenth in range(1000):
        assert places.at(tenth / 10) == tenth // 20
    assert places.at(100.0) is None
    assert WindowIndex().at(0.0) is None


def test_after_a_jump_back_the_later_judgement_holds_where_both_were():
    places = WindowIndex()
    for index in range(10):
        places.add(window(index, 8 * index), SETTINGS)
    for index in range(10, 13):
        places.add(window(index, 16 + 8 * (index - 10)), SETTINGS)
    found = [places.at(seconds) for seconds in (1, 5, 7, 9, 11, 19)]
    assert found == [0, 10, 11, 12, 5, 9]


def test_overlapping_windows_and_windows_apart():
    close = SETTINGS.changed(window_stride=2)
    places = WindowIndex()
    for index in range(8):
        places.add(window(index, 2 * index, close), close)
    assert [places.at(seconds) for seconds in (0, 0.5, 1.9, 3.5, 5.4)] == [0, 1, 3, 7, 7]
    apart = SETTINGS.changed(window_stride=16)
    places = WindowIndex()
    for index in range(3):
        places.add(window(index, 16 * index, apart), apart)
    assert [places.at(seconds) for seconds in (0, 3.9, 4, 8, 11.9)] == [0, 0, 1, 2, 2]


def test_other_settings_begin_another_stretch_and_the_number_of_stretches_is_bounded():
    places = WindowIndex()
    frame = 0
    for index in range(3 * MAX_STRETCHES):
        places.add(window(index, frame), SETTINGS.changed(l_mem=index % 3))
        frame += 8
    assert places.at(frame / 4 - 1) == 3 * MAX_STRETCHES - 1
    assert places.at(0.0) is None
