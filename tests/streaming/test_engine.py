"""The engine over a fake video: order, live changes, jumps, ends."""

from __future__ import annotations

import itertools
import threading
import time
from itertools import pairwise

import pytest

from tests.streaming.doubles import CARD, FakeModel, FakeVideo, source_file
from vidmem.errors import DecoderTimeoutError, ModelError, ModelMemoryError, SettingError
from vidmem.streaming import Engine, RunFiles, StreamPool, StreamSettings
from vidmem.streaming.saving.state_file import read_state_file
from vidmem.video.sampling import Gap


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def make_engine(video, num_frames=40, *, model=None, settings=None, feeds=None, **kwargs):
    feeds = feeds or FakeVideo(num_frames)
    return Engine(video, model or FakeModel(), settings, open_feed=feeds, **kwargs)


def test_predictions_cover_the_video_in_order(video):
    with make_engine(video, 42) as engine:
        predictions = list(engine)
    assert [p.index for p in predictions] == list(range(11))
    assert predictions[0].start_seconds == 0.0
    assert predictions[-1].end_seconds == 42 / 4
    assert predictions[-1].num_real_frames == 2
    assert all(abs(sum(p.probabilities) - 1) < 1e-6 for p in predictions)
    assert all(p.label == p.class_names[p.probabilities.index(p.probability)] for p in predictions)
    assert all(p.process_bytes > 0 and p.model_seconds > 0 for p in predictions)


def test_memory_fills_to_l_mem_and_says_what_it_holds(video):
    with make_engine(video) as engine:
        predictions = list(engine)
    assert [p.num_remembered for p in predictions[:5]] == [0, 1, 2, 3, 3]
    assert predictions[4].remembered == (1, 2, 3)
    assert {p.l_mem for p in predictions} == {3}
    assert len({p.state_bytes for p in predictions}) == 1


def test_starting_in_the_middle_gives_the_windows_from_there(video):
    with make_engine(video, start_seconds=5.0) as engine:
        first = next(engine)
    assert (first.index, first.start_seconds) == (0, 5.0)


def test_a_start_beyond_the_end_is_refused_with_the_length(video):
    with pytest.raises(SettingError, match=r"start_seconds must be in \[0, 10\)"):
        make_engine(video, start_seconds=10.5)


def test_a_new_l_mem_takes_effect_at_the_next_clip_and_keeps_the_newest(video):
    with make_engine(video) as engine:
        [next(engine) for _ in range(5)]
        assert engine.update(l_mem=2).restarted is None
        prediction = next(engine)
        assert (prediction.l_mem, prediction.remembered) == (2, (3, 4))
        engine.update(l_mem=6)
        assert next(engine).remembered == (4, 5)
        assert next(engine).remembered == (4, 5, 6)
        engine.update(l_mem=0)
        assert next(engine).num_remembered == 0


def test_a_new_stride_takes_effect_at_the_next_clip_without_losing_the_stream(video):
    with make_engine(video) as engine:
        [next(engine) for _ in range(3)]
        assert engine.update(window_stride=2).restarted is None
        prediction = next(engine)
    assert prediction.window.start_frame == 10
    assert prediction.num_remembered == 3
    assert prediction.restarted is None


def test_a_new_fps_goes_on_at_the_same_time_with_its_memory(video):
    with make_engine(video) as engine:
        last = [next(engine) for _ in range(2)][-1]
        assert engine.update(fps=8.0).restarted is None
        prediction = next(engine)
    assert prediction.start_seconds == last.end_seconds
    assert prediction.end_seconds - prediction.start_seconds == 0.5
    assert prediction.num_remembered == 2


def test_another_clip_length_restarts_the_stream_where_it_is_and_says_so(video):
    with make_engine(video) as engine:
        last = [next(engine) for _ in range(3)][-1]
        change = engine.update(clip_frames=8)
        prediction, following = next(engine), next(engine)
    assert change.restarted == "The memory starts empty: clips now have 8 frames instead of 4."
    assert prediction.restarted == change.restarted
    assert prediction.start_seconds == last.end_seconds
    assert (prediction.index, prediction.num_remembered) == (3, 0)
    assert (following.restarted, following.remembered) == (None, (3,))


