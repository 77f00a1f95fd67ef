"""Predictions as a download: all files of a run, also while it writes and after it is gone."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from app.run.kept import downloads as module
from app.run.results.file_facts import FileFacts, file_facts
from app.run.results.files import CsvFolder
from tests.app.conftest import wait_until

RUN = "0123456789abcdef" * 2


@pytest.fixture
def files(tmp_path):
    return CsvFolder(tmp_path / "runs")


def last_part(address: str) -> str:
    return address.rsplit("/", 1)[-1]


def test_the_bytes_counted_are_the_bytes_sent_though_rows_are_added(files, tmp_path):
    path = files.new_path(RUN, 1, tmp_path / "pen.mp4")
    path.write_bytes(b"label\nlying\nstand")
    download = files.open(RUN, "1-pen-predictions.csv")
    with path.open("ab") as file:
        file.write(b"ing\n" + b"walking\n" * 100_000)
    assert b"".join(download.pieces) == b"label\nlying\n"
    assert download.num_bytes == 12
    assert download.name == "pen-predictions.csv"
    whole = files.open(RUN, "1-pen-predictions.csv")
    pieces = list(whole.pieces)
    assert b"".join(pieces) == path.read_bytes()
    assert max(map(len, pieces)) <= 1 << 16


@pytest.mark.parametrize("name", ["2-pen-predictions.csv", "../secret.csv", "*.csv", ""])
def test_only_files_of_the_run_are_given(files, tmp_path, name):
    files.new_path(RUN, 1, tmp_path / "pen.mp4").write_text("label\n")
    (tmp_path / "secret.csv").write_text("secret\n")
    assert files.open(RUN, name) is None
    assert files.open("*", "1-pen-predictions.csv") is None
    assert files.links("*") == files.links("f" * 32) == []


def test_a_name_of_a_video_can_be_anything(files, tmp_path):
    path = files.new_path(RUN, 1, tmp_path / "pen [3] / ää*?" / "Bucht 3 [Nacht]*.mp4")
    path.write_text("label\n")
    ((address, name),) = files.links(RUN)
    assert name == "Bucht 3 _Nacht_-predictions.csv"
    assert files.open(RUN, last_part(address)) is not None


def row(end_seconds: float, model: str) -> str:
    return f"0.000,{end_seconds:.3f},lying,0.9,3,0.9,,0.50,{model},l_mem=25\n"


HEADER = (
    "start_seconds,end_seconds,label,probability,remembered,lying,gap,unlikeness,model,settings\n"
)


def test_a_file_says_of_itself_which_model_it_is_of_and_up_to_where(tmp_path):
    path = tmp_path / "pen-predictions.csv"
    rows = row(2, "first") * 50_000 + row(3661.5, '"a, ""b"""')
    path.write_text(HEADER + rows + "0.000,99999.000,ly")  # the last one is half written
    assert file_facts(path) == FileFacts('a, "b"', 3661.5)
    for other in (
        HEADER,
        "",
        HEADER[:-1],
        f"label\n{row(2, 'x')}",
        HEADER + row(math.nan, "x"),
        "x" * 200_000,
        "\n\n\n",
    ):
        path.write_text(other)
        assert file_facts(path) == FileFacts(), other[:80]
    path.write_bytes(HEADER.encode() + b"\xff\n")
    assert file_facts(path) == FileFacts()
    path.unlink()
    assert file_facts(path) == FileFacts()


def test_files_of_one_video_are_told_apart_by_when_with_what_and_up_to_where(desk, monkeypatch):
    times = iter((1000.0, 2000.0, 3000.0))
    run = desk.open()
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: next(times)))
    for end_seconds, model in ((60, "fake"), (12.5, "other")):
        run.play()
        wait_until(lambda: run.status == "finished")
        desk.machine.engines[-1].out.write_text(HEADER + row(end_seconds, model))
    run.choose(desk.shelf.find(run.run_id, "folder/other.mp4"))
    (_, first, one), (_, second, other) = run.board.get("csv")["earlier"]
    assert first == second == "sample-predictions.csv"
    assert one == {"begun": 1000.0, "model": "fake", "until": 60.0}
    assert other == {"begun": 2000.0, "model": "other", "until": 12.5}


def test_each_play_and_each_set_of_classes_keeps_its_own_link(desk):
    run = desk.open()
    assert run.board.get("csv") == {"newest": None, "earlier": []}
    run.play()
    wait_until(lambda: run.status == "finished")
    first = run.board.get("csv")["newest"]
    assert first[1] == "sample-predictions.csv"
    engine = desk.machine.engines[-1]
    other = engine.out.with_name(f"{engine.out.stem}-2.csv")
    engine.out.rename(other)  # as an engine does at a model with other classes: it writes elsewhere
    other.write_text(other.read_text())
    engine.out.write_text("label\n")
    engine.out = other
    run.jump(56, is_playing=True)
    wait_until(lambda: run.board.get("csv")["earlier"])
    assert run.board.get("csv")["newest"][1] == "sample-predictions-2.csv"
    assert run.board.get("csv")["earlier"][0][:2] == first
    run.choose(desk.shelf.find(run.run_id, "folder/other.mp4"))
    assert run.board.get("csv")["newest"] is None
    assert len(run.board.get("csv")["earlier"]) == 2
    for address, _, _ in run.board.get("csv")["earlier"]:
        _, kept_id, name = address.split("/")
        assert desk.files.open(kept_id, name) is not None
        for other in ("../project.db", "run.lock", "sample-predictions.state", "", "*.csv"):
            assert desk.files.open(kept_id, other) is None


def test_what_was_written_before_there_were_projects_is_still_given_out(desk, tmp_path):
    path = desk.files.before.new_path(RUN, 1, tmp_path / "pen.mp4")
    path.write_text("label\nlying\n")
    ((address, _),) = desk.files.before.links(RUN)
    file = desk.files.open(RUN, last_part(address))
    assert b"".join(file.pieces) == path.read_bytes()
    run = desk.open()
    run.show_replaced(RUN)
    assert run.board.get("notice")["links"] == [(address, "pen-predictions.csv")]
    for wrong in ("*", "../..", "f" * 32, "\0"):
        assert desk.files.open(wrong, "1-pen-predictions.csv") is None
