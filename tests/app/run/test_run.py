"""One run: playing, holding, jumping, changing, failing, ending."""

from __future__ import annotations

import errno
import time

import pytest

from app.pages.watch.news import as_json
from tests.app.conftest import wait_until
from tests.app.fakes import FakeModel, write_video
from vidmem.errors import DecoderCrashedError, DecoderTimeoutError, ModelError, StorageError


def step(run) -> None:
    """Let one clip through, and wait until it is judged and all about it is told."""
    wanted = run.view.newest.index + 1 if run.view.newest else 0
    run.step()
    wait_until(lambda: run.view.newest is not None and run.view.newest.index == wanted)
    wait_until(run.player.pacer.is_waited_at)


def test_a_video_is_watched_to_the_end(desk):
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "finished")
    assert run.view.newest.index == 14
    assert run.board.get("play")["analysed_seconds"] == 60
    rows = run.board.get("bouts")["rows"]
    assert sum(row[3] for row in rows) == 60
    assert sum(row[4] for row in rows) == 1
    assert len(run.board.get("memory")["slots"]) == 14


def test_at_the_end_the_picture_is_of_the_last_clip(desk):
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "finished")
    wait_until(lambda: run.source.pictures.shown.seconds > 55)
    newest = run.view.newest
    assert newest.start_seconds <= run.source.pictures.shown.seconds < newest.end_seconds
    assert run.player.pacer.playhead_seconds == newest.end_seconds == 60


def test_each_picture_is_sent_with_what_was_said_of_its_own_time(desk):
    desk.machine.clip_seconds = 0.15
    desk.machine.picture_seconds = 0.1
    run = desk.open()
    run.play()
    sent: list[dict] = []
    while run.status != "finished" or not run.source.pictures.shown.seconds > 55:
        answer = desk.ask(run, picture=sent[-1]["number"] if sent else -1)
        sent += [answer["picture"]] if "picture" in answer else []
        time.sleep(0.02)
    told = [picture for picture in sent if "label" in picture]
    assert len(told) >= 2
    for picture in told:
        assert run.view.prediction_at(picture["seconds"])["label"] == picture["label"]
        assert picture["video"] == "sample"


def test_held_in_real_time_the_same_picture_is_not_sent_again(desk):
    run = desk.open()
    run.set_speed(is_real_time=True)
    run.jump(10.03, is_playing=True)
    wait_until(lambda: run.view.newest is not None)
    run.pause()

    def is_still() -> bool:
        """Whether no picture comes while a page looks for longer than one takes."""
        number = run.source.pictures.shown.number
        for _ in range(12):
            run.tick()
            time.sleep(0.05)
        return run.source.pictures.shown.number == number

    wait_until(is_still)
    assert 0 <= run.player.pacer.playhead_seconds - run.source.pictures.shown.seconds < 1


def test_after_steps_the_picture_is_that_of_the_newest_clip(desk):
    run = desk.open()
    for _ in range(4):
        step(run)
    run.source.pictures._model_first_until = time.monotonic() + 3600  # of a picture that took long

    def is_of_the_newest() -> bool:
        run.tick()
        newest = run.view.newest
        return newest.start_seconds <= run.source.pictures.shown.seconds < newest.end_seconds

    wait_until(is_of_the_newest)


@pytest.mark.parametrize("how", ["resumed", "jumped"])
def test_played_again_after_its_end_it_begins_at_the_beginning(desk, how):
    run = desk.open()
    if how == "resumed":
        step(run)
        step(run)
        run.stop()
    else:
        run.jump(30.0, is_playing=False)
    run.play()
    wait_until(lambda: run.status == "finished")
    run.play()
    wait_until(lambda: run.status == "finished" and run.view.newest is not None)
    assert run.view.predicted.timeline.end_seconds == 60
    assert run.view.prediction_at(0.5) is not None


def test_pause_holds_and_step_lets_one_clip_through(desk):
    run = desk.open()
    step(run)
    assert run.status == "paused"
    step(run)
    step(run)
    run.play()
    wait_until(lambda: run.status == "finished")


def test_the_memory_is_felt_with_the_next_clip(desk):
    run = desk.open()
    for _ in range(8):
        step(run)
    assert run.view.newest.num_remembered == 7
    run.chosen.update(l_mem=3)
    step(run)
    assert run.view.newest.num_remembered == 3
    assert [slot["clip"] for slot in run.board.get("memory")["slots"]] == [5, 6, 7]
    assert len(run.view.strip) == 4


def test_without_memory_no_thumbnails_are_made(desk):
    run = desk.open()
    run.chosen.update(l_mem=0)
    step(run)
    assert run.view.strip.thumbnails(-1) == []
    run.chosen.update(l_mem=4)
    step(run)
    assert [clip for clip, _ in run.view.strip.thumbnails(-1)] == [1]


