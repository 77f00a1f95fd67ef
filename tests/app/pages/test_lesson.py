"""The addresses of live teaching: a lesson a run, from pictures to labels, bounded and checked."""

from __future__ import annotations

import io

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app.pages.lesson.routes import add_lesson_routes
from app.pages.services import Services
from app.teaching.live_lessons import IDLE_SECONDS, LiveLessons
from tests.teaching.test_live_lesson import tiny_encoder
from vidmem.labels import Behaviour, Bout
from vidmem.projects import VideoFacts

VIDEO = "sample.mp4"
NAMES = ["lying", "standing"]
PERIOD = 0.2


def pair(column: int, kind: str = "JPEG") -> bytes:
    """Two pictures, one above the other, with a light square in a column."""
    both = np.full((96, 64, 3), 40, np.uint8)
    for top in (16, 64):
        both[top : top + 16, column : column + 16] = 220
    file = io.BytesIO()
    Image.fromarray(both).save(file, kind)
    return file.getvalue()


class Bench:
    """The addresses over a project with a video of two behaviours."""

    def __init__(self, desk):
        self.desk, self.project = desk, desk.project
        self.lessons = LiveLessons(tiny_encoder, max_lessons=1, clock=lambda: desk.now)
        self.project.add_video(desk.folder / VIDEO, VideoFacts(duration_seconds=60.0, fps=8))
        for name in NAMES:
            self.project.behaviours.add(Behaviour(name, axis="posture", colour="#123456"))
        services = Services(
            registry=desk.registry,
            tools=desk.machine.tools(),
            actions=desk.handlers,
            files=desk.files,
            pools=None,  # type: ignore[arg-type]
            project=desk.project,
            teaching=None,  # type: ignore[arg-type]
            lessons=self.lessons,
        )
        api = FastAPI()
        add_lesson_routes(api, services)
        self.client = TestClient(api)
        self.run = desk.open().run_id

    def start(self, names=NAMES, axis="posture", video=VIDEO, run=None):
        given = {"run": run or self.run, "behaviours": names, "axis": axis, "video": video}
        return self.client.post("/lesson/start", json=given)

    def post(self, address, *, content=b"", **query):
        given = {"run": self.run, **query}
        return self.client.post(f"/lesson/{address}", params=given, content=content).json()

    def state(self):
        return self.client.get("/lesson/state", params={"run": self.run}).json()

    def show(self, name, column, start, seconds=2.0):
        """Hold a key while a square stands in a column; what the release is answered."""
        self.post("begin", behaviour=name, seconds=start)
        for number in range(round(seconds / PERIOD)):
            at = start + number * PERIOD + 0.1
            self.post("pictures", content=pair(column), seconds=at, apart=0.1)
        return self.post("end", seconds=start + seconds)


@pytest.fixture
def bench(desk):
    return Bench(desk)


def test_what_is_shown_is_told_and_its_examples_become_labels_in_one_step(bench):
    assert bench.state() == {
        "lesson": None,
        "axes": [{"axis": "posture", "behaviours": NAMES}],
    }
    lesson = bench.start().json()["lesson"]
    assert (lesson["video"], lesson["examples"], lesson["probabilities"]) == (VIDEO, [], [])
    assert lesson["behaviours"][0] == {"name": "lying", "colour": "#123456"}
    assert bench.show("lying", 4, 0.0)["lesson"]["missing"].startswith("Only lying was shown")
    told = bench.show("standing", 40, 10.0)["lesson"]
    assert told["examples"] == [[0, 0.0, 2.0], [1, 10.0, 12.0]]
    assert told["probabilities"][1] > 0.6
    newest = bench.post("pictures", content=pair(4), seconds=20.0, apart=0.1)["lesson"]
    assert newest["probabilities"][0] > 0.6
    assert bench.state()["lesson"]["num_feature_frames"] == newest["num_feature_frames"] == 21
    bench.project.labels.edit(
        VIDEO, lambda labels: labels.add(Bout(VIDEO, 11.0, 30.0, "lying")), words="labelled"
    )
    kept = bench.post("keep", author=" Ann ")
    assert kept["text"].startswith("2 examples are labels of sample.mp4 now. Where something else")
    assert kept["lesson"]["is_kept"]
    assert labelled(bench) == [
        ("lying", 0.0, 2.0),
        ("standing", 10.0, 11.0),
        ("lying", 11.0, 30.0),
    ]
    bench.project.undo()
    assert labelled(bench) == [("lying", 11.0, 30.0)]
    assert not bench.post("clear", what="last")["lesson"]["is_kept"]
    assert bench.post("clear", what="all")["lesson"]["examples"] == []
    assert bench.post("stop") == {"lesson": None}
    assert "Begin another" in bench.post("end", seconds=1)["error"]


