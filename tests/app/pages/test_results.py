"""The Results page without a browser: its numbers are those of the package and of the commands."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

import vidmem.labels
from app.pages.results.brought import MAX_BYTES, MAX_FILES
from app.pages.results.exports import BORIS
from app.pages.results.routes import add_results_routes
from app.pages.results.views import MAX_ROWS
from app.pages.results.words import WORDS
from tests.labels.predictions import steps, write_predictions
from vidmem.cli import cli
from vidmem.labels import Behaviour, Bout, Ethogram, Labels, PostProcessing, Span, import_file
from vidmem.labels.formats import ReadOptions, format_named
from vidmem.labels.results import agree, labels_of_author, time_budget, transitions
from vidmem.projects import Project, VideoFacts

NAMES = ("lying", "standing")
ETHOGRAM = Ethogram((*Ethogram.of(*NAMES, axis="posture"), Behaviour("rolling", kind="point")))
START = datetime(2026, 5, 1, 6, 0)
SECONDS = 120.0


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as one:
        yield one


@pytest.fixture
def client(project):
    api = FastAPI()
    registry = SimpleNamespace(find=lambda run_id: None)
    add_results_routes(api, SimpleNamespace(project=project, registry=registry))  # type: ignore
    return TestClient(api)


def add_video(project, name="pen.mp4", start=START):
    path = project.folder / name
    path.write_bytes(name.encode() * 100)
    more = {"start": start, "start_from": "typed"} if start else {}
    project.add_video(path, VideoFacts(duration_seconds=SECONDS, fps=25.0, **more))


def add_bouts(project, *bouts, video="pen.mp4"):
    made = [Bout(video, a, b, name, author=author) for a, b, name, author in bouts]
    project.labels.edit(video, lambda labels: labels.add(*made), words="made")


@pytest.fixture
def coded(project):
    """A minute of lying, half a minute of standing, an event, and half a minute of none."""
    project.behaviours.unite(ETHOGRAM)
    add_video(project)
    add_bouts(
        project,
        (0, 60, "lying", "anna"),
        (60, 90, "standing", "ben"),
        (30, 30, "rolling", "anna"),
    )
    project.labels.mark_scored(Span("pen.mp4", 0, SECONDS, axis="posture"))
    return project


@pytest.fixture
def run_id(coded):
    """A run that sees the sow rise one clip too early, and lie down once more."""
    run = coded.runs.create(model="tiny", video="pen.mp4", settings={})
    labels = [0] * 14 + [1] * 9 + [0] * 7
    write_predictions(run.folder / "pen-predictions.csv", NAMES, steps(*labels))
    coded.runs.finish(run.run_id, "finished")
    return run.run_id


def get(client, address, **fields):
    answer = client.get(address, params={k: v for k, v in fields.items() if v is not None})
    assert answer.status_code == 200, answer.text
    return answer.json()


def command(*words):
    """What a command of vidmem says, as JSON."""
    done = CliRunner().invoke(cli, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_an_empty_project_is_said_everywhere_and_nothing_fails(client):
    choices = get(client, "/results/choices")
    assert choices["labels"] == [["labels", "all people", 0]]
    assert choices["runs"] == []
    assert get(client, "/results/bouts")["num_all"] == 0
    assert get(client, "/results/budget")["rows"] == []
    assert "error" in get(client, "/results/transitions")
    assert get(client, "/results/figure", kind="ethogram")["figure"]["layout"]
    assert client.get("/results/bouts.csv").text.startswith("# vidmem")


def test_whose_labels_there_are(client, coded, run_id):
    choices = get(client, "/results/choices")
    keys = [key for key, _, _ in choices["labels"]]
    assert keys == ["labels", "author:anna", "author:ben"]
    assert [one["key"] for one in choices["runs"]] == [f"run:{run_id}"]
    before = choices["revision"]
    add_bouts(coded, (100, 110, "lying", "anna"))
    assert get(client, "/results/choices")["revision"] > before
    assert get(client, "/results/bouts", of="author:anna")["num"] == 3
    assert get(client, "/results/bouts", video="pen.mp4")["num"] == 4


@pytest.mark.parametrize(
    ("fields", "starts"),
    [
        ({}, [0, 30, 60]),
        ({"behaviour": "lying"}, [0]),
        ({"min": "31"}, [0]),
        ({"max": "0"}, [30]),
        ({"from": "06:01"}, [60]),
        ({"until": "06:00:45", "min": "0.1"}, [0]),
        ({"subject": ""}, [0, 30, 60]),
        ({"subject": "sow 12"}, []),
        ({"of": "author:ben"}, [60]),
    ],
)
def test_filters_find_bouts(client, coded, fields, starts):
    answer = get(client, "/results/bouts", **fields)
    assert [row[3] for row in answer["rows"]] == starts
    rows = csv.DictReader(
        one
        for one in client.get("/results/bouts.csv", params=fields).text.splitlines()
        if not one.startswith("#")
    )
    assert [float(row["start_seconds"]) for row in rows] == starts


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"min": "5", "max": "2"}, "longest"),
        ({"from": "late"}, "time of day"),
        ({"of": "nobody"}, "must name"),
        ({"of": "run:0"}, "no run"),
        ({"of": "file:0"}, "not held"),
        ({"video": "other.mp4"}, "no video"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(client, coded, fields, says):
    assert says in get(client, "/results/bouts", **fields)["error"]


def test_thousands_of_bouts_are_bounded(client, project):
    project.behaviours.unite(ETHOGRAM)
    add_video(project)
    bouts = [Bout("pen.mp4", at / 100, at / 100, "rolling") for at in range(MAX_ROWS + 500)]
    labels = Labels(ETHOGRAM, tuple(bouts))
    project.labels.edit(
        "pen.mp4",
        lambda before: Labels(before.ethogram, labels.bouts, videos=before.videos),
        words="made",
    )
    answer = get(client, "/results/bouts")
    assert (answer["num"], len(answer["rows"])) == (MAX_ROWS + 500, MAX_ROWS)
    assert len(json.dumps(answer)) < 2_500_000


def test_the_time_budget_is_the_packages_and_names_its_denominator(client, coded):
    labels = coded.labels.all().labels
    for fields, more in (
        ({}, {}),
        ({"every": "60"}, {"every_seconds": 60}),
        ({"per_video": "1"}, {"per_video": True}),
    ):
        answer, expected = get(client, "/results/budget", **fields), time_budget(labels, **more)
        assert answer["rows"] == [one.as_dict() for one in expected.rows]
        assert answer["denominator"].startswith("time in which the axis")
    shares = {
        row["behaviour"]: row["percent_of_scored"] for row in get(client, "/results/budget")["rows"]
    }
    assert shares["lying"] == 50
    assert shares["none of these"] == 25
    text = client.get("/results/budget.csv").text
    assert "# settings: labels of all people\n" in text
    assert "# start: 2026-05-01T06:00:00\n" in text


def test_the_time_budget_of_an_author_leaves_out_where_the_other_has_bouts(client, coded):
    rows = get(client, "/results/budget", of="author:anna")["rows"]
    lying = next(row for row in rows if row["behaviour"] == "lying")
    assert lying["scored_seconds"] == 90


def test_transitions_are_the_packages(client, coded):
    answer = get(client, "/results/transitions", axis="posture")
    expected = transitions(coded.labels.all().labels, "posture").as_dict()
    assert {name: answer[name] for name in expected} == expected
    assert (
        "labels of all people · pen.mp4" in answer["figure"]["layout"]["title"]["subtitle"]["text"]
    )
    text = client.get("/results/transitions.csv").text
    assert "posture,lying,standing,1,1.0" in text


def test_a_model_of_several_axes_is_scored_on_each(client, coded):
    coded.behaviours.unite(Ethogram.of("near", "far", axis="place"))
    add_bouts(coded, (0, 40, "near", "anna"), (40, 120, "far", "anna"))
    run = coded.runs.create(model="two", video="pen.mp4", settings={})
    names = ("near", "far", "lying", "standing", "none of these (posture)")
    rows = [
        (at, at + 20, [*((0.9, 0.1) if at < 60 else (0.1, 0.9)), *(one == p for one in "lsn")])
        for at, p in zip(range(0, 120, 20), "lllssn", strict=True)
    ]
    axes = "where: near, far; posture: lying, standing, none of these (posture)"
    write_predictions(run.folder / "pen-predictions.csv", names, rows, axes=axes)
    coded.runs.finish(run.run_id, "finished")
    answer = get(client, "/project/runs/bouts", run=run.run_id)
    assert sorted((one["behaviour"], one["start"], one["end"]) for one in answer["bouts"]) == [
        ("far", 60, 120),
        ("lying", 0, 60),
        ("near", 0, 60),
        ("standing", 60, 100),
    ]
    assert answer["axes"] == ["place", "posture"]
    fields = {"first": "labels", "second": f"run:{run.run_id}", "video": "pen.mp4"}
    scores = {one["axis"]: one for one in get(client, "/results/agreement", **fields)["scores"]}
    assert {axis: one["scored_seconds"] for axis, one in scores.items()} == {
        "posture": 120,
        "place": 120,
    }
    assert scores["place"]["percent_agreement"] == pytest.approx(100 * 5 / 6)
    rows = get(client, "/results/budget", of=f"run:{run.run_id}", video="pen.mp4")["rows"]
    found = {(row["axis"], row["behaviour"]): row["duration_seconds"] for row in rows}
    assert (found["place", "far"], found["posture", "standing"]) == (60, 40)


def test_a_runs_bouts_are_those_of_the_commands(client, coded, run_id, tmp_path):
    """One post-processing for the page, the other pages, `vidmem convert` and the files."""
    fields = {"join": "40", "min_bout": "5"}
    post = PostProcessing(join_seconds=40, min_bout_seconds=5)
    path = next(coded.runs[run_id].folder.glob("*.csv"))
    options = ReadOptions(video="pen.mp4", processing=post)
    expected = [
        (one.behaviour, one.start_seconds, one.end_seconds)
        for one in import_file(path, options).labels.bouts
    ]
    answer = get(client, "/project/runs/bouts", run=run_id, **fields)
    found = [(one["behaviour"], one["start"], one["end"]) for one in answer["bouts"]]
    assert found == expected == [("lying", 0, 120)]
    assert answer["settings_words"].endswith("joined over up to 40 s, bouts of at least 5 s")
    assert (answer["model"], answer["class_names"]) == ("tiny", list(NAMES))
    table = get(client, "/results/bouts", of=f"run:{run_id}", **fields)
    assert [(row[3], row[4]) for row in table["rows"]] == [(0, 120)]
    file = tmp_path / "bouts.csv"
    file.write_bytes(
        client.get("/results/bouts.csv", params={"of": f"run:{run_id}", **fields}).content
    )
    imported = import_file(file)
    assert [(b.start_seconds, b.end_seconds) for b in imported.labels.bouts] == [(0, 120)]
    assert imported.about.model == "tiny"
    assert imported.about.settings == answer["settings_words"]
    assert imported.labels.video("pen.mp4").start == START
    raw = get(client, "/project/runs/bouts", run=run_id)
    assert raw["num_bouts"] == 3
    assert "error" in get(client, "/project/runs/bouts", run=run_id, threshold="2")


def test_agreement_and_scores_of_a_person_and_a_run_are_those_of_the_commands(
    client, coded, run_id, tmp_path
):
    labels = coded.labels.of("pen.mp4").labels
    vidmem.labels.write(labels, tmp_path / "labels.csv")
    path = tmp_path / "pen.predictions.csv"
    path.write_bytes(next(coded.runs[run_id].folder.glob("*.csv")).read_bytes())
    answer = get(
        client, "/results/agreement", first="labels", second=f"run:{run_id}", video="pen.mp4"
    )
    assert answer["agreement"] == command("agree", tmp_path / "labels.csv", path)
    assert answer["scores"] == [
        command("score", path, tmp_path / "labels.csv", "--axis", "posture")
    ]
    whole = get(
        client,
        "/results/agreement",
        first="labels",
        second=f"run:{run_id}",
        whole="1",
        interval="0.5",
    )
    said = command(
        "agree", tmp_path / "labels.csv", path, "--video-seconds", SECONDS, "--interval", 0.5
    )
    assert whole["agreement"] == said
    turned = get(client, "/results/agreement", first=f"run:{run_id}", second="labels")
    assert turned["scores"] == answer["scores"]


def test_a_file_of_another_person_is_compared_and_each_cell_has_its_spans(client, coded, tmp_path):
    theirs = Labels(
        ETHOGRAM,
        (
            Bout("pen.mp4", 0, 54, "lying"),
            Bout("pen.mp4", 54, 90, "standing"),
            Bout("pen.mp4", 30.4, 30.4, "rolling"),
        ),
    )
    path = tmp_path / "ben.boris"
    vidmem.labels.write(theirs, path)
    brought = client.post(
        "/results/files", params={"name": "../../ben.boris"}, content=path.read_bytes()
    )
    brought = brought.json()
    assert brought["title"] == "ben.boris"
    assert brought["problems"] == []
    pair = {"first": "author:anna", "second": brought["key"]}
    answer = get(client, "/results/agreement", **pair)
    anna = labels_of_author(coded.labels.all().labels, "anna")
    assert answer["agreement"] == agree(anna, import_file(path).labels).as_dict()
    (axis,) = answer["agreement"]["axes"]
    confusion = axis["pooled"]["duration_weighted"]
    at = [confusion["class_names"].index(name) for name in NAMES]
    seconds = confusion["confusion_seconds"][at[0]][at[1]]
    spans = get(
        client,
        "/results/agreement/spans",
        **pair,
        axis="posture",
        says_first="lying",
        says_second="standing",
    )
    assert spans["seconds"] == seconds == 6
    assert spans["spans"] == [["pen.mp4", "", 54, 60]]
    (event,) = answer["agreement"]["events"]
    assert (event["num_matched"], event["tolerance_seconds"]) == (1, 1)
    strict = get(client, "/results/agreement", **pair, tolerance="0.1")
    assert strict["agreement"]["events"][0]["num_matched"] == 0
    numbers = client.get("/results/agreement.json", params=pair).json()
    assert numbers["agreement"] == answer["agreement"]
    assert numbers["first"]["whose"] == "labels of anna"
    text = client.get("/results/agreement.csv", params=pair).text
    assert "first: labels of anna; second: labels of the file ben.boris" in text
    assert "lying,standing,6.0" in client.get("/results/agreement.confusion.csv", params=pair).text


def test_two_authors_of_one_project_are_told_that_it_holds_one_account(client, coded):
    pair = {"first": "author:anna", "second": "author:ben"}
    answer = get(client, "/results/agreement", **pair)
    pooled = answer["agreement"]["pooled"]
    assert pooled["duration_weighted"]["total_seconds"] == 0
    assert pooled["kappa_duration_weighted"] is None
    assert pooled["duration_weighted"]["kappa_undefined_because"]
    assert "one account" in answer["notes"][0]
    whole = get(client, "/results/agreement", **pair, whole="1")
    assert whole["agreement"]["pooled"]["duration_weighted"]["total_seconds"] == SECONDS
    same = get(client, "/results/agreement", first="labels", second="labels")
    assert "same" in same["error"]


def test_boris_files_have_the_bouts_that_are_meant(client, coded, tmp_path):
    for kind, ending in (("boris-aggregated", ".aggregated.csv"), ("boris", ".boris")):
        answer = client.get("/results/boris", params={"kind": kind, "behaviour": "lying"})
        name = answer.headers["content-disposition"].split('"')[1]
        assert name.endswith(ending)
        path = tmp_path / name
        path.write_bytes(answer.content)
        read = import_file(path)
        assert [(b.behaviour, b.start_seconds, b.end_seconds) for b in read.labels.bouts] == [
            ("lying", 0, 60)
        ]
        assert "bouts of lying" in read.about.settings
    assert client.get("/results/boris", params={"kind": "exe"}).status_code == 400


def test_figures_say_whose_they_are_and_a_file_of_several_is_packed(client, coded):
    add_video(coded, "second.mp4", None)
    add_bouts(coded, (0, 20, "lying", "anna"), video="second.mp4")
    figure = get(client, "/results/figure", kind="ethogram")["figure"]
    assert "labels of all people · 2 videos" in figure["layout"]["title"]["subtitle"]["text"]
    actogram = get(client, "/results/figure", kind="actogram", video="pen.mp4", theme="dark")
    assert actogram["axes"] == ["posture"]
    assert "must be" in get(client, "/results/figure", kind="pie")["error"]
    # The start of one recording is not known: said, not guessed.
    assert "nobody knows when" in get(client, "/results/budget", every="3600")["error"]
    answer = client.get("/results/boris", params={"kind": "boris-tabular"})
    if answer.headers["content-type"] == "application/zip":
        assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None
    else:
        assert b"second.mp4" in answer.content


def test_a_file_that_is_none_is_refused_without_the_place_where_it_lay(client, coded):
    answer = client.post("/results/files", params={"name": "x.csv"}, content=b"\x00\x01")
    assert "x.csv" in answer.json()["error"]
    assert "/" not in answer.json()["error"]


def test_a_behaviour_of_a_file_may_be_written_in_another_way(coded, client):
    name = coded.ethogram.names[0]
    text = f"video,start_seconds,end_seconds,label\npen.mp4,0,5,{name.upper()}\n"
    answer = client.post("/results/files", params={"name": "x.csv"}, content=text.encode()).json()
    assert answer["notes"] == [f"says {name.upper()}, which is taken for {name}"]


def test_what_is_said_of_times_is_what_the_formats_keep():
    assert {format_named(name).holds.resolution for name in BORIS} == {"1 ms"}
    assert "1 ms" in WORDS["results_boris_times"]


def test_files_that_are_brought_are_few(coded, client):
    def bring(name):
        text = "video,start_seconds,end_seconds,label\npen.mp4,0,5,lying\n"
        answer = client.post("/results/files", params={"name": name}, content=text.encode())
        return answer.json()["key"]

    first = bring("first.csv")
    pair = {"first": "labels", "second": first}
    assert "error" not in get(client, "/results/agreement", **pair)
    for number in range(MAX_FILES):
        bring(f"{number}.csv")
    assert "not held any more" in get(client, "/results/agreement", **pair)["error"]
    large = client.post("/results/files", params={"name": "x.csv"}, content=b"x" * (MAX_BYTES + 1))
    assert "may have" in large.json()["error"]


def test_periods_that_nobody_reads_are_refused(client, coded):
    assert "at least 1 s" in get(client, "/results/budget", every="0.001")["error"]
    coded.labels.mark_scored(Span("pen.mp4", 0, 1e6, axis="posture"))
    assert "more than 20000" in get(client, "/results/budget", every="10")["error"]


def test_that_a_model_does_not_know_the_footage_is_said_here_too(client, coded, run_id):
    assert get(client, "/results/bouts", of=f"run:{run_id}")["warning"] == ""
    path = next(coded.runs[run_id].folder.glob("*.csv"))
    write_predictions(path, NAMES, steps(0, 0, 1), unlikeness=1.7)
    warning = get(client, "/results/bouts", of=f"run:{run_id}")["warning"]
    assert "unlike" in warning or "not know" in warning
    assert get(client, "/project/runs/bouts", run=run_id)["is_unlike"]
