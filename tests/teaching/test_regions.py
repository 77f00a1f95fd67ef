"""Several pens in one picture: one model learns from all, and answers for each by itself."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest
import torch

from tests.teaching.invented import ETHOGRAM, alternating
from tests.teaching.taught import judged, load_tiny
from vidmem.errors import LabelError, SettingError
from vidmem.labels import Bout, Labels, Span
from vidmem.models import FeatureConfig, FeatureStore
from vidmem.models.features import encoder as encoders
from vidmem.streaming import Region, RegionFeeds, StreamPool
from vidmem.teaching import encoding, lessons
from vidmem.teaching.encoding import encode_regions
from vidmem.teaching.learning import LearnConfig
from vidmem.teaching.splits import SplitConfig
from vidmem.teaching.subjects import assign, checked_regions, read_regions
from vidmem.teaching.teach import TeachConfig, teach

SECONDS, FPS = 24, 8
SIDE = 48
LEFT, RIGHT = Region("sow 7", 0, 0, 0.5, 1), Region("sow 9", 0.5, 0.25, 0.5, 0.75)
EMPTY = Region("gate", 0.25, 0, 0.5, 0.5)
BOUT_SECONDS = {"sow 7": 2.5, "sow 9": 4.0}


def bouts_of(subject):
    bouts = alternating(SECONDS, BOUT_SECONDS[subject], name="pens.mp4")
    return tuple(one.changed(subject=subject) for one in bouts)


LABELS = Labels(ETHOGRAM, (*bouts_of("sow 7"), *bouts_of("sow 9")))
CONFIG = TeachConfig(
    features=FeatureConfig(backbone="tiny", cell_components=3, frame_components=4),
    feature_fps=FPS / 2,
    reach_seconds=0.5,
    context_seconds=4.0,
    split=SplitConfig(gap_seconds=0.5),
    learn=LearnConfig(steps=2, batch=2, segment_seconds=4, check_every=2),
    has_baselines=False,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A light square in each pen, left while its sow lies and right while she stands."""
    path = tmp_path_factory.mktemp("footage") / "pens.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 2 * SIDE, 2 * SIDE, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for number in range(SECONDS * FPS):
            picture = np.full((2 * SIDE, 2 * SIDE, 3), 40, np.uint8)
            for pen, bout in enumerate(BOUT_SECONDS.values()):
                is_standing = int(number / FPS / bout) % 2
                start = pen * SIDE + (28 if is_standing else 4) + int(rng.integers(0, 6))
                picture[48:72, start : start + 12] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return FeatureStore(folder=tmp_path_factory.mktemp("features"))


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """The only image encoder of this machine, and linear heads that are fitted at once."""
    monkeypatch.setattr(encoders, "load_backbone", load_tiny)
    monkeypatch.setattr("vidmem.teaching.linear.STRENGTHS", (0.3,))
    monkeypatch.setattr("vidmem.teaching.report.insight.NUM_DRAWS", 1)


@pytest.fixture
def openings(monkeypatch):
    """Decoders that encoding starts."""
    started, opener = [], encoding.open_file_feed

    def counting(request):
        started.append(request)
        return opener(request)

    monkeypatch.setattr(encoding, "open_file_feed", counting)
    return started


def test_a_model_of_all_pens_answers_for_each_as_it_was_taught(video, store, openings):
    regions, stages = (LEFT, RIGHT, EMPTY), []
    model, report = teach(
        LABELS, video, config=CONFIG, regions=regions, store=store, progress=stages.append
    )
    assert len(openings) == 1  # all regions go together
    assert stages[0].stage == "encoding 3 regions of pens.mp4"
    scores = {one.subject: one for one in report.subjects}
    assert set(scores) == {"sow 7", "sow 9"}
    assert all(one.macro_f1[0] > 0.9 for one in scores.values() if one.tested_seconds)
    assert scores["sow 9"].labelled_seconds == SECONDS
    tested = sum(one.tested_seconds for one in report.subjects)
    assert tested == pytest.approx(report.split.seconds["test"])
    assert report.facts["subjects"] == "gate, sow 7, sow 9"
    assert "sow 9 at 0.5,0.25,0.5,0.75" in report.facts["regions"]
    assert "of regions of the picture (sow 7, sow 9, gate)" in model.card.trained_on
    found = report.as_dict()
    assert {one["subject"] for one in found["split"]["pieces"]} == {"sow 7", "sow 9"}
    assert all(one["subject"] == "gate" for one in found["label_next"])  # the rest is labelled
    assert "## Each subject" in report.markdown()

    got = {region.name: [] for region in regions}
    with RegionFeeds(video, regions) as feeds, StreamPool(model) as pool:
        for region in regions:
            pool.add(region.name, video, open_feed=feeds.open_feed(region))
        for name, prediction in pool:
            got[name].append(prediction.probabilities)
    features = encode_regions(
        video, model.encoder, regions=regions, fps=model.card.fps, store=store
    )
    assert len(openings) == 1
    for name, probabilities in got.items():
        want = judged(features[name], model)
        # Stored in half precision, features differ a little.
        torch.testing.assert_close(torch.tensor(probabilities), want, rtol=0.05, atol=0.02)


def test_a_tested_subject_is_seen_by_nothing(video, store, monkeypatch):
    """Nor are its features without their labels, nor that of its region in other videos."""
    fitted, some_frames = [], lessons._some_frames

    def noting(seen):
        fitted.extend(seen)
        return some_frames(seen)

    monkeypatch.setattr(lessons, "_some_frames", noting)
    split = SplitConfig(method="subjects", test_subjects="*9", gap_seconds=0.5)
    _, report = teach(
        LABELS, video, config=replace(CONFIG, split=split), regions=(LEFT, RIGHT), store=store
    )
    assert report.split.method == "whole subjects left out (sow 9)"
    assert {one.subject for one in report.split.pieces if one.part == "test"} == {"sow 9"}
    assert {one.subject for one in report.split.learnt} == {"sow 7"}
    assert len(fitted) == 1
    assert [one.macro_f1 for one in report.subjects if one.subject == "sow 7"] == [(None,)]


