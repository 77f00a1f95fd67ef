"""Many streams of one visitor: each by itself, bounded, and gone when they are closed."""

from __future__ import annotations

import base64
import errno
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.pages.streams import wording as streams_wording
from app.pages.streams.memory import PoolFootprint
from app.pages.streams.tile import StreamRequest, Tile
from app.pages.streams.tile_strip import MAX_BUCKETS, MAX_POINTS
from app.run.board import Board
from app.run.results.timeline import Columns
from app.sources.shelf import Video
from tests.app.pages.fake_streams import (
    RUN,
    StreamDesk,
    facts_of,
    merged,
    open_made_up,
    stream_of,
    wait_until,
)
from tests.streaming.doubles import FakeModel
from tests.streaming.test_spool_stream import make_model as make_spool
from vidmem.errors import SettingError, StorageError
from vidmem.streaming import Engine, RunFiles, StreamSettings, VideoRun
from vidmem.streaming.saving.predictions_csv import storage_errors


@pytest.fixture
def desk(tmp_path):
    made = StreamDesk(tmp_path)
    yield made
    made.gate.set()
    for run_id in (RUN, "other"):
        made.pools.close(run_id)


def has_ended(pool, *titles):
    told = facts_of(pool)
    return all(told[title]["status"] in {"ended", "failed"} for title in titles)


POOL_THREADS = ("streams", "vidmem-pool")


@pytest.mark.parametrize("make_model", [FakeModel, make_spool], ids=["fam-swin", "spool"])
def test_each_file_is_the_one_that_a_run_alone_writes(tmp_path, make_model):
    desk = StreamDesk(tmp_path, make_model)
    places = [desk.video(f"{name}.mp4", count) for name, count in (("a", 40), ("b", 75))]
    pool = desk.start(*places)
    wait_until(lambda: has_ended(pool, "a.mp4", "b.mp4"))
    told = facts_of(pool)
    desk.pools.close(RUN)
    for place in places:
        alone = tmp_path / "alone.csv"
        with Engine(
            place.video.path,
            desk.models["fake"],
            files=RunFiles(out=alone),
            open_feed=open_made_up,
        ) as engine:
            assert sum(1 for _ in engine) > 5
        written = desk.pools.files.open(RUN, told[place.title]["file"])
        assert written.name == f"{place.video.path.stem}-predictions.csv"
        ours = b"".join(written.pieces).decode().splitlines()
        theirs = alone.read_text().splitlines()
        assert [row.split(",")[:3] for row in ours] == [row.split(",")[:3] for row in theirs]
        alone.unlink()


def test_a_file_that_is_no_video_says_so_in_its_own_tile(desk):
    pool = desk.start(desk.video("a.mp4"), desk.video("notes.mp4", None), desk.video("b.mp4"))
    wait_until(lambda: has_ended(pool, "a.mp4", "notes.mp4", "b.mp4"))
    told = facts_of(pool)
    assert told["notes.mp4"]["sentence"].startswith("notes.mp4 is not a video")
    assert told["notes.mp4"]["status"] == "failed"
    assert (told["a.mp4"]["sentence"], told["a.mp4"]["clips"]) == ("", 10)
    assert told["b.mp4"]["clips"] == 10
    assert "1 failed" in pool.news(-1)["figures"]["headline"]


def test_a_page_is_sent_what_it_does_not_have_and_nothing_else(desk):
    desk.gate.clear()
    pool = desk.start(desk.video("a.mp4", 400), desk.video("b.mp4", 400))
    wait_until(lambda: all(one["status"] == "playing" for one in facts_of(pool).values()))
    whole = pool.news(-1)
    version, strips = whole["version"], {name: [] for name in whole["order"]}
    assert len(whole["streams"]) == 2
    desk.gate.set()
    while not has_ended(pool, "a.mp4", "b.mp4"):
        time.sleep(0.01)  # a page asks less often still
        news = pool.news(version)
        version = news["version"]
        for name, strip in news["strips"].items():
            strips[name] = (
                strip["pieces"] if strip["whole"] else merged(strips[name], strip["pieces"])
            )
    news = pool.news(version)
    for name, strip in news["strips"].items():
        strips[name] = merged(strips[name], strip["pieces"])
    whole = pool.news(-1)
    assert strips == {name: strip["pieces"] for name, strip in whole["strips"].items()}
    quiet = pool.news(whole["version"])
    assert (quiet["streams"], quiet["strips"], quiet["pictures"]) == ({}, {}, {})
    assert "order" not in quiet


