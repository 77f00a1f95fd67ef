"""Imports by the page: looked at, then one step that undo takes back."""

from __future__ import annotations

import gzip
import io
import threading
import zipfile
from pathlib import Path

import pytest

from app.budget import Budget
from app.pages.label.exchange.views import for_page
from app.projects import label_files, label_imports
from app.projects.label_files import HowToRead, fit_name, unpacked, without_companions
from app.projects.label_imports import LabelImports, Wanted
from tests.app.conftest import wait_until
from tests.app.pages.label.conftest import LYING
from vidmem.errors import LabelError, SettingError, StaleEditError
from vidmem.labels import Bout
from vidmem.projects import Project

FORMATS = Path(__file__).resolve().parents[5] / "shared/formats"

BY_HAND = """File;Start;Stop;Behaviour
pen 3.mp4;0:00;0:12,5;lying
pen 3.mp4;0:12,5;0:40;standing
pen 3.mp4;0:20;0:30;drinking
pen 3.mp4;0:50;0:41;lying
pen 3.mp4;0:30;0:45;lying
"""
"""A row ends before it starts, and the last one overlaps standing."""


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def csv_of(*bouts: Bout) -> str:
    rows = [f"{one.video},{one.start_seconds},{one.end_seconds},{one.behaviour}" for one in bouts]
    return "\n".join(["video,start_seconds,end_seconds,label", *rows, ""])


def test_what_is_wrong_is_named_by_its_row_and_the_rest_comes_in(page, project):
    before = project.labels.all().labels
    assert page.bring(by__hand_csv=BY_HAND) == {"files": ["by hand.csv"]}
    seen = page.look()
    assert seen["formats"] == [["csv", "vidmem CSV"]]
    assert [(one["place"], one["kind"]) for one in seen["problems"]["shown"]] == [
        ("row 5", "no time"),
        ("row 6", "overlap"),
    ]
    assert seen["problem_kinds"] == [["no time", 1], ["overlap", 1]]
    assert seen["videos"] == [
        {"name": "pen 3.mp4", "here": "pen 3.mp4", "num_bouts": 3, "is_left_out": False}
    ]
    assert [one["behaviour"] for one in seen["added"]["shown"]] == ["lying", "standing", "drinking"]
    assert seen["new_behaviours"] == ["drinking"]
    assert project.labels.all().labels == before
    done = page.apply(author="Ali")
    assert done["words"] == "imported 3 bouts"
    assert len(project.labels.of("pen 3.mp4").labels.bouts) == 3
    assert (project.history.last(1)[0].author, project.history.last(1)[0].revision) == (
        "Ali",
        done["edit"],
    )
    page.post("/label/ethogram/undo", edit=done["edit"])
    assert project.labels.all().labels == before
    assert "Choose them again" in page.look()["error"]  # the files are gone


def test_a_file_can_be_refused_for_its_first_problem(page):
    page.bring(by__hand_csv=BY_HAND)
    assert page.look(on_problem="stop")["error"].startswith("by hand.csv, row 5: ")
    assert "error" not in page.look(on_problem="skip")


def test_conflicts_are_named_and_solved_as_chosen(page, project):
    before = project.labels.all().labels
    theirs = LYING.changed(start_seconds=650, end_seconds=710, author="")
    page.bring(a_csv=csv_of(theirs, LYING.changed(author="")))
    seen = page.look()
    assert seen["added"]["num"] == 0
    (overlap,) = [one for one in seen["conflicts"]["shown"] if one["kind"] == "overlap"]
    assert overlap == {
        "kind": "overlap",
        "mine": "standing, 10:12 to 11:40 in pen 2.mp4, by Zoë",
        "theirs": "lying, 10:50 to 11:50 in pen 2.mp4",
    }
    assert "choose which is kept" in page.apply(on_conflict="refuse")["error"]
    assert project.labels.all().labels == before
    assert page.apply(on_conflict="keep")["words"] == ""
    assert project.labels.all().labels == before
    page.bring(a_csv=csv_of(theirs))
    page.look()
    done = page.apply(on_conflict="take")
    assert theirs in project.labels.all().labels.bouts
    page.post("/label/ethogram/undo", edit=done["edit"])
    assert project.labels.all().labels == before


