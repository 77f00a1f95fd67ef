"""BORIS: what is written keeps the rules of FORMATS 4.3, and what BORIS wrote reads to the same."""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.labels.formats.strategies import awkward_labels
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import MissingPackageError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.formats import About, ReadOptions, import_file, write

NEEDED = {
    "": {"project_format_version", "subjects_conf", "behaviors_conf", "observations"},
    "observation": {
        "file",
        "type",
        "date",
        "description",
        "time offset",
        "events",
        "media_info",
        "observation time interval",
        "independent_variables",
    },
    "behaviour": {"type", "key", "code", "modifiers", "category", "color", "description"},
    "media_info": {"length", "fps", "hasVideo", "hasAudio"},
}
"""What BORIS fails without, or complains."""


def check_project(project: dict) -> None:
    """Raise `AssertionError` where a project breaks a rule of FORMATS 4.3."""
    assert NEEDED[""] <= project.keys()
    assert project["project_format_version"] == "7.0"
    behaviours = list(project["behaviors_conf"].values())
    kinds, categories = {}, set()
    for one in behaviours:
        assert NEEDED["behaviour"] <= one.keys()
        assert one["type"] in ("State event", "Point event")
        kinds[one["code"]] = one["type"]
        categories.add(one["category"])
    assert len(kinds) == len(behaviours)
    keys = [one["key"] for one in behaviours]
    assert all(len(key) == 1 for key in keys) and len(set(keys)) == len(keys)
    assert categories - {""} <= set(project["behavioral_categories"])
    subjects = {one["name"] for one in project["subjects_conf"].values()}
    for observation in project["observations"].values():
        check_observation(observation, kinds, subjects, behaviours)


def check_observation(observation: dict, kinds, subjects, behaviours) -> None:
    assert NEEDED["observation"] <= observation.keys()
    assert NEEDED["media_info"] <= observation["media_info"].keys()
    (name,) = observation["file"]["1"]
    for fact in NEEDED["media_info"]:
        assert name in observation["media_info"][fact]
    events = observation["events"]
    assert events == sorted(events, key=lambda one: (one[0], one[1], one[2]))
    states = defaultdict(list)
    category = {one["code"]: one["category"] for one in behaviours}
    for time, subject, code, modifiers, comment, *frame in events:
        assert time >= 0 and round(time, 3) == time
        assert subject in subjects or subject == ""
        assert modifiers == "" and isinstance(comment, str)
        assert not frame or frame[0] >= 0
        if kinds[code] == "State event":
            states[subject, code].append(time)
    spans = defaultdict(list)
    for (subject, code), times in states.items():
        assert len(times) % 2 == 0  # else "not paired", and no export
        assert times == sorted(set(times))
        spans[subject, category[code]] += zip(times[::2], times[1::2], strict=True)
    for track in spans.values():
        track.sort()
        for (_, end), (start, _) in pairwise(track):
            assert start - end >= 0.0009  # a millisecond between states that exclude each other


def test_projects_keep_the_rules():
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(awkward_labels())
    def check(value: Labels) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.boris"
            write(value, path)
            check_project(json.loads(path.read_text()))

    check()


def test_the_sample_keeps_the_rules_of_the_checker(shared_formats):
    check_project(
        json.loads((shared_formats / "sample.boris").read_text()),
    )


def test_a_project_by_hand(tmp_path):
    value = Labels(
        ETHOGRAM,
        (
            Bout("pen 2.mp4", 0, 612.5, "lying", "sow", score=0.93, source="model"),
            Bout("pen 2.mp4", 612.5, 1800, "standing", "sow", comment="tired"),
            Bout("pen 2.mp4", 700.25, 700.25, "rolling", "sow"),
        ),
        not_scored=(Span("pen 2.mp4", 5, 6, "sow", "activity"),),
        videos=(LabelledVideo("pen 2.mp4", 1800, 2.0),),
    )
    path = tmp_path / "a.boris"
    done = write(value, path, about=About(model="memvit 0.1"))
    assert done.losses == () and done.notes == ()
    observation = json.loads(path.read_text())["observations"]["pen 2"]
    assert observation["description"] == "model=memvit 0.1"
    assert observation["events"] == [
        [0.0, "sow", "lying", "", "p=0.93", 0],
        [0.0, "sow", "not_scored activity", "", "unlabelled", 0],
        [4.999, "sow", "not_scored activity", "", "", 9],
        [5.0, "sow", "not_scored activity", "", "", 10],
        [5.999, "sow", "not_scored activity", "", "", 11],
        [6.0, "sow", "not_scored activity", "", "unlabelled", 12],
        [612.499, "sow", "lying", "", "", 1224],
        [612.5, "sow", "standing", "", "tired", 1225],
        [700.25, "sow", "rolling", "", "", 1400],
        [1800.0, "sow", "not_scored activity", "", "", 3600],
        [1800.0, "sow", "standing", "", "", 3600],
    ]


