"""Plays are runs of the project: noted as they go, opened again, resumed, and never in the way."""

from __future__ import annotations

import csv
import errno
import json
from dataclasses import replace

import pytest

from app.projects.kept_videos import keep_video
from app.run.kept.play import KeptPlay
from app.run.kept.reopening import bouts_csv_of
from app.sources.webcam import Webcam
from tests.app.conftest import Desk, wait_until
from tests.app.fakes import FakeModel, FakeSpool, write_video
from tests.app.run.test_run import step
from tests.app.sources.test_uploads import bring
from vidmem.errors import DecoderTimeoutError, ProjectError, StateError, StorageError
from vidmem.labels import LabelledVideo


@pytest.fixture(autouse=True)
def spool(desk):
    desk.machine.models["spool"] = FakeSpool()


def kept_runs(desk):
    return desk.project.runs.list()


def rows_of(kept):
    (out,) = kept.folder.glob("*-predictions.csv")
    return list(csv.DictReader(out.read_text().splitlines()))


def finish(run) -> None:
    run.play()
    wait_until_finished(run)


def wait_until_finished(run) -> None:
    """And until all about it is noted."""
    wait_until(lambda: run.status == "finished")
    wait_until(run.player.pacer.is_waited_at)


def drawn(run):
    """What the page has of the results of a run."""
    timeline = run.view.timeline.range(0, 1000)
    sections = {name: run.board.get(name) for name in ("bouts", "timeline")}
    return {**sections, **{key: timeline[key] for key in timeline if key != "through"}}


def test_a_play_is_a_run_of_the_project_with_all_that_it_was(desk):
    run = desk.open()
    desk.ask(run, ("set", {"setting": "l_mem", "value": 4}))
    run.jump(20, is_playing=False)
    finish(run)
    (kept,) = kept_runs(desk)
    assert (kept.state, kept.progress_seconds, kept.error) == ("finished", 60, "")
    assert (kept.video, kept.model) == ("sample.mp4", "fake")
    assert kept.settings["l_mem"] == 4
    assert kept.settings["start_seconds"] == 20
    assert "vidmem" in kept.settings["versions"]
    assert len(rows_of(kept)) == 10
    video = desk.project.videos["sample.mp4"]
    assert (video.facts.duration_seconds, video.facts.fps) == (60, 25)
    finish(run)
    assert [one.state for one in kept_runs(desk)] == ["finished"] * 2
    assert run.board.get("csv")["newest"][0] == f"runs/{run.kept_id}/sample-predictions.csv"
    run.close()
    # What is of no use goes: a run that came to its end goes on nowhere.
    assert not [path for one in kept_runs(desk) for path in one.folder.glob("*.state")]


def test_what_is_changed_while_it_plays_is_noted(desk):
    desk.machine.models["two"] = FakeModel("two", l_mem=5)
    run = desk.open()
    step(run)
    run.chosen.update(l_mem=3)
    step(run)
    assert kept_runs(desk)[0].settings["l_mem"] == 3
    run.chosen.change_model("two")
    step(run)
    assert kept_runs(desk)[0].model == "two"
    assert kept_runs(desk)[0].state == "paused"
    run.play()
    wait_until_finished(run)
    run.jump(50, is_playing=False)  # from its end back: it is under way again
    assert kept_runs(desk)[0].state == "paused"
    run.stop()
    (kept,) = kept_runs(desk)
    assert (kept.state, kept.progress_seconds) == ("stopped", 50)


def test_how_far_it_came_is_noted_every_few_seconds_and_not_with_each_clip(desk):
    kept = desk.project.runs.create(model="m", source="x")
    play = KeptPlay(desk.project, kept, is_held=True, clock=lambda: desk.now)
    noted = []
    for clip in range(1, 20):
        desk.now += 0.5
        play.note("playing", 4 * clip)
        noted.append(desk.project.runs[kept.run_id].progress_seconds)
    assert sorted(set(noted)) == [0, 4 * 6, 4 * 12, 4 * 18]
    play.note("paused", 99)  # that is noted at once
    assert desk.project.runs[kept.run_id].progress_seconds == 99


def test_stopped_and_resumed_it_is_one_run_and_begun_anew_another(desk):
    run = desk.open()
    for _ in range(3):
        step(run)
    run.stop()
    (kept,) = kept_runs(desk)
    assert (kept.state, kept.progress_seconds) == ("stopped", 12)
    run.play()
    wait_until_finished(run)
    assert [one.run_id for one in kept_runs(desk)] == [kept.run_id]
    assert len(rows_of(kept)) == 15
    finish(run)
    assert len(kept_runs(desk)) == 2


