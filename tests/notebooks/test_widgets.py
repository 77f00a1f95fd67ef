"""Controls over a figure, and a chooser of videos: moved without a browser."""

from __future__ import annotations

import pytest

from tests.data.footage import SAMPLE
from vidmem.errors import MissingPackageError, SettingError, UnreadableVideoError
from vidmem.figures import shares_figure
from vidmem.notebooks import VideoChooser, explore, widget_package
from vidmem.notebooks.explorer import WIDGET


def draw(share, name):
    if share > 0.8:
        raise SettingError(f"share must be at most 0.8, got {share} < 1")
    return shares_figure({name: share, "rest": 1 - share}, f"{name} at {share}")


def test_a_figure_follows_its_controls():
    explorer = explore(draw, start={"share": 0.5}, share=(0.1, 0.5, 0.9), name=["lying", "up"])
    assert explorer.values == {"share": 0.5, "name": "lying"}
    explorer.controls["share"].value = 0.1
    explorer.controls["name"].value = "up"
    assert explorer.figure.layout.title.text == "up at 0.1"
    assert tuple(explorer.figure.data[0].x) == (0.1, 0.9)
    assert len(explorer.figure.data) == 1


def test_what_cannot_be_drawn_is_said_under_the_figure_that_was_there():
    explorer = explore(draw, share=(0.1, 0.9), name=["lying"])
    explorer.controls["share"].value = 0.9
    assert "at most 0.8, got 0.9 &lt; 1" in explorer.message.value
    assert explorer.figure.layout.title.text == "lying at 0.1"
    explorer.controls["share"].value = 0.1
    assert explorer.message.value == ""


def test_where_no_widget_runs_a_sentence_stands_in_its_place():
    shown = explore(draw, share=(0.1, 0.2), name=["lying"])._repr_mimebundle_()
    assert "share, name to move stands here where widgets run" in shown["text/html"]
    assert shown[WIDGET]["model_id"]


@pytest.mark.parametrize(("start", "options"), [(0.3, (0.1, 0.2)), (None, ())])
def test_a_control_starts_at_one_of_its_values(start, options):
    with pytest.raises(SettingError, match="share must start at one of its values"):
        explore(draw, start={"share": start}, share=options, name=["lying"])


def test_a_video_is_chosen_by_its_path_and_what_is_no_video_changes_nothing(tmp_path):
    chooser = VideoChooser([SAMPLE])
    first = chooser.picture.value
    assert chooser.path == SAMPLE
    assert "<b>barn-sample.mp4</b>, 1 min, 640 x 360 pixels" in chooser.about.value
    (tmp_path / "notes.txt").write_text("no video")
    chooser.typed.value = f'"{tmp_path / "notes.txt"}"'
    assert "Still chosen: barn-sample.mp4." in chooser.about.value
    assert (chooser.path, chooser.picture.value) == (SAMPLE, first)
    (tmp_path / "copy.mp4").symlink_to(SAMPLE)
    chooser.typed.value = f" '{tmp_path / 'copy.mp4'}' "
    assert chooser.path == tmp_path / "copy.mp4"
    assert "copy.mp4" in repr(chooser._repr_mimebundle_()["text/plain"])


def test_a_chooser_wants_a_video():
    with pytest.raises(SettingError, match="at least one video"):
        VideoChooser([])
    with pytest.raises(UnreadableVideoError):
        VideoChooser(["no such video.mp4"])


def test_without_the_packages_of_widgets_it_says_what_to_install(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(widget_package.importlib, "import_module", missing)
    with pytest.raises(MissingPackageError, match=r"need anywidget.*vidmem\[notebooks\]"):
        widget_package.widgets()