def test_of_one_axis_the_state_is_called_as_it_is_everywhere(tmp_path):
    value = Labels(Ethogram.of("a"), (Bout("v", 1, 2, "a"),), videos=(LabelledVideo("v", 3, 25),))
    path = tmp_path / "a.boris"
    write(value, path)
    codes = Counter(one[2] for one in json.loads(path.read_text())["observations"]["v"]["events"])
    assert codes == {"a": 2, "not_scored": 4}


def test_more_events_than_boris_pairs_quickly_are_said(tmp_path):
    bouts = tuple(Bout("v", n, n + 0.5, "ab"[n % 2]) for n in range(1700))
    value = Labels(Ethogram.of("a", "b"), bouts, videos=(LabelledVideo("v", 1700, 25),))
    done = write(value, tmp_path / "a.boris")
    assert ["more than 5000" in note for note in done.notes] == [True]
    assert import_file(tmp_path / "a.boris").labels.bouts == bouts


EXPORTED = [(3.3, 7.75), (9.9, 16.2), (18.35, 24.475), (38.425, 46.1)]
"""Of `observation #1`; the last one is subject2's."""


def test_without_openpyxl_a_spreadsheet_is_refused_with_what_to_install(
    shared_formats, monkeypatch
):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingPackageError, match="pip install openpyxl"):
        import_file(shared_formats / "boris" / "test_export_events_tabular.xlsx")


@pytest.mark.parametrize("ending", ["csv", "tsv", "html", "xlsx"])
def test_the_shared_exports_and_their_project_say_the_same(shared_formats, ending):
    folder = shared_formats / "boris"
    exported = import_file(folder / f"test_export_events_tabular.{ending}")
    assert exported.problems == ()
    bouts = exported.labels.bouts
    assert [(one.start_seconds, one.end_seconds) for one in bouts] == EXPORTED
    assert [one.subject for one in bouts] == ["subject1"] * 3 + ["subject2"]
    (video,) = exported.labels.videos
    assert (video.name, video.fps) == ("video_test_25fps_360s.mp4", 25.0)
    project = json.loads((folder / "test.boris").read_text())
    project["observations"] = {"observation #1": project["observations"]["observation #1"]}
    alone = shared_formats / "boris" / "alone.boris"
    data = json.dumps(project).encode()
    read = read_bytes(alone.name, data)
    assert read.problems == ()
    assert read.labels.bouts == bouts
    assert read.labels.videos == exported.labels.videos


def read_bytes(name: str, data: bytes, options: ReadOptions | None = None):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return import_file(path, options)


def test_the_shared_project_reads_with_its_one_problem(shared_formats):
    read = import_file(shared_formats / "boris" / "test.boris")
    (problem,) = read.problems
    assert problem.kind == "unpaired"
    assert problem.place == "$.observations['live not paired'].events[11]"
    assert "s at 26.862 s has no stop" in str(problem)
    # `observation #2` plays a file of 179.96 s and then another one.
    second = read.labels.bouts_of(video="video_test_25fps_360s.mp4", behaviour="s", subject="")
    assert (second[0].start_seconds, second[0].end_seconds) == (47.805, 73.53)
    (modified,) = read.labels.bouts_of(behaviour="r")[:1]
    assert modified.comment == "modifiers: m1"


def test_a_state_over_the_end_of_a_file_goes_on_in_the_next():
    read = read_bytes("a.boris", project_of([[8, "", "s", "", "c"], [13, "", "s", "", ""]]))
    assert [(one.video, one.start_seconds, one.end_seconds) for one in read.labels.bouts] == [
        ("a.mp4", 8, 10),
        ("b.mp4", 0, 3),
    ]
    assert [one.comment for one in read.labels.bouts] == ["c", "c"]