def labelled(bench):
    bouts = bench.project.labels.of(VIDEO).labels.bouts
    return [(one.behaviour, one.start_seconds, one.end_seconds) for one in bouts]


def test_new_names_are_behaviours_of_the_project_once_they_are_kept(bench):
    assert bench.start(["digging", "resting"], axis="").json()["lesson"]["video"] == VIDEO
    bench.show("digging", 4, 0.0)
    assert "digging" not in bench.project.ethogram
    assert bench.post("keep")["text"] == "1 example is a label of sample.mp4 now."
    assert "digging" in bench.project.ethogram
    assert labelled(bench) == [("digging", 0.0, 2.0)]


def test_of_a_camera_nothing_is_kept(bench):
    bench.start(video="")
    assert bench.show("lying", 4, 0.0)["lesson"]["examples"] == [[0, 0.0, 2.0]]
    assert "no picture is kept" in bench.post("keep")["error"]
    assert labelled(bench) == []


def test_what_cannot_be_a_lesson_is_told_in_a_sentence(bench):
    assert "gone.mp4 is not in the project" in bench.start(video="gone.mp4").json()["error"]
    assert "2 to 9 behaviours" in bench.start(["lying"]).json()["error"]
    assert "of the axis posture" in bench.start(["lying", "eating"], axis="").json()["error"]
    assert "Reload the page" in bench.start(run="gone").json()["error"]
    for names in ("lying", None, [1, 2], ["a"] * 11):
        assert bench.start(names).status_code == 400
    assert len(bench.lessons) == 0


def test_what_is_sent_is_checked(bench):
    bench.start()
    for sent, seconds, apart, said in (
        (b"", 1.0, 0.1, "must be a JPEG"),
        (pair(4, "PNG"), 1.0, 0.1, "must be a JPEG"),
        (pair(4) + b"0" * 2_000_000, 1.0, 0.1, "2,000,000 bytes, got more"),
        (pair(4), 1.0, 0.0, "some time apart"),
        (pair(4), 1.0, 2.0, "some time apart"),
        (pair(4), -1.0, 0.1, "seconds must be a time from 0"),
        (pair(4), 2e6, 0.1, "seconds must be a time from 0"),
    ):
        assert said in bench.post("pictures", content=sent, seconds=seconds, apart=apart)["error"]
    assert "what must be last or all" in bench.post("clear", what="some")["error"]
    assert "no behaviour 'up'" in bench.post("begin", behaviour="up", seconds=0)["error"]
    assert bench.state()["lesson"]["num_feature_frames"] == 0


def test_there_are_so_many_lessons_and_who_shows_nothing_makes_room(bench):
    bench.start()
    other = bench.desk.open("another page").run_id
    assert other != bench.run
    assert "lessons are being given here already" in bench.start(run=other).json()["error"]
    bench.desk.now += IDLE_SECONDS - 1
    bench.post("pictures", content=pair(4), seconds=1.0, apart=0.1)
    bench.desk.now += 2
    assert "error" in bench.start(run=other).json()
    bench.desk.now += IDLE_SECONDS
    assert bench.start(run=other).json()["lesson"]["examples"] == []
    assert bench.state()["lesson"] is None
    bench.lessons.end(other)
    assert len(bench.lessons) == 0