def test_a_strip_takes_the_same_room_however_long_the_stream(desk):
    place = StreamRequest(video=Video("v", "v", desk.folder / "v.mp4"), title="v")
    names = ("one", "two")
    prediction = next(
        iter(Engine(desk.video("a.mp4").video.path, FakeModel(), open_feed=open_made_up))
    )
    tile = Tile(1, place, StreamSettings(), Columns(names), Board())
    for index in range(3 * MAX_POINTS):
        label = names[index // 5 % 2]
        tile.on_prediction(
            replace(
                prediction,
                index=index,
                start_seconds=4.0 * index,
                end_seconds=4.0 * (index + 1),
                label=label,
                class_names=names,
                probabilities=(0.9, 0.1) if label == "one" else (0.1, 0.9),
            )
        )
    strip = tile.strip.since(-1)
    assert strip["whole"]
    assert len(strip["pieces"]) <= MAX_BUCKETS
    assert strip["pieces"][-1][1] == 4.0 * 3 * MAX_POINTS
    assert len(tile.strip) <= MAX_POINTS
    assert tile.strip.since(10)["whole"]  # a page that was away for long


def test_what_is_provisional_is_told_apart_until_it_is_final(tmp_path):
    desk = StreamDesk(tmp_path, make_spool)
    pool = desk.start(desk.video("a.mp4", 400))
    seen = set()
    while not has_ended(pool, "a.mp4"):
        time.sleep(0.01)
        for strip in pool.news(-1)["strips"].values():
            seen |= {piece[3] for piece in strip["pieces"]}
    assert seen == {0, 1}
    strip = next(iter(pool.news(-1)["strips"].values()))
    assert {piece[3] for piece in strip["pieces"]} == {1}
    desk.pools.close(RUN)


def test_the_picture_is_the_last_frame_of_the_newest_clip(desk):
    pool = desk.start(desk.video("a.mp4", 40))
    wait_until(lambda: has_ended(pool, "a.mp4"))
    [picture] = pool.news(-1)["pictures"].values()
    image = Image.open(io.BytesIO(base64.b64decode(picture["jpeg"])))
    assert image.size == (3, 2)
    assert picture["seconds"] == 10.0
    assert abs(image.getpixel((1, 1))[0] - 9750 % 251) <= 3  # the frame at 9.75 s


def test_a_stream_pauses_goes_on_jumps_and_remembers_less_by_itself(desk):
    desk.gate.clear()
    pool = desk.start(desk.video("a.mp4", 400), desk.video("b.mp4", 400))
    wait_until(lambda: all(one["status"] == "playing" for one in facts_of(pool).values()))
    first, second = (stream_of(pool, f"{name}.mp4") for name in "ab")
    pool.pause(first)
    pool.change(second, "l_mem", 1)
    desk.gate.set()
    wait_until(lambda: has_ended(pool, "b.mp4"))
    told = facts_of(pool)
    assert (told["a.mp4"]["status"], told["b.mp4"]["clips"]) == ("paused", 100)
    assert told["a.mp4"].get("clips", 0) <= 1
    assert (told["a.mp4"]["l_mem"], told["b.mp4"]["l_mem"]) == (3, 1)
    assert told["b.mp4"]["remembered"] == 1
    pool.resume(first)
    wait_until(lambda: has_ended(pool, "a.mp4"))
    assert "starts empty" in pool.jump(second, 80.0)
    wait_until(lambda: facts_of(pool)["b.mp4"]["clips"] == 120)
    with pytest.raises(SettingError, match="l_mem must be a whole number"):
        pool.change(second, "l_mem", 999)
    with pytest.raises(SettingError, match="must be in"):
        pool.jump(second, 1e6)


def test_more_join_while_others_run_and_who_leaves_leaves_its_file(desk, own_threads):
    desk.gate.clear()
    pool = desk.start(desk.video("a.mp4", 4000))
    wait_until(lambda: facts_of(pool)["a.mp4"]["status"] == "playing")
    assert desk.start(desk.video("b.mp4", 40)) is pool
    desk.gate.set()
    wait_until(lambda: has_ended(pool, "b.mp4"))
    file = facts_of(pool)["b.mp4"]["file"]
    assert f"{RUN}-{file}" in desk.pools.files_in_use()
    desk.pools.leave(RUN, stream_of(pool, "b.mp4"))
    assert list(facts_of(pool)) == ["a.mp4"]
    assert len(desk.pools.files_in_use()) == 1
    assert desk.pools.files.open(RUN, file) is not None
    with pytest.raises(SettingError, match="was removed"):
        pool.pause("s0")
    desk.pools.leave(RUN, stream_of(pool, "a.mp4"))  # the last one closes the pool
    assert desk.pools.find(RUN) is None
    wait_until(lambda: not own_threads(*POOL_THREADS))


def test_all_threads_end_with_the_run_that_the_streams_belong_to(desk, own_threads):
    pool = desk.start(*(desk.video(f"{name}.mp4", 10**6) for name in "abcd"))
    wait_until(lambda: pool.figures()["clips_done"] > 3)
    assert len(own_threads(*POOL_THREADS)) >= 5
    desk.pools.on_run_freed(RUN)
    assert own_threads(*POOL_THREADS) == []
    assert len(desk.pools) == 0
    with pytest.raises(SettingError, match="were closed"):
        desk.pools.get(RUN)


def test_there_are_bounds_on_streams_and_pools_and_one_model_per_pool(tmp_path, own_threads):
    desk = StreamDesk(tmp_path, max_pools=1)
    desk.gate.clear()
    places = [desk.video(f"{number}.mp4") for number in range(streams_wording.MAX_STREAMS)]
    pool = desk.start(*places)
    with pytest.raises(SettingError, match="16 are there, and 1 more"):
        pool.add([desk.video("more.mp4")])
    with pytest.raises(SettingError, match="--max-runs 1"):
        desk.start(places[0], run_id="other")
    with pytest.raises(SettingError, match="Close them all to use another model"):
        desk.start(places[0], model="another")
    with pytest.raises(SettingError, match="not on this machine"):
        desk.start(places[0], model="none")
    with pytest.raises(SettingError, match="Tick a video"):
        desk.start()
    desk.pools.close(RUN)
    assert own_threads(*POOL_THREADS) == []


def test_a_problem_of_the_pool_is_said_and_goes_by(desk, caplog):
    desk.problems.append(RuntimeError("a bug"))
    pool = desk.start(desk.video("a.mp4"))
    wait_until(lambda: has_ended(pool, "a.mp4"))
    assert facts_of(pool)["a.mp4"]["clips"] == 10
    assert pool.news(-1)["figures"]["sentence"] == ""
    assert "a bug" in caplog.text


def test_a_problem_that_stays_lets_the_streams_stand_still(desk, caplog, own_threads):
    desk.problems += [RuntimeError("a bug")] * 20
    pool = desk.start(desk.video("a.mp4"))
    wait_until(lambda: len(desk.problems) <= 17)
    wait_until(lambda: "have stopped" in pool.news(-1)["figures"]["sentence"])
    assert len(desk.problems) == 17
    assert "RuntimeError" in pool.news(-1)["figures"]["sentence"]
    desk.pools.close(RUN)
    assert own_threads(*POOL_THREADS) == []


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full."),
        (OSError(errno.EACCES, "Permission denied"), "Permission denied."),
    ],
)
def test_where_predictions_are_not_saved_no_folder_of_the_server_is_named(cause, sentence):
    with pytest.raises(StorageError) as failed, storage_errors(Path("/srv/secret/a.csv")):
        raise cause
    text = streams_wording.not_saved(failed.value, Path("/videos/a.mp4"))
    assert text == f"Its predictions are not saved any more: {sentence}"


