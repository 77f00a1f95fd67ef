"""Lines above a table that say what it is of: round trips, also through a spreadsheet."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.labels.strategies import labels as any_labels
from vidmem.labels import Bout, Ethogram, LabelledVideo, Labels, import_file
from vidmem.labels.formats import (
    About,
    WriteOptions,
    format_named,
    header_block,
    read_header_block,
)

START = datetime(2026, 5, 1, 6, 0, tzinfo=timezone(timedelta(hours=2)))
ABOUT = About(model="memvit, v2", settings="fps=4; bouts: threshold 0.5", versions="vidmem 0.1.0")
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=9)


def write(labels: Labels, path: Path, about: About = ABOUT) -> Path:
    options = WriteOptions(about=about, is_one_file=True)
    drafted = format_named("csv").write(labels, path, options)
    ((path, data),) = drafted.files.items()
    path.write_bytes(data)
    return path


@given(
    st.builds(About, model=NAMES, settings=NAMES, versions=NAMES),
    st.lists(
        st.builds(
            LabelledVideo,
            NAMES,
            st.none() | st.floats(0.001, 1e6).map(lambda x: round(x, 6)),
            st.none() | st.sampled_from([25.0, 29.97, 8.0]),
            st.sampled_from([None, START, START.replace(tzinfo=None)]),
        ),
        max_size=3,
        unique_by=lambda one: one.name,
    ),
)
@settings(max_examples=60, deadline=None)
def test_lines_are_read_as_they_were_written(about, videos):
    block = read_header_block(header_block(about, videos) + "video,start_seconds\n")
    # Separators at the end of a line are those of a spreadsheet.
    cut = replace(about, **{name: value.rstrip(",;\t") for name, value in vars(about).items()})
    assert block.about == cut
    names = [one.name.rstrip(",;\t") for one in videos]
    if all(names):
        assert block.videos == tuple(
            replace(one, name=name) for one, name in zip(videos, names, strict=True)
        )


@given(any_labels())
@settings(max_examples=25, deadline=None)
def test_bouts_come_back_from_one_file(tmp_path_factory, labels):
    labels = Labels(labels.ethogram, labels.bouts, videos=labels.videos)
    path = write(labels, tmp_path_factory.mktemp("one") / "bouts.csv")
    imported = import_file(path)
    assert imported.problems == ()
    assert imported.format == "csv"
    assert imported.labels.bouts == labels.bouts
    assert imported.about == ABOUT
    said = {one.name for one in imported.labels.videos}
    assert all(imported.labels.video(name).agrees(labels.video(name)) for name in said)


def test_a_spreadsheet_may_save_it_again(tmp_path):
    video = LabelledVideo("pen 2.mp4", 60.0, 25.0, START)
    labels = Labels(
        Ethogram.of("lying"), (Bout("pen 2.mp4", 1.5, 4, "lying", author="anna"),), videos=(video,)
    )
    path = write(labels, tmp_path / "bouts.csv")
    lines = path.read_text().splitlines()
    num_cells = lines[-1].count(",")
    assert "2026-05-01 06:00:01.500+02:00" in lines[-1]
    # As spreadsheets do: every line as long as the longest, quotes where there are separators.
    quoted = [f'"{one}"' if one.startswith("#") and "," in one else one for one in lines]
    padded = [one + "," * num_cells if one.startswith(("#", '"#')) else one for one in quoted]
    path.write_text("\n".join(padded) + "\n")
    imported = import_file(path)
    assert imported.problems == ()
    assert imported.about == ABOUT
    assert imported.labels.video("pen 2.mp4") == video
    assert imported.labels.bouts == labels.bouts
    semicolons = [one.replace(",", ";") for one in lines if not one.startswith("#")]
    path.write_text("\n".join(["# vidmem", "# model: m;;;;", *semicolons]) + "\n")
    imported = import_file(path)
    assert imported.about.model == "m"
    assert imported.labels.bouts == labels.bouts


def test_a_problem_below_the_lines_is_named_with_its_row(tmp_path):
    path = tmp_path / "bouts.csv"
    table = "video,start_seconds,end_seconds,label\npen.mp4,3,1,lying\n"
    path.write_text(header_block(ABOUT, [LabelledVideo("pen.mp4")]) + table)
    (problem,) = import_file(path).problems
    assert problem.place == "row 7"


def test_models_of_rows_are_read_where_nothing_else_says_them(tmp_path):
    path = tmp_path / "bouts.csv"
    path.write_text(
        "video,start_seconds,end_seconds,label,score,model,settings\n"
        "pen.mp4,0,1,lying,0.9,first,fps=4\npen.mp4,1,2,standing,0.8,second,fps=4\n"
    )
    about = import_file(path).about
    assert (about.model, about.settings) == ("first, second", "fps=4")
