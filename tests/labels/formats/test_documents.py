"""`docs/labels.md` says what the registry says, and its example is what the command prints."""

from __future__ import annotations

import sys
from dataclasses import fields

from tests.documents import ROOT
from vidmem import cli
from vidmem.labels.formats import FORMATS, Format, Holds

PAGE = (ROOT / "docs" / "labels.md").read_text()
HELD = {
    "axes": "axes",
    "subjects": "subjects",
    "points": "points",
    "scores": "scores",
    "comments": "comments",
    "authors": "authors",
    "not_scored": "not scored",
    "unlabelled": "unlabelled",
    "many_videos": "several videos",
    "facts": "length, rate, start",
    "ethogram": "colours, keys",
}


def row_of(one: Format) -> str:
    """The line of a format in the table; to make it anew, print it of all."""
    marks = [one.read is not None, one.write is not None]
    marks += [getattr(one.holds, name) for name in HELD]
    cells = [f"`{one.name}`", one.title, ", ".join(f"`{ending}`" for ending in one.endings)]
    cells += ["yes" if mark else "" for mark in marks]
    cells += [one.holds.resolution, "yes" if one.needs_fps else ""]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def test_the_table_has_every_format_and_what_it_holds():
    assert {*HELD, "resolution"} == {field.name for field in fields(Holds)}
    names = ["`--from`, `--to`", "format", "ending", "read", "written", *HELD.values()]
    header = f"| {' | '.join([*names, 'times to', 'needs the frame rate'])} |"
    rule = f"|{' --- |' * (len(names) + 2)}"
    rows = [row_of(one) for one in sorted(FORMATS, key=lambda one: one.title.casefold())]
    assert "\n".join([header, rule, *rows]) + "\n" in PAGE


def blocks() -> list[str]:
    return [one.partition("\n```")[0] + "\n" for one in PAGE.split("```text\n")[1:]]


def test_the_example_prints_what_the_page_says(tmp_path, monkeypatch, capsys):
    table, printed = blocks()
    (tmp_path / "monday.csv").write_text(table)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vidmem", "convert", "monday.csv", "monday.boris"])
    try:
        cli.main()
    except SystemExit as ended:
        assert not ended.code
    assert capsys.readouterr().out == printed
