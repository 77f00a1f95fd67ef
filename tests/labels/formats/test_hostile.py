"""Files that are broken, or mean harm, end in a sentence: no traceback and no hang."""

from __future__ import annotations

import copy
import gzip
import json
import os
import random
import zipfile
from pathlib import Path

import pytest

from tests.labels.strategies import ETHOGRAM
from vidmem.errors import LabelError, MissingPackageError, VidmemError
from vidmem.labels import Bout, LabelledVideo, Labels, Span
from vidmem.labels.formats import FORMATS, ReadOptions, collecting, import_file, write
from vidmem.labels.formats import source as source_module

OPTIONS = ReadOptions(fps=25, video="a.mp4")
READ_TOO = {
    "predictions": (
        "start_seconds,end_seconds,label,probability,remembered,a,b,gap,unlikeness,model,settings\n"
        "0.000,2.000,a,0.9,0,0.9,0.1,,0.4,m,s\n1.000,3.000,b,0.9,0,0.1,0.9,4.0-5.0,0.4,m,s\n"
    ),
    "via": (
        "# CSV_HEADER = file_list,temporal_segment_start,temporal_segment_end,metadata\n"
        '"[""v.mp4""]",0,612.5,"{""behaviour"":""lying""}"\n'
    ),
}


def samples(folder: Path) -> dict[str, bytes]:
    """A small file of each format that is read."""
    video = LabelledVideo("a.mp4", 10, 25)
    value = Labels(
        ETHOGRAM,
        (
            Bout("a.mp4", 1, 2, "lying", "sow", "Zoë", "two\nlines", 0.5, "model"),
            Bout("a.mp4", 2, 3, "standing", "sow"),
            Bout("a.mp4", 2, 2, "rolling"),
        ),
        not_scored=(Span("a.mp4", 5, 6, axis="posture"),),
        scored=(Span("a.mp4", 0, 9),),
        videos=(video,),
    )
    found = {}
    for one in FORMATS:
        if one.read and one.write:
            alone = (
                value if one.holds.many_videos or one.holds.subjects else value.for_subject("sow")
            )
            path = folder / f"{one.name}{one.endings[0]}"
            write(alone, path, format=one.name)
            found[one.name] = path.read_bytes()
    return found | {name: text.encode() for name, text in READ_TOO.items()}


def read_or_say(path: Path, name: str | None) -> None:
    """Read a file; whatever is wrong with it must be a sentence, without a traceback's words."""
    try:
        found = import_file(path, OPTIONS, format=name)
    except VidmemError as error:
        assert str(error) and "Traceback" not in str(error)
        return
    for problem in found.problems:
        assert str(problem)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Bytes with some changed, cut out, doubled or put in."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(6)
        if what == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif what == 1:
            del data[at : at + chance.randint(1, 40)]
        elif what == 2:
            data[at:at] = data[at : at + chance.randint(1, 60)]
        elif what == 3:
            data[at:at] = chance.choice(NASTY)
        elif what == 4:
            digits = [i for i, one in enumerate(data) if chr(one).isdigit()]
            if digits:
                data[chance.choice(digits)] = ord(chance.choice("0123456789eE.-,:"))
        else:
            data = data[: max(at, 1)]
    return bytes(data)


NASTY = (
    b"\0",
    b"\xff\xfe",
    b'"',
    b"1e999",
    b"NaN",
    b"-1",
    b"9" * 400,
    b"null",
    b"[]",
    b"{}",
    b"-->",
    b"\r",
    b"\x1b[2J",
    "\u202e\u2028".encode(),
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"&a;",
    b"true",
    b",,,,",
)


@pytest.mark.parametrize("name", [one.name for one in FORMATS if one.read])
def test_mutations_are_read_or_refused_with_a_sentence(tmp_path, name):
    chance = random.Random(f"fuzz {name}")
    data = samples(tmp_path)[name]
    path = tmp_path / "fuzz"
    for number in range(200):
        path.write_bytes(mutated(data, chance))
        read_or_say(path, name if number % 2 else None)


JSON_VALUES = (None, True, -1, 1e308, 10**400, "x", "", [], {}, [[]], {"a": None}, "\ud800")


@pytest.mark.parametrize("name", ["boris", "label-studio", "csv"])
def test_any_value_of_json_may_be_another(tmp_path, name):
    chance = random.Random(f"json {name}")
    data = samples(tmp_path)[name]
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    if name == "csv":
        plain = json.loads((tmp_path / "csv.csv.json").read_text())
    else:
        plain = json.loads(data)
    for _ in range(200):
        changed = json.loads(json.dumps(plain))
        for _ in range(chance.randint(1, 3)):
            place = chance.choice(list(places_in(changed)))
            place[0][place[1]] = copy.deepcopy(chance.choice(JSON_VALUES))
        to = tmp_path / "a.csv.json" if name == "csv" else path
        to.write_text(json.dumps(changed), errors="replace")
        read_or_say(path, name)


