"""What teaching costs is measured on what it says; how much that is, is no test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

from tests.models.fam_on_features import make_backbone
from vidmem.bench.teach import bench as teach_bench
from vidmem.bench.teach.bench import TeachBench, TeachBenchSize, bench_as_markdown, bench_teach
from vidmem.bench.teach.invented import BEHAVIOURS, invented_video, load_encoder
from vidmem.bench.teach.peak import PeakWatch
from vidmem.errors import StorageError
from vidmem.models import Backbone, FeatureConfig, FeatureStore
from vidmem.models.features import encoder as encoders
from vidmem.plain import to_json
from vidmem.teaching import LearnConfig, SplitConfig, TeachConfig, linear, warm_start
from vidmem.teaching.encoding import encode_video
from vidmem.teaching.report import insight

CONFIG = TeachConfig(
    features=FeatureConfig(backbone="tiny", cell_components=3, frame_components=4),
    feature_fps=2.0,
    memory_seconds=1.0,
    reach_seconds=0.5,
    context_seconds=4.0,
    split=SplitConfig(gap_seconds=0.5),
    learn=LearnConfig(steps=2, batch=2, segment_seconds=4, check_every=1),
)
SIZE = TeachBenchSize(
    minutes=1.0, video_seconds=4.0, width=64, height=36, num_rounds=1, short_minutes=1.0
)


@pytest.fixture(scope="module", autouse=True)
def here():
    """The only image encoder of this machine, and linear heads that are fitted in no time."""

    def load(name, *, tokens_per_frame, preprocessing=None):
        backbone = make_backbone()
        pictures = preprocessing or backbone.preprocessing
        config = replace(backbone.config, preprocessing=pictures, tokens_per_frame=tokens_per_frame)
        return Backbone(config, backbone.encoder).eval()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoders, "load_backbone", load)
        patch.setattr(warm_start, "CORRECTION", CONFIG.learn)
        patch.setattr(linear, "STRENGTHS", (0.1,))
        patch.setattr(linear, "NUM_FOLDS", 2)
        patch.setattr(insight, "BUDGET_SECONDS", ())
        yield


@pytest.fixture(scope="module")
def made():
    """One run of all, and what was said meanwhile."""
    said: list[str] = []
    threads = torch.get_num_threads()
    measured = bench_teach(CONFIG, SIZE, said.append)
    assert torch.get_num_threads() == threads
    return measured, said


def test_invented_features_are_found_as_those_of_the_video():
    encoder = load_encoder(CONFIG.features)
    with invented_video(CONFIG, 2.0, encoder) as video:
        features = encode_video(
            video.path, encoder, fps=CONFIG.fps, store=video.store, progress=lambda _: 1 / 0
        )
        assert len(features) == video.num_feature_frames == 240
        assert features.duration_seconds == 120
        seconds = [one.end_seconds - one.start_seconds for one in video.labels.bouts]
        assert sum(seconds) == video.labelled_seconds == 60
        more = set(video.more_labels.bouts) - set(video.labels.bouts)
        assert set(video.labels.bouts) < set(video.more_labels.bouts)
        assert 0 < sum(one.end_seconds - one.start_seconds for one in more) <= 30
        assert {one.behaviour for one in video.labels.bouts} == set(BEHAVIOURS)
        on_disk = sum(path.stat().st_size for path in video.path.parent.rglob("*.npy"))
        assert abs(on_disk - video.num_bytes) < 2000
        folder = video.path.parent
    assert not folder.exists()


def test_the_behaviour_shows_in_invented_features():
    encoder = load_encoder(CONFIG.features)
    with invented_video(CONFIG, 1.0, encoder) as video:
        features = encode_video(video.path, encoder, fps=CONFIG.fps, store=video.store)
        tokens = features.raw.tokens.float().flatten(1).numpy()
        bouts = np.floor(features.times_seconds.numpy() / 5).astype(int)
    means = np.stack([tokens[bouts == bout].mean(0) for bout in range(12)])
    apart = np.linalg.norm(means[:, None] - means[None], axis=2)
    is_same = np.arange(12)[:, None] % 3 == np.arange(12)[None] % 3
    assert apart[is_same & ~np.eye(12, dtype=bool)].mean() < apart[~is_same].mean()


def test_without_room_nothing_is_written(monkeypatch):
    monkeypatch.setattr(FeatureStore, "_free_bytes", lambda self: 1000)
    with (
        pytest.raises(StorageError, match=r"the disk has 1\.0 kB free"),
        invented_video(CONFIG, 1.0, load_encoder(CONFIG.features)),
    ):
        pass


def test_the_peak_is_of_what_was_held_meanwhile():
    with PeakWatch() as watch:
        held = np.ones(40 << 20, np.uint8)
        meanwhile = psutil.Process().memory_info().rss
    assert watch.peak.resident_bytes > meanwhile - held.nbytes / 2
    assert watch.peak.own_bytes is None or watch.peak.own_bytes <= watch.peak.resident_bytes


def test_each_part_of_encoding_is_measured(made):
    encoding = made[0].encoding
    assert (encoding.width, encoding.height, encoding.video_seconds) == (64, 36, 4.0)
    assert encoding.num_feature_frames == 4 * CONFIG.feature_fps
    shares = made[0].as_dict()["encoding"]["shares"]
    assert list(shares) == ["decoding", "pictures", "encoder", "motion"]
    assert min(shares.values()) > 0
    assert encoding.encoder_ms == 1000 * encoding.encoder_seconds / 8


def test_a_lesson_is_of_the_length_that_was_wanted(made):
    (one,) = made[0].lessons
    assert (one.model, one.minutes, one.labelled_seconds) == ("spool", 1.0, 30.0)
    assert one.num_feature_frames == 60 * CONFIG.feature_fps
    assert 0 < one.preparing_seconds < one.seconds
    assert 0 <= one.num_steps <= CONFIG.learn.steps
    assert one.peak.resident_bytes > one.feature_bytes
    assert 0 < one.correction_preparing_seconds < one.correction_seconds
    assert made[0].as_dict()["lessons"][0]["correction_share"] == one.correction_share


def test_hours_come_first_and_all_that_is_written_is_said_before(monkeypatch):
    done = []
    monkeypatch.setattr(
        teach_bench, "bench_lesson", lambda config, minutes, encoder: done.append(minutes)
    )
    monkeypatch.setattr(teach_bench, "teach_briefly", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench_teach(CONFIG, replace(SIZE, hours=10), done.append)
    assert (done[1], done[3]) == (600, 1)
    assert "95.9 MB of invented features of 10 h of video" in done[0]
    assert "of 1 min of video" in done[2]
    assert "deleted afterwards" in done[2]


def test_both_models_stream_with_all_that_they_remember(made):
    spool, fam = made[0].streams
    assert (spool.model, fam.model) == ("spool", "fam")
    assert fam.num_remembered == 1.0 / 0.5
    for one in (spool, fam):
        assert one.clip_seconds == 0.5
        assert one.times_real_time == 4.0 / one.seconds
        assert one.temporal_share == one.temporal_seconds / one.encoder_seconds > 0


def test_a_table_and_json_have_all_of_it(made):
    measured: TeachBench = made[0]
    table = bench_as_markdown(measured)
    assert table.startswith("tiny, 2 feature frames per second; ")
    for words in (
        "64 x 36 H.264",
        "image encoder alone",
        "1 min of cached",
        "correction on top",
        "FAM Swin taught",
    ):
        assert table.count(words) == 1, words
    assert all(line.count("|") == 3 for line in table.splitlines()[2:])
    assert to_json(measured.as_dict()).count("times_real_time") == 3
