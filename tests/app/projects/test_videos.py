"""The project's videos for pages: what is known of them, and which file is played."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.projects.kept_videos import keep_video
from app.projects.open_file import NoMediaError, open_original
from app.projects.videos import ProjectVideos
from app.sources.shelf import VideoShelf
from app.sources.uploads import _Upload
from vidmem.errors import NotAVideoError, ProjectError, SettingError, VidmemError
from vidmem.labels import Bout
from vidmem.projects import Project, VideoFacts


@dataclass
class Info:
    width: int = 640
    height: int = 360
    display_width: int = 640
    display_height: int = 360
    fps: float = 25.0
    duration_seconds: float = 60.0
    codec: str = "h264"
    size_bytes: int = 3
    mime: str = 'video/mp4; codecs="avc1.64001e"'
    has_sound: bool = True
    recorded_at: str = "2026-05-03T00:14:36+02:00"


class Place:
    """A project, a folder of videos, and what was probed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "videos").mkdir()
        (folder / "uploads").mkdir()
        for name in ("pen.mp4", "2026-05-03_02-14-36.avi"):
            (folder / "videos" / name).write_bytes(name.encode())
        self.probed: list[str] = []
        self.project = Project.create(folder / "project", "mouse")
        self.shelf = VideoShelf(None, folder / "videos", folder / "uploads")
        self.videos = self.again()

    def again(self) -> ProjectVideos:
        """As after a start of the app: nothing is known but what the project keeps."""
        return ProjectVideos(self.project, self.shelf, self.probe)

    def probe(self, path: Path) -> Info:
        self.probed.append(path.name)
        if path.read_bytes().startswith(b"bad"):
            raise NotAVideoError(f"{path} is no video")
        return Info()

    def upload(self, content: bytes, name: str = "new.mp4") -> str:
        path = self.shelf.upload_folder.path / os.urandom(4).hex() / name
        path.parent.mkdir()
        path.write_bytes(content)
        uploads = self.shelf.upload_folder._uploads
        uploads[path] = _Upload("run", len(content), is_complete=True)
        return path.relative_to(self.shelf.upload_folder.path).as_posix()


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    made.project.close()


def names(answer) -> list[str]:
    return [one["name"] for one in answer["videos"]]


def test_what_is_offered_is_what_is_not_there_yet(place):
    before = place.videos.list("run")
    assert names(before) == []
    assert [key for key, _, _ in before["offered"]] == [
        "folder/2026-05-03_02-14-36.avi",
        "folder/pen.mp4",
    ]
    record = place.videos.add("run", "folder/pen.mp4")
    assert (record["name"], record["state"], record["num_bouts"]) == ("pen.mp4", "here", 0)
    assert (record["width"], record["mime"]) == (640, Info().mime)
    after = place.videos.list("run")
    assert names(after) == ["pen.mp4"]
    assert [key for key, _, _ in after["offered"]] == ["folder/2026-05-03_02-14-36.avi"]
    place.videos.remove("pen.mp4")
    assert len(place.videos.list("run")["offered"]) == 2


def test_the_start_is_that_of_the_name_or_the_file_or_was_typed(place):
    by_name = place.videos.add("run", "folder/2026-05-03_02-14-36.avi")
    assert (by_name["start"], by_name["start_from"]) == ("2026-05-03T02:14:36", "name")
    assert place.videos.add("run", "folder/pen.mp4")["start_from"] == "metadata"
    typed = place.videos.set_start("pen.mp4", "2026-05-04 06:00")
    assert (typed["start"], typed["start_from"]) == ("2026-05-04T06:00:00", "typed")
    assert (typed["duration_seconds"], typed["fps"]) == (60.0, 25.0)
    taken_away = place.videos.set_start("pen.mp4", "")
    assert (taken_away["start"], taken_away["start_from"]) == (None, None)
    assert place.again().record("pen.mp4")["start"] is None
    with pytest.raises(SettingError, match="a date and a time"):
        place.videos.set_start("pen.mp4", "soon")
    with pytest.raises(ProjectError, match="no video"):
        place.videos.set_start("other.mp4", "")


def test_a_list_opens_no_file_and_a_record_only_one(place):
    place.videos.add("run", "folder/pen.mp4")
    place.videos.add("run", "folder/2026-05-03_02-14-36.avi")
    place.project.labels.add_bout(Bout("pen.mp4", 1, 2, place.project.ethogram.behaviours[0].name))
    place.probed.clear()
    again = place.again()
    listed = {one["name"]: one for one in again.list("run")["videos"]}
    assert place.probed == []
    assert not listed["pen.mp4"]["is_probed"]
    assert (listed["pen.mp4"]["duration_seconds"], listed["pen.mp4"]["num_bouts"]) == (60.0, 1)
    record = again.record("pen.mp4")
    assert (record["is_probed"], record["codec"], record["num_bouts"]) == (True, "h264", 1)
    again.record("pen.mp4")
    assert place.probed == ["pen.mp4"]


