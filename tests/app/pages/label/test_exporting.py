"""Exports by the page: of every format, the bytes that the command line writes, and read again."""

from __future__ import annotations

import io
import sys
import zipfile
from datetime import datetime

import pytest

from tests.app.pages.label.conftest import FEEDING, LYING, STANDING
from tests.cli.test_converting import PREDICTIONS
from vidmem import cli
from vidmem.labels import Bout, Span, compare
from vidmem.labels.formats import FORMATS, format_named
from vidmem.projects import Project, VideoFacts

WRITTEN = [one.name for one in FORMATS if one.write]
EXACT = ("csv", "boris", "boris-tabular", "boris-aggregated", "label-studio", "vtt", "elan")


@pytest.fixture
def labelled(project) -> Project:
    """With a second video, subjects, and what was scored and could not be."""
    project.labels.add_bout(Bout("pen 3.mp4", 1, 5.04, "lying", "sow 12", "Ali"))
    project.labels.mark_scored(Span("pen 3.mp4", 0, 60, "sow 12", "posture"))
    project.labels.mark_not_scored(Span("pen 2.mp4", 705, 720, axis="posture"))
    facts = VideoFacts(
        duration_seconds=60, fps=25, start=datetime(2026, 5, 1, 6, 0), start_from="typed"
    )
    project.videos.set_facts("pen 3.mp4", facts)
    return project


def files_of(answer) -> dict[str, bytes]:
    """What a download has: of a ZIP, the files in it."""
    assert answer.status_code == 200, answer.text
    if answer.headers["content-type"] != "application/zip":
        name = answer.headers["content-disposition"].split("''")[-1].split('filename="')[-1]
        return {name.strip('"').replace("%20", " "): answer.content}
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_there_is_something_to_choose(page, labelled):
    choices = page.get("/label/export/choices")
    assert choices["formats"][0]["name"] == "csv"
    assert sorted(one["name"] for one in choices["formats"]) == sorted(WRITTEN)
    assert choices["videos"] == [
        {"name": "pen 2.mp4", "num_bouts": 4, "has_fps": True},
        {"name": "pen 3.mp4", "num_bouts": 1, "has_fps": True},
    ]
    assert (choices["authors"], choices["runs"]) == (["", "Ali", "Zoë"], [])