def test_a_name_that_is_written_in_another_way_is_the_projects(page, project):
    """Case, and what stands between words, tell no two behaviours apart; a letter may."""
    bouts = [Bout("pen 3.mp4", at, at + 1, name) for at, name in enumerate(("Lying", "FEE-DING"))]
    page.bring(a_csv=csv_of(*bouts, Bout("pen 3.mp4", 5, 6, "standin")))
    seen = page.look()
    assert seen["notes"] == [
        "a.csv says Lying, which is taken for lying",
        "a.csv says FEE-DING, which is taken for feeding",
    ]
    assert seen["new_behaviours"] == ["standin"]
    assert seen["behaviours"] == [
        {
            "name": "standin",
            "is": "",
            "near": ["standing"],
            "others": ["lying", "feeding", "rolling"],
        }
    ]
    chosen = {"behaviours": [["standin", "standing"]], "number": 2}
    seen = page.look(**chosen)
    assert (seen["new_behaviours"], seen["behaviours"][0]["is"]) == ([], "standing")
    page.apply(**chosen)
    found = project.labels.of("pen 3.mp4").labels.bouts
    assert [one.behaviour for one in found] == ["lying", "feeding", "standing"]
    assert "must be pairs" in page.look(behaviours=["standin"])["error"]


def test_of_what_contradicts_bouts_are_counted_and_not_pairs(page):
    page.bring(a_csv=csv_of(LYING.changed(start_seconds=600, end_seconds=650)))
    seen = page.look()
    assert (seen["conflicts"]["num"], seen["num_contradicting"]) == (2, 1)


def test_who_brings_anothers_labels_is_told_of_the_comparison(page):
    """An import makes one account of two."""
    free = Bout("pen 3.mp4", 1, 5, "lying")
    said = []
    for bout in (free, LYING.changed(start_seconds=650, end_seconds=710)):
        page.bring(a_csv=csv_of(bout))
        said.append(page.look()["may_be_compared"])
    assert said == [False, True]  # what contradicts nothing, and names nobody, is just added
    page.bring(a_csv="video,start,end,behaviour,observer\npen 3.mp4,1,5,lying,Bea\n")
    assert page.look()["may_be_compared"]


def test_videos_are_recognised_chosen_left_out_or_added_by_name(page, project):
    bouts = [
        Bout(name, 1, 5, "lying")
        for name in ("C:\\footage\\PEN 3.mp4", "other.mp4", "third.mp4", "late.mp4")
    ]
    page.bring(a_csv=csv_of(*bouts, Bout("late.mp4", 70, 80, "standing")))
    here = {one["name"]: one["here"] for one in page.look()["videos"]}
    assert here == {
        "PEN 3.mp4": "pen 3.mp4",
        **dict.fromkeys(("other.mp4", "third.mp4", "late.mp4")),
    }
    chosen = {
        "videos": [["other.mp4", ""], ["late.mp4", "pen 3.mp4"], ["PEN 3.mp4", ""]],
        "number": 2,
    }
    seen = page.look(**chosen)
    assert [one["video"] for one in seen["added"]["shown"]] == ["pen 3.mp4"] * 2 + ["third.mp4"]
    assert seen["notes"] == ["1 bout ends after pen 3.mp4 does, at 60 s: is it the right video?"]
    left_out = [one["name"] for one in seen["videos"] if one["is_left_out"]]
    assert left_out == ["PEN 3.mp4", "other.mp4"]
    page.apply(**chosen)
    names = [one.name for one in project.videos.list()]
    assert names == ["pen 2.mp4", "pen 3.mp4", "third.mp4"]
    assert len(project.labels.of("pen 3.mp4").labels.bouts) == 2
    project.undo()
    assert [one.name for one in project.videos.list()] == names[:2]
    assert "no video 'x.mp4'" in page_error(page, csv_of(LYING), videos=[["pen 2.mp4", "x.mp4"]])


def page_error(page, text: str, **how) -> str:
    page.bring(a_csv=text)
    return page.look(**how)["error"]


def test_a_row_that_does_not_fit_the_ethogram_keeps_no_file_out(page, project):
    """Here lying and standing exclude each other, and lying lasts."""
    text = """video,start_seconds,end_seconds,label,axis,kind
pen 3.mp4,1,5,lying,one,state
pen 3.mp4,3,8,standing,two,state
pen 3.mp4,20,25,standing,two,state
pen 3.mp4,30,30,feeding,three,point
"""
    page.bring(a_csv=text)
    seen = page.look()
    assert [(one["place"], one["kind"]) for one in seen["problems"]["shown"]] == [
        ("row 5", "not a state"),
        ("row 3", "overlap"),
    ]
    assert [one["behaviour"] for one in seen["added"]["shown"]] == ["lying", "standing"]
    page.apply()
    assert project.ethogram.axes == ("posture", "activity")


