"""Hours of video cost what minutes do."""

from __future__ import annotations

import gc

import pytest

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from tests.streaming.test_spool_stream import make_model
from vidmem.profiling import ProcessGauge
from vidmem.streaming import BoutTracker, Engine, RunFiles, ScoreMerger, StreamSettings


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make_model", "changes", "num_clips"),
    [(FakeModel, {"window_stride": 2}, 3_000), (make_model, {}, 400)],
    ids=["fam-swin", "spool"],
)
def test_many_clips_leave_nothing_behind(tmp_path, make_model, changes, num_clips):
    model = make_model()
    files = RunFiles(out=tmp_path / "predictions.csv", state_path=tmp_path / "state")
    settings = StreamSettings.for_model(model, **changes)
    feeds = FakeVideo(10**9, max_calls=5)
    gauge = ProcessGauge()
    merger, tracker = ScoreMerger(), BoutTracker(3, max_bouts=20)
    with Engine(source_file(tmp_path), model, settings, files=files, open_feed=feeds) as engine:

        def run(num_clips):
            for _ in range(num_clips):
                for settled in next(engine).settled:
                    for moment in merger.add(settled):
                        tracker.add(moment)
            gc.collect()
            return len(gc.get_objects()), gauge.resident_bytes()

        run(300)
        objects_before, bytes_before = run(300)
        objects_after, bytes_after = run(num_clips)
    assert objects_after - objects_before < num_clips / 3  # one left a clip is three times that
    assert bytes_after - bytes_before < 4_000_000
