"""What the tests of streaming share."""

from __future__ import annotations

import psutil
import pytest
import torch


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """Tiny models are quickest so, and do not fight the decoder for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_process_is_left():
    """For tests of what decodes: each child has ended with its test."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    _, alive = psutil.wait_procs(left, timeout=60)  # a killed one may take a moment to go
    assert not alive
