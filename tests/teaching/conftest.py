"""What tests of teaching share: a small video, a store of features, and a tiny image encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.models.fam_on_features import make_backbone
from tests.teaching.footage import write_video
from vidmem.models import Backbone, FeatureStore
from vidmem.models.features import encoder as encoders


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """See `write_video`."""
    path = tmp_path_factory.mktemp("footage") / "pen.mp4"
    write_video(path)
    return path


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Of the features of that video, which are made once."""
    return FeatureStore(folder=tmp_path_factory.mktemp("features"))


def load_tiny(name, *, tokens_per_frame, preprocessing=None):
    """The only image encoder of this machine, whatever is asked for."""
    config = make_backbone().config
    if preprocessing is not None:
        config = replace(config, preprocessing=preprocessing)
    backbone = Backbone(replace(config, tokens_per_frame=tokens_per_frame)).eval()
    backbone.load_state_dict(make_backbone().state_dict())
    return backbone


@pytest.fixture
def here(monkeypatch):
    """See `load_tiny`."""
    monkeypatch.setattr(encoders, "load_backbone", load_tiny)