def test_what_was_stopped_before_a_clip_was_judged_leaves_nothing(desk):
    desk.machine.clip_seconds = 30
    run = desk.open()
    for _ in range(3):
        run.play()
        wait_until(lambda: run.status == "playing")
        run.stop()
    assert kept_runs(desk) == ()
    assert list((desk.project.folder / "runs").iterdir()) == []
    assert run.board.get("csv") == {"newest": None, "earlier": []}


def test_a_failure_is_kept_as_a_sentence_and_can_be_resumed(desk):
    desk.machine.error_at = (20.0, DecoderTimeoutError("the decoder gave nothing for 30 s"))
    run = desk.open()
    run.play()
    wait_until(lambda: run.status == "failed")
    wait_until(run.player.pacer.is_waited_at)
    (kept,) = kept_runs(desk)
    assert (kept.state, kept.progress_seconds) == ("failed", 20)
    assert "hung and was stopped" in kept.error
    assert str(desk.folder) not in kept.error
    run.stop()
    desk.machine.error_at = None
    other = desk.open("another page")
    desk.ask(other, ("open_run", {"id": kept.run_id, "play": True}), page="another page")
    wait_until_finished(other)
    assert kept_runs(desk)[0].state == "finished"
    assert kept_runs(desk)[0].error == ""
    assert len(rows_of(kept)) == 15


@pytest.mark.parametrize("model", ["fake", "spool"])
def test_opened_again_it_looks_as_after_its_stop_and_goes_on_as_if_nothing_was(desk, model):
    whole = desk.open("whole")
    first, second = desk.open("first"), desk.open("second")
    for one in (whole, first):
        one.chosen.change_model(model)
    finish(whole)
    for _ in range(7):
        step(first)
    first.stop()
    (kept,) = [one for one in kept_runs(desk) if one.state == "stopped"]
    before = drawn(first)
    desk.registry.close_page("first")
    desk.now += 21
    desk.registry.sweep()
    desk.ask(second, ("open_run", {"id": kept.run_id}), page="second")
    assert drawn(second) == before
    play = second.board.get("play")
    assert (play["status"], play["resume_seconds"], play["playhead"]["seconds"]) == (
        "stopped",
        28,
        28,
    )
    assert second.board.get("now")["label"] == rows_of(kept)[-1]["label"]
    assert second.board.get("model")["name"] == model
    assert second.board.get("csv")["newest"][1] == "sample-predictions.csv"
    assert len(second.board.get("memory")["slots"]) >= 6
    second.play()
    wait_until_finished(second)
    assert drawn(second) == drawn(whole)
    assert rows_of(kept) == rows_of(desk.project.runs[whole.kept_id])
    assert len(kept_runs(desk)) == 2


def test_a_run_that_came_to_its_end_is_opened_with_its_results(desk):
    run, other = desk.open("page"), desk.open("other")
    run.chosen.update(l_mem=3)
    finish(run)
    desk.ask(other, ("open_run", {"id": run.kept_id}), page="other")
    assert other.status == "finished"
    assert drawn(other) == drawn(run)
    assert other.board.get("play")["pace"] == "Watched to the end."
    assert other.board.get("settings")["values"]["l_mem"] == 3
    wait_until(lambda: other.source.pictures.shown is not None)
    finish(other)
    assert len(kept_runs(desk)) == 2


def test_results_are_there_though_the_video_the_model_or_the_state_is_not(desk):
    run, other = desk.open("page"), desk.open("other")
    desk.machine.models["gone"] = FakeModel("gone", class_names=("rest", "move"))
    desk.ask(run, ("choose", {"video": "folder/other.mp4"}), ("model", {"model": "gone"}))
    for _ in range(3):
        step(run)
    run.stop()
    (kept,) = kept_runs(desk)
    want = drawn(run)

    def opened() -> str:
        desk.ask(other, ("open_run", {"id": kept.run_id, "play": True}), page="other")
        assert drawn(other) == want
        assert other.status == "stopped"
        return other.board.get("notice")["text"]

    del desk.machine.models["gone"]
    assert "is not on this machine" in opened()
    assert other.board.get("play")["can_play"]  # with the model that is there
    desk.machine.models["gone"] = FakeModel("gone", class_names=("rest", "move"))
    (state,) = kept.folder.glob("*.state")
    state.write_bytes(b"damaged")
    desk.machine.read_place = refuse_state
    other.chosen._tools = desk.machine.tools()
    other._tools = desk.machine.tools()
    assert "It cannot go on: x.state is damaged" in opened()
    moved = (desk.folder / "videos" / "other.mp4").rename(desk.folder / "other.mp4")
    assert "other.mp4 is not where it was" in opened()
    assert not other.board.get("play")["can_play"]
    other.play()
    assert other.status == "stopped"
    write_video(desk.folder / "videos" / "other.mp4", 33)
    assert "Another file lies where other.mp4 was" in opened()
    assert str(desk.folder) not in json.dumps(other.board.get("source"))
    bouts = (
        bouts_csv_of(desk.project.runs[kept.run_id], LabelledVideo("other.mp4"))
        .decode()
        .splitlines()
    )
    assert len(bouts) >= 2
    moved.unlink()