def project_of(events: list, **changes) -> bytes:
    observation = {
        "file": {"1": ["/x/a.mp4", "/x/b.mp4"]},
        "type": "MEDIA",
        "date": "2020-01-01T00:00:00",
        "description": "",
        "time offset": 0.0,
        "events": events,
        "independent_variables": {},
        "media_info": {"length": {"/x/a.mp4": 10, "/x/b.mp4": 20}, "fps": {"/x/a.mp4": 25}},
    }
    behaviour = {"type": "State event", "key": "s", "code": "s", "category": ""}
    project = {
        "behaviors_conf": {"0": behaviour},
        "observations": {"o": {**observation, **changes}},
    }
    return json.dumps(project).encode()


@pytest.mark.parametrize(
    ("events", "kind", "place"),
    [
        ([[1, "", "s", "", ""]], "unpaired", "$.observations['o'].events[0]"),
        ([["x", "", "s", "", ""]], "no time", "$.observations['o'].events[0]"),
        ([7], "unreadable", "$.observations['o'].events[0]"),
        ([[-2, "", "s", "", ""], [2, "", "s", "", ""]], "no time", "$.observations['o'].events[0]"),
        (
            [[12, "", "s", "", ""], [50, "", "s", "", ""]],
            "outside",
            "$.observations['o'].events[0]",
        ),
    ],
)
def test_what_is_wrong_in_a_project_is_named(events, kind, place):
    read = read_bytes("a.boris", project_of(events))
    assert [(one.kind, one.place) for one in read.problems] == [(kind, place)]


def test_a_packed_project_is_recognised_whatever_its_name():
    data = gzip.compress(project_of([[1, "", "s", "", ""], [2, "", "s", "", ""]]))
    assert len(read_bytes("project.gz", data).labels.bouts) == 1


@pytest.mark.parametrize(
    "name", ["sample_tabular_v9.csv", "sample_aggregated_v9.csv", "sample.boris"]
)
def test_the_samples_read_to_the_same(shared_formats, name):
    read = import_file(shared_formats / name)
    assert read.problems == ()
    assert read.about.model == "memvit v0.1"
    assert sorted(
        (one.behaviour, one.start_seconds, one.end_seconds, one.score) for one in read.labels.bouts
    ) == [
        ("drinking", 700.25, 700.25, 0.66),
        ("lying_lateral", 0, 612.5, 0.93),  # the gap of a millisecond is closed again
        ("standing", 612.5, 1799.5, 0.71),
    ]
    assert {one.name: one.axis for one in read.labels.ethogram} == {
        "lying_lateral": "posture",
        "standing": "posture",
        "drinking": "activity",
    }


def test_what_was_written_has_the_columns_of_the_samples(shared_formats, tmp_path):
    labels = import_file(shared_formats / "sample.boris").labels
    for name, format in (
        ("sample_tabular_v9.csv", "boris-tabular"),
        ("sample_aggregated_v9.csv", "boris-aggregated"),
    ):
        write(labels, tmp_path / name, format=format)
        written = (tmp_path / name).read_text().splitlines()[0].split(",")
        expected = (shared_formats / name).read_text().splitlines()[0].split(",")
        ours = {"vidmem_scored", "vidmem_unknown"}  # as independent variables stand
        assert [one for one in written if one not in ours] == expected


OLDER = """Observation id,Observation date,Observation duration,Media duration (s),FPS,Subject,\
Behavior,Behavioral category,Modifier #1,Behavior type,Time,Media file name,Image index,Comment
o,2020-01-01 00:00:00,10,10.000,25.000,No focal subject,s,,m1,START,1.5,a.mp4,37,
o,2020-01-01 00:00:00,10,10.000,25.000,No focal subject,s,,m1,STOP,0:03.5,a.mp4,87,
o,2020-01-01 00:00:00,10,10.000,25.000,x,s,,,STOP,4,a.mp4,87,
o,2020-01-01 00:00:00,10,10.000,25.000,x,s,,,BEGIN,4,a.mp4,87,
"""


def test_the_layout_of_820_reads_with_its_problems_named():
    read = read_bytes("a.csv", OLDER.encode())
    (bout,) = read.labels.bouts
    assert (bout.start_seconds, bout.end_seconds, bout.subject) == (1.5, 3.5, "")
    assert bout.comment == "modifiers: m1"
    assert [(one.kind, one.place) for one in read.problems] == [
        ("unreadable", "row 5"),
        ("unpaired", "row 4"),
    ]


def test_points_stay_points_in_a_project_without_any_bout_of_them(tmp_path):
    ethogram = Ethogram((Behaviour("a"), Behaviour("p", kind="point", axis="events")))
    path = tmp_path / "a.boris"
    write(Labels(ethogram, (Bout("v", 0, 1, "a"),)), path)
    assert import_file(path).labels.ethogram["p"].kind == "point"