def places_in(value):
    """Each place in JSON, as what it is in and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(pairs):
        yield value, key
        if isinstance(one, dict | list):
            yield from places_in(one)


@pytest.mark.parametrize("name", [one.name for one in FORMATS if one.read])
@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"\xff" * 100, b"[" * 100_000, b'{"a":' * 100_000, b"\n" * 1000, b"x"],
    ids=["empty", "nul", "not utf-8", "deep list", "deep object", "lines", "a letter"],
)
def test_what_is_nothing_like_it_is_refused_as_each_format(tmp_path, name, data):
    path = tmp_path / "a"
    path.write_bytes(data)
    with pytest.raises(LabelError):
        import_file(path, OPTIONS, format=name)


def test_entities_and_depth_in_xml_are_refused(tmp_path):
    path = tmp_path / "a.eaf"
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 9))
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "x">{bomb}]>'
        "<ANNOTATION_DOCUMENT>&a8;</ANNOTATION_DOCUMENT>"
    )
    with pytest.raises(LabelError, match="has a document type"):
        import_file(path)
    path.write_text("<ANNOTATION_DOCUMENT>" + "<a>" * 100_000)
    with pytest.raises(LabelError, match="nested too deep"):
        import_file(path)
    path.write_text("<ANNOTATION_DOCUMENT/>")
    with pytest.raises(LabelError, match="no ELAN file that can be read"):
        import_file(path)


def test_what_unpacks_to_more_than_anybody_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(source_module, "MAX_BYTES", 1 << 20)
    path = tmp_path / "a.boris.gz"
    path.write_bytes(gzip.compress(b" " * (3 << 20)))
    with pytest.raises(LabelError, match="more than 1 MiB when unpacked"):
        import_file(path)
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(LabelError, match="more than 1 MiB; split it"):
        import_file(path)
    path.write_bytes(gzip.compress(b"{}")[:-4])
    with pytest.raises(LabelError, match="damaged gzip file"):
        import_file(path)
    path.write_bytes(b"\x1f\x8bxxxxxxxxx")
    with pytest.raises(LabelError, match="damaged gzip file"):
        import_file(path)


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(LabelError, match="it is a pipe"):
        import_file(tmp_path / "a.csv")


def test_a_spreadsheet_that_is_none_ends_in_a_sentence(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises((LabelError, MissingPackageError), match="xlsx is "):
        import_file(path)


def test_a_cell_without_an_end_and_one_without_measure(tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "MAX_ENTRIES", 3000)
    monkeypatch.setattr(collecting, "MAX_PROBLEMS", 100)
    path = tmp_path / "a.csv"
    header = "video,start_seconds,end_seconds,label\n"
    path.write_text(header + 'a,0,1,"' + "x" * 200_000)
    with pytest.raises(LabelError, match="is no line of a table"):
        import_file(path)
    path.write_text(header + "a,0,1,lying,x,y\n" * 102)
    with pytest.raises(LabelError, match="more than 100 problems"):
        import_file(path)
    path.write_text(header + "".join(f"a,{n},{n + 9},b{n}\n" for n in range(2000)))
    with pytest.raises(LabelError, match="more than 300 behaviours"):
        import_file(path)
    path.write_text(header + "".join(f"a{n},1,2,b\n" for n in range(2001)))
    with pytest.raises(LabelError, match="more than 2000 videos and subjects"):
        import_file(path)
    path.write_text(header + "a,0,1,lying\n" * 3001)
    with pytest.raises(LabelError, match="more than 3000 bouts"):
        import_file(path)


SQUARES = {
    "vtt": "WEBVTT\n\n00:00.000 --> 00:01.000\n" + "<v " * 300_000,
    "vtt spaces": "WEBVTT\n\n00:00.000 --> 00:01.000\n" + " " * 500_000 + "x 0.93x",
    "html": "<table>Behavior Status" + "<!--" * 300_000 + "<tr" * 300_000,
    "tabular": "\n" * 300_000 + "Time,Behavior,Status\n",
    "aggregated": "Behavior,Start (s),Stop (s),Description\na,1,2," + "model=; versions=" * 7_000,
    "csv": "video,start,end,label\n" + "," * 2_000_000,
    "columns": "," * 2_000_000,
    "name": "video,start,end,label\na,0,1," + "x" * 100_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", SQUARES)
def test_nothing_takes_a_time_that_grows_with_its_square(tmp_path, name):
    path = tmp_path / "a"
    path.write_text(SQUARES[name])
    read_or_say(path, {"html": "boris-tabular", "csv": "csv", "columns": "csv"}.get(name))


def test_names_that_would_play_with_a_terminal_are_spelled_out(tmp_path):
    path = tmp_path / "a.csv"
    header = "video,start_seconds,end_seconds,label\n"
    path.write_text(header + "a,0,1,\x1b[31mlying\u202e\na,x\x1b[2J,1,b\n")
    found = import_file(path)
    assert found.labels.bouts[0].behaviour == r"\x1b[31mlying\u202e"
    assert "\x1b" not in str(found.problems[0])
