"""Every problem in a file is named with its row; what is right is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import vidmem
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Bout, LabelledVideo, Labels, PostProcessing, Span
from vidmem.labels.formats import FORMATS, ReadOptions, format_for, import_file, write

HEADER = "video,start_seconds,end_seconds,label\n"


@pytest.fixture
def read(tmp_path):
    """Read a text, or bytes, as a file of a name."""

    def read(text: str | bytes, name: str = "labels.csv", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return import_file(path, ReadOptions(**options))

    return read


def said(imported) -> list[tuple[str, str]]:
    return [(one.kind, one.place) for one in imported.problems]


def test_a_plain_csv_is_labels(read):
    found = read(HEADER + "a.mp4,0,2.5,lying\na.mp4,2.5,4,standing\n")
    assert found.problems == () and found.notes == () and found.format == "csv"
    assert found.labels.bouts == (Bout("a.mp4", 0, 2.5, "lying"), Bout("a.mp4", 2.5, 4, "standing"))
    assert found.labels.ethogram.axes == ("behaviour",)


BY_HAND = (
    "\ufeffFile;Start;Stop;Behavior;Subject;Comment\r\n"
    "pen.mp4;0:10,5;1:02:03;lying;sow;fast; but\r\n"
    'pen.mp4;3723,25;3800;standing;sow;"two\r\nlines"\r\n'
    "\r\n"
    "pen.mp4;3790;3900;feeding;sow;\r\n"
)


def test_a_csv_from_a_spreadsheet_reads_and_what_was_recognised_is_said(read):
    found = read(BY_HAND)
    assert [(one.behaviour, one.start_seconds, one.end_seconds) for one in found.labels.bouts] == [
        ("lying", 10.5, 3723),
        ("standing", 3723.25, 3800),
        ("feeding", 3790, 3900),
    ]
    assert found.labels.bouts[1].comment == "two\nlines"
    assert set(found.notes) == {
        "has semicolons between its cells",
        "has decimal commas",
        "has times as MM:SS",
        "has times as HH:MM:SS",
        "feeding: at the same time as others, so on an axis of its own each",
    }
    assert said(found) == [("damaged", "row 2")]  # a semicolon in a comment


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_of_spreadsheets_are_read(read, encoding):
    text = HEADER.replace(",", "\t") + "ñandú.mp4\t0\t1\tsäugend\n"
    (bout,) = read(text.encode(encoding)).labels.bouts
    assert (bout.video, bout.behaviour) == ("ñandú.mp4", "säugend")


def test_a_length_will_do_and_a_video_may_be_given(read):
    text = "start,duration,label\n1,2,lying\n"
    (bout,) = read(text, video="pen.mp4").labels.bouts
    assert bout == Bout("pen.mp4", 1, 3, "lying")
    found = read(text, "pen 2.csv")
    assert found.labels.bouts[0].video == "pen 2"
    assert "names no video, so it is called pen 2 after the file; --video names it" in found.notes


WRONG = """a.mp4,0,2,lying
a.mp4,1,3,standing
a.mp4,5,4,lying
a.mp4,x,7,lying
a.mp4,8,,lying
a.mp4,9,9,lying
a.mp4,0,2,lying
a.mp4,10,11,flying
a.mp4,19,30,lying
a.mp4,40,50,lying
b.mp4,0,1,lying
a.mp4,-1,2,standing
a.mp4,12,13,rolling
a.mp4,14,15,
"""
VIDEO = LabelledVideo("a.mp4", 20, 25)


def test_every_problem_is_named_with_its_row(read):
    found = read(HEADER + WRONG, ethogram=ETHOGRAM, videos=(VIDEO,))
    assert sorted(said(found), key=lambda one: int(one[1].split()[1])) == [
        ("overlap", "row 3"),
        ("no time", "row 4"),
        ("no time", "row 5"),
        ("no time", "row 6"),
        ("not a state", "row 7"),
        ("duplicate", "row 8"),
        ("unknown behaviour", "row 9"),
        ("outside", "row 10"),
        ("outside", "row 11"),
        ("unknown video", "row 12"),
        ("no time", "row 13"),
        ("not a state", "row 14"),
        ("unknown behaviour", "row 15"),
    ]
    assert found.labels.bouts == (
        Bout("a.mp4", 0, 2, "lying"),
        Bout("a.mp4", 12, 12, "rolling"),
        Bout("a.mp4", 19, 20, "lying"),
    )
    for problem in found.problems:
        assert str(problem).startswith(f"labels.csv, {problem.place}: ")
        assert problem.done


def test_what_ends_before_it_starts_is_no_point_event_either(read):
    found = read("video,start_seconds,end_seconds,label\npen.mp4,3,2,lying\n", "a.csv")
    assert found.labels.bouts == ()
    assert said(found) == [("no time", "row 2")]


def test_the_first_problem_can_stop_the_reading(read):
    with pytest.raises(LabelError, match=r"labels\.csv, row 5: start 'x' is no time; nothing was"):
        read(HEADER + WRONG, on_problem="stop")
    with pytest.raises(SettingError, match="'skip' or 'stop'"):
        ReadOptions(on_problem="stopp")  # type: ignore[arg-type]


def test_a_script_stops_at_a_problem_unless_it_says_otherwise(tmp_path, caplog):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "a.mp4,0,2,lying\na.mp4,0,2,lying\n")
    with pytest.raises(LabelError, match="row 3"):
        vidmem.labels.read(path)
    labels = vidmem.labels.read(path, on_problem="skip")
    assert len(labels.bouts) == 1
    assert "a.csv, row 3: lying, 0 to 2 s in a.mp4 is there already, row 2" in caplog.text


def test_what_overlaps_gets_an_axis_of_its_own_where_the_file_has_no_axes(read):
    rows = "a,0,10,lying\na,10,20,standing\na,5,15,feeding\na,30,31,feeding\n"
    found = read(HEADER + rows)
    assert {one.name: one.axis for one in found.labels.ethogram} == {
        "lying": "behaviour",
        "standing": "behaviour",
        "feeding": "feeding",
    }
    with_axis = "video,start_seconds,end_seconds,label,axis\n"
    found = read(with_axis + "a,0,10,lying,posture\na,5,15,standing,posture\n")
    assert said(found) == [("overlap", "row 3")]


def test_edges_that_overlap_by_rounding_are_one_edge(read):
    found = read(HEADER + "a,0,1.0014,lying\na,1.0,2,standing\n")
    assert found.problems == ()
    assert [one.end_seconds for one in found.labels.bouts] == [1.0, 2.0]


def test_reserved_labels_are_spans(read):
    rows = "a,0,5,lying\na,5,6,not_scored\na,6,9,none of these\na,4,6,Not Scored\n"
    found = read(HEADER + rows)
    assert found.labels.not_scored == (Span("a", 5, 6, axis="behaviour"),)
    assert found.labels.scored == (Span("a", 6, 9, axis="behaviour"),)
    assert [one.kind for one in found.problems] == ["overlap"]  # 4 to 5, where it is lying


def test_a_table_without_what_a_table_needs_is_refused_with_a_sentence(read, tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(LabelError, match="is of no format that is known by its content"):
        import_file(tmp_path / "a.csv")
    with pytest.raises(LabelError, match="has no column start_seconds"):
        import_file(tmp_path / "a.csv", format="csv")
    with pytest.raises(LabelError, match="is empty"):
        (tmp_path / "b.csv").write_text("")
        import_file(tmp_path / "b.csv", format="csv")
    with pytest.raises(LabelError, match="there is no format 'boriss'; formats: "):
        import_file(tmp_path / "a.csv", format="boriss")
    with pytest.raises(LabelError, match="cannot be read: No such file"):
        import_file(tmp_path / "missing.csv")
    with pytest.raises(LabelError, match="it is a folder, and must be a file"):
        import_file(tmp_path)


def test_frames_need_a_frame_rate_and_a_wrong_one_is_named(read, shared_formats):
    sample = shared_formats / "sample_labels.csv"
    with pytest.raises(LabelError, match="counts frames, and the frame rate of sample is not"):
        import_file(sample)
    found = import_file(sample, ReadOptions(fps=2, video="pen.mp4"))
    assert [(one.behaviour, one.start_seconds, one.end_seconds) for one in found.labels.bouts] == [
        ("lying_lateral", 0, 1),
        ("standing", 2, 2.5),
    ]
    # The third frame is background, the fourth nobody labelled.
    assert [one.interval for one in found.labels.scored] == [(0, 1.5), (2, 2.5)]
    known = LabelledVideo("sample.mp4", 100, 2)
    found = import_file(sample, ReadOptions(videos=(known,)))
    assert found.labels.videos == (known,)
    assert [one.kind for one in found.problems] == ["frame rate"]
    assert "0.05 a second would fit" in found.problems[0].what


def test_a_matrix_that_lies_on_its_side_is_turned(read):
    found = read(",0,1,2\nlying,1,1,0\nbackground,0,0,1\n", "pen_labels.csv", fps=1)
    assert found.labels.bouts == (Bout("pen", 0, 2, "lying"),)
    assert "has a column per frame, and is turned" in found.notes


def test_videos_are_known_with_folders_and_without_endings(read):
    known = (LabelledVideo("pen 2.mp4"), LabelledVideo("pen 3.mp4"))
    rows = "/data/pen 2.mp4,0,1,a\nC:\\x\\pen 3.mp4,0,1,a\npen 3,2,3,a\n"
    found = read(HEADER + rows, videos=known)
    assert found.problems == ()
    assert [one.video for one in found.labels.bouts] == ["pen 2.mp4", "pen 3.mp4", "pen 3.mp4"]


PREDICTIONS = """start_seconds,end_seconds,label,probability,remembered,lying,'=standing,gap,\
unlikeness,model,settings
0.000,2.000,lying,0.900000,0,0.900000,0.100000,,0.41,memvit,l_mem=4
1.000,3.000,lying,0.700000,0,0.300000,0.700000,,0.41,memvit,l_mem=4
6.000,8.000,'=standing,0.970000,0,0.030000,0.970000,3.000-6.000,0.41,memvit,l_mem=4
8.000,10.000,'=standing,0.970000,0,0.040000,0.960000,,0.41,other,l_mem=4
10.000,12.000,'=sta
"""


def test_predictions_become_bouts(read):
    found = read(PREDICTIONS, "pen 2.predictions.csv")
    assert [
        (one.behaviour, one.start_seconds, one.end_seconds, one.author)
        for one in found.labels.bouts
    ] == [
        ("lying", 0, 2, "memvit"),
        ("=standing", 2, 3, "memvit"),
        ("=standing", 6, 8, "memvit"),
        ("=standing", 8, 10, "other"),
    ]
    assert found.labels.bouts[0].score == pytest.approx((0.9 + 0.6) / 2)
    assert all(one.source == "model" for one in found.labels.bouts)
    assert [one.interval for one in found.labels.scored] == [(0, 3), (6, 10)]
    assert (found.about.model, found.labels.videos[0].name) == ("memvit, other", "pen 2")
    assert said(found) == [("unreadable", "row 6")]


def test_predictions_are_made_bouts_with_the_given_settings(read):
    settings = PostProcessing(min_bout_seconds=1.5)
    found = read(PREDICTIONS, "p.csv", processing=settings, video="pen.mp4")
    assert [one.start_seconds for one in found.labels.bouts] == [0, 6, 8]
    assert found.about.settings == "l_mem=4 | bouts of at least 1.5 s"


def test_the_columns_of_predictions_are_those_that_are_written():
    from vidmem.labels.formats import predictions_csv
    from vidmem.streaming.saving import predictions_csv as written

    assert predictions_csv.FIRST_COLUMNS == written.FIRST_COLUMNS
    assert predictions_csv.LAST_COLUMNS == written.LAST_COLUMNS


VIA = """# Exported using VIA
# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata
# ATTRIBUTE = {"1":{"aname":"posture","options":{"0":"lying"}},"2":{"aname":"animal"}}
"1_a","[""v.mp4""]",0,612.5,"{""1"":""0"",""2"":""sow""}"
"1_b","[""v.mp4""]",700,,"{""1"":""0""}"
"""


def test_via_segments_with_options_by_number(read):
    found = read(VIA, "via.csv")
    assert found.format == "via"
    assert found.labels.bouts == (Bout("v.mp4", 0, 612.5, "lying", "sow"),)
    assert found.labels.ethogram["lying"].axis == "posture"
    assert said(found) == [("no time", "row 5")]


def test_via_with_coordinates(read):
    columns = "metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata"
    text = (
        f"# CSV_HEADER = {columns}\n"
        '"a","[""v.mp4""]",0,"[1,2]","[]","{""behaviour"":""lying""}"\n'
        '"b","[""v.mp4""]",0,"[3]","[2,1,1,5,5]","{""behaviour"":""rolling""}"\n'
    )
    found = read(text, "via.csv")
    assert [(one.behaviour, one.start_seconds, one.end_seconds) for one in found.labels.bouts] == [
        ("lying", 1, 2),
        ("rolling", 3, 3),
    ]
    assert "is a shape in a frame; its place is left out" in str(found.problems[0])


def test_label_studio_counts_frames_from_1_and_ends_with_them(read):
    region = {
        "type": "timelinelabels",
        "from_name": "posture",
        "to_name": "video",
        "value": {"ranges": [{"start": 1, "end": 250}], "timelinelabels": ["lying"]},
    }
    people = [
        {"completed_by": {"email": "a@b"}, "result": [region]},
        {"result": [region]},
        {"was_cancelled": True, "result": [7]},
    ]
    task = {
        "data": {"video": "/data/local-files/?d=x/pen 3.mp4"},
        "annotations": people,
        "predictions": [{"model_version": "m", "result": [region]}],
    }
    text = json.dumps([task])
    found = read(text, "a.json", fps=25)
    assert found.labels.bouts == (Bout("pen 3.mp4", 0, 10, "lying", author="a@b"),)
    assert said(found) == [("overlap", "$[0].annotations[1]")]
    del task["annotations"]
    (bout,) = read(
        json.dumps(task | {"data": {"video": "v", "fps": 50}}), "a.json", fps=25
    ).labels.bouts
    assert (bout.end_seconds, bout.author, bout.source) == (5, "m", "model")


def test_the_samples_of_vtt_and_elan(shared_formats):
    for name in ("sample.vtt", "sample.eaf"):
        found = import_file(shared_formats / name, ReadOptions(video="pen3_day1.mp4"))
        assert found.problems == ()
        assert [
            (one.behaviour, one.subject, one.start_seconds, one.end_seconds)
            for one in found.labels.bouts
        ] == [("lying_lateral", "sow_12", 0, 612.5), ("standing", "sow_12", 612.5, 1800)]
        assert found.labels.videos[0].name == "pen3_day1.mp4"


def test_the_format_of_a_new_file_is_that_of_its_longest_ending():
    names = {
        "a.csv": "csv",
        "a.boris": "boris",
        "a.boris.gz": "boris",
        "a.tsv": "boris-tabular",
        "a.aggregated.csv": "boris-aggregated",
        "a_labels.csv": "deepethogram",
        "a.binary.csv": "boris-binary",
        "a.VTT": "vtt",
        "a.srt": "srt",
        "a.eaf": "elan",
        "a.json": "label-studio",
    }
    assert {name: format_for(Path(name)).name for name in names} == names
    with pytest.raises(LabelError, match="an ending of no format that can be written"):
        format_for(Path("a.docx"))


def test_each_format_recognises_what_it_writes_and_no_other_does(tmp_path):
    video = LabelledVideo("a.mp4", 10, 25)
    value = Labels(ETHOGRAM, (Bout("a.mp4", 1, 2, "lying"),), videos=(video,))
    for one in FORMATS:
        if one.read and one.write:
            path = tmp_path / one.name / f"a{one.endings[0]}"
            path.parent.mkdir()
            write(value, path, format=one.name)
            found = import_file(path, ReadOptions(fps=25, video="a.mp4"))
            assert found.format == one.name
            assert found.labels.bouts == value.bouts
            plain = path.rename(path.with_name("b.txt"))
            assert import_file(plain, ReadOptions(fps=25, video="a.mp4")).format == one.name


def test_importing_labels_imports_no_reader():
    import subprocess
    import sys

    code = "import sys, vidmem.labels; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert not {"vidmem.labels.formats", "webvtt", "pympi", "numpy"} & set(done.stdout.split())
    code = "import sys, vidmem.labels.formats; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert not {"webvtt", "pympi", "numpy", "torch"} & set(done.stdout.split())
