"""Writing: at once or not at all, over nothing, with every loss said; no cell is a formula."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vidmem
from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, StorageError
from vidmem.files import guarded, unguarded
from vidmem.labels import Bout, Ethogram, LabelledVideo, Labels, Span
from vidmem.labels.formats import FORMATS, import_file, write
from vidmem.labels.formats.remarks import parse_remark, remark_of

V, W = "pen 2.mp4", "pen 3.mp4"
VALUE = Labels(
    ETHOGRAM,
    (
        Bout(V, 1.0000004, 2, "lying", "sow", "Zoë", "=1+1", 0.5, "human"),
        Bout(V, 1.5, 3.00025, "feeding", "sow"),
        Bout(W, 2, 2, "rolling"),
    ),
    not_scored=(Span(V, 4, 5, "sow", "posture"),),
    scored=(Span(V, 0, 9, "sow"),),
    videos=(LabelledVideo(V, 10, 25), LabelledVideo(W, 10, 25)),
)


def test_nothing_is_written_over(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("mine")
    with pytest.raises(StorageError, match="is there already; give another name, or --force"):
        vidmem.labels.write(VALUE, path)
    assert path.read_text() == "mine" and os.listdir(tmp_path) == ["a.csv"]
    vidmem.labels.write(VALUE, path, overwrite=True)
    assert import_file(path).labels == VALUE


def test_of_several_files_none_is_written_if_one_is_there(tmp_path):
    (tmp_path / "a.pen 3.vtt").write_text("mine")
    with pytest.raises(StorageError, match=r"pen 3\.vtt is there already"):
        write(VALUE, tmp_path / "a.vtt")
    assert os.listdir(tmp_path) == ["a.pen 3.vtt"]


def test_a_folder_that_is_missing_is_said_and_nothing_is_left(tmp_path):
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        write(VALUE, tmp_path / "no" / "a.csv")
    (tmp_path / "a.boris").mkdir()
    with pytest.raises(StorageError, match="is a folder; name a file in it"):
        write(VALUE, tmp_path / "a.boris", overwrite=True)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    write(VALUE, path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write(Labels(), path, overwrite=True)
    assert path.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.csv.json"]


def test_formats_of_one_video_write_a_file_for_each(tmp_path):
    done = write(VALUE, tmp_path / "a.vtt")
    assert [one.name for one in done.paths] == ["a.pen 2.vtt", "a.pen 3.vtt"]
    done = write(VALUE, tmp_path / "x_labels.csv")
    assert [one.name for one in done.paths] == ["pen 2_sow_labels.csv", "pen 3_labels.csv"]
    done = write(VALUE, tmp_path / "b.binary.csv")
    assert [one.name for one in done.paths] == ["b.binary.pen 2.sow.csv", "b.binary.pen 3.csv"]


def test_what_a_format_cannot_hold_is_said(tmp_path):
    losses = {
        one.name: write(
            VALUE, tmp_path / f"a{one.endings[0]}", format=one.name, overwrite=True
        ).losses
        for one in FORMATS
        if one.write
    }
    assert losses["csv"] == losses["label-studio"] == ()
    assert losses["boris"] == losses["vtt"] == losses["elan"] == ("parts of milliseconds",)
    assert losses["boris-tabular"] == (
        "colours, keys and descriptions of behaviours",
        "parts of milliseconds",
    )
    assert losses["deepethogram"] == (
        "which behaviours exclude each other",
        "2 subjects",
        "1 point event",
        "1 score",
        "1 comment",
        "1 author",
        "1 span not scored",
        "colours, keys and descriptions of behaviours",
        "times finer than a frame",
        "what is known of the videos: durations, frame rates",
    )
    assert "the difference between unlabelled and none of these" in losses["srt"]


def test_bouts_shorter_than_a_sample_are_counted(tmp_path):
    value = Labels(ETHOGRAM, (Bout(V, 1, 1.01, "lying"),), videos=(LabelledVideo(V, 10, 25),))
    done = write(value, tmp_path / "a_labels.csv")
    assert "1 bouts of pen 2.mp4 shorter than half a frame" in done.losses
    assert "DeepEthogram does not train on pen 2.mp4: not all of it is labelled" in done.notes


def test_a_format_that_counts_frames_asks_for_a_rate(tmp_path):
    value = Labels(ETHOGRAM, (Bout(V, 1, 2, "lying"),))
    with pytest.raises(LabelError, match=r"counts frames, and the frame rate of pen 2\.mp4 is not"):
        write(value, tmp_path / "a.json")
    write(value, tmp_path / "a.json", fps=25)
    with pytest.raises(LabelError, match="fps of any must be above 0"):
        write(value, tmp_path / "b.json", fps=0)


def test_what_is_only_read_is_not_written_and_the_other_way_round(tmp_path):
    with pytest.raises(LabelError, match="VIA CSV is only read"):
        write(VALUE, tmp_path / "a.csv", format="via")
    write(VALUE.for_video(V), tmp_path / "a.srt")
    with pytest.raises(LabelError, match="SubRip subtitles, which is only written"):
        import_file(tmp_path / "a.srt")
    with pytest.raises(LabelError, match="is only written; it cannot be read"):
        import_file(tmp_path / "a.srt", format="srt")


def test_subtitles(tmp_path):
    value = Labels(
        Ethogram.of("a<b"), (Bout(V, 0, 3725.5, "a<b", "sow"),), videos=(LabelledVideo(V, 9999),)
    )
    write(value, tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_text() == (
        '1\n00:00:00,000 --> 01:02:05,500\n<font color="#e69f00">sow: a&lt;b</font>\n'
    )
    write(value, tmp_path / "a.vtt")
    assert (
        "\n1\n00:00:00.000 --> 01:02:05.500\n<v sow><c.a_b>a&lt;b</c>\n"
        in (tmp_path / "a.vtt").read_text()
    )


def test_the_elements_of_elan_stand_in_the_order_of_its_schema(tmp_path):
    from xml.etree import ElementTree

    write(VALUE.for_video(V), tmp_path / "a.eaf")
    root = ElementTree.parse(tmp_path / "a.eaf").getroot()
    tags = [one.tag for one in root]
    assert tags[:2] == ["HEADER", "TIME_ORDER"]
    assert tags == sorted(tags, key=["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"].index)
    slots = {one.get("TIME_SLOT_ID") for one in root.iter("TIME_SLOT")}
    used = [
        one.get(f"TIME_SLOT_REF{n}") for one in root.iter("ALIGNABLE_ANNOTATION") for n in (1, 2)
    ]
    assert set(used) == slots and len(used) == len(slots)
    for tier in root.iter("TIER"):
        assert tier.get("PARTICIPANT") == "sow" and tier.get("TIER_ID")


def test_two_videos_of_one_stem_are_not_written_to_one_file(tmp_path):
    value = Labels(ETHOGRAM, (Bout("a.mp4", 0, 1, "lying"), Bout("a.avi", 0, 1, "lying")))
    with pytest.raises(LabelError, match="two videos would be written to"):
        write(value, tmp_path / "x.vtt")
    write(value, tmp_path / "x.boris")
    assert import_file(tmp_path / "x.boris").labels.bouts == value.bouts


def test_no_cell_is_a_formula(tmp_path):
    nasty = ("=cmd()", "+1", "-1", "@x", "'=x")
    value = Labels(
        Ethogram.of(*nasty),
        tuple(
            Bout(name, n, n + 1, name, name, name, f"{name}\n=2") for n, name in enumerate(nasty)
        ),
    )
    for name in ("csv", "boris-tabular", "boris-aggregated", "deepethogram", "boris-binary"):
        done = write(value, tmp_path / f"{name}.csv", format=name, fps=10)
        for path in (one for one in done.paths if one.suffix == ".csv"):
            for row in csv.reader(io.StringIO(path.read_text())):
                assert not [one for one in row if one[:1] in "=+@" and one]
                # A minus may begin a number of a matrix, and nothing else.
                assert not [one for one in row if one.startswith("-") and one != "-1"]
    assert import_file(tmp_path / "csv.csv").labels.bouts == value.bouts


@given(st.text(st.sampled_from("'=+-@\t\n ax"), max_size=6))
def test_guarded_texts_come_back(text):
    assert unguarded(guarded(text)) == text
    assert guarded(text)[:1] not in ("=", "+", "-", "@", "\t", "\n") or not text


@given(
    st.text(st.sampled_from("ap=0.5;\nhumansource or"), max_size=30),
    st.sampled_from((None, 0.0, 0.25, 1.0)),
    st.sampled_from(("human", "model")),
    st.sampled_from(("", "Zoë; p=1", "x")),
)
def test_remarks_come_back(comment, score, source, author):
    bout = Bout("v", 0, 1, "a", "", author, comment, score, source)
    remark = parse_remark(remark_of(bout))
    assert (remark.comment, remark.score, remark.source, remark.author) == (
        comment,
        score,
        source,
        author,
    )


def test_a_name_of_a_file_that_is_taken_meanwhile_is_not_written_over(tmp_path, monkeypatch):
    path = tmp_path / "a.boris"
    real = os.link

    def late(first: Path, second: Path) -> None:
        path.write_text("theirs")
        real(first, second)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(StorageError, match="File exists"):
        write(VALUE, path)
    assert path.read_text() == "theirs" and os.listdir(tmp_path) == ["a.boris"]
