"""A list of videos, and a line for the path of one's own, with its first picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

from vidmem.errors import SettingError, VidmemError
from vidmem.notebooks.explorer import WIDGET
from vidmem.notebooks.widget_package import widgets
from vidmem.units import span
from vidmem.video import Picture, PictureReader, VideoInfo

PICTURE_PIXELS = 240


class VideoChooser:
    """Chooses a video by hand; `path` is the one that was chosen last and can be read.

    Args:
        paths: Videos to choose from; the first is chosen.

    Raises:
        SettingError: If there is none.
        VidmemError: If the first cannot be read.
        MissingPackageError: If ipywidgets or anywidget is not installed.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        if not paths:
            raise SettingError("give at least one video to choose from")
        self.path = Path(paths[0])
        self.listed: Any = widgets().Dropdown(
            options=[(Path(path).name, str(path)) for path in paths], description="video"
        )
        self.typed: Any = widgets().Text(
            placeholder="or the path of a video of your own, then Enter",
            description="file",
            continuous_update=False,
            layout={"width": "min(100%, 40rem)"},
        )
        self.about: Any = widgets().HTML()
        self.picture: Any = widgets().Image(format="jpeg", layout={"height": f"{PICTURE_PIXELS}px"})
        self.box: Any = widgets().VBox([self.listed, self.typed, self.about, self.picture])
        self._show(self.path, *_first_picture(self.path))
        self.listed.observe(lambda change: self._choose(change["new"]), names="value")
        self.typed.observe(lambda change: self._choose(change["new"]), names="value")

    def _choose(self, text: str) -> None:
        # Paths are often copied with quotes around them.
        path = Path(text.strip().strip("\"'")).expanduser()
        try:
            shown = _first_picture(path)
        except VidmemError as error:
            self.about.value = f"{escape(str(error))} Still chosen: {escape(self.path.name)}."
            return
        self._show(path, *shown)

    def _show(self, path: Path, picture: Picture, info: VideoInfo) -> None:
        self.path = path
        self.picture.value = picture.jpeg
        self.about.value = (
            f"<b>{escape(path.name)}</b>, {span(info.duration_seconds)}, "
            f"{info.width} x {info.height} pixels"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = self.box._repr_mimebundle_()
        return {"text/plain": f"VideoChooser({self.path.name})", WIDGET: shown[WIDGET]}


def _first_picture(path: Path) -> tuple[Picture, VideoInfo]:
    with closing(PictureReader(path, max_height=PICTURE_PIXELS)) as reader:
        return reader.picture(0.0), reader.info
