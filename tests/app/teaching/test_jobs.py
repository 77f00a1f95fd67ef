"""Jobs of teaching: one at a time, none lost, and each ends in a sentence or a model."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from app.projects.taught_models import TaughtModels
from app.teaching import jobs as teach_jobs
from app.teaching.jobs import MAX_BEGUN, MAX_WAITING, TeachJobs
from app.teaching.records import JobRecords
from app.teaching.request import TeachRequest
from tests.app.conftest import wait_until
from vidmem.errors import SettingError
from vidmem.projects import Project

ENCODING = {"kind": "progress", "stage": "encoding pen.mp4", "done": 0.5, "left": 4.0}


class FakeProcess:
    """Says what a test has it say, in turn with the test."""

    def __init__(self, job):
        self.job, self.is_cancelled, self.is_ended = job, False, False
        self.exit_code, self.log = 0, ""
        self._lines, self._new = [], threading.Condition()

    def say(self, *messages, ends=False):
        with self._new:
            self._lines += [*messages, *([None] if ends else [])]
            self._new.notify_all()

    def messages(self):
        while True:
            with self._new:
                self._new.wait_for(lambda: self._lines or self.is_ended, timeout=60)
                line = self._lines.pop(0) if self._lines else None
            if line is None:
                return
            yield line

    def cancel(self):
        self.is_cancelled = True
        self.say({"kind": "cancelled"}, ends=True)

    def end(self):
        with self._new:
            self.is_ended = True
            self._new.notify_all()


class Desk:
    def __init__(self, folder):
        self.project = Project.open_or_create(folder / "sows")
        self.models = TaughtModels(self.project.models_folder)
        self.processes = []
        self.jobs = self.app()

    def app(self):
        def start(job):
            self.processes.append(FakeProcess(job))
            return self.processes[-1]

        return TeachJobs(self.project, self.models, start)

    def process(self, number):
        wait_until(lambda: len(self.processes) > number)
        return self.processes[number]

    def states(self):
        return [one["state"] for one in self.jobs.rows()]

    def write_model(self, name, job=""):
        """As the process writes it."""
        folder = self.models.new_folder(name)
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"card": {"title": name}}))
        (folder / "taught.json").write_text(json.dumps({"job": job}))
        return {"kind": "done", "model": folder.name}


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path)
    yield made
    made.jobs.close()
    made.project.close()


def request(name="sows v1", **more):
    return TeachRequest(name=name, has_baselines=False, **more)


def test_one_is_taught_at_a_time_and_the_others_wait(desk):
    desk.jobs.begin(request("one"))
    desk.jobs.begin(request("two"))
    first = desk.process(0)
    first.say({"kind": "begun", "videos": {"pen.mp4": 8.0}}, ENCODING)
    wait_until(lambda: desk.jobs.rows()[0].get("stages", [{"done": 0}])[0]["done"] == 0.5)
    assert desk.states() == ["running", "queued"]
    assert [one["state"] for one in desk.jobs.rows()[0]["stages"]][:2] == ["now", "waiting"]
    assert len(desk.processes) == 1
    first.say(desk.write_model("one"), ends=True)
    assert desk.process(1).job["request"]["name"] == "two"
    desk.process(1).say(desk.write_model("two"), ends=True)
    wait_until(lambda: desk.states() == ["done", "done"])
    assert [one["model"] for one in desk.jobs.rows()] == ["models/one", "models/two"]
    assert {one.title for one in desk.models.list()} == {"one", "two"}


def test_what_was_under_way_goes_on_with_the_next_app_and_not_for_ever(desk):
    desk.jobs.begin(request("one"))
    desk.jobs.begin(request("two"))
    desk.process(0)
    (desk.models.folder / f".teaching-{'0' * 32}").mkdir()
    for number in range(1, MAX_BEGUN):
        desk.jobs.close()
        assert desk.process(number - 1).is_ended
        desk.jobs = desk.app()
        assert desk.process(number).job["request"]["name"] == "one"
    assert list(desk.models.folder.iterdir()) == []
    desk.jobs.close()
    desk.jobs = desk.app()
    wait_until(lambda: desk.states() == ["interrupted", "running"])
    first = desk.jobs.rows()[0]
    assert f"{MAX_BEGUN} times" in first["sentence"]
    desk.process(MAX_BEGUN).say(desk.write_model("two"), ends=True)
    desk.jobs.go_on(first["id"])
    desk.process(MAX_BEGUN + 1).say(desk.write_model("one"), ends=True)
    wait_until(lambda: desk.states() == ["done", "done"])


def test_what_was_killed_once_its_model_was_whole_is_done_and_not_taught_twice(desk):
    first, second = desk.jobs.begin(request("one")), desk.jobs.begin(request("two"))
    desk.process(0)
    desk.write_model("one", job=first)
    desk.process(0).say(ends=True)  # the process
    wait_until(lambda: desk.states() == ["done", "running"])
    desk.process(1)
    desk.jobs.close()  # the app
    desk.write_model("two", job=second)
    desk.jobs = desk.app()
    assert [one["model"] for one in desk.jobs.rows()] == ["models/one", "models/two"]
    assert desk.states() == ["done", "done"]
    assert len(desk.processes) == 2


def test_two_apps_on_one_project_do_not_take_each_others_jobs(desk):
    desk.jobs.begin(request("one"))
    desk.process(0)
    other = desk.app()
    try:
        (row,) = other.rows()
        assert (row["state"], row["is_here"]) == ("running", False)
        with pytest.raises(SettingError, match="There is a model one already"):
            other.begin(request("one"))
        for act in (other.cancel, other.go_on):
            with pytest.raises(SettingError, match="over, or was cancelled"):
                act(row["id"])
    finally:
        other.close()
    assert len(desk.processes) == 1


def test_cancelled_it_leaves_nothing(desk):
    running, waiting = desk.jobs.begin(request("one")), desk.jobs.begin(request("two"))
    first = desk.process(0)
    desk.models.unfinished(running).mkdir()
    desk.jobs.cancel(waiting)
    assert desk.states() == ["running"]
    desk.jobs.cancel(running)
    wait_until(lambda: desk.jobs.rows() == [])
    assert first.is_cancelled
    assert list(desk.models.folder.iterdir()) == []
    with pytest.raises(SettingError, match="over, or was cancelled"):
        desk.jobs.cancel(running)


@pytest.mark.parametrize(
    ("last", "code", "sentence"),
    [
        ({"kind": "failed", "sentence": "the labels have no bout"}, 0, "the labels have no bout"),
        ({"kind": "begun", "videos": {}}, -9, "memory of this machine was full"),
    ],
)
def test_a_failure_is_a_sentence_and_can_be_tried_again(desk, last, code, sentence):
    job = desk.jobs.begin(request())
    first = desk.process(0)
    first.exit_code, first.log = code, "Traceback\n" + "x" * 100_000
    first.say(last, ends=True)
    wait_until(lambda: desk.states() == ["failed"])
    assert sentence in desk.jobs.rows()[0]["sentence"]
    assert (desk.project.folder / "teaching" / job / "log.txt").stat().st_size < 30_000
    desk.jobs.go_on(job)
    desk.process(1).say(desk.write_model("sows v1"), ends=True)
    wait_until(lambda: desk.states() == ["done"])
    with pytest.raises(SettingError, match="over, or was cancelled"):
        desk.jobs.go_on(job)


def test_the_queue_and_what_is_kept_of_it_have_an_end(desk, monkeypatch):
    monkeypatch.setattr("app.teaching.records.MAX_ENDED", 2)
    for number in range(MAX_WAITING + 1):
        desk.jobs.begin(request(f"m{number}"))
    with pytest.raises(SettingError, match=f"{MAX_WAITING} models wait"):
        desk.jobs.begin(request("one more"))
    for number in range(MAX_WAITING + 1):
        desk.process(number).say(desk.write_model(f"m{number}"), ends=True)
    wait_until(lambda: desk.states() == ["done", "done"])
    assert [one["name"] for one in desk.jobs.rows()] == ["m4", "m5"]


def test_a_record_that_is_damaged_or_of_another_version_is_no_job(desk):
    records = JobRecords(desk.project.folder)
    job = replace(records.create(request()), state="done")
    records.write(job)
    assert records.list() == [job]
    path = desk.project.folder / "teaching" / job.job_id / "job.json"
    whole = json.loads(path.read_text())
    changes = [{"state": "lost"}, {"request": {"name": 3}}, {"more": 1}, {"job_id": "../x"}]
    for text in ("", "{", "[]", *(json.dumps(whole | one) for one in changes)):
        path.write_text(text)
        assert records.list() == []
    path.write_text(json.dumps(whole))
    assert records.list() == [job]


def test_a_process_that_does_not_end_when_it_is_asked_is_ended(desk, monkeypatch):
    monkeypatch.setattr(teach_jobs, "CANCEL_SECONDS", 0.01)
    monkeypatch.setattr(FakeProcess, "cancel", lambda self: None)
    job = desk.jobs.begin(request())
    process = desk.process(0)
    desk.jobs.cancel(job)
    wait_until(lambda: desk.jobs.rows() == [])
    assert process.is_ended