def test_bugs_in_streams_are_told_in_their_tiles_and_the_others_go_on(desk, monkeypatch, caplog):
    read = VideoRun.read

    def fail_in_a_while(run, **how):
        if run.source.name != "good.mp4" and run.position_seconds >= 4:
            raise RuntimeError("a bug")
        return read(run, **how)

    monkeypatch.setattr(VideoRun, "read", fail_in_a_while)
    bad = [f"bad{number}.mp4" for number in range(4)]
    pool = desk.start(*map(desk.video, bad), desk.video("good.mp4", 75))
    wait_until(lambda: has_ended(pool, *bad, "good.mp4"))
    told = facts_of(pool)
    assert (told["good.mp4"]["status"], told["good.mp4"]["clips"]) == ("ended", 19)
    for title in bad:
        assert told[title]["status"] == "failed"
        assert "unexpected went wrong: RuntimeError: a bug" in told[title]["sentence"]
    assert pool.news(-1)["figures"]["sentence"] == ""
    assert "a bug" in caplog.text


def test_a_stream_that_cannot_be_saved_goes_on_and_does_not_tell_where_its_file_lies(desk):
    desk.gate.clear()
    pool = desk.start(desk.video("a.mp4", 400))
    wait_until(lambda: facts_of(pool)["a.mp4"]["status"] == "playing")
    [(tile, _)] = pool.streams()
    out = tile.run.out
    tile.run._recorder.error = StorageError(f"{out} cannot be written: No space left on device")
    sentence = facts_of(pool)["a.mp4"]["sentence"]
    assert sentence.startswith("Its predictions are not saved any more: its file cannot be written")
    assert str(desk.folder) not in sentence


