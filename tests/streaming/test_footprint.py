"""What a run holds over time: samples with each prediction, events, and the log of both."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import replace
from itertools import count

import pytest

from tests.streaming.doubles import CARD, FakeModel, FakeVideo, source_file
from tests.streaming.feeds.live_cases import wait_until
from vidmem.errors import SettingError, StorageError
from vidmem.profiling import FootprintEvent
from vidmem.streaming import Engine, FootprintLog, RunFootprint

NUM_CLASSES = len(CARD.class_names)


@pytest.fixture
def engine(tmp_path):
    with Engine(source_file(tmp_path), FakeModel(), open_feed=FakeVideo(400)) as opened:
        yield opened


def make_memory(**changes):
    ticks = count()
    return RunFootprint(clock=lambda: float(next(ticks)), **changes)


def watch(memory, engine, num_clips):
    for _ in range(num_clips):
        memory.add_prediction(next(engine), engine.model)


def said(memory):
    return [(event.kind, event.text) for event in memory.timeline.record().events]


def test_every_clip_is_counted_with_what_it_left_behind(engine):
    memory = make_memory()
    watch(memory, engine, 8)
    record = memory.timeline.record()
    now = record.newest
    assert (now.num_clips, now.held_clips, now.l_mem, now.num_evicted) == (8, 3, 3, 4)
    assert now.video_seconds == 8.0
    assert now.weights_bytes == 4 * NUM_CLASSES
    assert now.process_bytes > 10_000_000
    assert now.process_peak_bytes >= now.process_bytes
    state = record.series("state_bytes")
    assert set(state.low) == set(state.high) == {now.state_bytes}


def test_a_full_memory_is_told_once_and_again_after_it_was_emptied(engine):
    memory = make_memory()
    watch(memory, engine, 8)
    full = ("full", "Full: each new clip takes the place of the oldest of 3")
    assert said(memory)[1:] == [full]
    sentence = engine.seek(2.0)
    watch(memory, engine, 8)
    assert said(memory)[2:] == [("jump", sentence), full]
    assert memory.timeline.record().newest.num_evicted == 8  # an emptied memory evicts nothing


def test_another_l_mem_is_told_with_what_it_drops(engine):
    memory = make_memory()
    watch(memory, engine, 6)
    before = memory.timeline.record().newest
    engine.update(l_mem=1)
    watch(memory, engine, 2)
    now = memory.timeline.record().newest
    assert ("l_mem", "L_mem is 1 now; it was 3") in said(memory)
    assert now.num_evicted - before.num_evicted == 4  # three at once, then one
    assert now.state_bytes < before.state_bytes
    engine.update(l_mem=0)
    watch(memory, engine, 5)
    assert memory.timeline.record().newest.num_evicted - now.num_evicted == 1 + 1


def test_clips_of_another_length_and_another_model_are_told(engine):
    memory = make_memory()
    watch(memory, engine, 2)
    sentence = engine.update(clip_frames=6).restarted
    watch(memory, engine, 1)
    other = FakeModel(replace(CARD, title="Other"), seed=1)
    engine.update(model=other)
    watch(memory, engine, 1)
    weights = "12 bytes of weights"
    assert said(memory) == [
        ("model", f"Fake in use: {weights}"),
        ("emptied", sentence),
        ("model", f"Other in use: {weights}"),
    ]


def test_it_measures_between_clips_too():
    memory = RunFootprint()
    with memory.sampling(every_seconds=0.01):
        wait_until(lambda: memory.timeline.record().spans.num_samples.sum() >= 3)
    num_samples = memory.timeline.record().spans.num_samples.sum()
    time.sleep(0.05)
    assert memory.timeline.record().spans.num_samples.sum() == num_samples


def test_json_lines_have_a_sample_per_second_the_last_one_and_every_event(engine, tmp_path):
    path = tmp_path / "memory.jsonl"
    ticks = count()
    with FootprintLog(path) as log:
        memory = RunFootprint(clock=lambda: 0.2 * next(ticks), listener=log)
        watch(memory, engine, 30)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    samples = [row for row in rows if "event" not in row]
    assert 6 <= len(samples) < 20
    assert samples[-1]["num_clips"] == 30
    assert [row["event"] for row in rows if "event" in row] == ["model", "full"]
    assert "allocated_bytes" not in samples[0]  # nothing is made up


def test_csv_has_a_column_per_figure(engine, tmp_path):
    path = tmp_path / "memory.csv"
    with FootprintLog(path, every_seconds=0) as log:
        watch(make_memory(listener=log), engine, 5)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["num_clips"] for row in rows if not row["event"]] == ["1", "2", "3", "4", "5"]
    assert next(row["text"] for row in rows if row["event"] == "full").startswith("Full: ")
    assert {row["allocated_bytes"] for row in rows} == {""}


def test_a_log_says_what_is_wrong_with_its_name_or_place(tmp_path):
    with pytest.raises(SettingError, match=r"\.jsonl.*\.csv.*got memory.txt"):
        FootprintLog(tmp_path / "memory.txt")
    with pytest.raises(StorageError, match="cannot be written"):
        FootprintLog(tmp_path / "nowhere" / "memory.csv")


def test_a_full_disk_ends_the_log_and_not_the_run(engine, tmp_path, caplog):
    log = FootprintLog(tmp_path / "memory.csv")
    log._file.close()
    log._file = open("/dev/full", "w")  # noqa: SIM115
    log._csv.writer = csv.writer(log._file)
    log.happened(FootprintEvent(seconds=0, kind="model", text="x"))
    log.happened(FootprintEvent(seconds=0, kind="model", text="x"))
    log.close()
    assert "memory.csv is not written any more: No space left" in caplog.text


def test_several_streams_are_added_up_and_told_apart(tmp_path):
    path, model = source_file(tmp_path), FakeModel()
    logs = [tmp_path / "memory.csv", tmp_path / "memory.jsonl"]
    for log_path in logs:
        with (
            FootprintLog(log_path, every_seconds=0, streams=("a", "b, c")) as log,
            Engine(path, model, open_feed=FakeVideo(24)) as one,
            Engine(path, model, open_feed=FakeVideo(24)) as other,
        ):
            memory = RunFootprint(listener=log)
            other.update(l_mem=1)
            for ours, theirs in zip(one, other, strict=True):
                memory.add_prediction(replace(ours, decoder_bytes=1000), model, "a")
                memory.add_prediction(replace(theirs, decoder_bytes=500), model, "b, c")
    newest = memory.timeline.record().newest
    assert newest.num_clips == 12
    assert newest.video_seconds == 12.0
    assert newest.l_mem == 3 + 1
    assert newest.state_bytes == ours.state_bytes + theirs.state_bytes
    assert newest.decoder_bytes == 500  # that of the video that ended before is gone
    assert ("full", "a: Full: each new clip takes the place of the oldest of 3") in said(memory)
    sizes = {"a": ours.state_bytes, "b, c": theirs.state_bytes}
    rows = list(csv.DictReader(logs[0].read_text().splitlines()))
    assert {f"state_bytes of {name}": str(size) for name, size in sizes.items()}.items() <= (
        rows[-1].items()
    )
    lines = [json.loads(line) for line in logs[1].read_text().splitlines()]
    assert lines[-1]["streams"] == sizes
    assert lines[-1]["state_bytes"] == sum(sizes.values())