def test_predictions_stay_out(page):
    page.bring(
        pen_csv="start_seconds,end_seconds,label,probability,remembered,lying,standing\n"
        "0.0,2.0,lying,0.9,0,0.9,0.1\n"
    )
    seen = page.look()
    assert (seen["formats"][0][0], seen["num_predictions"], seen["added"]["num"]) == (
        "predictions",
        1,
        0,
    )


def test_several_files_and_a_zip_are_one_import(page, project):
    first, second = csv_of(Bout("pen 3.mp4", 1, 2, "lying")), csv_of(Bout("x.mp4", 1, 2, "feeding"))
    page.bring(a_csv=first, b_csv=second)
    assert page.look()["added"]["num"] == 2
    files = {"in a folder/a.csv": first, "../b.csv": second, "__MACOSX/a.csv": "x", ".hidden": "y"}
    assert page.bring(all_zip=zipped(**files)) == {"files": ["a.csv", "b.csv"]}
    assert page.look(number=1)["added"]["num"] == 2
    page.apply(number=1)
    assert {one.video for one in project.labels.all().labels.bouts} > {"x.mp4", "pen 3.mp4"}


def test_a_format_that_is_not_recognised_can_be_chosen(page):
    page.bring(a_txt="nothing in particular")
    sentence = page.look()["error"]
    assert sentence.startswith("a.txt is of no format that is known by its content; choose")
    assert page.look(format="boris")["error"].startswith("a.txt is no JSON")
    assert page.look(format="srt")["error"].endswith("it cannot be read")
    names = [name for name, _ in page.get("/label/formats")["read"]]
    assert names[0] == "csv" and "srt" not in names


def test_frames_need_a_rate_which_can_be_typed(page):
    page.bring(other_labels_csv=",background,lying\n0,0,1\n1,0,1\n2,1,0\n")
    assert page.look(video="x.mp4")["error"].endswith("is not known; type it as frames per second")
    seen = page.look(video="x.mp4", fps="2")
    assert [one["time"] for one in seen["added"]["shown"]] == ["00:00 to 00:01"]
    # That of a video of the project is known.
    assert page.look(video="pen 3.mp4")["added"]["num"] == 1


def test_sentences_are_for_pages_and_not_for_the_command_line():
    for sentence in (
        "names no video, so it is called a after the file; --video names it",
        "the frame rate of a is not known; give it, such as --fps 25",
        "not known; give it, such as --fps 25, or the video itself with --video",
        "known by its content; `vidmem convert --from` reads it as one of csv",
        "more than 300 behaviours, so it is another format; say which with --from",
    ):
        assert "--" not in for_page(sentence)
    # They are what the package says: else a reader would be told of options again.
    text = "".join(
        path.read_text()
        for path in Path(label_files.__file__).parents[2].glob("vidmem/labels/formats/*.py")
    )
    for words in ("; --video names it", "such as --fps 25", "`vidmem convert --from` reads it"):
        assert words.split("`")[-1] in text.replace('"\n                f"', "")


@pytest.mark.parametrize(
    "name", sorted(path.relative_to(FORMATS).as_posix() for path in FORMATS.rglob("*.*"))
)
def test_what_other_programs_write_comes_in_and_goes_out_again(page, project, name):
    before = project.labels.all().labels
    page.send(Path(name).name, (FORMATS / name).read_bytes())
    seen = page.look(fps=25)
    assert "error" not in seen, seen
    assert seen["added"]["num"] + seen["num_predictions"] > 0
    page.apply(fps=25)
    after = project.labels.all().labels
    assert len(after.bouts) == len(before.bouts) + seen["added"]["num"]
    project.undo()
    assert project.labels.all().labels == before


# What is bounded, and what is damaged