def test_one_region_is_a_zoom_for_labels_of_no_one(video, store):
    labels = Labels(ETHOGRAM, tuple(one.changed(subject="") for one in bouts_of("sow 9")))
    pen = replace(RIGHT, name="pen")
    _, report = teach(labels, video, config=CONFIG, regions=[pen], store=store)
    assert report.macro_f1 > 0.9
    assert report.facts["subjects"] == "pen"
    assert not report.subjects


def said(*whose, video="a.mp4"):
    return Labels(ETHOGRAM, tuple(Bout(video, 0, 1, "lying", subject=one) for one in whose))


def assigned(labels, regions=None, subject=None):
    sources = {track.video: video_path(track.video) for track in labels.tracks}
    return assign(labels, sources, subject, checked_regions(regions))


def video_path(name):
    return f"/{name}"


def test_each_region_is_a_part_of_its_own_whether_it_has_labels_or_not():
    found = assigned(said("sow 7"), [LEFT, RIGHT])
    assert [(one.name, one.subject, one.region) for one in found.parts] == [
        ("a.mp4", "sow 7", LEFT),
        ("a.mp4", "sow 9", RIGHT),
    ]
    found = assigned(said("sow 7", "sow 9", "sow 11"), [LEFT, RIGHT], "sow 9")
    assert [one.subject for one in found.parts] == ["sow 9"]
    assert found.labels.subjects == ("sow 9",)


def test_each_video_may_have_regions_of_its_own():
    labels = Labels(ETHOGRAM, (*said("sow 7").bouts, *said("sow 9", video="b.mp4").bouts))
    found = assigned(labels, {"a*": [LEFT], "b.mp4": [RIGHT], "c*": [EMPTY]})
    assert [(one.name, one.subject) for one in found.parts] == [
        ("a.mp4", "sow 7"),
        ("b.mp4", "sow 9"),
    ]
    for regions in ({"a*": [LEFT]}, {"*": [LEFT, RIGHT], "b*": [RIGHT]}):
        with pytest.raises(SettingError, match=r"the regions of b\.mp4 are"):
            assigned(labels, regions)


def test_without_regions_a_video_is_of_the_one_that_its_labels_name():
    labels = Labels(ETHOGRAM, (*said("sow 7").bouts, *said("sow 9", video="b.mp4").bouts))
    assert [one.subject for one in assigned(labels).parts] == ["sow 7", "sow 9"]
    assert [one.subject for one in assigned(labels, subject="sow 7").parts] == ["sow 7"] * 2
    assert [one.subject for one in assigned(said("")).parts] == [""]


@pytest.mark.parametrize(
    ("labels", "options", "error", "sentence"),
    [
        (said("sow 7", "sow 9"), {}, LabelError, r"a\.mp4 are of several animals \(sow 7, sow 9\)"),
        (said("sow 7"), {"subject": "boar"}, SettingError, "the labels say nothing of 'boar'"),
        (said(""), {"regions": [LEFT, RIGHT]}, LabelError, "do not say whose they are"),
        (said("", "sow 7"), {"regions": [LEFT]}, LabelError, "do not say whose they are"),
        (said("sow 7", "x"), {"regions": [LEFT]}, LabelError, "are also of x, and no region"),
        (said("x"), {"regions": [LEFT], "subject": "x"}, SettingError, "no region is called x"),
        (said("sow 7"), {"regions": []}, SettingError, "regions must be 1 to 64, got 0"),
        (said("sow 7"), {"regions": {}}, SettingError, "regions must be 1 to 64, got 0"),
        (said("sow 7"), {"regions": [LEFT, LEFT]}, SettingError, "two regions 'sow 7'"),
    ],
)
def test_who_is_where_must_be_clear(labels, options, error, sentence):
    with pytest.raises(error, match=sentence):
        assigned(labels, **options)


def test_what_was_scored_and_was_not_is_of_the_only_region_too():
    labels = said("").mark_scored(Span("a.mp4", 2, 3)).mark_not_scored(Span("a.mp4", 4, 5))
    found = assigned(labels, [LEFT]).labels
    assert found.subjects == ("sow 7",)
    assert len(found.scored) == len(labels.scored)
    assert len(found.not_scored) == len(labels.not_scored)


def test_a_file_has_regions_for_all_videos_or_for_each(tmp_path):
    one = {"name": "sow 7", "left": 0, "top": 0, "width": 0.5, "height": 1}
    path = tmp_path / "pens.json"
    path.write_text(json.dumps([one]))
    assert read_regions(path) == {"*": (LEFT,)}
    path.write_text(json.dumps({"a*": [one]}))
    assert read_regions(path) == {"a*": (LEFT,)}
    for wrong in ("{", "3", '{"a*": 3}', '[{"name": "sow 7"}]'):
        path.write_text(wrong)
        with pytest.raises(SettingError, match=r"pens\.json"):
            read_regions(path)
    with pytest.raises(SettingError, match="cannot be read"):
        read_regions(tmp_path / "none.json")


def test_a_region_that_is_too_small_is_said_before_anything_is_encoded(video, store, openings):
    tiny = replace(LEFT, width=0.02)
    with pytest.raises(SettingError, match="at least 8 x 8 pixels"):
        teach(LABELS, video, config=CONFIG, regions=[tiny, RIGHT], store=store)
    assert not openings