def test_a_change_that_empties_the_memory_is_said_once(desk):
    run = desk.open()
    step(run)
    run.chosen.update(clip_frames=8)
    assert "memory starts empty" in run.board.get("notice")["text"]
    run.notices.dismiss()
    step(run)
    assert run.board.get("notice") is None
    assert run.view.newest.end_seconds - run.view.newest.start_seconds == 2


def test_back_to_back_windows_stay_so_when_the_clip_length_changes(desk):
    run = desk.open()
    run.chosen.update(clip_frames=8)
    assert run.board.get("settings")["values"]["window_stride"] == 8


def test_a_jump_goes_on_elsewhere_also_after_the_end(desk):
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "finished")
    run.jump(40, is_playing=True)
    wait_until(lambda: run.status == "finished" and run.view.newest.index > 14)
    assert run.view.newest.start_seconds == 56
    assert run.view.timeline.end_seconds == 60
    assert len(run.view.timeline) == 15


def test_a_jump_before_playing_begins_there(desk):
    run = desk.open()
    run.jump(52, is_playing=False)
    run.play()
    wait_until(lambda: run.status == "finished")
    assert run.view.newest.index == 1


def test_looking_back_says_what_was_predicted_there(desk):
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "finished")
    run.look(10)
    assert run.board.get("look") == {"seconds": 10}
    wait_until(lambda: run.source.pictures.shown.seconds == 10)
    assert run.view.prediction_at(10)["label"] in run.view.class_names
    run.look(None)
    assert run.board.get("look") is None
    wait_until(lambda: run.source.pictures.shown.seconds > 55)  # of the last clip again


def test_a_decoder_that_hangs_is_said_and_a_jump_goes_on(desk):
    desk.machine.error_at = (20.0, DecoderTimeoutError("the decoder gave nothing for 30 s"))
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "failed")
    assert "hung and was stopped" in run.board.get("notice")["text"]
    assert run.view.newest.index == 4
    desk.machine.engines[-1].error_at = None
    run.jump(30, is_playing=True)
    wait_until(lambda: run.status == "finished")


def test_an_unexpected_error_ends_the_run_and_not_the_app(desk, caplog):
    desk.machine.error_at = (8.0, RuntimeError("boom"))
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "failed")
    assert "RuntimeError" in run.board.get("notice")["text"]
    desk.machine.error_at = None
    run.play()
    wait_until(lambda: run.status == "finished")


