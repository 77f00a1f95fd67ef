"""What tests of teaching share: a small video, a store of features, and a tiny image encoder."""

from __future__ import annotations

import pytest

from tests.teaching.footage import write_video
from tests.teaching.taught import load_tiny
from vidmem.models import FeatureStore
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


@pytest.fixture
def here(monkeypatch):
    """See `load_tiny`."""
    monkeypatch.setattr(encoders, "load_backbone", load_tiny)
