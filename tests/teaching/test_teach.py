"""From labels and a video to a model, its folder, its stream and its report."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import vidmem
from tests.teaching.footage import CONFIG, FPS, LABELS, SECONDS, write_damaged_video
from tests.teaching.invented import ETHOGRAM
from tests.teaching.taught import as_taught, judged
from vidmem.errors import LabelError, SettingError, StorageError, VideoNotFoundError
from vidmem.labels import Bout, Labels
from vidmem.models import FeatureStore, ModelCard, Reduction
from vidmem.models.features import encoder as encoders
from vidmem.streaming import StreamSettings
from vidmem.teaching.encoding import CancelledError, EncodingCancelledError, encode_video
from vidmem.teaching.learners import LEARNERS
from vidmem.teaching.lessons import (
    MaterialRequest,
    expected_videos,
    find_videos,
    gather,
)
from vidmem.teaching.preview import preview_teaching
from vidmem.teaching.report.report import read_report
from vidmem.teaching.splits import SplitConfig
from vidmem.teaching.teach import TeachConfig, teach

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture(scope="module")
def damaged_video(tmp_path_factory):
    path = tmp_path_factory.mktemp("footage") / "damaged.mp4"
    write_damaged_video(path)
    return path


def watched(video, model, **options):
    return torch.tensor([one.probabilities for one in vidmem.watch(video, model, **options)])


def random_fam(encoder):
    """One whose memory matters."""
    card = ModelCard(
        name="random",
        title="Random",
        class_names=("lying", "standing"),
        fps=CONFIG.fps,
        clip_frames=CONFIG.clip_frames,
        window_stride=CONFIG.clip_frames,
        **vars(encoder.backbone.preprocessing),
    )
    torch.manual_seed(0)
    facts = replace(CONFIG.facts(card), features=encoder.config, encoder=encoder)
    model = LEARNERS["fam"].make(facts).network.eval()
    for name, parameter in model.named_parameters():
        if not name.startswith("encoder"):
            torch.nn.init.normal_(parameter, std=0.3)
    for attention in model.memory.values():
        torch.nn.init.constant_(attention.gate, 2.0)
    return model


def test_a_damaged_video_is_taught_as_it_is_streamed(damaged_video, store):
    encoder = encoders.FeatureEncoder(
        CONFIG.features, encoders.load_backbone("tiny", tokens_per_frame=36)
    )
    features = encode_video(damaged_video, encoder, fps=FPS, store=store)
    assert [gap.start_seconds for gap in features.gaps] == pytest.approx([13 / 8, 29 / 8])
    encoder.reduction = Reduction.fit(encoder.config, features.raw)
    model = random_fam(encoder)
    _, values, rows = as_taught(features, model)
    # Two stand for what is damaged; the group that breaks off, and one more, fill up the clip.
    assert np.flatnonzero(rows.is_repeated).tolist() == [6, 7, 14, 15]
    assert rows.features[rows.is_repeated].tolist() == [5, 5, 11, 11]
    got = watched(damaged_video, model)
    assert len(got) == len(values) / 2 == 8 + 8
    torch.testing.assert_close(got, judged(features, model), rtol=0.05, atol=0.02)
    assert got.std(0).min() > 0.05
    forgetful = watched(damaged_video, model, l_mem=0)
    assert (got - forgetful).abs()[8:11].max() > 0.05  # what lies before the gap is remembered


@pytest.mark.parametrize("name", ["spool", "fam"])
def test_a_taught_model_is_a_model(name, video, store, tmp_path, monkeypatch):
    stages = []
    # However little it helps on so few labels, something is learnt, so that it is tried as well.
    monkeypatch.setattr("vidmem.teaching.learning.LEAST_GAIN", -1.0)
    model, report = teach(
        LABELS, video, model=name, config=CONFIG, store=store, progress=stages.append
    )
    assert report.chosen.num_steps[0] > 0
    assert report.macro_f1 > 0.9
    assert report.baselines["linear"] > 0.9 > report.baselines["majority"]
    assert any(one.split for one in stages)
    quick = [one for one in stages if one.quick_f1 is not None]
    linear = max(report.baselines[name] for name in ("linear", "window"))
    assert [one.quick_f1 for one in quick] == [linear]
    assert not any("learn" in one.stage for one in stages[: stages.index(quick[0])])
    # What was said before anything was opened is what was done, but for the edges of frames.
    ahead = preview_teaching(LABELS, {"pen.mp4": SECONDS}, replace(CONFIG, model=name)).split
    assert ahead.words() == report.split.words()
    assert all(0 <= one.done <= 1 for one in stages)
    vidmem.save(model, tmp_path)
    loaded = vidmem.load(str(tmp_path))
    assert loaded.card == model.card
    assert loaded.card.class_names == ("lying", "standing")
    got = watched(video, loaded)
    assert len(got) == SECONDS * 2
    weights = model.state_dict()
    assert all(torch.equal(one, weights[key]) for key, one in loaded.state_dict().items())
    # Stored in half precision, features differ a little.
    features = encode_video(video, loaded.encoder, fps=loaded.card.fps, store=store)
    torch.testing.assert_close(got, judged(features, loaded), rtol=0.05, atol=0.02)
    said = np.arange(SECONDS * 2) // 5 % 2
    assert (got.argmax(1).numpy() == said)[: (SECONDS - 5) * 2].mean() > 0.9


def test_a_report_is_plain_whole_and_told_in_words(video, store, tmp_path):
    config = replace(CONFIG, has_baselines=True, num_seeds=2, name="my pens")
    model, report = teach(LABELS, video, config=config, store=store)
    report.write(tmp_path)
    found = read_report(tmp_path)
    assert found == json.loads((tmp_path / "report.json").read_text())
    names = [one["name"] for one in found["candidates"]]
    assert names == ["spool", "gru", "cbas", "window", "linear"]
    assert set(found["baselines"]) == {"majority", *names[1:]}
    assert len(found["candidates"][0]["seeds"]) == 2
    assert [one["words"].split(":")[0] for one in found["memory"]["rows"]] == [
        "off",
        "half",
        "full",
    ]
    assert found["learning_curve"][-1]["seconds"] > found["learning_curve"][0]["seconds"] - 1
    assert 0 <= found["calibration"][0]["estimated_accuracy"] <= 1
    nexts = found["label_next"]
    assert all(one["start_seconds"] >= SECONDS - 10 for one in nexts)
    assert set(found["split"]["seconds"]) == {"learn", "stop", "test"}
    assert found["verdict"][0].startswith("posture: ")
    assert all(math.isfinite(value) for value in _numbers(found))
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# my pens: how good it is")
    for heading in ("Beside the baselines", "posture", "With less memory", "How sure it is"):
        assert f"## {heading}" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
    assert model.card.name == "my pens"


def _numbers(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for one in value for number in _numbers(one)]
    return [value] if isinstance(value, float) else []


def test_the_same_seed_teaches_the_same_model(video, store):
    torch.manual_seed(3)
    one = teach(LABELS, video, config=CONFIG, store=store)[0].state_dict()
    torch.manual_seed(4)
    other = teach(LABELS, video, config=CONFIG, store=store)[0].state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_cancelled_while_it_learns_its_features_stay(video, tmp_path, monkeypatch):
    store, told = FeatureStore(folder=tmp_path), []
    with pytest.raises(EncodingCancelledError):
        teach(LABELS, video, config=CONFIG, store=store, is_cancelled=lambda: True)
    with pytest.raises(CancelledError):
        teach(
            LABELS,
            video,
            config=CONFIG,
            store=store,
            progress=told.append,
            is_cancelled=lambda: bool(told) and told[-1].stage.startswith("Spool"),
        )
    monkeypatch.setattr("vidmem.teaching.encoding.open_file_feed", None)  # nothing is decoded again
    with pytest.raises(CancelledError):
        teach(LABELS, video, config=CONFIG, store=store, is_cancelled=lambda: True)


def said(*bouts, base=LABELS):
    return Labels(ETHOGRAM, bouts) if base is None else base.add(*bouts)


def lying(start, end, video="pen.mp4", what="lying"):
    return Bout(video, start, end, what)


def test_a_video_is_found_by_its_name_with_or_without_ending(tmp_path):
    (tmp_path / "day 1").mkdir()
    for name in ("pen.mp4", "pen.csv", "pen.srt", "pen.boris", "pen.predictions.csv", "sty.mkv"):
        (tmp_path / "day 1" / name).touch()
    for name in ("pen.mp4", "pen", "day 1/pen.mp4"):
        labels = Labels(ETHOGRAM, (lying(0, 1, name),))
        assert find_videos(labels, tmp_path) == {name: tmp_path / "day 1" / "pen.mp4"}
    twice = Labels(ETHOGRAM, (lying(0, 1, "pen"), lying(0, 1, "pen.mp4")))
    with pytest.raises(VideoNotFoundError, match=r"pen and pen\.mp4 of the labels are one file"):
        find_videos(twice, tmp_path)
    (tmp_path / "pen.avi").touch()
    with pytest.raises(VideoNotFoundError, match=r"may be any of .*pen\.avi"):
        find_videos(Labels(ETHOGRAM, (lying(0, 1, "pen"),)), tmp_path)


TOO_LITTLE = {
    "no label": (Labels(ETHOGRAM), LabelError, "have no bout of a state"),
    "one class": (said(lying(0, 2), lying(9, 12), base=None), LabelError, "all labels of posture"),
    "one bout": (
        said(lying(0, 2), lying(9, 12), lying(2, 9, what="standing"), base=None),
        LabelError,
        "standing has one bout",
    ),
    "outside": (said(lying(50, 60)), LabelError, "ends after the video, which lasts 40.0 s"),
    "of another video": (said(lying(0, 1, "barn.mp4")), VideoNotFoundError, "barn.mp4"),
    "between frames": (
        said(lying(36.0, 36.05, what="nursing"), lying(37.0, 37.05, what="nursing"),
             lying(38.0, 39, what="eating"), lying(39.2, 39.8, what="eating")),
        LabelError,
        "the bouts of nursing lie between the frames",
    ),
    "too short": (
        said(*(lying(at, at + 0.5, what=("lying", "standing")[int(at * 2) % 2])
               for at in (0.0, 0.5, 1.0, 1.5)), base=None),
        LabelError,
        "label more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOO_LITTLE)
def test_labels_that_cannot_teach_are_refused_before_anything_is_encoded(
    case, video, tmp_path, monkeypatch
):
    labels, error, words = TOO_LITTLE[case]
    monkeypatch.setattr("vidmem.teaching.lessons.encode_video", None)
    with pytest.raises(error, match=words):
        teach(labels, video.parent, config=CONFIG, store=FeatureStore(folder=tmp_path))


def test_labels_that_contradict_each_other_are_never_labels():
    with pytest.raises(LabelError):
        Labels(ETHOGRAM, (lying(0, 5), lying(3, 8, what="standing")))


def test_a_video_that_changed_is_encoded_anew(video, tmp_path):
    copy = tmp_path / "pen.mp4"
    shutil.copy(video, copy)
    store, told = FeatureStore(folder=tmp_path / "features"), []

    def start():
        teach(
            LABELS,
            copy,
            config=CONFIG,
            store=store,
            progress=told.append,
            is_cancelled=lambda: bool(told) and told[-1].stage.startswith("Spool"),
        )

    with pytest.raises(CancelledError):
        start()
    copy.write_bytes(copy.read_bytes() + b"\0" * 100)
    told.clear()
    with pytest.raises(CancelledError):
        start()
    assert told[0].stage == "encoding pen.mp4"


def test_no_room_for_features_is_said_before_anything_is_encoded(video, tmp_path):
    store, told = FeatureStore(folder=tmp_path / "features", max_bytes=1000), []
    with pytest.raises(StorageError, match="do not fit"):
        teach(LABELS, video, config=CONFIG, store=store, progress=told.append)
    assert not told


def test_features_are_fitted_without_the_videos_that_are_kept_to_test_with(video, store, tmp_path):
    sources = {"pen.mp4": video, "kept.mp4": tmp_path / "kept.mp4"}
    shutil.copy(video, sources["kept.mp4"])
    labels = LABELS.add(*(replace(one, video="kept.mp4") for one in LABELS.bouts))
    request = MaterialRequest(
        features=CONFIG.features,
        feature_fps=CONFIG.feature_fps,
        split=SplitConfig(method="videos", test_videos="kept*", gap_seconds=0.5),
    )
    material = gather(
        labels,
        sources,
        request,
        expected=expected_videos(labels, sources, request),
        store=store,
        progress=lambda *_: None,
        is_cancelled=bool,
    )
    assert material.split.tested_only == {"kept.mp4"}
    encoder = material.encoder
    alone = encode_video(video, encoder, fps=FPS, store=store)
    # Of few frames all are fitted to.
    wanted = Reduction.fit(encoder.config, alone.raw).state_dict()
    got = encoder.reduction.state_dict()
    assert all(torch.equal(got[name], one) for name, one in wanted.items())


def test_videos_that_do_not_fit_together_are_refused_before_the_first_is_encoded(video, tmp_path):
    shutil.copy(video, tmp_path / "other.mp4")
    with (tmp_path / "other.mp4").open("ab") as file:
        file.write(b"another one")
    sources = {"pen.mp4": video, "other.mp4": tmp_path / "other.mp4"}
    labels = LABELS.add(*(replace(one, video="other.mp4") for one in LABELS.bouts))
    one = SECONDS * FPS // 2 * (36 * 12 * 2 + 37 * 3 * 4 + 24)  # tokens, motion and times
    store, told = FeatureStore(folder=tmp_path / "features", max_bytes=round(1.5 * one)), []
    with pytest.raises(StorageError, match="do not fit"):
        teach(labels, sources, config=CONFIG, store=store, progress=told.append)
    assert not told

    class HeardError(Exception):
        pass

    def hear(progress):
        raise HeardError

    store = replace(store, max_bytes=round(2.2 * one))
    with pytest.raises(HeardError):
        teach(labels, sources, config=CONFIG, store=store, progress=hear)


def test_an_encoder_that_is_not_here_is_said(video, tmp_path, monkeypatch):
    monkeypatch.undo()
    features = replace(CONFIG.features, backbone=str(tmp_path / "nothing"))
    with pytest.raises(vidmem.VidmemError, match="nothing"):
        teach(LABELS, video, config=replace(CONFIG, features=features))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gru"},
        {"feature_fps": 0.1},
        {"num_seeds": 0},
        {"seed": -1},
        {"seed": 2**32},
        {"clip_seconds": 0},
        {"memory_seconds": -1},
        {"reach_seconds": 9.0, "context_seconds": 8.0},
    ],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(SettingError):
        TeachConfig(**fields)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"clip_seconds": 60}, r"clip_frames must be .* got 480.*clip_seconds \(60\)"),
        ({"model": "fam", "memory_seconds": 200}, r"l_mem must be .*memory_seconds \(200\)"),
        ({"reach_seconds": 20, "context_seconds": 40}, r"reach_seconds \(20\), context_seconds"),
    ],
)
def test_what_no_stream_could_use_is_refused_before_anything_is_encoded(
    video, tmp_path, fields, sentence
):
    config, told = replace(CONFIG, **fields), []
    store = FeatureStore(folder=tmp_path / "features")
    with pytest.raises(SettingError, match=sentence):
        teach(LABELS, video, config=config, store=store, progress=told.append)
    assert not told and not store.num_bytes


@pytest.mark.parametrize("clip_seconds", [0.4, 1.0, 5.0])
def test_a_window_holds_all_that_a_clip_sees(clip_seconds):
    config = TeachConfig(clip_seconds=clip_seconds)
    frames = config.clip_frames
    card = ModelCard(
        name="tiny",
        title="Tiny",
        class_names=("a", "b"),
        fps=10,
        clip_frames=frames,
        window_stride=frames,
    )
    settings = StreamSettings.for_model(LEARNERS["spool"].make(config.facts(card)).network)
    # What is judged last lies in the middle, with all that its heads see before and after it.
    before = settings.l_mem - settings.latency_clips
    assert min(before, settings.latency_clips) * frames / 10 >= 1.0


def test_parts_are_as_far_apart_as_the_model_sees():
    assert TeachConfig(model="fam", memory_seconds=20).apart.gap_seconds >= 20
    assert TeachConfig(model="spool").apart.gap_seconds == TeachConfig().split.gap_seconds
    assert TeachConfig(feature_fps=4.0, clip_seconds=0.5).clip_frames == 4