def test_an_upload_stays_when_its_page_goes(place):
    record = place.videos.add_upload("run", place.upload(b"new"), "new.mp4")
    place.shelf.forget("run")
    video = place.videos.find(record["id"])
    assert video.path == place.project.folder / "videos" / "new.mp4"
    assert place.videos.record("new.mp4")["state"] == "here"


def test_an_upload_of_what_the_project_has_is_not_kept_beside_it(place):
    record = place.videos.add("run", "folder/pen.mp4")
    again = place.videos.add_upload("run", place.upload(b"pen.mp4"), "new.mp4")
    assert again["id"] == record["id"]
    assert not (place.project.folder / "videos").exists()


def test_an_upload_that_is_no_video_is_not_kept(place):
    with pytest.raises(NotAVideoError, match=r"^bad\.mp4 is no video"):
        place.videos.add_upload("run", place.upload(b"bad"), "bad.mp4")
    assert not (place.project.folder / "videos").exists()
    assert place.videos.list("run")["videos"] == []
    assert not [key for key, _, _ in place.videos.list("run")["offered"] if "upload" in key]
    with pytest.raises(VidmemError):
        place.videos.add_upload("other", place.upload(b"new"), "new.mp4")


def read(place: Place, name: str) -> bytes:
    file = open_original(place.project, place.project.videos[name])
    with os.fdopen(file.descriptor, "rb") as opened:
        opened.seek(0)
        return opened.read()


def test_only_the_file_that_was_added_is_played(place, tmp_path):
    place.videos.add("run", "folder/pen.mp4")
    path = place.folder / "videos" / "pen.mp4"
    assert read(place, "pen.mp4") == b"pen.mp4"
    os.utime(path, (1, 1))  # touched, and the same
    assert place.videos.record("pen.mp4")["state"] == "here"
    path.write_bytes(b"other")
    with pytest.raises(ProjectError, match=r"^pen\.mp4 has other content"):
        place.videos.add("run", "folder/pen.mp4")
    assert place.videos.record("pen.mp4")["state"] == "changed"
    with pytest.raises(NoMediaError, match=r"another file than the one that was added"):
        open_original(place.project, place.project.videos["pen.mp4"])
    path.unlink()
    assert place.videos.record("pen.mp4")["state"] == "missing"
    with pytest.raises(NoMediaError, match=r"pen\.mp4 is not where it was"):
        open_original(place.project, place.project.videos["pen.mp4"])


@pytest.mark.parametrize("to", ["the same", "another", "a pipe", "a folder"])
def test_links_and_what_is_no_file_are_refused(place, tmp_path, to):
    place.videos.add("run", "folder/pen.mp4")
    path = place.folder / "videos" / "pen.mp4"
    other = tmp_path / "elsewhere.mp4"
    path.rename(other)
    if to == "a pipe":
        os.mkfifo(path)
    elif to == "a folder":
        path.mkdir()
    else:
        if to == "another":
            other.write_bytes(b"secret")
        path.symlink_to(other)
    with pytest.raises(NoMediaError) as refusal:
        open_original(place.project, place.project.videos["pen.mp4"])
    assert str(tmp_path) not in str(refusal.value)
    assert ("a link, which is not followed" in str(refusal.value)) == (to == "the same")


@pytest.mark.parametrize("how", ["added", "watched"])
def test_links_of_the_folder_are_added_as_the_file_that_they_lead_to(place, tmp_path, how):
    disk = tmp_path / "disk.mp4"
    disk.write_bytes(b"far away")
    (place.folder / "videos" / "link.mp4").symlink_to(disk)
    place.shelf._follows_links = True
    if how == "added":
        place.videos.add("run", "folder/link.mp4")
    else:
        keep_video(place.project, place.shelf.find("run", "folder/link.mp4"), Info())
    (added,) = place.project.videos.list()
    assert added.path == disk
    assert read(place, added.name) == b"far away"


def test_a_video_of_labels_only_has_no_file(place):
    with place.project._database.writing() as connection:
        place.project.videos.insert(connection, "old.mp4", VideoFacts())
    record = place.videos.record("old.mp4")
    assert (record["state"], record["mime"], record["is_probed"]) == ("unseen", None, False)
    with pytest.raises(NoMediaError, match="known from labels only"):
        open_original(place.project, place.project.videos["old.mp4"])
    with pytest.raises(NoMediaError, match="not in the project"):
        place.videos.find(12345)
