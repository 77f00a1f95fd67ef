"""What is wrong in a dataset is counted, and named by file and line; or it stops the reading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.data.manifest import miniatures
from tests.data.manifest.conftest import PEN_SECONDS
from vidmem.data import Manifest
from vidmem.data.manifest import collecting
from vidmem.errors import DatasetError, SettingError

HEADER = "label,youtube_id,time_start,time_end,split\n"
LISTS = "ucfTrainTestlist/trainlist01.txt"


def append(path: Path, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def of_kinetics(root: Path, pen: Path, *rows: str) -> Manifest:
    """A clip per class, and more rows."""
    names = [f"{name * 11}_000000_000001.mp4" for name in "abc"]
    miniatures.put(root, pen, *names)
    good = "lying,aaaaaaaaaaa,0,1,train\nstanding,bbbbbbbbbbb,0,1,val\n"
    miniatures.write(root, {"all.csv": HEADER + good + "".join(f"{row}\n" for row in rows)})
    return Manifest.read(root)


def test_nothing_wrong_is_no_problem(tmp_path, pen):
    manifest = of_kinetics(tmp_path, pen)
    assert (len(manifest), manifest.num_named, manifest.problems) == (2, 2, ())


@pytest.mark.parametrize(
    ("row", "kind", "what"),
    [
        ("lying,ccccccccccc,0,1", "damaged", "has 4 cells, and the header names 5 columns"),
        ("lying,ccccccccccc,zero,1,val", "no time", "has 'zero', '1' for times in seconds"),
        ("lying,ccccccccccc,nan,1,val", "no time", "has 'nan', '1' for times in seconds"),
        ("lying,nothere1234,0,1,val", "missing video", "there is no video nothere1234_000000_000"),
        (",ccccccccccc,0,1,val", "unknown class", "has no label"),
        ("lying,aaaaaaaaaaa,0,1,train", "duplicate", "says again what all.csv, row 2 says"),
        ("lying,aaaaaaaaaaa,0,1,val", "duplicate", "has in val what all.csv, row 2 has in train"),
        ("other,aaaaaaaaaaa,0,1,train", "duplicate", "says another class than all.csv, row 2 of"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, pen, row, kind, what):
    manifest = of_kinetics(tmp_path, pen, row, "standing,ccccccccccc,0,1,val")
    (problem,) = manifest.problems
    assert (problem.path, problem.place) == (tmp_path / "all.csv", "row 4")
    assert (problem.kind, problem.done) == (kind, "it is left out")
    assert problem.what.startswith(what)
    assert dict(manifest.problem_counts) == {kind: 1}
    # What is right is read all the same.
    assert (len(manifest), manifest.num_named) == (3, 4)
    with pytest.raises(DatasetError, match=r"all\.csv, row 4: .*; nothing was read"):
        Manifest.read(tmp_path, on_problem="stop")


def test_segments_that_cannot_be_are_named(tmp_path, pen):
    miniatures.activitynet(tmp_path, pen)
    path = tmp_path / "activity_net.v1-3.min.json"
    content = json.loads(path.read_text())
    content["database"]["sJbNS3TxTSs"]["annotations"] += [
        {"segment": [1, 0.5], "label": "Preparing salad"},
        {"segment": [-1, 0.5], "label": "Preparing salad"},
        {"segment": [0.3], "label": "Preparing salad"},
        {"segment": [0.2, 0.3], "label": "Household"},
        "nothing",
    ]
    content["database"]["broken"] = {"subset": "training"}
    path.write_text(json.dumps(content))
    manifest = Manifest.read(tmp_path)
    assert len(manifest) == 4
    assert [(one.kind, one.what) for one in manifest.problems] == [
        ("no time", "ends at 0.5 s, and starts at 1 s"),
        ("no time", "starts at -1 s, which is no time of a video"),
        ("damaged", "is no annotation with a segment of two times"),
        ("unknown class", "Household is no class of this dataset"),
        ("damaged", "is no annotation with a segment of two times"),
        ("damaged", "is no video with annotations"),
    ]
    assert manifest.problems[0].place == "$.database['sJbNS3TxTSs'].annotations[2]"


@pytest.mark.parametrize(
    ("make", "name", "text", "kind", "what"),
    [
        ("ucf101", LISTS, "nothing\n", "damaged", "nothing is no clip in the folder of its class"),
        ("ucf101", LISTS, "Archery/v_a.avi 1\n", "damaged", "is in Archery, and 1 is ApplyEyeMa"),
        ("ucf101", LISTS, "Dance/v_Archery_g08_c02.avi\n", "unknown class", "Dance is no class"),
        (
            "hmdb51",
            "testTrainMulti_7030_splits/cartwheel_test_split1.txt",
            "a.avi 3\n",
            "damaged",
            "a.avi 3 is no clip with 0, 1 or 2 behind it",
        ),
        ("path_list", "val_list_videos.txt", "c.mp4 9\n", "unknown class", "9 is no class: there"),
        ("path_list", "val_list_videos.txt", "frames/c 30 1\n", "damaged", "frames/c 30 1 is no"),
        (
            "ava",
            "annotations/ava_val_v2.2.csv",
            "_7oWZq_s_Sk,0910,0.5,0.1,0.2,0.9,1,5\n",
            "damaged",
            "0.5, 0.1, 0.2, 0.9 is no box in shares of the picture, 0 to 1",
        ),
        (
            "ava",
            "annotations/ava_val_v2.2.csv",
            "_7oWZq_s_Sk,0910,0.1,0.1,0.2,0.9,stand,5\n",
            "damaged",
            "'stand' is no number of an action",
        ),
        (
            "ava",
            "annotations/ava_val_v2.2.csv",
            "_7oWZq_s_Sk,0910,0.1\n",
            "damaged",
            "has 3 cells; a box has 8, or 7 without a person",
        ),
        (
            "ava",
            "annotations/ava_val_v2.2.csv",
            "_7oWZq_s_Sk,0910,0.1,0.1,0.2,0.9,2,5\n",
            "unknown class",
            "2 is no action of the list",
        ),
        (
            "ava",
            "annotations/ava_val_v2.2.csv",
            "_7oWZq_s_Sk,0909,0.000,0.153,0.293,0.992,1,5\n",
            "duplicate",
            "says again what row 1 says",
        ),
    ],
)
def test_each_layout_names_what_is_wrong(tmp_path, pen, make, name, text, kind, what):
    folder = getattr(miniatures, make)(tmp_path, pen)
    num_good = len(Manifest.read(folder))
    append(folder / name, text)
    manifest = Manifest.read(folder)
    (problem,) = manifest.problems
    assert (problem.kind, problem.path) == (kind, folder / name)
    assert problem.place.startswith("row ")
    assert problem.what.startswith(what)
    assert len(manifest) == num_good


def test_an_entry_without_a_template_is_named(tmp_path, pen):
    folder = miniatures.something(tmp_path, pen)
    path = folder / "labels/train.json"
    entries = [*json.loads(path.read_text()), {"id": "5"}, 7]
    path.write_text(json.dumps([*entries, {"id": "1420", "template": "Doing nothing"}]))
    found = [(one.place, one.kind) for one in Manifest.read(folder).problems]
    assert found == [("$[1]", "damaged"), ("$[2]", "damaged"), ("$[3]", "unknown class")]


def test_a_video_in_no_folder_of_a_class_is_named(tmp_path, pen):
    miniatures.put(tmp_path, pen, "lying/a.mp4", "b.mp4", "train/c.mp4")
    found = [(one.path.name, one.kind) for one in Manifest.read(tmp_path).problems]
    assert found == [("b.mp4", "damaged"), ("c.mp4", "damaged")]


def test_of_many_problems_some_are_kept_and_all_are_counted(tmp_path, pen, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_PROBLEMS", 3)
    manifest = of_kinetics(tmp_path, pen, *["lying,nothere1234,0,1,val"] * 7, "broken")
    assert dict(manifest.problem_counts) == {"missing video": 7, "damaged": 1}
    assert len(manifest.problems) == 4


def test_classes_that_are_given_decide(tmp_path, pen):
    of_kinetics(tmp_path, pen)
    manifest = Manifest.read(tmp_path, class_names=("standing", "walking"))
    assert manifest.class_counts == {"standing": 1, "walking": 0}
    assert [one.kind for one in manifest.problems] == ["unknown class"]


def test_a_class_that_is_listed_twice_is_refused(tmp_path, pen):
    folder = miniatures.path_list(tmp_path, pen)
    append(folder / "label_map.txt", "air drumming\n")
    with pytest.raises(DatasetError, match="has 'air drumming' twice; each class must have its"):
        Manifest.read(folder)
    with pytest.raises(DatasetError, match="class_names has 'a' twice"):
        Manifest.read(folder, class_names=("a", "a"))


def test_what_hides_in_names_is_spelled_out(tmp_path, pen):
    manifest = of_kinetics(tmp_path, pen, "lying,\x1b[2Jescape,0,1,val")
    assert "\x1b" not in str(manifest.problems[0])


@pytest.mark.parametrize(
    ("files", "kind", "message"),
    [
        ({}, None, "is no dataset that is known; kinds are known by: project: its project.db"),
        ({}, "kinetic", "there is no kind of dataset 'kinetic'; kinds: project, kinetics"),
        ({"a.csv": HEADER}, "ava", "is no dataset that is known; kinds are known by: ava: its row"),
        ({"a.json": '{"database":{'}, None, "a.json is no JSON"),
        ({"a.json": '[{"id": "1", "template": "a'}, None, "a.json is no JSON"),
        ({"a.csv": "v,1,0.1,0.1,0.2,0.2,1,1\n"}, None, "has no list of actions; put ava_action_li"),
    ],
)
def test_what_is_no_dataset_is_refused_with_a_reason(tmp_path, files, kind, message):
    miniatures.write(tmp_path, files)
    with pytest.raises(DatasetError, match=message):
        Manifest.read(tmp_path, kind)


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="is not there; give a folder or a file"):
        Manifest.read(tmp_path / "gone.csv")
    (tmp_path / "notes.txt").write_text("a list of things\n")
    with pytest.raises(DatasetError, match="has no annotations that are known"):
        Manifest.read(tmp_path / "notes.txt")
    with pytest.raises(SettingError, match="on_problem must be 'skip' or 'stop', got 'ask'"):
        Manifest.read(tmp_path, on_problem="ask")  # type: ignore[arg-type]


def test_a_split_that_is_none_is_refused(tmp_path, pen):
    folder = miniatures.ucf101(tmp_path, pen)
    with pytest.raises(DatasetError, match="has no split 3; its splits are 1, 2"):
        Manifest.read(folder, fold=3)


def test_frames_as_pictures_are_said_to_be_no_videos(tmp_path, pen):
    folder = miniatures.cvb(tmp_path, pen)
    miniatures.write(folder, {"data/raw_frames/cut_1/img_00001.jpg": ""})
    for video in (folder / "videos").iterdir():
        video.unlink()
    manifest = Manifest.read(folder)
    assert dict(manifest.problem_counts) == {"missing video": 3}
    assert "no videos are there, but pictures: 1" in manifest.notes[0]


def test_links_in_a_circle_are_followed_once(tmp_path, pen):
    miniatures.put(tmp_path, pen, "data/lying/a.mp4")
    (tmp_path / "data/lying/again").symlink_to(tmp_path / "data", target_is_directory=True)
    assert len(Manifest.read(tmp_path / "data")) == 1


@pytest.fixture
def damaged(tmp_path, pen):
    """Videos and a list of spans: one that is none, one twice as long as its video, one behind."""
    miniatures.put(tmp_path, pen, "v_good.mp4")
    miniatures.write(tmp_path, {"v_bad.mp4": "no video at all"})
    spans = {"good": [[0, 1], [0.5, 1.3], [1, 2.4], [9, 10]], "bad": [[0, 1]]}
    database = {
        name: {
            "subset": "training",
            "annotations": [{"segment": span, "label": "lying"} for span in segments],
        }
        for name, segments in spans.items()
    }
    miniatures.write(tmp_path, {"a.json": json.dumps({"database": database})})
    return tmp_path


def test_videos_are_opened_and_measured_when_asked_for(damaged):
    assert len(Manifest.read(damaged)) == 5
    seen: list[tuple[int, int]] = []
    manifest = Manifest.read(damaged, decode=True, progress=lambda *step: seen.append(step))
    assert seen == [(1, 2), (2, 2)]
    assert manifest.is_checked
    assert dict(manifest.problem_counts) == {"undecodable": 1, "outside": 2}
    assert "is no video file" in str(manifest.problems[-1])
    # An end a little behind that of the video is its end; a later one too, and that is said.
    ends = [one.end_seconds for one in manifest]
    assert ends == pytest.approx([1, PEN_SECONDS, PEN_SECONDS])
    assert list(manifest.durations.values()) == pytest.approx([PEN_SECONDS])


def test_what_cannot_be_opened_stops_the_reading(damaged):
    with pytest.raises(DatasetError, match=r"a\.json, .*nothing was read"):
        Manifest.read(damaged, decode=True, on_problem="stop")
    with pytest.raises(SettingError, match="workers must be from 1 to 16, got 0"):
        Manifest.read(damaged).check_videos(workers=0)
