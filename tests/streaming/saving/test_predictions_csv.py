"""predictions.csv: its form, and what happens to it when writing fails."""

from __future__ import annotations

import csv
import errno
import os
import shutil

import pytest

from tests.streaming.doubles import CARD, FakeModel, FakeVideo, source_file
from vidmem.errors import DecoderCrashedError, StateError, StorageError
from vidmem.streaming import Engine, RunFiles
from vidmem.streaming.saving.predictions_csv import FileMark, PredictionFile


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def make_engine(video, **files):
    return Engine(video, FakeModel(), files=RunFiles(**files), open_feed=FakeVideo(42))


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_columns_and_cells_are_as_promised(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, out=out) as engine:
        predictions = list(engine)
    header, *rows = read_rows(out)
    first = ["start_seconds", "end_seconds", "label", "probability", "remembered"]
    last = ["gap", "unlikeness", "model", "settings"]
    assert header == first + list(CARD.class_names) + last
    assert len(rows) == len(predictions) == 11
    for row, prediction in zip(rows, predictions, strict=True):
        assert row[2] == prediction.label
        assert float(row[0]) == pytest.approx(prediction.start_seconds, abs=5e-4)
        assert float(row[1]) == pytest.approx(prediction.end_seconds, abs=5e-4)
        assert row[-4:] == ["", "", CARD.name, prediction.settings]
        assert [float(cell) for cell in row[5:-4]] == pytest.approx(
            prediction.probabilities, abs=1e-6
        )
        assert int(row[4]) == prediction.num_remembered


def test_each_row_is_on_disk_when_its_prediction_is_yielded(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, out=out) as engine:
        for number, _ in enumerate(engine, start=1):
            assert len(out.read_bytes().splitlines()) == number + 1


def test_an_older_file_is_kept_beside_the_new_one(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, out=out) as engine:
        next(engine)
    older = out.read_bytes()
    with make_engine(video, out=out) as engine:
        list(engine)
    assert (tmp_path / "predictions.csv.previous").read_bytes() == older
    assert len(read_rows(out)) == 12


def test_no_copy_of_an_older_file_is_ever_overwritten(video, tmp_path):
    out, kept = tmp_path / "predictions.csv", []
    for _ in range(4):
        with make_engine(video, out=out) as engine:
            [next(engine) for _ in range(len(kept) + 1)]
        kept.append(out.read_bytes())
    names = ["predictions.csv.previous", "predictions.csv.previous-2", "predictions.csv.previous-3"]
    assert [(tmp_path / name).read_bytes() for name in names] == kept[:3]


def test_a_bad_video_leaves_an_older_file_alone(video, tmp_path):
    out = tmp_path / "predictions.csv"
    out.write_text("start_seconds\n1.0\n")

    def cannot_open(request):
        raise DecoderCrashedError("it crashed")

    with pytest.raises(DecoderCrashedError):
        Engine(video, FakeModel(), files=RunFiles(out=out), open_feed=cannot_open)
    assert out.read_text() == "start_seconds\n1.0\n"


def test_a_failing_decoder_leaves_all_rows_and_a_state_to_resume(video, tmp_path):
    out, state = tmp_path / "predictions.csv", tmp_path / "state"
    files = RunFiles(out=out, state_path=state, save_every_clips=100)
    feeds = FakeVideo(42, error_at={22: DecoderCrashedError("it crashed")})
    engine = Engine(video, FakeModel(), files=files, open_feed=feeds)
    with pytest.raises(DecoderCrashedError):
        list(engine)
    assert len(read_rows(out)) == 1 + 5
    with make_engine(video, out=out, state_path=state, resume=True) as engine:
        assert [p.index for p in engine] == [5, 6, 7, 8, 9, 10]


def fill_disk(monkeypatch):
    """From now on, half a row fits and no more."""
    real_write = os.write
    is_full = False

    def write(descriptor, data):
        nonlocal is_full
        if is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        is_full = True
        return real_write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr("vidmem.streaming.saving.predictions_csv.os.write", write)


def test_a_full_disk_stops_the_run_and_keeps_whole_rows(video, tmp_path, monkeypatch):
    out, state = tmp_path / "predictions.csv", tmp_path / "state"
    engine = make_engine(video, out=out, state_path=state, save_every_clips=1)
    [next(engine) for _ in range(3)]
    before = out.read_bytes()
    with monkeypatch.context() as patch:
        fill_disk(patch)
        with pytest.raises(
            StorageError, match=r"predictions\.csv cannot be written: No space left"
        ):
            next(engine)
    assert next(engine, None) is None
    engine.close()
    assert out.read_bytes() == before
    with make_engine(video, out=out, state_path=state, resume=True) as engine:
        assert [p.index for p in engine] == list(range(3, 11))


def test_a_full_disk_is_told_and_the_run_goes_on_where_that_is_wanted(video, tmp_path, monkeypatch):
    out = tmp_path / "predictions.csv"
    engine = make_engine(video, out=out, on_storage_error="continue")
    [next(engine) for _ in range(3)]
    before = out.read_bytes()
    fill_disk(monkeypatch)
    assert [p.index for p in engine] == list(range(3, 11))
    assert "No space left on device" in str(engine.storage_error)
    assert engine.out is None
    assert out.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_folder_removed_in_mid_run_is_told(video, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    engine = make_engine(video, out=folder / "predictions.csv")
    next(engine)
    shutil.rmtree(folder)
    with pytest.raises(StorageError, match=r"predictions\.csv cannot be written: it was removed"):
        next(engine)


def test_a_missing_folder_is_told_before_any_work(video, tmp_path):
    with pytest.raises(
        StorageError, match=r"gone/predictions\.csv cannot be written: No such file"
    ):
        make_engine(video, out=tmp_path / "gone" / "predictions.csv")


def test_other_classes_get_a_file_of_their_own(video, tmp_path):
    out = tmp_path / "predictions.csv"
    other = FakeModel()
    other.card = type(CARD)(**{**CARD.__dict__, "class_names": ("a", "b", "c")})
    with make_engine(video, out=out) as engine:
        next(engine)
        engine.update(model=other)
        list(engine)
        assert engine.out == tmp_path / "predictions-2.csv"
    assert len(read_rows(out)) == 2
    header, *rows = read_rows(tmp_path / "predictions-2.csv")
    assert header[5:-4] == ["a", "b", "c"]
    assert len(rows) == 10


def test_rows_behind_the_mark_are_cut_off(tmp_path):
    path = tmp_path / "predictions.csv"
    file = PredictionFile.create(path, ("a",))
    mark = file.mark
    file.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b"1.0,2.0,a,0.5,0,0.5\n3.0,4.")
    PredictionFile.reopen(path, ("a",), mark).close()
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "cannot be read now: No such file"),
        (b"start_seconds,", "has 14 bytes, the saved stream had written 200"),
        (b"x" * 300, "has other columns than the saved stream wrote"),
    ],
)
def test_a_file_that_is_not_the_one_written_is_refused(tmp_path, content, message):
    path = tmp_path / "predictions.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StateError, match=message):
        PredictionFile.reopen(path, ("a",), FileMark(path.name, 3, 200))


def test_two_runs_never_write_one_file(tmp_path):
    pytest.importorskip("fcntl", reason="there are no such locks on Windows")
    path = tmp_path / "predictions.csv"
    first = PredictionFile.create(path, ("lying",))
    with pytest.raises(StorageError, match="being written by another run"):
        PredictionFile.create(path, ("lying",))
    first.close()
    PredictionFile.create(path, ("lying",)).close()
