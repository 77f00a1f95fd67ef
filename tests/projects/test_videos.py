"""Videos: stored so that they are found again, known by content, and never confused."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

import pytest

from vidmem.errors import LabelError, ProjectError, VideoNotFoundError
from vidmem.labels import Bout, LabelledVideo
from vidmem.projects import Project, VideoFacts, fingerprint
from vidmem.projects.fingerprint import BLOCK_BYTES, NUM_BLOCKS

START = datetime(2026, 5, 1, 6, tzinfo=UTC)
FACTS = VideoFacts(duration_seconds=60.06, fps=29.97, start=START, start_from="name")


def test_what_is_known_of_a_video_is_kept(project, tmp_path):
    path = tmp_path / "pen.mp4"
    path.write_bytes(b"pen")
    added = project.add_video(path, FACTS)
    assert (added.path, added.is_inside, added.size_bytes) == (path, False, 3)
    assert project.videos["pen.mp4"] == added
    known = project.labels.of("pen.mp4").labels.video("pen.mp4")
    assert known == LabelledVideo("pen.mp4", 60.06, 29.97, START)
    typed = VideoFacts(duration_seconds=61, start=START.replace(hour=7), start_from="typed")
    assert project.videos.set_facts("pen.mp4", typed).facts == typed
    assert project.labels.of("pen.mp4").labels.video("pen.mp4").duration_seconds == 61
    assert project.add_video(path, FACTS).facts == VideoFacts(
        duration_seconds=61, fps=29.97, start=typed.start, start_from="typed"
    )
    assert [one.name for one in project.videos.list()] == ["a.mp4", "b.mp4", "pen.mp4"]


def test_facts_that_are_none_are_refused():
    with pytest.raises(LabelError, match="fps"):
        VideoFacts(fps=0)
    with pytest.raises(ValueError, match="say how the start is known"):
        VideoFacts(start=START)
    with pytest.raises(ValueError, match="'typed'"):
        VideoFacts(start=START, start_from="guess")


def test_a_project_moves_with_the_videos_inside_of_it(project, tmp_path):
    project.labels.add_bout(Bout("a.mp4", 1, 2, "lying"))
    project.close()
    shutil.move(project.folder, tmp_path / "elsewhere")
    with Project.open(tmp_path / "elsewhere") as moved:
        assert moved.videos["a.mp4"].path == tmp_path / "elsewhere" / "a.mp4"
        assert moved.videos["a.mp4"].is_inside
        assert moved.videos["b.mp4"].path == tmp_path / "b.mp4"
        assert moved.videos.missing() == moved.videos.changed() == ()


def test_a_moved_file_is_found_again(project, tmp_path):
    project.labels.add_bout(Bout("b.mp4", 1, 2, "lying"))
    there = tmp_path / "archive" / "2026" / "renamed.mp4"
    there.parent.mkdir(parents=True)
    (tmp_path / "b.mp4").rename(there)
    (tmp_path / "archive" / "decoy.mp4").write_bytes(b"c" * 1000)  # of the same size
    (tmp_path / "archive" / "loop").symlink_to(tmp_path / "archive")
    os.mkfifo(tmp_path / "archive" / "pipe")
    assert [one.name for one in project.videos.missing()] == ["b.mp4"]
    assert project.locate([tmp_path / "gone", tmp_path / "archive" / "decoy.mp4"]) == ()
    (found,) = project.locate([tmp_path / "archive"])
    assert (found.name, found.path) == ("b.mp4", there)
    assert project.videos.missing() == ()
    assert len(project.labels.of("b.mp4").labels.bouts) == 1
    # Adding it is locating it, too.
    there.rename(tmp_path / "b2.mp4")
    assert project.add_video(tmp_path / "b2.mp4").name == "b.mp4"
    assert len(project.videos.list()) == 2


def test_a_copy_is_the_same_video(project, tmp_path):
    shutil.copy(tmp_path / "b.mp4", tmp_path / "copy.mp4")
    assert project.add_video(tmp_path / "copy.mp4") == project.videos["b.mp4"]


def test_a_changed_file_is_noticed(project, tmp_path):
    path = tmp_path / "b.mp4"
    path.touch()
    assert project.videos.changed() == ()  # another time, the same content
    with path.open("ab") as file:
        file.write(b"more")
    assert [one.name for one in project.videos.changed()] == ["b.mp4"]
    with pytest.raises(ProjectError, match=r"has other content than when it was added as b\.mp4"):
        project.add_video(path)
    assert project.videos.accept("b.mp4").size_bytes == 1004
    assert project.videos.changed() == ()


def test_a_video_is_taken_out_and_comes_back_with_its_labels(project, tmp_path):
    bout = Bout("b.mp4", 1, 2, "lying")
    project.labels.add_bout(bout)
    assert project.remove_video("b.mp4").words == "took b.mp4 out of the project"
    assert (tmp_path / "b.mp4").is_file()
    assert project.labels.all().labels.bouts == ()
    with pytest.raises(ProjectError, match="there is no video"):
        project.labels.of("b.mp4")
    project.undo()
    assert project.labels.all().labels.bouts == (bout,)
    project.remove_video("b.mp4")
    project.add_video(tmp_path / "b.mp4")
    assert project.labels.of("b.mp4").labels.bouts == (bout,)


@pytest.mark.parametrize(
    "name",
    [
        "Stallä 豚 🐖.mp4",
        "'; DROP TABLE bouts; --.mp4",
        '"quoted" 100 %.mp4',
        " spaces .mp4 ",
        "line\nbreak\x1b[31m.mp4",
        "right\u202eto left.mp4",
        "n" * 240 + ".mp4",
        b"no \xff unicode.mp4",
        "?mode=memory#x.mp4",
    ],
)
def test_names_of_any_kind(project, tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"any")
    added = project.add_video(path)
    assert added.path == path and project.videos.state_of(added) == "here"
    bout = Bout(added.name, 1, 2, "lying")
    project.labels.add_bout(bout)
    run = project.runs.create(model="m", video=added.name)
    project.runs.finish(run.run_id, "finished")
    project.close()
    with Project.open(project.folder) as again:
        assert again.videos[added.name] == added
        assert again.labels.of(added.name).labels.bouts == (bout,)
        assert again.runs[run.run_id].video == added.name


def test_two_files_of_one_name_have_two_names(project, tmp_path):
    names = []
    for folder in ("x", "y", "y/x", "y/y"):
        path = tmp_path / folder / "a.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(folder.encode())
        names.append(project.add_video(path).name)
    assert names == ["x/a.mp4", "y/a.mp4", "x/a.mp4 (2)", "y/a.mp4 (2)"]


def test_what_is_no_file_is_said(project, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        ("gone.mp4", "cannot be read"),
        ("pipe", "is a pipe"),
        (".", "is a folder"),
        ("a\x00b", "cannot be read"),
    ):
        with pytest.raises(VideoNotFoundError, match=message):
            project.add_video(tmp_path / path)


def test_the_fingerprint_sees_every_block_and_the_size(tmp_path):
    path, size = tmp_path / "long.mp4", 8 * NUM_BLOCKS * BLOCK_BYTES

    def written(at, byte=b"x", more=0):
        with path.open("wb") as file:  # sparse, as quick as a short one
            file.truncate(size + more)
            file.seek(at)
            file.write(byte)
        return fingerprint(path)

    marks = {written(0, b"\0"), written(0), written(size - 1), written(0, b"\0", more=1)}
    step = (size - BLOCK_BYTES) / (NUM_BLOCKS - 1)
    marks |= {written(int(number * step) + 9) for number in range(1, NUM_BLOCKS)}
    assert len(marks) == 4 + NUM_BLOCKS - 1
    assert written(5) == written(5)
    assert written(0).startswith(f"1-{size}-")
