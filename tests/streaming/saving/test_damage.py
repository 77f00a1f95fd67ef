"""States and rows that were changed: refused with a sentence, and never gone on with."""

from __future__ import annotations

import json
import random
import struct

import pytest
import torch
from safetensors.torch import load, save

from tests.mutated import mutated
from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from vidmem.errors import StateError
from vidmem.streaming import Engine, RunFiles, Stream, StreamSettings
from vidmem.streaming.saved_run import SavedRun
from vidmem.streaming.saving.identity import SourceIdentity
from vidmem.streaming.saving.predictions_csv import PredictionFile
from vidmem.streaming.saving.state_file import FORMAT_WITHOUT_CHECKSUM, read_state_file

MODEL = FakeModel()
NUM_DAMAGED = 500


@pytest.fixture
def run(tmp_path):
    """A run that stopped after six clips: its files, and the state that it has."""
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state")
    with Engine(source_file(tmp_path), MODEL, files=files, open_feed=FakeVideo(50)) as engine:
        [next(engine) for _ in range(6)]
    return files


def read(path, source):
    saved = SavedRun.read(path, MODEL, source)
    return saved, saved.stream_state(MODEL)


def metadata(data: bytes) -> dict[str, str]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length])["__metadata__"]


def test_every_bit_of_a_state_is_watched(run, tmp_path):
    data = run.state_path.read_bytes()
    read_state_file(run.state_path)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        run.state_path.write_bytes(flipped)
        with pytest.raises(StateError):
            read_state_file(run.state_path)


def test_hundreds_of_damaged_states_are_refused(run, tmp_path):
    data, random_ = run.state_path.read_bytes(), random.Random(1)
    for _ in range(NUM_DAMAGED):
        damaged = mutated(data, random_)
        if damaged == data:
            continue
        run.state_path.write_bytes(damaged)
        with pytest.raises(StateError):
            read_state_file(run.state_path)


@pytest.mark.slow
def test_hundreds_of_damaged_states_of_earlier_versions_crash_nothing(run, tmp_path):
    """They have no checksum: what cannot be told is gone on with, what can be told is told."""
    data, random_ = run.state_path.read_bytes(), random.Random(2)
    facts = json.loads(metadata(data)["facts"])
    for name in ("sha256", "number"):
        del facts["mark"][name]
    del facts["run_id"]
    about = {"format": FORMAT_WITHOUT_CHECKSUM, "facts": json.dumps(facts)}
    data, source = save(load(data), metadata=about), SourceIdentity.of(tmp_path / "pen.mp4")
    num_refused = 0
    for _ in range(NUM_DAMAGED):
        run.state_path.write_bytes(mutated(data, random_))
        try:
            saved, state = read(run.state_path, source)
            Stream(MODEL, saved.settings, state)
        except StateError:
            num_refused += 1
    assert num_refused > 0.75 * NUM_DAMAGED
    run.state_path.write_bytes(data)
    saved, _ = read(run.state_path, source)
    assert not saved.saved.has_checksum


def test_a_state_without_a_checksum_is_told_to_have_none(run, tmp_path, caplog):
    data = run.state_path.read_bytes()
    about = {"format": FORMAT_WITHOUT_CHECKSUM, "facts": metadata(data)["facts"]}
    run.state_path.write_bytes(save(load(data), metadata=about))
    read_state_file(run.state_path)
    assert "has no checksum: damage to it is not noticed" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda t, f: t.update(tokens=t["tokens"] * float("nan")),
        lambda t, f: t.update(tokens=t["tokens"][:, :1]),
        lambda t, f: t.update(tokens=t["tokens"].long()),
        lambda t, f: t.update(more=t["tokens"].clone()),
        lambda t, f: t.pop("slot_clips"),
        lambda t, f: f["mark"].update(name="../../etc/passwd"),
        lambda t, f: f["mark"].update(name=""),
        lambda t, f: f["mark"].update(name=7),
        lambda t, f: f["mark"].update(num_bytes=-1),
        lambda t, f: f["mark"].update(num_bytes=1.5),
        lambda t, f: f.update(mark=None),
        lambda t, f: f.update(reader=None),
        lambda t, f: f.update(model=None),
        lambda t, f: f.update(source=[]),
        lambda t, f: f.update(pending=7),
        lambda t, f: f.update(pending=[{}]),
        lambda t, f: f.update(first_index="0"),
        lambda t, f: f.update(is_finished="no"),
        lambda t, f: f["position"].update(next_index=-3),
        lambda t, f: f["position"].update(next_frame=True),
        lambda t, f: f["settings"].update(fps="4"),
        lambda t, f: f["settings"].update(l_mem=10**9),
        lambda t, f: f["settings"].update(later="setting"),
    ],
)
def test_facts_of_another_kind_are_refused_though_nothing_was_flipped(run, tmp_path, change):
    """Of an earlier version, or by somebody who can compute a checksum."""
    data = run.state_path.read_bytes()
    tensors, facts = load(data), json.loads(metadata(data)["facts"])
    change(tensors, facts)
    about = {"format": FORMAT_WITHOUT_CHECKSUM, "facts": json.dumps(facts)}
    run.state_path.write_bytes(save(tensors, metadata=about))
    with pytest.raises(StateError):
        read(run.state_path, SourceIdentity.of(tmp_path / "pen.mp4"))


