"""Uploads that a project keeps: one file each, whole, whatever they are called."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from app.projects import kept_uploads
from app.projects.kept_uploads import keep_upload
from app.sources.shelf import Video
from vidmem.errors import ProjectError
from vidmem.projects import Project


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as made:
        yield made


def upload(tmp_path: Path, content: bytes, name: str = "pen.mp4") -> Video:
    folder = tmp_path / os.urandom(4).hex()
    folder.mkdir()
    (folder / name).write_bytes(content)
    return Video("upload/1", name, folder / name)


def without_links(monkeypatch) -> None:
    def refuse(*_):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("has_links", [True, False])
def test_an_upload_outlives_its_page_and_takes_no_place_of_another(
    project, tmp_path, monkeypatch, has_links
):
    if not has_links:
        without_links(monkeypatch)
    first, other = upload(tmp_path, b"one"), upload(tmp_path, b"two")
    kept = keep_upload(project, first)
    assert kept == project.folder / "videos" / "pen.mp4"
    first.path.unlink()
    assert kept.read_bytes() == b"one"
    assert keep_upload(project, other).read_bytes() == b"two"
    again = upload(tmp_path, b"one")
    assert keep_upload(project, again) == kept
    names = sorted(path.name for path in kept.parent.iterdir())
    assert names == ["pen (2).mp4", "pen.mp4"]


def test_what_is_no_upload_stays_where_it_is(project, tmp_path):
    video = Video("folder/pen.mp4", "pen.mp4", upload(tmp_path, b"one").path)
    assert keep_upload(project, video) == video.path
    assert not (project.folder / "videos").exists()


def test_a_full_disk_is_said_and_leaves_nothing_half_written(project, tmp_path, monkeypatch):
    without_links(monkeypatch)

    def fill(_, part):
        Path(part).write_bytes(b"o")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kept_uploads.shutil, "copyfile", fill)
    with pytest.raises(ProjectError, match=r"pen\.mp4 cannot be kept.*No space left"):
        keep_upload(project, upload(tmp_path, b"one"))
    assert list((project.folder / "videos").iterdir()) == []