def test_another_model_restarts_the_stream_where_it_is_and_says_so(video):
    feeds = FakeVideo(40)
    with make_engine(video, feeds=feeds) as engine:
        [next(engine) for _ in range(3)]
        change = engine.update(model=FakeModel(seed=1))
        prediction = next(engine)
        assert feeds.feeds[0].is_closed
    assert "the model is now Fake" in change.restarted
    assert prediction.restarted == change.restarted
    assert (prediction.index, prediction.start_seconds, prediction.num_remembered) == (3, 3.0, 0)


def test_a_jump_empties_the_memory_and_says_so(video):
    with make_engine(video) as engine:
        [next(engine) for _ in range(3)]
        sentence = engine.seek(8.0)
        prediction, following = next(engine), next(engine)
    assert sentence == prediction.restarted == "The memory starts empty: the video jumped to 00:08."
    assert (prediction.start_seconds, prediction.num_remembered) == (8.0, 0)
    assert (following.start_seconds, following.remembered) == (9.0, (3,))


def test_jumping_back_after_the_end_goes_on(video):
    with make_engine(video, 12) as engine:
        assert len(list(engine)) == 3
        assert next(engine, None) is None
        engine.seek(2.0)
        assert [p.start_seconds for p in engine] == [2.0]


@pytest.mark.parametrize(
    "change, allowed",
    [
        ({"fps": 0.0}, "from 0.1 to 60"),
        ({"fps": float("nan")}, "from 0.1 to 60"),
        ({"clip_frames": 5}, "multiple of 2"),
        ({"clip_frames": 200}, "from 2 to 128"),
        ({"window_stride": 17}, "from 1 to 16"),
        ({"l_mem": -1}, "from 0 to 200"),
        ({"l_mem": 2.5}, "whole number from 0 to 200"),
    ],
)
def test_impossible_changes_are_refused_and_change_nothing(video, change, allowed):
    with make_engine(video) as engine:
        next(engine)
        with pytest.raises(SettingError, match=allowed):
            engine.update(**change)
        next(engine)
        assert engine.settings == StreamSettings.for_model(engine.model)


def test_a_jump_out_of_the_video_is_refused(video):
    with make_engine(video) as engine, pytest.raises(SettingError, match=r"\[0, 10\)"):
        engine.seek(11.0)


def test_a_gap_is_in_the_next_prediction_and_in_the_log(video, caplog):
    gap = Gap(start_seconds=2.25, end_seconds=2.5, reason="damaged packets")
    with make_engine(video, feeds=FakeVideo(40, gap_at={9: gap})) as engine:
        predictions = list(engine)
    assert [p.index for p in predictions if p.gaps] == [2]
    assert predictions[2].gaps == (gap,)
    assert "no pictures from 2.25 to 2.50 s: damaged packets" in caplog.text


def test_a_failing_decoder_ends_the_run_unless_one_jumps_over_it(video):
    feeds = FakeVideo(40, error_at={10: DecoderTimeoutError("nothing for 30 s")})
    with make_engine(video, feeds=feeds) as engine:
        assert [next(engine).index, next(engine).index] == [0, 1]
        with pytest.raises(DecoderTimeoutError):
            next(engine)
        assert feeds.feeds[0].is_closed
        assert next(engine, None) is None
        engine.seek(3.0)
        assert next(engine).start_seconds == 3.0


def test_the_feed_is_closed_at_the_end_and_on_leaving_early(video):
    feeds = FakeVideo(12)
    with make_engine(video, feeds=feeds) as engine:
        next(engine)
    assert feeds.feeds[0].is_closed
    assert list(engine) == []
    feeds = FakeVideo(12)
    list(make_engine(video, feeds=feeds))
    assert feeds.feeds[0].is_closed


def test_a_feed_that_cannot_start_leaves_nothing_open(video):
    feeds = FakeVideo(12)
    with pytest.raises(SettingError):
        make_engine(video, feeds=feeds, start_seconds=99.0)
    assert feeds.feeds[0].is_closed