def refuse_state(state, model, video):
    raise StateError(f"{state.parent}/x.state is damaged: its bytes are others")


def test_a_camera_is_kept_with_what_it_predicted_and_without_its_address(desk):
    kept = desk.project.runs.create(model="fake", source="rtsp://pen", settings={"fps": 4.0})
    run = desk.open()
    finish(run)
    (file,) = desk.project.runs[run.kept_id].folder.glob("*.csv")
    (kept.folder / "pen-predictions.csv").write_bytes(file.read_bytes())
    desk.project.runs.finish(kept.run_id, "stopped", progress_seconds=60)
    want = drawn(run)
    desk.ask(run, ("open_run", {"id": kept.run_id, "play": True}))
    assert run.board.get("source")["title"] == "rtsp://pen"
    assert "The pictures of rtsp://pen are not kept" in run.board.get("notice")["text"]
    assert drawn(run)["bouts"]["rows"] == want["bouts"]["rows"]
    desk.ask(run, ("jump", {"seconds": 3}))
    assert "are not kept" in run.board.get("notice")["text"]


def test_an_upload_that_a_run_uses_stays_in_the_project(desk, monkeypatch):
    run, name = desk.open(), "Käfig 3.mp4"
    content = write_video(desk.folder / name, 8).read_bytes()
    path, _ = bring(desk.shelf.upload_folder, run.run_id, content, name)
    desk.ask(run, ("uploaded", {"path": path, "name": name}), ("play", None))
    wait_until_finished(run)
    (kept,) = kept_runs(desk)
    assert kept.video == name
    desk.registry.clear()
    assert list(desk.shelf.upload_folder.path.iterdir()) == []
    video = desk.project.videos[name]
    assert video.is_inside
    assert video.path.read_bytes() == content
    # Brought again, and where no second name can be made: it is there already.
    monkeypatch.setattr("os.link", no_link)
    run = desk.open()
    for other in (content, write_video(desk.folder / "x", 9).read_bytes()):
        path, _ = bring(desk.shelf.upload_folder, run.run_id, other, name)
        desk.ask(run, ("uploaded", {"path": path, "name": name}), ("play", None))
        wait_until_finished(run)
    names = sorted(path.name for path in (desk.project.folder / "videos").iterdir())
    assert names == ["Käfig 3 (2).mp4", name]
    desk.ask(run, ("open_run", {"id": kept.run_id}))
    assert run.board.get("source")["title"] == name
    groups = dict(run.board.get("videos"))
    assert [title for _, title in groups["In the project"]] == [name]
    finish(run)


def no_link(*paths):
    raise OSError(errno.EXDEV, "another disk")


def test_a_project_that_cannot_be_written_stops_no_play(desk, monkeypatch, caplog):
    def fail(*arguments, **more):
        raise ProjectError(f"the project {desk.project.folder} is full") from OSError(
            errno.ENOSPC, "No space left on device"
        )

    run = desk.open()
    with monkeypatch.context() as patch:
        patch.setattr(desk.project.runs, "create", fail)
        finish(run)
    told = run.board.get("storage")
    assert told["text"].startswith("The disk is full. Not saved from 00:00 on.")
    assert "nothing of it is kept" in told["text"]
    assert str(desk.folder) not in told["text"]
    assert run.view.timeline.end_seconds == 60
    assert desk.machine.requests[-1].out is None
    assert run.board.get("csv") == {"newest": None, "earlier": []}
    with monkeypatch.context() as patch:
        patch.setattr(desk.project, "add_video", fail)  # then it is kept without its video
        finish(run)
    assert run.board.get("storage") is None
    assert "could not be put into the project" in run.board.get("notice")["text"]
    assert [one.video for one in kept_runs(desk)] == [None]
    with monkeypatch.context() as patch:
        for name in ("update", "finish"):
            patch.setattr(desk.project.runs, name, fail)
        finish(run)
    assert "cannot be noted" in caplog.text
    assert len(rows_of(desk.project.runs[run.kept_id])) == 15