def test_a_full_disk_is_said_with_a_remedy_until_the_next_play(desk):
    desk.machine.clip_seconds = 0.02
    run = desk.open()
    run.play()
    wait_until(lambda: run.view is not None and run.view.newest is not None)
    error = StorageError(f"{desk.folder}/runs/x.csv cannot be written: No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    desk.machine.engines[-1].storage_error = error
    wait_until(lambda: run.board.get("storage") is not None)
    run.chosen.update(clip_frames=8)  # says something else, in a notice that leaves by itself
    told = run.board.get("storage")
    wait_until(lambda: run.status == "finished")
    assert run.board.get("storage") == told
    assert told["text"].startswith("The disk is full. Not saved from 00:")
    assert "make room" in told["text"]
    assert told["unsaved"] in run.board.get("play")["pace"]
    assert run.board.get("play")["pace"].startswith("Watched to the end. Not saved from 00:")
    run.play()
    wait_until(lambda: run.board.get("storage") is None)


def test_why_nothing_is_saved_is_said_without_the_servers_path(desk):
    run = desk.open()
    step(run)
    engine = desk.machine.engines[-1]
    engine.storage_error = StorageError(f"{engine.out} cannot be written: it was removed")
    step(run)
    told = run.board.get("storage")["text"]
    assert told.startswith("The predictions file cannot be written: it was removed.")
    assert str(desk.folder) not in told


def test_why_there_is_no_picture_is_said_without_the_servers_path(desk):
    path = desk.folder / "sample.mp4"
    desk.machine.picture_error = DecoderCrashedError(f"the decoder of {path} crashed")
    run = desk.open()
    wait_until(lambda: run.board.get("notice") is not None)
    told = run.board.get("notice")["text"]
    assert told.startswith("The analysis goes on without pictures for a while. The decoder of Barn")
    assert str(desk.folder) not in told


def test_another_model_brings_its_own_classes_and_sampling(desk):
    desk.machine.models["two"] = FakeModel("two", class_names=("rest", "move"), l_mem=5)
    desk.machine.clip_seconds = 0.02
    run = desk.open()
    run.play()
    wait_until(lambda: run.view.newest is not None)
    run.chosen.change_model("two")
    wait_until(lambda: run.status == "finished")
    assert run.view.class_names == ("rest", "move")
    assert run.board.get("timeline")["classes"] == ["rest", "move"]
    assert desk.machine.fitted == [("fake", "engine"), ("two", "engine")]
    assert run.board.get("settings")["values"]["l_mem"] == 5


def test_overlapping_windows_are_drawn_as_one_score_per_moment(desk):
    run = desk.open()
    run.chosen.update(window_stride=4)
    run.play()
    wait_until(lambda: run.status == "finished")
    drawn = run.view.timeline.range(0, 60)
    assert drawn["start"][0] == 0
    assert drawn["end"][-1] == 60
    assert drawn["start"][1:] == drawn["end"][:-1]


def test_what_is_changed_while_it_opens_holds_from_the_first_clip(desk):
    desk.machine.opening_seconds = 0.3
    run = desk.open()
    run.play()
    wait_until(lambda: desk.machine.requests)
    run.chosen.update(l_mem=5)
    run.jump(40, is_playing=True)
    run.pause()
    assert run.board.get("play")["is_held"]
    run.play()
    assert not run.board.get("play")["is_held"]
    wait_until(lambda: run.status == "finished")
    assert desk.machine.engines[-1].settings.l_mem == 5
    assert run.view.timeline.range(0, 60)["start"] == [40, 44, 48, 52, 56]
    assert run.view.newest.l_mem == 5


def test_a_model_chosen_while_it_opens_is_the_one_that_speaks(desk):
    desk.machine.models["two"] = FakeModel("two", class_names=("rest", "move"), l_mem=5)
    desk.machine.opening_seconds = 0.3
    run = desk.open()
    run.play()
    wait_until(lambda: desk.machine.requests)
    run.chosen.change_model("two")
    wait_until(lambda: run.status == "finished")
    assert len(run.view.timeline) == 15
    assert run.board.get("timeline")["classes"] == ["rest", "move"]


def test_a_stop_while_it_opens_does_not_wait_for_itself(desk, own_threads):
    desk.machine.opening_seconds = 0.2
    run = desk.open()
    run.play()
    wait_until(lambda: desk.machine.requests)
    with run.commands:
        run.stop()
        assert not own_threads("engine")
    assert run.status == "stopped"
    run.play()
    wait_until(lambda: run.status == "finished")


def test_each_play_asks_for_threads_in_its_own_thread(desk):
    run = desk.open()
    for _ in range(2):
        run.play()
        wait_until(lambda: run.status == "finished")
    assert desk.machine.fitted == [("fake", "engine")] * 2


def test_closing_frees_threads_even_while_the_engine_is_opening(desk, own_threads):
    desk.machine.opening_seconds = 0.3
    run = desk.open()
    run.play()
    wait_until(lambda: own_threads("engine"))
    run.close()
    wait_until(lambda: not own_threads("engine", "pictures"))
    assert not run.is_active


def test_another_video_stops_the_one_that_plays(desk):
    desk.machine.clip_seconds = 0.1
    run = desk.open()
    run.play()
    wait_until(lambda: run.view.newest is not None)
    path = write_video(desk.folder / "videos" / "new.mp4", 8)
    run.choose(desk.shelf.find(run.run_id, f"folder/{path.name}"))
    assert run.status == "ready"
    assert desk.machine.engines[-1].closed.is_set()
    assert run.board.get("bouts")["rows"] == []
    assert len(run.view.timeline) == 0


def test_back_holds_and_looks_at_the_clip_before(desk):
    desk.machine.clip_seconds = 0.02
    run = desk.open()
    run.play()
    wait_until(lambda: run.view.newest is not None and run.view.newest.index > 3)
    run.look_back()
    assert run.status == "paused"
    first = run.board.get("look")["seconds"]
    assert first >= 12
    run.look_back()
    assert run.board.get("look")["seconds"] == first - 4


def test_after_the_memory_began_anew_nothing_is_said_to_live_on(desk):
    run = desk.open()
    run.chosen.update(l_mem=2)
    for _ in range(6):
        step(run)
    assert run.board.get("memory")["note"].startswith("3 clips have left")
    run.jump(30, is_playing=False)
    step(run)
    assert run.board.get("memory")["note"] == ""


def test_a_model_that_gives_no_numbers_ends_the_run_and_not_the_page(desk):
    desk.machine.error_at = (8.0, ModelError("Pens gave scores that are no numbers"))
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "failed")
    assert "scores that are no numbers" in run.board.get("notice")["text"]
    assert as_json({"rows": [[float("nan"), float("-inf")]]}) == '{"rows":[[null,null]]}'
    desk.machine.error_at = None
    run.play()
    wait_until(lambda: run.status == "finished")
