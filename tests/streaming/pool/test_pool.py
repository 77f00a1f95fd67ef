"""Many streams through one model: as singles, each on its own, bounded."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from tests.streaming.test_spool_stream import make_model as make_spool
from vidmem.errors import DecoderCrashedError, NotAVideoError, SettingError
from vidmem.streaming import Engine, RunFiles, StreamPool, StreamSettings
from vidmem.video.sampling import Gap

LENGTHS = {"a": 40, "b": 42, "c": 8, "d": 75}
OF_THE_MOMENT = {
    "model_seconds": 0.0,
    "wait_seconds": 0.0,
    "decode_seconds": 0.0,
    "process_bytes": 0,
    "decoder_bytes": 0,
}
ROUNDING = 32 * torch.finfo(torch.float32).eps


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def settings_of(model, **changes):
    return StreamSettings.for_model(model, **changes)


def timeless(prediction):
    """A prediction without what depends on the machine."""
    revised = tuple(timeless(one) for one in prediction.revised)
    return replace(prediction, revised=revised, **OF_THE_MOMENT)


def single(video, model, feeds, **kwargs):
    with Engine(video, model, open_feed=feeds, **kwargs) as engine:
        return [timeless(one) for one in engine]


def by_stream(pool):
    found = {}
    for name, prediction in pool:
        found.setdefault(name, []).append(timeless(prediction))
    return found


def check_close(found, wanted):
    """Equal but for the rounding of sums of few numbers, whose order depends on the batch."""
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=ROUNDING)
        check_close(ours.revised, theirs.revised)
        fields = {"probabilities": (), "probability": 0.0, "revised": ()}
        assert replace(ours, **fields) == replace(theirs, **fields)


@pytest.mark.parametrize("make_model", [FakeModel, make_spool], ids=["fam-swin", "spool"])
@pytest.mark.parametrize("max_batch", [1, 3, 8])
def test_a_pool_gives_what_engines_give(video, make_model, max_batch):
    model = make_model()
    with StreamPool(model, max_batch=max_batch) as pool:
        for name, num_frames in LENGTHS.items():
            pool.add(name, video, open_feed=FakeVideo(num_frames))
        found = by_stream(pool)
        figures = pool.figures()
    wanted = {name: single(video, model, FakeVideo(n)) for name, n in LENGTHS.items()}
    if max_batch == 1 or make_model is FakeModel:
        assert found == wanted
    for name in LENGTHS:
        check_close(found[name], wanted[name])
    assert max(figures.batch_counts) <= max_batch
    assert figures.clips_done == sum(map(len, found.values()))
    assert [one.status for one in figures.streams] == ["ended"] * 4


def test_streams_have_settings_of_their_own(video):
    model = FakeModel()
    own = {
        "a": settings_of(model, l_mem=0),
        "b": settings_of(model, l_mem=7, fps=8.0),
        "c": settings_of(model, clip_frames=6, window_stride=2),
        "d": None,
    }
    with StreamPool(model) as pool:
        for name, settings in own.items():
            pool.add(name, video, settings, open_feed=FakeVideo(60), start_seconds=1.0)
        found = by_stream(pool)
        l_mems = {name: found[name][-1].l_mem for name in own}
    for name, settings in own.items():
        want = single(video, model, FakeVideo(60), settings=settings, start_seconds=1.0)
        assert found[name] == want
    assert l_mems == {"a": 0, "b": 7, "c": 3, "d": 3}


def test_a_stream_joins_and_leaves_while_others_go_on(video):
    model = FakeModel()
    found = {"a": [], "b": []}
    with StreamPool(model) as pool:
        pool.add("a", video, open_feed=FakeVideo(80))
        found["a"] += [timeless(next(pool)[1]) for _ in range(5)]
        feeds = FakeVideo(10**9)
        pool.add("b", video, open_feed=feeds)
        while len(found["b"]) < 4:
            name, prediction = next(pool)
            found[name].append(timeless(prediction))
        found["b"] += [timeless(one) for one in pool.remove("b")]
        assert feeds.feeds[0].is_closed
        assert pool.stream_ids == ("a",)
        found["a"] += by_stream(pool)["a"]
    assert found["a"] == single(video, model, FakeVideo(80))
    with Engine(video, model, open_feed=FakeVideo(10**9)) as engine:
        assert found["b"] == [timeless(next(engine)) for _ in found["b"]]


def test_who_leaves_gets_what_was_provisional(video, tmp_path):
    model, out = make_spool(), tmp_path / "rows.csv"
    with StreamPool(model) as pool:
        pool.add("a", video, files=RunFiles(out=out), open_feed=FakeVideo(400))
        given = [one for _ in range(7) for one in next(pool)[1].settled]
        given += pool.remove("a")
        assert next(pool, None) is None
    assert [one.index for one in given] == list(range(len(given)))
    assert all(one.is_final for one in given)
    assert len(given) >= 7
    assert len(out.read_text().splitlines()) == 1 + len(given)


def test_a_paused_stream_stands_still_and_goes_on_as_if_nothing_had_been(video):
    model = FakeModel()
    feeds = FakeVideo(40)
    with StreamPool(model) as pool:
        pool.add("a", video, open_feed=feeds)
        pool.add("b", video, open_feed=FakeVideo(400))
        pool.pause("a")
        assert {name for name, _ in pool} == {"b"}
        assert pool.stream_figures("a").status == "paused"
        assert pool.stream_figures("a").clips_done == 0
        assert len(feeds.feeds[0].calls) <= 2
        pool.resume("a")
        assert by_stream(pool) == {"a": single(video, model, FakeVideo(40))}


def test_a_change_meets_the_next_clip_even_if_that_is_decoded_already(video):
    gap = Gap(start_seconds=1.25, end_seconds=1.5, reason="damaged packets")
    with StreamPool(FakeModel()) as pool:
        pool.add("a", video, open_feed=FakeVideo(60, gap_at={5: gap}))
        next(pool)
        wait_until(lambda: pool.stream_figures("a").num_waiting == 1)
        assert pool.update("a", l_mem=1, window_stride=2).restarted is None
        _, second = next(pool)
        _, third = next(pool)
        wait_until(lambda: pool.stream_figures("a").num_waiting == 1)
        sentence = pool.seek("a", 10.0)
        _, fourth = next(pool)
    assert (second.l_mem, second.window.start_frame, second.gaps) == (1, 2, (gap,))
    assert (third.window.start_frame, third.gaps) == (4, ())
    assert (fourth.start_seconds, fourth.restarted) == (10.0, sentence)


def test_a_stream_that_ended_takes_up_again_after_a_jump(video):
    with StreamPool(FakeModel()) as pool:
        pool.add("a", video, open_feed=FakeVideo(20))
        assert len(list(pool)) == 5
        assert next(pool, None) is None
        pool.seek("a", 3.0)
        assert [one.start_seconds for _, one in pool] == [3.0, 4.0]


def test_one_stream_that_breaks_disturbs_no_other_bit_for_bit(video, tmp_path, caplog):
    model, out = FakeModel(), tmp_path / "rows.csv"
    broken = FakeVideo(80, error_at={30: DecoderCrashedError("the decoder of c ended unasked")})
    with StreamPool(model) as pool:
        pool.add("a", video, open_feed=FakeVideo(80))
        pool.add("b", video, open_feed=broken, files=RunFiles(out=out))
        pool.add("c", video, open_feed=FakeVideo(81))
        found = by_stream(pool)
        assert pool.errors.keys() == {"b"}
        failed = pool.stream_figures("b")
        pool.seek("b", 10.0)
        after = [one.start_seconds for _, one in pool]
    assert found["a"] == single(video, model, FakeVideo(80))
    assert found["c"] == single(video, model, FakeVideo(81))
    assert len(found["b"]) == 7
    assert (failed.status, failed.clips_done) == ("failed", 7)
    assert isinstance(failed.error, DecoderCrashedError)
    assert "stream b stops, the others go on" in caplog.text
    assert after == [float(second) for second in range(10, 20)]
    assert len(out.read_text().splitlines()) == 1 + 7 + 10


def test_a_file_that_cannot_be_opened_leaves_the_pool_as_it_was(video):
    def refuse(request):
        raise NotAVideoError("this is no video")

    with StreamPool(FakeModel()) as pool:
        pool.add("a", video, open_feed=FakeVideo(20))
        with pytest.raises(NotAVideoError):
            pool.add("b", video, open_feed=refuse)
        with pytest.raises(SettingError, match="start_seconds"):
            pool.add("b", video, open_feed=FakeVideo(20), start_seconds=99.0)
        pool.add("b", video, open_feed=FakeVideo(20))
        assert sorted(name for name, _ in pool) == ["a"] * 5 + ["b"] * 5


def test_what_one_stream_writes_can_be_resumed_in_another_pool(video, tmp_path):
    model = FakeModel()

    def files(name, resume=False):
        out, state = tmp_path / f"{name}.csv", tmp_path / f"{name}.state"
        return RunFiles(out=out, state_path=state, resume=resume)

    with StreamPool(model) as pool:
        for name in "ab":
            pool.add(name, video, files=files(name), open_feed=FakeVideo(80))
        for _ in range(9):
            next(pool)
    with StreamPool(model) as pool:
        for name in "ba":
            run = pool.add(name, video, files=files(name, resume=True), open_feed=FakeVideo(80))
            assert run.resumed is not None
        list(pool)
    single(video, model, FakeVideo(80), files=files("single"))
    want = (tmp_path / "single.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes() == want


def test_no_stream_gets_ahead_and_nothing_piles_up(video):
    """Streams that are always ready: turns are equal, and one clip of each is held at most."""
    feeds = {str(n): FakeVideo(10**9) for n in range(7)}
    with StreamPool(FakeModel(), max_batch=3, max_wait_seconds=60.0) as pool:
        for name, feed in feeds.items():
            pool.add(name, video, open_feed=feed)
        for _ in range(300):  # all are there each time: else who is quickest is a matter of luck
            wait_until(lambda: all(one.num_waiting for one in pool.figures().streams))
            done = {one.stream_id: one.clips_done for one in pool.figures().streams}
            assert max(done.values()) - min(done.values()) <= 1
            for name, feed in feeds.items():
                assert len(feed.feeds[0].calls) == done[name] + 1
            next(pool)
    assert sum(done.values()) >= 299


def test_a_stalled_decoder_holds_up_only_its_own_stream(video):
    released = threading.Event()

    class Stalled:
        def __init__(self, feed):
            self.feed = feed

        def __getattr__(self, name):
            return getattr(self.feed, name)

        def read(self, num_frames):
            released.wait(60)
            return self.feed.read(num_frames)

    with StreamPool(FakeModel()) as pool:
        pool.add("stalled", video, open_feed=lambda request: Stalled(FakeVideo(40)(request)))
        pool.add("a", video, open_feed=FakeVideo(200))
        first = [next(pool)[0] for _ in range(50)]
        assert pool.stream_figures("stalled").status == "reading"
        released.set()
        assert [name for name, _ in pool] == ["stalled"] * 10
    assert first == ["a"] * 50


def test_closing_from_another_thread_ends_the_iteration(video):
    feeds = {name: FakeVideo(10**9) for name in "ab"}
    pool = StreamPool(FakeModel())
    for name, feed in feeds.items():
        pool.add(name, video, open_feed=feed)
    found = []
    thread = threading.Thread(target=lambda: found.extend(pool))
    thread.start()
    wait_until(lambda: len(found) > 20)
    pool.close()
    thread.join(60)
    assert not thread.is_alive()
    assert all(feed.feeds[0].is_closed for feed in feeds.values())
    with pytest.raises(ValueError, match="the pool is closed"):
        pool.add("c", video, open_feed=FakeVideo(8))


def test_changes_from_other_threads_lose_no_clip_and_starve_nobody(video):
    pool = StreamPool(FakeModel(), max_batch=3)
    stop = threading.Event()

    def fiddle():
        number = 0
        while not stop.is_set():
            number += 1
            pool.update("a", l_mem=number % 5, window_stride=1 + number % 4)
            pool.pause("b") if number % 2 else pool.resume("b")
            if number % 20 == 0:
                pool.add("c", video, open_feed=FakeVideo(10**6))
                pool.remove("c")
            stop.wait(0.0005)

    with pool:
        for name in "abd":
            pool.add(name, video, open_feed=FakeVideo(10**6))
        thread = threading.Thread(target=fiddle)
        thread.start()
        starts = {"a": [], "b": [], "c": [], "d": []}
        while min(len(starts[name]) for name in "abd") < 100:
            name, prediction = next(pool)
            starts[name].append(prediction.window.start_frame)
        stop.set()
        thread.join()
    steps = {b - a for a, b in zip(starts["a"], starts["a"][1:], strict=False)}
    assert steps <= {1, 2, 3, 4}
    for name in "bd":
        assert starts[name] == list(range(0, 4 * len(starts[name]), 4))


def test_a_model_that_fails_leaves_the_clips_waiting(video):
    model = FakeModel()
    step = model.step
    with StreamPool(model) as pool:
        for name in "ab":
            pool.add(name, video, open_feed=FakeVideo(40))
        next(pool)

        def fail(*_):
            raise RuntimeError("out of memory")

        model.step = fail
        with pytest.raises(RuntimeError, match="out of memory"):
            list(pool)
        model.step = step
        found = by_stream(pool)
    want = single(video, model, FakeVideo(40))
    assert all(one == want[-len(one) :] and len(one) >= 9 for one in found.values())


def test_a_bug_in_a_feed_is_raised_where_one_iterates(video):
    feeds = FakeVideo(40, error_at={10: KeyError("a bug")})
    with StreamPool(FakeModel()) as pool:
        pool.add("a", video, open_feed=feeds)
        with pytest.raises(KeyError, match="a bug"):
            list(pool)
        assert "went wrong: KeyError: 'a bug'" in str(pool.errors["a"])
        assert pool.stream_figures("a").status == "failed"
        assert list(pool) == []


def test_misuse_is_said(video):
    with pytest.raises(ValueError, match="max_batch must be at least 1"):
        StreamPool(FakeModel(), max_batch=0)
    with pytest.raises(ValueError, match="max_wait_seconds must be at least 0"):
        StreamPool(FakeModel(), max_wait_seconds=-1.0)
    with StreamPool(FakeModel()) as pool:
        pool.add("a", video, open_feed=FakeVideo(20))
        with pytest.raises(ValueError, match="there is a stream 'a' already"):
            pool.add("a", video, open_feed=FakeVideo(20))
        with pytest.raises(ValueError, match="no stream 'x'; it has 'a'"):
            pool.pause("x")
        with pytest.raises(ValueError, match="share its model"):
            pool.update("a", model=FakeModel())
        with pytest.raises(SettingError, match="from 0 to 200"):
            pool.update("a", l_mem=-1)


def wait_until(condition):
    """Let other threads come to something; fails when they do not."""
    event = threading.Event()
    for _ in range(20_000):
        if condition():
            return
        event.wait(0.002)
    raise AssertionError("it never came to it")
