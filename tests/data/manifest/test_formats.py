"""Every layout, in miniature and exactly as it is published: what is in it, and nothing wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.data.manifest import miniatures
from vidmem.data import Manifest
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels
from vidmem.labels.formats import write
from vidmem.projects import Project


@dataclass(frozen=True)
class Expected:
    """What a miniature holds."""

    make: Callable[[Path, Path], Path]
    kind: str
    classes: tuple[str, ...]
    samples: tuple[tuple[str, tuple[int, ...], str], ...]
    """Name of the video, classes, subset."""

    notes: tuple[str, ...] = ()
    groups: tuple[str, ...] = field(default=())


EYE_MAKEUP, ARCHERY = "v_ApplyEyeMakeup_g", "v_Archery_g08"
CVB = "0002_arm01_gopro1_20200322_222554_beh2_ani1_ins1_cut_"

EXPECTED = [
    Expected(
        miniatures.kinetics,
        "kinetics",
        ("shearing sheep", "tai chi"),
        (
            ("--6zxbYq5M4_000039_000049.mp4", (), "test"),
            ("-0AFA2OVzn0_000019_000029.mp4", (1,), "train"),
            ("--8YXc8iCt8_000002_000012.mp4", (0,), "train"),
            ("-3LQIrz9FoM_000010_000020.mp4", (1,), "val"),
        ),
        groups=("--6zxbYq5M4", "-0AFA2OVzn0", "--8YXc8iCt8", "-3LQIrz9FoM"),
    ),
    Expected(
        miniatures.something,
        "something",
        ("Moving something up", "Holding something next to something"),
        (("1420.webm", (), "test"), ("78687.webm", (1,), "train"), ("42326.webm", (0,), "val")),
    ),
    Expected(
        miniatures.ucf101,
        "ucf101",
        ("ApplyEyeMakeup", "Archery"),
        (
            (f"{EYE_MAKEUP}01_c01.avi", (0,), "test"),
            (f"{EYE_MAKEUP}08_c01.avi", (0,), "train"),
            (f"{ARCHERY}_c02.avi", (1,), "train"),
        ),
        ("split 1 of 2 is read",),
        (f"{EYE_MAKEUP}01", f"{EYE_MAKEUP}08", ARCHERY),
    ),
    Expected(
        miniatures.hmdb51,
        "hmdb51",
        ("brush_hair", "cartwheel"),
        (
            ("April_09_brush_hair_u_nm_np1_ba_goo_0.avi", (0,), "train"),
            ("(Rad)Schlag_die_Bank!_cartwheel_f_cm_np1_le_med_0.avi", (1,), "test"),
            ("#18_cartwheel_f_cm_np1_le_med_0.avi", (1,), "train"),
        ),
        ("left out, since the split uses them in neither subset: clips 1",),
        ("brush_hair/April_09", "cartwheel/(Rad)Schlag_die_Bank!", "cartwheel/#18"),
    ),
    Expected(
        miniatures.class_folders,
        "folders",
        ("lying", "standing"),
        (("a.mp4", (0,), "train"), ("b.MP4", (1,), "train"), ("c.mkv", (0,), "val")),
    ),
    Expected(
        miniatures.path_list,
        "list",
        ("air drumming", "wrapping present"),
        (("some clip 1.mp4", (1,), "train"), ("b.mp4", (0,), "train"), ("c.mp4", (0, 1), "val")),
        ("its classes are called as in label_map.txt",),
    ),
    Expected(
        miniatures.activitynet,
        "activitynet",
        ("Hand washing clothes", "Preparing salad"),
        (
            ("v_sJbNS3TxTSs.mp4", (1,), "train"),
            ("v_sJbNS3TxTSs.mp4", (0,), "train"),
            ("v_0dkIbKXXFzI.mp4", (1,), "val"),
            ("v_test1.mkv", (), "test"),
        ),
        groups=("sJbNS3TxTSs", "sJbNS3TxTSs", "0dkIbKXXFzI", "test1"),
    ),
    Expected(
        miniatures.ava,
        "ava",
        ("bend/bow (at the waist)", "stand", "watch (a person)"),
        (
            ("-5KQ66BBWC4.mkv", (1, 2), "train"),
            ("-5KQ66BBWC4.mkv", (1,), "train"),
            ("_7oWZq_s_Sk.mp4", (0,), "val"),
        ),
        (
            "its actions are called as in ava_action_list_v2.2.pbtxt",
            "left out, since their seconds are excluded: rows of ava_train_v2.2.csv 1",
        ),
    ),
    Expected(
        miniatures.cvb,
        "ava",
        ("grazing", "walking"),
        (
            (f"{CVB}1.mp4", (0,), "train"),
            (f"{CVB}1.mp4", (1,), "train"),
            (f"{CVB}2.mp4", (0,), "val"),
        ),
        ("its actions are called as in behaviour_list.pbtx",),
        ("gopro1_20200322_222554",) * 3,
    ),
]


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda one: one.make.__name__)
def test_a_folder_is_recognised_and_read(expected, tmp_path, pen):
    manifest = Manifest.read(expected.make(tmp_path, pen))
    assert (manifest.kind, manifest.class_names) == (expected.kind, expected.classes)
    assert dict(manifest.problem_counts) == {}
    assert manifest.notes == expected.notes
    found = {(one.video.name, one.classes, one.subset) for one in manifest}
    assert found == set(expected.samples)
    assert len(manifest) == manifest.num_named == len(expected.samples)
    if expected.groups:
        assert sorted(one.group for one in manifest) == sorted(expected.groups)


def test_kinetics_takes_the_time_of_a_video_that_was_not_cut(tmp_path, pen):
    miniatures.put(tmp_path, pen, "whole/abcdefghijk.mkv")
    rows = "label,youtube_id,time_start,time_end,split\ntai chi,abcdefghijk,0,1,train\n"
    miniatures.write(tmp_path, {"train.csv": rows})
    (sample,) = Manifest.read(tmp_path)
    assert (sample.start_seconds, sample.end_seconds, sample.is_whole) == (0, 1, False)


def test_answers_to_the_test_subset_are_its_labels(tmp_path, pen):
    miniatures.something(tmp_path, pen)
    answers = {"labels/test-answers.csv": "1420;Moving something up\n"}
    miniatures.write(tmp_path, answers)
    (sample,) = Manifest.read(tmp_path).subset("test")
    assert sample.classes == (0,)


def test_another_split_is_read_when_asked_for(tmp_path, pen):
    folder = miniatures.ucf101(tmp_path, pen)
    assert Manifest.read(folder, fold=2).subset_counts == {"test": 1, "train": 1}
    list_alone = Manifest.read(folder / "ucfTrainTestlist/testlist02.txt")
    assert list_alone.subset_counts == {"test": 1}
    assert f"videos are looked for below {tmp_path}" in list_alone.notes


def test_samples_of_ava_are_seconds_around_their_frames(tmp_path, pen):
    manifest = Manifest.read(miniatures.cvb(tmp_path, pen))
    first, second, _ = manifest
    assert (first.start_seconds, first.end_seconds) == (0, 0.5)
    assert (second.start_seconds, second.end_seconds) == (0.5, 1.5)
    assert (second.box, second.subject) == ((0.1, 0.2, 0.3, 0.4), "7")
    assert manifest.divided_groups == ("gopro1_20200322_222554",)


def test_actions_of_ava_2_0_are_named_by_a_table(tmp_path, pen):
    miniatures.put(tmp_path, pen, "a.mp4")
    table = "label_id,label_name,label_type\n1,bend,PERSON_MOVEMENT\n4,dance,PERSON_MOVEMENT\n"
    miniatures.write(
        tmp_path,
        {"ava_train_v2.0.csv": "a,1,0.1,0.1,0.2,0.2,4\n", "ava_action_list_v2.0.csv": table},
    )
    manifest = Manifest.read(tmp_path)
    assert manifest.class_names == ("bend", "dance")
    assert [one.classes for one in manifest] == [(1,)]


def test_segments_keep_their_times(tmp_path, pen):
    manifest = Manifest.read(miniatures.activitynet(tmp_path, pen))
    spans = [(one.start_seconds, one.end_seconds) for one in manifest]
    assert spans == [(0.01, 0.5), (0.5, 1.1), (0, 1.2), (0, None)]
    assert [manifest.seconds_of(one) for one in manifest] == pytest.approx([0.49, 0.6, 1.2, 1.2])


def test_a_folder_per_class_need_not_have_subsets(tmp_path, pen):
    miniatures.put(tmp_path, pen, "lying/a.mp4", "standing/abcdefghijk_000001_000011.mp4")
    manifest = Manifest.read(tmp_path)
    assert manifest.class_names == ("lying", "standing")
    assert [one.group for one in manifest] == ["a", "abcdefghijk"]
    assert manifest.subset_counts == {}


def test_real_clips_are_a_dataset(shared_videos):
    manifest = Manifest.read(shared_videos / "human", videos=shared_videos, kind="folders")
    assert {"human", "livestock", "animals"} <= set(manifest.class_names)
    assert manifest.class_counts["livestock"] == 3


LABELS = Labels(
    Ethogram((Behaviour("lying"), Behaviour("standing"), Behaviour("birth", kind="point"))),
    (
        Bout("pen.mp4", 0, 0.5, "standing", subject="sow 12"),
        Bout("pen.mp4", 0.5, 1.0, "lying", subject="sow 12"),
        Bout("pen.mp4", 0.7, 0.7, "birth"),
        Bout("pen.mp4", 0, 0.4, "lying", subject="sow 3", source="model", score=0.9),
    ),
    videos=(LabelledVideo("pen.mp4", 1.2),),
)
BOUTS = [("standing", 0, 0.5, "sow 12"), ("lying", 0.5, 1.0, "sow 12")]


def bouts_of(manifest: Manifest) -> list[tuple[str, float, float | None, str]]:
    return [
        (manifest.class_names[one.classes[0]], one.start_seconds, one.end_seconds, one.subject)
        for one in manifest
    ]


def test_labels_of_any_format_are_a_dataset(tmp_path, pen):
    miniatures.put(tmp_path, pen, "pen.mp4")
    write(LABELS, tmp_path / "labels.boris")
    manifest = Manifest.read(tmp_path / "labels.boris")
    assert (manifest.kind, manifest.class_names) == ("labels", ("lying", "standing"))
    assert sorted(bouts_of(manifest), reverse=True) == BOUTS
    assert any(note.endswith("point events 1") for note in manifest.notes)
    assert any(note.endswith("bouts 1") for note in manifest.notes)


def test_a_project_is_a_dataset(tmp_path, pen):
    folder, gone = tmp_path / "project", tmp_path / "gone.mp4"
    miniatures.put(tmp_path, pen, "pen.mp4")
    gone.write_bytes(b"of other content")
    with Project.create(folder) as project:
        project.behaviours.unite(LABELS.ethogram)
        project.add_video(tmp_path / "pen.mp4")
        project.add_video(gone)
        people_said = [bout for bout in LABELS.bouts if bout.is_human]
        for bout in (*people_said, Bout("gone.mp4", 0, 1, "lying")):
            project.labels.add_bout(bout)
    gone.unlink()
    manifest = Manifest.read(folder)
    assert (manifest.kind, manifest.class_names) == ("project", ("lying", "standing"))
    assert sorted(bouts_of(manifest), reverse=True) == BOUTS
    (problem,) = manifest.problems
    assert problem.kind == "missing video"
    assert problem.what == "the file of gone.mp4 is not where it was"