def test_closing_from_another_thread_ends_a_wait_for_frames(video):
    class Waiting:
        """A feed whose decoder hangs, until it is closed."""

        def __init__(self, feed):
            self.feed, self.released = feed, threading.Event()

        def __getattr__(self, name):
            return getattr(self.feed, name)

        def read(self, num_frames):
            if self.feed.calls:
                self.released.wait(60)
                raise DecoderTimeoutError("closed")
            return self.feed.read(num_frames)

        def close(self):
            self.released.set()

    engine = make_engine(video, feeds=lambda request: Waiting(FakeVideo(40)(request)))
    got = []
    thread = threading.Thread(target=lambda: got.extend(engine))
    thread.start()
    while not got:
        time.sleep(0.005)
    engine.close()
    thread.join(60)
    assert not thread.is_alive()
    assert [p.index for p in got] == [0]


def test_changes_from_another_thread_lose_no_clip(video):
    """Updates at any moment: each window starts where the last one's stride says."""
    engine = make_engine(video, 4000)
    stop = threading.Event()

    def fiddle():
        number = 0
        while not stop.is_set():
            number += 1
            engine.update(l_mem=number % 5, window_stride=1 + number % 4)
            time.sleep(0.0005)

    thread = threading.Thread(target=fiddle)
    thread.start()
    with engine:
        starts = [next(engine).window.start_frame for _ in range(300)]
    stop.set()
    thread.join()
    steps = {after - before for before, after in pairwise(starts)}
    assert steps <= {1, 2, 3, 4}


def test_last_clip_is_there_to_be_shown(video):
    with make_engine(video) as engine:
        next(engine)
        assert engine.last_clip_pixels.shape == (4, 2, 3, 3)
        assert engine.info.duration_seconds == 10.0
        assert (engine.reader_name, engine.reader_reason) == ("fake", "it is a test")


def test_settings_default_to_those_of_the_model(video):
    with make_engine(video) as engine:
        assert engine.settings.fps == CARD.fps
        assert (engine.settings.l_mem, engine.settings.frames_multiple) == (3, 2)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_ends_the_run_with_its_clip_and_cause(video, tmp_path, bad):
    """Rows of `nan` were written, and the page of the app could not read what was sent."""
    model, out = FakeModel(), tmp_path / "p.csv"
    engine = make_engine(video, model=model, files=RunFiles(out=out, state_path=tmp_path / "s"))
    with engine:
        next(engine)
        model.weight.data[1] = bad
        with pytest.raises(
            ModelError,
            match=r"no numbers for the clip from 1\.00 to 2\.00 s: its weight weight has",
        ):
            next(engine)
        assert next(engine, None) is None
    assert len(out.read_text().splitlines()) == 2
    assert read_state_file(tmp_path / "s").facts["position"]["next_index"] == 1


def test_one_stream_of_a_pool_that_gives_no_numbers_is_no_trouble_of_the_others(video):
    model = FakeModel()
    with StreamPool(model) as pool:
        runs = [pool.add(name, video, open_feed=FakeVideo(20)) for name in "ab"]
        # Between a prediction of `a` and the next one of any, nobody touches what `a` remembers.
        made = [*itertools.takewhile(lambda name: name != "a", (name for name, _ in pool)), "a"]
        runs[0].stream.state.memory.tokens[:] = float("nan")
        made += [name for name, _ in pool]
        assert isinstance(pool.errors["a"], ModelError)
        assert "what it remembers" in str(pool.errors["a"])
        assert "b" not in pool.errors
    assert made.count("b") >= 4


def test_a_state_too_large_for_the_memory_is_told(video, monkeypatch):
    def init_state(*_, **options):
        raise RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 2048 bytes"
        )

    monkeypatch.setattr(FakeModel, "init_state", init_state)
    with pytest.raises(ModelMemoryError, match=r"needed 2\.0 KiB more at once, and .* are free"):
        make_engine(video)
