"""What the rounds of `kill_teaching` are, and that damage is seen: the rounds are for a command."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
import torch

import vidmem
from tests.app.tiny_spool import make_tiny_spool
from tests.teaching.kill_teaching import REVIEWING, STAGES, plan, span_of
from tests.teaching.whole import Inspector
from vidmem.models import FeatureStore
from vidmem.models.features.storage.key import FeatureKey
from vidmem.projects import Project

UNFINISHED = ".teaching-" + "0" * 32


@pytest.fixture
def project(tmp_path):
    """With features of a video and a model, all whole."""
    with Project.create(tmp_path / "project") as project:
        store = FeatureStore(folder=project.features_folder)
        video = tmp_path / "pen.mp4"
        video.write_bytes(b"video")
        writer = store.writer(FeatureKey.of(video, {}))
        assert writer is not None
        with writer:
            writer.append({"tokens": torch.ones(4, 3)})
            writer.sync()
        folder = project.models_folder / "whole"
        vidmem.save(make_tiny_spool(), folder)
        (folder / "report.json").write_text('{"macro_f1": 0.8}')
        (folder / "taught.json").write_text('{"job": "x"}')
        yield project


def test_every_stage_has_its_turn_and_both_are_killed_in_it():
    rounds = plan(20)
    assert set(Counter(one.stage for one in rounds).values()) == {5}
    for stage in STAGES:
        assert {one.is_app for one in rounds if one.stage == stage} == {True, False}
    assert all(one.is_app for one in rounds if one.stage == REVIEWING)
    spans = [span_of(number)[:2] for number in range(600)]
    assert all(end < start for (_, end), (start, _) in pairwise(spans))


def test_what_is_damaged_is_seen(project):
    inspector = Inspector(project.folder)
    whole = {"labels": [], "features": [], "models": []}
    assert inspector.damage(is_teaching=False) == whole
    (tokens,) = project.features_folder.rglob("tokens.npy")
    content = tokens.read_bytes()
    (project.models_folder / UNFINISHED).mkdir()
    half = project.models_folder / "half"
    half.mkdir()
    (half / "config.json").write_text((half.parent / "whole" / "config.json").read_text())
    tokens.write_bytes(content[:-1])
    found = inspector.damage(is_teaching=True)
    assert "ends early" in found["features"][0]
    assert [one.split(":")[0] for one in found["models"]] == ["Tiny Spool"]
    assert len(inspector.damage(is_teaching=False)["models"]) == 2