def test_a_zip_is_not_trusted(monkeypatch):
    monkeypatch.setattr(label_files, "MAX_BYTES", 10_000)
    with pytest.raises(LabelError, match="more than 0 MiB"):
        unpacked("x.zip", zipped_deflated(b"0" * 100_000))
    with pytest.raises(LabelError, match="cannot be unpacked"):
        unpacked("x.ZIP", b"PK\x03\x04 and nothing else")
    with pytest.raises(LabelError, match="no files"):
        unpacked("x.zip", zipped())
    damaged = bytearray(zipped_deflated(b"abc" * 1000))
    damaged[60] ^= 255
    with pytest.raises(LabelError, match="cannot be unpacked"):
        unpacked("x.zip", bytes(damaged))
    damaged = bytearray(zipped_deflated(b"abc" * 1000, zipfile.ZIP_LZMA))
    damaged[60:70] = b"\xff" * 10
    with pytest.raises(LabelError, match="cannot be unpacked"):
        unpacked("x.zip", bytes(damaged))
    with pytest.raises(LabelError, match="two files named a;"):
        unpacked("x.zip", zipped(**{"pen 1/a": "1", "pen 2/a": "2"}))
    monkeypatch.setattr(label_files, "MAX_FILES", 2)
    with pytest.raises(LabelError, match="more than 2 files"):
        unpacked("x.zip", zipped(a="1", b="2", c="3"))