def test_any_setting_of_a_stream_is_changed_on_the_checked_way(desk):
    desk.gate.clear()
    pool = desk.start(desk.video("a.mp4", 400))
    wait_until(lambda: facts_of(pool)["a.mp4"]["status"] == "playing")
    stream = stream_of(pool, "a.mp4")
    assert pool.change(stream, "l_mem", 2.0) is None  # as JSON may say it
    assert facts_of(pool)["a.mp4"]["l_mem"] == 2
    assert "starts empty" in pool.change(stream, "clip_frames", 8)
    with pytest.raises(SettingError, match="memory_every cannot be changed"):
        pool.change(stream, "memory_every", 2)


def test_a_stream_that_was_paused_in_its_last_clip_plays_again(desk):
    pool = desk.start(desk.video("a.mp4"))
    wait_until(lambda: has_ended(pool, "a.mp4"))
    stream = stream_of(pool, "a.mp4")
    pool.pause(stream)
    assert facts_of(pool)["a.mp4"]["status"] == "ended"
    pool.jump(stream, 0.0)
    wait_until(lambda: facts_of(pool)["a.mp4"]["clips"] == 20)


def test_the_figures_say_what_is_held_once_and_what_for_each(desk):
    pool = desk.start(desk.video("a.mp4"), desk.video("b.mp4"))
    wait_until(lambda: has_ended(pool, "a.mp4", "b.mp4"))
    told = pool.figures()
    assert told["clips_done"] == 20
    assert sum(size * count for size, count in told["batch_counts"].items()) == 20
    assert told["weights_bytes"] == 3 * 4
    assert told["state_bytes"] == 2 * desk.models["fake"].init_state(1).num_bytes
    said = {words: value for value, words in pool.news(-1)["figures"]["facts"]}
    assert said["weights, held once for all 2"] == "12 bytes"
    assert any("held by the process (settling)" in words for words in said)


def test_whether_the_process_grows_is_said_after_a_warm_up_that_each_change_begins_anew():
    now = [0.0]
    memory = PoolFootprint(clock=lambda: now[0])
    held = {"decoder_bytes": 0, "weights_bytes": 9, "state_bytes": 5, "clips_done": 1}
    memory.restart_trend("pen 1 joined")

    def go_on(seconds, mib_per_hour):
        for _ in range(seconds):
            now[0] += 1.0
            grown = mib_per_hour * 2**20 * now[0] / 3600
            memory.sample({**held, "process_bytes": 10**8 + round(grown)})

    go_on(30, 0.0)
    assert memory.trend_text == "settling"
    go_on(1000, 0.0)
    assert memory.trend_text == "flat: 0.0 MiB per hour"
    memory.restart_trend("pen 2 joined")
    assert memory.trend_text == "settling"
    go_on(3000, 60.0)
    assert memory.trend_text == "grows: 60.0 MiB per hour"
