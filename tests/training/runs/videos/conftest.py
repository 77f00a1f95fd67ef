"""The miniature, drawn once."""

import sys

import pytest

from tests.training.runs.videos.miniature import write_miniature


@pytest.fixture(scope="session")
def miniature(tmp_path_factory):
    return write_miniature(tmp_path_factory.mktemp("miniature"))


@pytest.fixture(autouse=True)
def no_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
