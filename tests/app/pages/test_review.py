"""The Review page without a browser: what is listed, decided and estimated of a run's file."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.label.routes import add_coding_routes
from app.pages.review import alike
from app.pages.review.alike import NOT_TAUGHT
from app.pages.review.reviewed import LEAST_BLIND, NOT_IN_PROJECT
from app.pages.review.routes import add_review_routes
from app.pages.review.views import GONE, NO_SUCH_SPAN, PAGE_BOUTS
from tests.labels.predictions import write_predictions
from vidmem.labels import NONE_OF_THESE, NOT_SCORED, Behaviour, Bout, Ethogram
from vidmem.models.features.reduction import RawFeatures
from vidmem.projects import Project, VideoFacts
from vidmem.teaching import VideoFeatures

VIDEO = "pen.mp4"
NAMES = ("lying", "standing")
ETHOGRAM = Ethogram(
    (Behaviour("lying", axis="posture", key="q"), Behaviour("standing", axis="posture", key="w"))
)
SURE = (0.9, 0.6, 0.95, 0.7)
"""Of lying, standing, lying, standing: four bouts of ten seconds."""


class Page:
    """What a page asks, and what it sends of a person's keys."""

    model: Any = SimpleNamespace()

    def __init__(self, project: Project) -> None:
        api = FastAPI()
        add_coding_routes(api, project)
        tools = SimpleNamespace(load_model=lambda name: self.model)
        add_review_routes(api, SimpleNamespace(project=project, tools=tools))  # type: ignore[arg-type]
        self.client, self.run, self.numbers = TestClient(api), "", itertools.count()

    def get(self, what: str, **query: Any) -> Any:
        answer = self.client.get(f"/review/{what}", params={"run": self.run, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bouts(self, **query: Any) -> list[tuple[float, str]]:
        return [(one["start"], one["behaviour"]) for one in self.get("bouts", **query)["bouts"]]

    def send(self, edit: dict[str, Any], edit_id: str = "") -> dict[str, Any]:
        body = {
            "video": VIDEO,
            "revision": self.get("bouts")["revision"],
            "author": "Zoë",
            "edits": [{"id": edit_id or str(next(self.numbers)), **edit}],
        }
        (result,) = self.client.post("/label/edit", json=body).json()["results"]
        return result

    def confirm(self, start: float, **changes: Any) -> dict[str, Any]:
        bout = self.get("bout", start=start)
        fields = {"subject": "", "author": "tiny", "source": "model"}
        span = {"start": bout["span"][0], "end": bout["span"][1]}
        made = {**fields, **span, "behaviour": bout["behaviour"], "score": bout["score"], **changes}
        return self.send({"do": "confirm", "bout": made, "author": "Zoë"})

    def check(self, start: float, end: float, answer: str, edit_id: str) -> dict[str, Any]:
        body = {"run": self.run, "start": start, "end": end, "answer": answer, "id": edit_id}
        return self.client.post("/review/blind/check", json=body).json()


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as one:
        one.behaviours.unite(ETHOGRAM)
        path = one.folder / VIDEO
        path.write_bytes(b"video")
        one.add_video(path, VideoFacts(duration_seconds=40.0, fps=25.0))
        yield one


def make_run(
    project: Project, sure=SURE, names=NAMES, *, axes="", unlikeness=None, video: str | None = VIDEO
):
    run = project.runs.create(model="tiny", video=video, settings={})
    seconds = 40 / len(sure)
    rows = []
    for at, value in enumerate(sure):
        rest = (1 - value) / (len(names) - 1)
        own = at % 2
        cells = [value if column == own else rest for column in range(len(names))]
        rows.append((at * seconds, (at + 1) * seconds, cells))
    write_predictions(
        run.folder / "pen-predictions.csv", names, rows, axes=axes, unlikeness=unlikeness
    )
    project.runs.finish(run.run_id, "finished")
    return run.run_id


@pytest.fixture
def page(project):
    made = Page(project)
    made.run = make_run(project)
    return made


def test_runs_without_a_video_of_the_project_are_not_offered(project, page):
    other = make_run(project, video=None)
    assert [one["id"] for one in page.get("runs")["runs"]] == [page.run]
    assert page.get("bouts", run=other) == {"error": NOT_IN_PROJECT}
    assert "there is no run" in page.get("bouts", run="0" * 32)["error"]


def test_of_footage_unlike_its_own_nothing_is_estimated_before_blind_checks(project, page):
    page.run = make_run(project, sure=(0.9, 0.6) * 6, unlikeness=1.5)
    answer = page.get("bouts")
    assert answer["estimate"] is None
    assert answer["words"].startswith("0 of 12 checked; this footage is unlike")
    assert answer["blind_words"] == ""
    for number in range(LEAST_BLIND):
        (start, end), *_ = page.get("blind", count=1)["spans"]
        edit_id = f"blind{number}"
        bout = {"behaviour": "lying", "start": start, "end": end, "subject": "", "author": "Zoë"}
        assert page.check(start, end, "lying", edit_id) == {}
        page.send({"do": "add", "bout": bout}, edit_id)
    assert page.get("bouts")["estimate"] is not None


def test_orders_and_filters_say_what_comes_first(page):
    assert page.bouts() == [(10, "standing"), (30, "standing"), (0, "lying"), (20, "lying")]
    assert page.bouts(order="confidence")[0] == (20, "lying")
    assert page.bouts(order="time", behaviour="lying") == [(0, "lying"), (20, "lying")]
    assert page.bouts(order="time", shorter="10") == []
    assert page.bouts(order="disagreement") == []
    page.confirm(0)
    assert page.bouts(order="time", unchecked="1")[0] == (10, "standing")
    assert page.bouts(order="time")[0] == (0, "lying")
    assert "the order must be one of" in page.get("bouts", order="luck")["error"]


def test_a_key_makes_a_label_moves_the_estimate_and_is_undone(project, page):
    before = page.get("bouts")
    assert (before["num_checked"], before["num_all"]) == (0, 4)
    assert before["words"].startswith(
        "0 of 4 checked; by estimate 79\xa0% of the time that it names"
    )
    page.confirm(10, behaviour="lying", score=None)
    after = page.get("bouts")
    assert after["num_checked"] == 1
    assert after["estimate"]["accuracy"] == pytest.approx((0.9 + 1 + 0.95 + 0.7) / 4)
    (label,) = project.labels.of(VIDEO).labels.bouts
    assert (label.behaviour, label.source, label.author) == ("lying", "human", "Zoë")
    assert page.bouts(order="disagreement") == [(10, "standing")]
    assert after["undo"]["words"] == f"confirmed lying, 00:10 to 00:20 in {VIDEO}"
    project.undo()
    again = page.get("bouts")
    assert (again["words"], again["bouts"]) == (before["words"], before["bouts"])


def test_what_more_checking_would_bring_is_said_until_all_is_checked(page):
    assert page.get("bouts")["words"].endswith("; checking 1 more would raise it to 89\xa0%.")
    for start in (0, 10, 20, 30):
        assert "error" not in page.confirm(start)
    answer = page.get("bouts")
    assert answer["words"] == "All 4 are checked: as you said it, so it counts."
    assert answer["bouts"] == []


def test_the_bout_at_hand_has_probabilities_both_tracks_and_what_is_left_to_decide(project, page):
    project.labels.add_bout(Bout(VIDEO, 5, 14, "lying"))
    bout = page.get("bout", start=10)
    assert bout["span"] == [14, 20]
    assert bout["probabilities"] == [["standing", 0.6], ["lying", 0.4]]
    assert bout["people"] == [[5, 14, "lying"]]
    assert [0, 10, "lying"] in bout["model"]
    assert page.get("bout", start=10, order="disagreement")["span"] == [10, 14]
    assert page.get("bout", start=11) == {"error": GONE}


def test_a_confirmation_leaves_what_a_person_said_before(project, page):
    mine = Bout(VIDEO, 12, 14, "lying", author="Ann")
    project.labels.add_bout(mine)
    page.confirm(10)  # the longest part of which nobody has said anything
    assert page.get("bout", start=10)["span"] == [10, 12]
    page.confirm(10)
    labels = project.labels.of(VIDEO).labels
    assert mine in labels.bouts
    spans = [(one.start_seconds, one.end_seconds) for one in labels.bouts_of(behaviour="standing")]
    assert spans == [(10, 12), (14, 20)]


def test_blind_spans_are_without_the_models_opinion_and_their_answers_move_the_estimate(
    project, page
):
    page.confirm(0)
    drawn = page.get("blind", count=10)
    assert drawn.keys() == {"revision", "spans"}
    assert sorted(drawn["spans"]) == [[10, 20], [20, 30], [30, 40]]
    before = page.get("bouts")
    assert page.check(10, 20, "lying", "a") == {}
    assert page.get("bouts")["estimate"] == before["estimate"]  # not before there is a label
    bout = {"behaviour": "lying", "start": 10, "end": 20, "source": "model"}
    assert page.send({"do": "confirm", "bout": bout}, "a") == {"id": "a"}
    after = page.get("bouts")
    assert after["blind_words"].startswith("In 1 blind check the model was right 0 times")
    unsaid = 0.95 + 0.7
    assert after["estimate"]["accuracy"] < (2 + unsaid) / 4  # believed less than it says
    page.check(20, 30, NOT_SCORED, "b")
    mark = {"do": "mark", "start": 20, "end": 30, "subject": "", "axis": "posture"}
    page.send({**mark, "what": "not scored"}, "b")
    assert page.get("blind/agreement", count=2) == {"num_told": 1, "num_right": 0}
    assert page.get("bouts")["blind_words"] == after["blind_words"]
    assert page.check(30, 40, NONE_OF_THESE, "c") == {}
    assert sorted(page.get("blind", count=1)["spans"]) == [[30, 40]]


def test_an_answer_that_cannot_be_one_is_refused(page):
    assert page.check(5, 15, "lying", "a")["error"] == NO_SUCH_SPAN
    assert page.check(5, 5, "lying", "a")["error"] == NO_SUCH_SPAN
    assert "no behaviour of posture" in page.check(0, 10, "flying", "a")["error"]
    assert "must have an id" in page.check(0, 10, "lying", "")["error"]
    assert "must be from 1 to 50" in page.get("blind", count=0)["error"]


def test_of_thousands_of_bouts_an_answer_has_a_page(project, page):
    page.run = make_run(project, [0.6 + 0.0001 * at for at in range(2000)])
    answer = page.get("bouts", order="time", first=PAGE_BOUTS)
    assert (answer["num_all"], len(answer["bouts"]), answer["first"]) == (2000, 200, PAGE_BOUTS)
    assert answer["bouts"][0]["start"] == pytest.approx(4)
    assert page.get("bouts", order="time", first=1_000_000)["first"] == 1800


class OneTokenAsItIs(torch.nn.Module):
    """A reduction that reduces nothing."""

    def forward(self, raw: RawFeatures) -> torch.Tensor:
        return raw.tokens


def features_of(values: list[float]) -> VideoFeatures:
    """A frame a second, of one number each."""
    tokens = torch.tensor(values)[:, None, None]
    start = torch.arange(len(values), dtype=torch.float64)
    return VideoFeatures(
        video="",
        raw=RawFeatures(tokens, tokens, tokens[:, 0]),
        start_seconds=start,
        end_seconds=start + 1,
        times_seconds=start,
        gaps=(),
        duration_seconds=float(len(values)),
    )


def test_more_like_it_is_found_where_there_are_features_and_nobody_said_anything(
    project, page, monkeypatch
):
    for name in ("other.mp4", "bare.mp4"):
        (project.folder / name).write_bytes(name.encode())
        project.add_video(project.folder / name)
    assert page.get("alike", start=0, end=10) == {"error": NOT_TAUGHT}
    kept = {
        VIDEO: features_of([1.0] * 10 + [5.0] * 10 + [1.1] * 10 + [9.0] * 10),
        "other.mp4": features_of([7.0] * 10 + [1.0] * 10),
    }
    monkeypatch.setattr(alike, "find_features", lambda path, *rest, **more: kept.get(path.name))
    encoder = SimpleNamespace(reduction=OneTokenAsItIs())
    page.model = SimpleNamespace(
        encoder=encoder, card=SimpleNamespace(fps=4, follow=None, hides_clock=False)
    )
    answer = page.get("alike", start=0, end=10)
    assert answer["without"] == ["bare.mp4"]
    assert answer["spans"][:2] == [[10, 20, "other.mp4"], [20, 30, VIDEO]]
    project.labels.add_bout(Bout("other.mp4", 12, 20, "standing"))
    assert page.get("alike", start=0, end=10)["spans"][0] == [20, 30, VIDEO]


def test_each_axis_and_subject_is_reviewed_by_itself(project, page):
    project.behaviours.unite(Ethogram((Behaviour("at the wall", axis="place"),)))
    names = ("lying", "standing", "at the wall", "none of these (place)")
    axes = "posture: lying, standing; place: at the wall, none of these (place)"
    page.run = make_run(project, names=names, axes=axes)
    assert page.get("bouts")["axes"] == ["posture", "place"]
    place = page.get("bouts", axis="place")
    assert {one["behaviour"] for one in place["bouts"]} <= {"at the wall"}
    assert "Choose one of posture, place" in page.get("bouts", axis="mood")["error"]
    project.labels.add_bout(Bout(VIDEO, 0, 10, "lying", subject="sow 12"))
    answer = page.get("bouts")
    assert (answer["subject"], answer["subjects"]) == ("sow 12", ["", "sow 12"])
    assert answer["num_checked"] == 1
    assert page.get("bouts", subject="")["num_checked"] == 0