def test_a_state_of_what_is_no_number_is_refused(tmp_path):
    stream = Stream(MODEL, StreamSettings.for_model(MODEL))
    stream.state.memory.tokens[:] = torch.nan
    stream.save(tmp_path / "nan.state")
    with pytest.raises(StateError, match="values that are no numbers"):
        Stream.restore(tmp_path / "nan.state", MODEL)


def test_hundreds_of_damaged_predictions_files_are_refused_or_as_they_were(run, tmp_path):
    random_, names = random.Random(3), MODEL.card.class_names
    mark = SavedRun.read(run.state_path, MODEL, SourceIdentity.of(tmp_path / "pen.mp4")).mark
    data = run.out.read_bytes()
    assert len(data) == mark.num_bytes
    num_refused = 0
    for _ in range(NUM_DAMAGED):
        run.out.write_bytes(mutated(data + b"60.000,64.000,standing,0.5", random_))
        try:
            PredictionFile.reopen(run.out, names, mark).close()
        except StateError:
            num_refused += 1
        else:
            assert run.out.read_bytes() == data
    assert num_refused > 0.5 * NUM_DAMAGED


@pytest.mark.parametrize("cut", [20, 1])
def test_a_mark_in_the_middle_of_a_row_is_refused_without_a_checksum_too(run, tmp_path, cut):
    """Two rows would be melted into one."""
    saved = SavedRun.read(run.state_path, MODEL, SourceIdentity.of(tmp_path / "pen.mp4"))
    mark = type(saved.mark)(saved.mark.name, saved.mark.num_rows, saved.mark.num_bytes - cut)
    before = run.out.read_bytes()
    with pytest.raises(StateError, match=r"rows of .* are not those that the saved stream wrote"):
        PredictionFile.reopen(run.out, MODEL.card.class_names, mark)
    assert run.out.read_bytes() == before


def grow(path, num_bytes):
    with path.open("ab") as file:
        file.write(b"x" * num_bytes)


def test_a_video_that_grew_is_gone_on_with_and_says_so(tmp_path):
    video = source_file(tmp_path, b"\x47" * 200_000)
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state")
    with Engine(video, MODEL, files=files, open_feed=FakeVideo(50)) as engine:
        next(engine)
    grow(video, 5000)
    again = RunFiles(out=files.out, state_path=files.state_path, resume=True)
    with Engine(video, MODEL, files=again, open_feed=FakeVideo(80)) as engine:
        assert engine.resumed.endswith("The video has grown by 5000 bytes since.")
        assert [one.index for one in engine] == list(range(1, 20))
    grow(video, 100)
    with pytest.raises(StateError, match="has grown by 100 bytes since its run came to the end"):
        Engine(video, MODEL, files=again, open_feed=FakeVideo(90))


def test_a_longer_video_with_another_start_or_middle_is_another(tmp_path):
    video = source_file(tmp_path, bytes(300_000))
    saved = SourceIdentity.of(video).as_dict()
    for place in (10, 299_990):
        changed = bytearray(300_100)
        changed[place] = 1
        video.write_bytes(changed)
        assert SourceIdentity.of(video).growth_since(saved) is None


@pytest.mark.parametrize("place", [0, 65_535, 200_000 - 65_536, 199_999])
def test_both_ends_of_a_video_say_which_it_is(tmp_path, place):
    video = source_file(tmp_path, bytes(200_000))
    saved = SourceIdentity.of(video).as_dict()
    changed = bytearray(200_000)
    changed[place] = 1
    video.write_bytes(changed)
    assert "other content" in (SourceIdentity.of(video).difference_from(saved) or "")