def test_a_run_whose_end_was_not_saved_is_not_kept_as_finished(desk):
    run = desk.open()
    for _ in range(3):
        step(run)
    error = StorageError(f"{desk.folder}/x.csv cannot be written: No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    desk.machine.engines[-1].storage_error = error
    finish(run)
    (kept,) = kept_runs(desk)
    assert (kept.state, kept.progress_seconds) == ("failed", 12)
    assert kept.error == "The disk is full. Not saved from 00:12 on."
    assert run.status == "finished"


def test_the_camera_of_somebodys_device_stays_on_their_page(desk):
    desk.machine.clip_seconds = 0.2
    run, other = desk.open("page"), desk.open("other")
    step(run)
    run.source.video = replace(run.source.video, webcam=Webcam(16, 16))
    answer = desk.ask(other, ("open_run", {"id": run.kept_id}), page="other")
    assert answer["run"] == other.run_id
    assert "only their page shows it" in other.board.get("notice")["text"]
    assert desk.ask(run, ("open_run", {"id": run.kept_id}))["run"] == run.run_id


def test_what_is_not_kept_is_not_found_by_an_empty_id(desk):
    desk.machine.clip_seconds = 0.2
    run, other = desk.open("page"), desk.open("other")
    step(run)
    run.forget_kept()
    assert run.is_active
    assert run.kept_id == ""
    answer = desk.ask(other, ("open_run", {"id": ""}), page="other")
    assert answer["run"] == other.run_id


def test_pages_without_a_name_keep_their_own_runs(desk):
    desk.machine.clip_seconds = 0.2
    run = desk.open("page")
    step(run)
    first, second = desk.open(""), desk.open("")
    assert first is not second
    assert desk.ask(first, ("open_run", {"id": run.kept_id}), page="")["run"] == run.run_id
    assert desk.ask(second, page="")["run"] == second.run_id


def test_two_processes_do_not_resume_one_run(desk):
    run, other = desk.open("page"), desk.open("other")
    for _ in range(2):
        step(run)
    run.stop()
    (kept,) = kept_runs(desk)
    desk.ask(other, ("open_run", {"id": kept.run_id}), page="other")
    desk.project.runs.resume(kept.run_id)  # as another would
    other.play()
    wait_until_finished(other)
    assert "could not be resumed" in other.board.get("notice")["text"]
    assert len(kept_runs(desk)) == 2  # it began one of its own
    assert len(rows_of(kept)) == 2


def test_what_the_app_ended_under_is_offered_and_goes_on(desk, tmp_path):
    desk.machine.clip_seconds = 0.02
    run = desk.open()
    run.play()
    wait_until(lambda: run.view.newest is not None and run.view.newest.index > 2)
    desk.registry.close()
    desk.project.close()
    again = Desk(tmp_path)
    try:
        # The page still knows its run; a new page knows none. Both are offered it.
        reply = json.loads(again.handlers.sync("page", run.run_id, "{}").payload)
        notice = reply["sections"]["notice"]["value"]
        (kept,) = again.project.runs.list()
        assert (kept.state, notice["resume"]) == ("interrupted", kept.run_id)
        assert [name for _, name in notice["links"]] == ["sample-predictions.csv"]
        new = again.open("new page")
        notice = new.board.get("notice")
        assert notice["resume"] == kept.run_id
        assert notice["text"].startswith("sample.mp4 was being watched when the app ended")
        again.ask(new, ("open_run", {"id": kept.run_id, "play": True}), page="new page")
        wait_until_finished(new)
        assert [float(row["start_seconds"]) for row in rows_of(kept)] == [
            4.0 * i for i in range(15)
        ]
        assert again.open("third page").board.get("notice") is None
    finally:
        again.registry.close()
        again.project.close()


def test_ids_that_no_page_has_are_a_sentence(desk, caplog):
    run = desk.open()
    for value in ({"id": "0" * 32}, {"id": "../x"}, {"id": "\0"}, {"id": 7}, {}, {"id": "\ud800"}):
        desk.ask(run, ("open_run", value))
    assert run.status == "ready"
    assert "there is no run" in run.board.get("notice")["text"]


def test_a_video_is_put_into_the_project_once(desk):
    video = desk.shelf.first
    info = desk.machine.probe(video.path)
    first, second = (keep_video(desk.project, video, info) for _ in range(2))
    assert first == second
    info.duration_seconds, info.fps = float("inf"), 0
    keep_video(desk.project, desk.shelf.find("x", "folder/other.mp4"), info)
    assert desk.project.videos["other.mp4"].facts.duration_seconds is None
