"""The addresses of the Teach page: what is labelled, what is in the way, models and reports."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.pages.services import Services
from app.pages.streams.pools import StreamPools
from app.pages.teach.routes import add_teach_routes
from app.projects.taught_models import TaughtModels
from app.run.results.files import CsvFolder
from app.teaching.jobs import TeachJobs
from app.tools import with_taught_models
from tests.app.conftest import wait_until
from tests.app.pages.test_runs import finish
from tests.app.teaching.test_jobs import FakeProcess
from tests.teaching.footage import CONFIG
from tests.teaching.invented import CARD, POSTURE, alternating, one_video
from tests.teaching.test_insight import examination, logits_of
from vidmem.labels import Behaviour, Bout, Span
from vidmem.projects import VideoFacts
from vidmem.teaching import LEARNERS, CandidateReport, TeachReport, WarmStart, preview_teaching
from vidmem.teaching.report.insight import calibrations, label_next
from vidmem.teaching.report.judged import judged_spans
from vidmem.teaching.report.report import CurvePoint, MemoryRow

VIDEO = "sample.mp4"


class Bench:
    """The addresses over a project, and processes that say what a test has them say."""

    def __init__(self, desk):
        self.project, self.desk, self.processes = desk.project, desk, []
        self.models = TaughtModels(desk.project.models_folder)
        self.jobs = TeachJobs(desk.project, self.models, self.start)
        self.tools = with_taught_models(desk.machine.tools(), self.models)
        self.pools = StreamPools(self.tools, desk.shelf, CsvFolder(desk.folder / "s"), max_pools=1)
        api = FastAPI()
        services = Services(
            registry=desk.registry,
            tools=self.tools,
            actions=desk.handlers,
            files=desk.files,
            pools=self.pools,
            project=desk.project,
            teaching=self.jobs,
            lessons=None,  # type: ignore[arg-type]
        )
        add_teach_routes(api, services)
        self.client = TestClient(api)

    def start(self, job):
        self.processes.append(FakeProcess(job))
        return self.processes[-1]

    def get(self, address, **query):
        return self.client.get(f"/teach/{address}", params=query).json()

    def post(self, address, **values):
        return self.client.post(f"/teach/{address}", json=values).json()

    def label(self, seconds=60.0, bout=5.0):
        self.project.add_video(self.desk.folder / VIDEO, VideoFacts(duration_seconds=60.0, fps=8))
        for name in POSTURE.class_names:
            self.project.behaviours.add(Behaviour(name, axis=POSTURE.name))
        self.add(*alternating(seconds, bout, name=VIDEO))

    def add(self, *bouts):
        self.project.labels.edit(VIDEO, lambda labels: labels.add(*bouts), words="labelled")

    def write_model(self, title, report=None):
        folder = self.models.new_folder(title)
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"card": {"title": title}}))
        (folder / "model.safetensors").write_bytes(b"weights")
        if report is not None:
            report.write(folder)
        return f"models/{folder.name}"


@pytest.fixture
def bench(desk):
    made = Bench(desk)
    yield made
    made.jobs.close()


def invented_report():
    """Of a model that takes the first half of the tested time for something else."""
    said = one_video(120.0)
    test, stop, video = examination(said), examination(said, "stop"), said.videos[0]
    frames = np.flatnonzero(test.is_in(video))
    logits = {video.name: logits_of(video, wrong=frames[: len(frames) // 2])}
    scores = test.score(logits)
    candidate = CandidateReport(name="spool", title="Spool", seeds=(scores,), num_steps=(20,))
    return TeachReport(
        model="spool",
        axes=said.axes,
        split=test.split,
        candidates=(candidate, replace(candidate, name="linear", title="Linear")),
        memory_name="reach",
        memory=(MemoryRow(0, "off: 0", (0.5,)), MemoryRow(4, "full: 4", (0.6,))),
        curve=(CurvePoint(15.0, (0.4,), (0.3,), (0.5,)), CurvePoint(60.0, (0.6,), (0.6,), (0.6,))),
        calibration=calibrations(stop, logits, test, logits),
        suggestions=label_next(test, logits),
        latency_seconds=1.0,
        encoding_seconds=2.0,
        teaching_seconds=3.0,
        judged=judged_spans(test, logits),
    )


def test_what_is_labelled_is_counted_by_behaviour_and_what_is_missing_is_said(bench):
    empty = bench.get("labelled")
    assert (empty["num_bouts"], empty["missing"]) == (0, ["Nothing is labelled yet."])
    assert empty["next_name"] == "model v1"
    bench.label(seconds=20.0)
    bench.add(Bout(VIDEO, 30.0, 31.0, "standing"))
    bench.project.labels.mark_not_scored(Span(VIDEO, 40.0, 50.0))
    found = bench.get("labelled")
    lying, standing = found["behaviours"]
    assert (lying["name"], lying["seconds"], lying["num_bouts"]) == ("lying", 10.0, 2)
    assert (standing["seconds"], standing["num_bouts"], standing["num_videos"]) == (11.0, 3, 1)
    assert found["seconds"] == 21.0
    (video,) = found["videos"]
    assert video["seconds"] == 60.0
    assert [one[2] for one in video["rows"]["posture"]] == [0, 1, 0, 1, 1, -2]
    assert found["missing"][0] == (
        "lying: 10 s in 2 bouts; 50 s more, in another place, would help most."
    )
    bench.project.behaviours.add(Behaviour("sitting", axis="posture"))
    bench.add(Bout(VIDEO, 32.0, 33.0, "sitting"))
    assert bench.get("labelled")["missing"][0].startswith("sitting: 1 s in 1 bout. It takes two")


def test_a_strip_of_very_many_bouts_has_few_pieces_and_leaves_no_behaviour_out(bench):
    bench.label(seconds=59.0, bout=0.1)
    (video,) = bench.get("labelled")["videos"]
    pieces = video["rows"]["posture"]
    assert len(pieces) <= 600
    assert {code for *_, code in pieces} == {0, 1}
    assert pieces[0][0] == 0
    assert pieces[-1][1] == pytest.approx(59.0, abs=0.2)


def test_how_labels_are_split_is_shown_or_what_is_in_the_way(bench):
    assert "no bout of a state" in bench.get("preview")["error"]
    bench.label()
    found = bench.get("preview", fps=5)
    assert found["axes"] == {"posture": ["lying", "standing"]}
    assert set(found["split"]["seconds"]) == {"learn", "stop", "test"}
    assert found["words"].startswith(found["split"]["method"])
    assert "no axis" in bench.get("preview", axes='["gait"]')["error"]
    assert bench.client.get("/teach/preview", params={"axes": "gait"}).status_code == 400
    assert "encoder must be" in bench.get("preview", encoder="/etc")["error"]
    path = bench.desk.folder / VIDEO
    path.rename(path.with_name("elsewhere.mp4"))
    gone = bench.get("preview")["error"]
    assert gone.startswith("sample.mp4 is not where it was")
    assert bench.post("begin", name="x") == {"error": gone}


def test_the_button_begins_a_job_that_goes_on_without_a_page(bench):
    bench.label()
    assert "Give the model a name" in bench.post("begin", name=" ")["error"]
    assert "comes with vidmem" in bench.post("begin", name="spool-nano")["error"]
    job = bench.post("begin", name="sows v1", model="fam", encoder="lite0", baselines="0")["id"]
    wait_until(lambda: bench.processes)
    request = bench.processes[0].job["request"]
    assert (request["model"], request["encoder"], request["has_baselines"]) == (
        "fam",
        "lite0",
        False,
    )
    assert "already" in bench.post("begin", name="Sows V1")["error"]
    assert bench.get("labelled")["next_name"] == "model v1"
    (row,) = bench.get("state")["jobs"]
    assert (row["id"], row["state"], row["name"]) == (job, "running", "sows v1")
    assert str(bench.project.folder) not in json.dumps(bench.get("state"))
    assert bench.post("cancel", id=job) == {}
    wait_until(lambda: bench.get("state")["jobs"] == [])
    for wrong in (job, "../x", ""):
        assert "over, or was cancelled" in bench.post("again", id=wrong)["error"]


def taught_before(bench, monkeypatch):
    """A model that the project has, taught on its labels as they are now; nothing is learnt."""
    labels = bench.project.labels.all()
    found = preview_teaching(labels.labels, {VIDEO: 60.0}, CONFIG)
    network = LEARNERS["spool"].make(CONFIG.facts(CARD)).network
    earlier = WarmStart(model=network, axes=found.axes, split=found.split)
    monkeypatch.setattr(TaughtModels, "to_correct", lambda self, model: earlier)
    name = bench.write_model("sows v1")
    about = {"revision": labels.revision, "behaviour_seconds": {}}
    (bench.models.folder / "sows v1" / "taught.json").write_text(json.dumps(about))
    return name


def test_a_correction_is_offered_once_labels_are_others_and_refused_with_a_sentence(
    bench, monkeypatch
):
    bench.label(seconds=50.0)
    name = taught_before(bench, monkeypatch)
    assert bench.get("labelled")["newest"]["has_changed"] is False
    bench.add(Bout(VIDEO, 50.0, 55.0, "standing"))
    assert bench.get("labelled")["newest"]["has_changed"] is True
    assert "as before" in bench.get("preview", corrects=name)["words"]
    bench.post("begin", name="sows v2", corrects=name)
    wait_until(lambda: bench.processes)
    request = bench.processes[0].job["request"]
    assert (request["corrects"], request["model"], request["axes"]) == (name, "spool", ("posture",))
    assert request["has_baselines"] is False
    bench.project.behaviours.add(Behaviour("sitting", axis="posture"))
    bench.add(Bout(VIDEO, 55.0, 57.0, "sitting"), Bout(VIDEO, 58.0, 60.0, "sitting"))
    assert "sitting, which the earlier model" in bench.get("preview", corrects=name)["error"]
    assert "not in the project any more" in bench.get("preview", corrects="models/x")["error"]


def test_what_it_looks_at_is_refused_as_on_the_command_line(bench):
    bench.label()
    box = {"left": 0, "top": 0, "width": 0.5, "height": 1}
    one, two = ([{"name": name, **box} for name in names] for names in (["a"], ["a", "b"]))
    assert "words" in bench.get("preview", regions=json.dumps(one))
    assert "words" in bench.get("preview", follow="1")
    refused = {
        "do not say whose they are": {"regions": json.dumps(two)},
        "either regions or a square": {"regions": json.dumps(one), "follow": "1"},
        "must have a list of objects": {"regions": '[{"name": "a"}]'},
        "The file of regions must have": {"regions": "7"},
        "regions must be JSON": {"regions": "[NaN]"},
    }
    for sentence, query in refused.items():
        assert sentence in bench.get("preview", **query)["error"]
    bench.post("begin", name="x", regions=json.dumps({"sam*": one}))
    wait_until(lambda: bench.processes)
    assert bench.processes[0].job["request"]["regions"] == {"sam*": one}


def test_all_animals_are_counted_where_each_has_a_region(bench):
    bench.label(seconds=20.0)
    bench.add(Bout(VIDEO, 0.0, 5.0, "lying", subject="b"), Bout(VIDEO, 5.0, 8.0, "lying"))
    found = bench.get("labelled", subject="all")
    assert found["subject"] is None
    assert found["seconds"] == 25.0
    assert len(found["videos"][0]["rows"]) == 2
    assert not any("several animals" in one for one in found["missing"])


def test_of_a_correction_the_scores_before_and_after_are_shown(bench):
    report = invented_report()
    report = replace(report, earlier=replace(report.chosen, name="earlier", title="v1, before"))
    name = bench.write_model("sows v2", report)
    path = bench.models.folder / "sows v2" / "report.json"
    document = json.loads(path.read_text())
    for before, change in ((report.macro_f1, "same"), (0.123, "better"), (0.98765, "worse")):
        document["earlier"]["macro_f1"] = before
        path.write_text(json.dumps(document))
        earlier = bench.get("report", model=name)["earlier"]
        assert (earlier["title"], earlier["change"]) == ("v1, before", change)
        scores = earlier["macro_f1_before"], earlier["macro_f1_now"]
        assert scores == (pytest.approx(before), pytest.approx(report.macro_f1))


def test_a_model_is_listed_reported_renamed_given_away_and_deleted(bench):
    report = invented_report()
    name = bench.write_model("sows v1", report)
    (bench.models.folder / ".teaching-x").mkdir()  # half written
    (bench.models.folder / "no model").mkdir()
    (row,) = bench.get("state")["models"]
    assert (row["model"], row["title"], row["kind"]) == (name, "sows v1", "spool")
    assert row["macro_f1"] == pytest.approx(report.macro_f1)
    found = bench.get("report", model=name)
    (axis,) = found["axes"]
    assert axis["rating"] in {"guess", "weak"}
    assert axis["f1"] == pytest.approx(report.macro_f1)
    rows = axis["confusion"]["seconds"]
    for a, labelled in enumerate(axis["confusion"]["names"]):
        for b, predicted in enumerate(axis["confusion"]["names"]):
            spans = [
                one["end_seconds"] - one["start_seconds"]
                for one in found["judged"]
                if (one["labelled"], one["predicted"]) == (labelled, predicted)
            ]
            assert sum(spans) == pytest.approx(rows[a][b], abs=0.01)
    assert [one["name"] for one in found["candidates"]] == ["linear", "spool"]
    assert found["earlier"] is None  # it is no correction
    assert bench.post("rename", model=name, title=" sows  of May ") == {"title": "sows of May"}
    assert bench.get("labelled")["next_name"] == "sows of May v1"
    assert [one.title for one in bench.tools.list_models() if one.is_taught] == ["sows of May"]
    answer = bench.client.get("/teach/model.zip", params={"model": name})
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert set(names) == {
        f"sows of May/{one}"
        for one in ("config.json", "model.safetensors", "report.json", "report.md")
    }
    assert bench.post("delete", model=name) == {}
    assert bench.get("state")["models"] == []
    assert not (bench.models.folder / "sows v1").exists()
    assert "not in the project any more" in bench.get("report", model=name)["error"]


def test_a_model_without_a_report_or_with_that_of_another_version_is_still_a_model(bench):
    bare, odd = bench.write_model("bare"), bench.write_model("odd")
    (bench.models.folder / "odd" / "report.json").write_text('{"candidates": [{}], "axes": {}}')
    for name in (bare, odd):
        assert bench.get("report", model=name)["axes"] == []
    assert len(bench.get("state")["models"]) == 2


def test_a_model_is_not_deleted_while_a_run_uses_it(bench, desk, monkeypatch):
    name = bench.write_model("sows v1")
    with monkeypatch.context() as patched:
        patched.setattr(type(desk.registry), "models_in_use", {name})
        refused = bench.post("delete", model=name)["error"]
    assert refused.startswith("sows v1 is being used by a run")
    run = desk.open()
    finish(run)
    assert desk.registry.models_in_use == set()
    assert bench.post("delete", model=name) == {}