@pytest.mark.parametrize("name", WRITTEN)
def test_the_page_writes_what_the_command_line_writes(
    page, labelled, name, tmp_path, monkeypatch, capsys
):
    """From the same labels: the page's own CSV is what the command line reads."""
    folder = tmp_path / "out"
    folder.mkdir()
    for of, data in files_of(page.download(format="csv")).items():
        (folder / of).write_bytes(data)
    made = files_of(page.download(format=name))
    out = folder / "again" / f"project{format_named(name).endings[0]}"
    out.parent.mkdir()
    words = ["vidmem", "convert", folder / "project.csv", out, "--to", name]
    monkeypatch.setattr(sys, "argv", [*map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    capsys.readouterr()
    assert not ended.value.code
    assert {one.name: one.read_bytes() for one in out.parent.iterdir()} == made


@pytest.mark.parametrize("name", [one for one in WRITTEN if format_named(one).read])
def test_what_is_exported_can_be_imported_again(page, labelled, name):
    # Files of samples are of one video and no subject.
    query = {"format": name} if name in EXACT else {"format": name, "video": "pen 2.mp4"}
    mine = labelled.labels.all().labels
    seen, download = page.get("/label/export/preview", **query), page.download(**query)
    assert seen["num_bouts"] == (5 if name in EXACT else 4)
    for video in ("pen 2.mp4", "pen 3.mp4"):
        labelled.labels.edit(video, lambda labels: labels.remove(*labels.bouts), words="anew")
        for span in (Span(video, 0, 720, "sow 12"), Span(video, 0, 720)):
            labelled.labels.unmark(span)
    empty = labelled.labels.all().labels
    assert empty.bouts == empty.scored == empty.not_scored == ()
    page.send(seen["name"], download.content)
    how = {"format": name, "video": "" if name in EXACT else "pen 2.mp4"}
    looked = page.look(**how)
    assert "error" not in looked and looked["problems"]["num"] == 0, looked
    page.apply(**how)
    read = labelled.labels.all().labels
    if name == "csv":
        assert read == mine
    elif name in EXACT:
        differences = compare(mine, read, tolerance_seconds=0.0021, point_tolerance_seconds=0.0011)
        assert differences == ()
        assert [one.author for one in read.bouts] == [one.author for one in mine.bouts]
    else:
        found = {
            (one.behaviour, round(one.start_seconds), round(one.end_seconds)) for one in read.bouts
        }
        assert found >= {("lying", 0, 612), ("standing", 612, 700), ("feeding", 600, 640)}


def test_of_one_video_and_one_author_and_what_is_lost_is_said(page, labelled):
    seen = page.get("/label/export/preview", format="srt", video="pen 2.mp4", author="Zoë")
    assert (seen["name"], seen["num_bouts"], seen["num_videos"]) == ("pen 2.srt", 2, 1)
    assert "2 authors" in seen["losses"]
    assert any("not scored" in one for one in seen["losses"])
    text = page.download(format="srt", video="pen 2.mp4", author="Zoë").text
    assert "lying" in text and "feeding" not in text
    assert page.get("/label/export/preview", format="csv", video="pen 2.mp4")["losses"] == []
    of_nobody = page.get("/label/export/preview", format="csv", author="")
    assert of_nobody["num_bouts"] == 1


def test_of_one_author_time_of_another_one_is_not_said_to_be_scored(page, labelled):
    answer = page.download(format="csv", video="pen 3.mp4", author="Zoë")
    rows = [row.split(",")[1:4] for row in files_of(answer)["pen 3.csv"].decode().splitlines()[1:]]
    nothing = "none of these"
    assert rows == [["0.000", "1.000", nothing], ["5.040", "60.000", nothing]]


def test_single_files_of_an_export_are_looked_up_and_not_opened(page, labelled):
    names = [one["name"] for one in page.get("/label/export/preview", format="csv")["files"]]
    assert names == ["project.csv", "project.csv.json"]
    whole = files_of(page.download(format="csv"))
    for name in names:
        assert page.download(format="csv", name=name).content == whole[name]
    for name in ("../project/project.db", "/etc/passwd", "project.db"):
        answer = page.download(format="csv", name=name)
        assert (answer.status_code, answer.text[:21]) == (404, "There is no such file")


REFUSALS = [
    ({"format": "xyz"}, "there is no format 'xyz'"),
    ({"format": "via"}, "is only read"),
    ({"format": "csv", "video": "x.mp4"}, "there is no video 'x.mp4'"),
    ({"format": "csv", "kept_run": "x"}, "x"),
    ({"format": "deepethogram", "fps": "-3"}, "fps"),
    ({"format": "csv", "fps": "soon"}, "fps must be a number"),
    ({"format": "csv", "kept_run": "0" * 32, "threshold": "7"}, "threshold"),
]


def test_what_cannot_be_is_a_sentence(page):
    for query, sentence in REFUSALS:
        assert sentence in page.get("/label/export/preview", **query)["error"], query
        assert page.download(**query).status_code == 400


def test_a_rate_that_is_not_known_can_be_typed(page, project):
    project.videos.set_facts("pen 2.mp4", VideoFacts(duration_seconds=720))
    seen = page.get("/label/export/preview", format="deepethogram")
    assert seen["error"].endswith(
        "the frame rate of pen 2.mp4 is not known; type it as frames per second"
    )
    seen = page.get("/label/export/preview", format="deepethogram", fps="2")
    assert [one["name"] for one in seen["files"]] == ["project_labels.csv"]
    rows = page.download(format="deepethogram", fps="2").text.splitlines()
    assert len(rows) == 1 + 2 * 720


def test_names_of_files_are_of_the_video_and_fit_everywhere(page, project):
    (project.folder / "x").mkdir()
    for given, made in (
        ("a:b? 🐖.mp4", "a_b_ 🐖.boris"),
        ("🐖" * 50 + ".mp4", "🐖" * 30 + ".boris"),
    ):
        path = project.folder / "x" / given
        path.write_bytes(given.encode())
        name = project.add_video(path).name
        project.labels.add_bout(Bout(name, 1, 2, "lying"))
        (one,) = page.get("/label/export/preview", format="boris", video=name)["files"]
        assert one["name"] == made


def test_predictions_of_a_run_are_bouts_with_their_model_and_processing(page, project):
    run = project.runs.create(model="memvit", video="pen 3.mp4")
    (run.folder / "pen 3-predictions.csv").write_text(PREDICTIONS)
    project.runs.finish(run.run_id, "finished")
    (choice,) = page.get("/label/export/choices")["runs"]
    assert choice["id"] == run.run_id and choice["title"].startswith("memvit, 20")
    assert choice["title"].endswith(" · pen 3.mp4")
    query = {"format": "csv", "kept_run": run.run_id}
    seen = page.get("/label/export/preview", **query)
    assert (seen["num_bouts"], seen["files"][0]["name"]) == (3, "pen 3 predicted.csv")
    joined = {**query, "threshold": "0.7", "fill_gap": "2"}
    assert page.get("/label/export/preview", **joined)["num_bouts"] == 1
    text = page.download(**joined, name="pen 3 predicted.csv").text
    assert "memvit" in text and "threshold 0.7, gaps up to 2 s filled" in text
    assert project.labels.all().labels.bouts == tuple(
        sorted(project.labels.all().labels.bouts, key=lambda one: one.sort_key)
    )
    assert {LYING, STANDING, FEEDING} < set(project.labels.all().labels.bouts)