def zipped_deflated(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("labels.csv", content)
    return buffer.getvalue()


def test_names_of_files_lead_nowhere():
    for name, fit in (
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\monday.csv", "monday.csv"),
        ("...", "labels"),
        (".bashrc", "bashrc"),
        ("a\0b\n.csv", "a_x00b_x0a.csv"),
        ("säugend 🐖.csv", "säugend 🐖.csv"),
        ("x" * 300 + ".boris", "x" * 114 + ".boris"),
        ("", "labels"),
    ):
        assert fit_name(name) == fit
    assert len(fit_name("🐖" * 300 + ".csv").encode()) <= 200


def test_what_lies_beside_a_file_is_not_read_by_itself(tmp_path):
    names = ("a.csv", "a.csv.json", "tasks.json", "tasks.config.xml", "b.csv.json")
    found = without_companions(tmp_path / name for name in names)
    assert [one.name for one in found] == ["a.csv", "b.csv.json", "tasks.json"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def imports(project, clock):
    return LabelImports(project, Budget(), clock=clock, read_seconds=5)


def looked(imports, page="p", **wanted):
    found = []

    def is_there():
        try:
            found.append(imports.look(page, Wanted(**wanted)))
        except label_imports.WaitingError:
            return False
        return True

    wait_until(is_there)
    return found[0]


CSV = csv_of(Bout("pen 3.mp4", 1, 2, "lying")).encode()


def test_files_are_kept_for_a_few_pages_and_not_for_long(imports, clock):
    imports.take_file("p", "a.csv", CSV, is_first=True)
    looked(imports)
    folder = imports._imports["p"].folder
    assert (folder.stat().st_mode & 0o777, [one.name for one in folder.iterdir()]) == (
        0o700,
        ["a.csv"],
    )
    clock.now += label_imports.KEPT_SECONDS - 1
    looked(imports)
    clock.now += label_imports.KEPT_SECONDS + 1
    with pytest.raises(SettingError, match="Choose them again"):
        imports.look("p", Wanted())
    assert not folder.exists()
    for number in range(label_imports.MAX_IMPORTS + 2):
        clock.now += 1
        imports.take_file(f"p{number}", "a.csv", CSV, is_first=True)
    assert len(imports._imports) == label_imports.MAX_IMPORTS
    assert "p0" not in imports._imports and "p5" in imports._imports
    folders = [one.folder for one in imports._imports.values()]
    for number in range(label_imports.MAX_IMPORTS + 2):
        imports.forget(f"p{number}")
    assert not any(one.exists() for one in folders)


def test_files_that_follow_some_that_are_gone_are_no_import_by_themselves(imports):
    imports.take_file("p", "a.csv", CSV, is_first=True)
    imports.forget("p")
    with pytest.raises(SettingError, match="Choose them again"):
        imports.take_file("p", "b.csv", CSV, is_first=False)


def test_an_import_has_a_size(imports, monkeypatch):
    monkeypatch.setattr(label_imports, "MAX_BYTES", 2 * len(CSV))
    imports.take_file("p", "a.csv", CSV, is_first=True)
    imports.take_file("p", "b.csv", CSV, is_first=False)
    with pytest.raises(LabelError, match="bring less at once"):
        imports.take_file("p", "c.csv", CSV, is_first=False)
    with pytest.raises(SettingError):
        imports.look("p", Wanted())


def test_only_what_was_looked_at_is_done(imports, project):
    imports.take_file("p", "a.csv", CSV, is_first=True)
    with pytest.raises(StaleEditError, match="Look at it again"):
        imports.apply("p", Wanted(), "keep")
    looked(imports)
    with pytest.raises(StaleEditError, match="Look at it again"):
        imports.apply("p", Wanted(number=1), "keep")
    project.labels.add_bout(LYING.changed(video="pen 3.mp4", end_seconds=0.5))
    with pytest.raises(StaleEditError, match="look at it again"):
        imports.apply("p", Wanted(), "keep")
    looked(imports, number=2)
    assert imports.apply("p", Wanted(number=2), "keep").words == "imported 1 bout"


def test_the_project_may_change_while_an_import_is_looked_at(imports, project):
    """Files are read again with the behaviours as they are called by now."""
    imports.take_file("p", "a.csv", CSV, is_first=True)
    assert looked(imports).preview.new_behaviours == ()
    project.behaviours.rename("lying", "resting")
    assert looked(imports, number=1).preview.new_behaviours == ("lying",)


def test_who_waits_for_a_file_that_is_read_for_ever_is_told(imports, clock, monkeypatch):
    may_end = threading.Event()
    read = label_imports.read_files
    monkeypatch.setattr(label_imports, "read_files", lambda *args: may_end.wait(60) and read(*args))
    imports.take_file("p", "a.csv", CSV, is_first=True)
    with pytest.raises(label_imports.WaitingError):
        imports.look("p", Wanted())
    clock.now += 6
    with pytest.raises(SettingError, match="longer than 5 s"):
        imports.look("p", Wanted())
    # Its place is held until it ends, so another try waits for that, and is told as well.
    with pytest.raises(label_imports.WaitingError):
        imports.look("p", Wanted(how=HowToRead(on_problem="stop")))
    may_end.set()
    assert looked(imports, how=HowToRead(on_problem="stop")).num_bouts == {"pen 3.mp4": 1}


def test_files_do_not_say_where_they_lie(imports):
    imports.take_file("p", "a.boris", gzip.compress(b"{}")[:-4], is_first=True)
    with pytest.raises(LabelError) as caught:
        looked(imports)
    assert str(caught.value).startswith("a.boris is a damaged gzip file")


def test_a_bug_in_a_reader_is_not_hidden(imports, monkeypatch):
    monkeypatch.setattr(label_imports, "read_files", lambda *args: 1 / 0)
    imports.take_file("p", "a.csv", CSV, is_first=True)
    with pytest.raises(ZeroDivisionError):
        looked(imports)


def test_a_run_that_is_gone_imports_nothing(page, project):
    answer = page.client.post("/label/import/file", params={"run": "gone"}, content=CSV).json()
    assert "Reload the page" in answer["error"]
    page.run_id = "0" * 32
    for answer in (page.look(), page.apply()):
        assert "Reload the page" in answer["error"]


def test_a_file_that_is_too_large_is_a_sentence(desk, page, monkeypatch):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    from app.pages.api import Routes

    api = FastAPI()
    budget = Budget()
    sizes = []
    Routes(api, desk.registry.find, budget).upload(
        "/x",
        lambda request: sizes.append(len(request.body)),
        max_bytes=10,
        body="a file of labels",
        work="exchange",
        seconds=5,
    )
    client = TestClient(api)
    assert client.post("/x", content=b"0" * 11).json() == {
        "error": "a file of labels may have 10 bytes, got more"
    }
    assert client.post("/x", content=b"0" * 10).status_code == 204
    with budget.take("exchange", "") as _:  # the place of all that has no run
        assert client.post("/x", content=b"0" * 10).status_code == 202
    assert (sizes, budget.num_held("exchange")) == ([10], 0)


def test_the_last_import_is_swept_though_nobody_asks(project, monkeypatch):
    timers, now = [], 0.0

    class MadeUpTimer(threading.Thread):
        def __init__(self, seconds, work):
            super().__init__(target=lambda: None)
            timers.append((seconds, work))

    monkeypatch.setattr(label_imports.threading, "Timer", MadeUpTimer)
    imports = LabelImports(project, Budget(), clock=lambda: now)
    imports.take_file("p", "a.csv", CSV, is_first=True)
    folder = imports._imports["p"].folder
    assert folder.exists()
    ((seconds, work),) = timers
    now += seconds
    work()
    assert not folder.exists()
    assert len(timers) == 1  # there is nothing more to sweep


def test_a_project_is_as_it_was_where_nothing_came_in(page, project: Project):
    revision = project.revision
    page.bring(a_csv=csv_of(LYING.changed(author="")))
    page.look()
    page.post("/label/import/forget")
    assert project.revision == revision
