"""Labels, or what a run predicted, as files of any format: those that `vidmem convert` writes.

Files are made in a private folder that is gone when this returns; what comes back is their bytes.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.projects.label_files import fit_stem
from app.projects.run_bouts import VERSIONS, predictions_of_run
from app.sources.uploads import PREFIX
from vidmem.errors import LabelError, SettingError, StorageError
from vidmem.labels import LabelledVideo, Labels, PostProcessing
from vidmem.labels.formats import About, Format, format_named, write
from vidmem.labels.results import labels_of_author
from vidmem.projects import Project

MAX_STEM_BYTES = 120


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What is to be written, and how."""

    format: str
    """Its name."""

    video: str = ""
    """The project's name of the only video; empty: all of them, or that of the run."""

    author: str | None = None
    """Whose bouts alone; `None`: everybody's. An empty one: those of nobody in particular."""

    run_id: str = ""
    """Of a run whose predictions are written in place of labels; empty: none."""

    processing: PostProcessing | None = None
    """How bouts are made of predictions."""

    fps: float | None = None
    """Frames per second of formats that count them; `None`: each video's."""


@dataclass(frozen=True, kw_only=True)
class MadeExport:
    """What was written."""

    name: str
    """Of the file, or of a ZIP with all of them."""

    files: Mapping[str, bytes]
    """By name, in the order in which the format wrote them."""

    labels: Labels
    """Which are in them."""

    losses: tuple[str, ...]
    """What the format cannot hold, a line each."""

    notes: tuple[str, ...]

    def zipped(self) -> bytes:
        """All files in one."""
        return zipped(self.files)


def make_export(project: Project, request: ExportRequest) -> MadeExport:
    """The files of an export.

    Raises:
        LabelError: If there is no such format, or it needs what is not known, such as a frame rate.
        ProjectError: If there is no such video or run.
        SettingError: If there is nothing to write, or the files cannot be made.
    """
    kind = format_named(request.format)
    labels, about = _what(project, request)
    stem = _stem(project, request, labels)
    name = stem + kind.endings[0]
    # Folders of this name that a killed process left are swept.
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}export-") as folder:
        try:
            done = write(
                labels, Path(folder) / name, format=kind.name, fps=request.fps, about=about
            )
            files = {path.name: path.read_bytes() for path in done.paths}
        except StorageError as error:
            reason = str(error).replace(f"{folder}/", "")
            raise SettingError(f"These files cannot be made: {reason}") from error
        except LabelError as error:
            raise LabelError(str(error).replace(f"{folder}/", "")) from error
    if not files:
        raise SettingError(_nothing(kind))
    name = f"{stem}.{kind.name}.zip" if len(files) > 1 else next(iter(files))
    return MadeExport(name=name, files=files, labels=labels, losses=done.losses, notes=done.notes)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files by their names in a ZIP, the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def authors_of(labels: Labels) -> tuple[str, ...]:
    """Who said anything, in order; an empty one is nobody in particular."""
    return tuple(sorted({one.author for one in labels.bouts}))


def _what(project: Project, request: ExportRequest) -> tuple[Labels, About]:
    if request.run_id:
        found = predictions_of_run(project, request.run_id)
        labels = found.labels(request.processing, project.ethogram)
        return labels, replace(found.about(request.processing), versions=VERSIONS)
    at = project.labels.of(request.video) if request.video else project.labels.all()
    labels = at.labels
    if request.author is not None:
        labels = labels_of_author(labels, request.author)
    if not request.video:
        labels = _said_videos(labels)
    return labels, About(versions=VERSIONS)


def _said_videos(labels: Labels) -> Labels:
    """Without videos of which nothing is said, for which some formats would write empty files."""
    said = {one.video for one in (*labels.bouts, *labels.scored, *labels.not_scored)}
    kept: tuple[LabelledVideo, ...] = tuple(one for one in labels.videos if one.name in said)
    return replace(labels, videos=kept)


def _stem(project: Project, request: ExportRequest, labels: Labels) -> str:
    """The name of the files without their ending: after the video, the project, or the run."""
    if request.run_id:
        video = labels.videos[0].name if labels.videos else "run"
        plain = f"{Path(video).stem} predicted"
    elif request.video:
        plain = Path(request.video).stem
    else:
        plain = project.folder.name
    fit = fit_stem(plain)
    return fit.encode()[:MAX_STEM_BYTES].decode(errors="ignore").strip(" .") or "labels"


def _nothing(kind: Format) -> str:
    return f"There is nothing here that {kind.title} could hold: label something first."
