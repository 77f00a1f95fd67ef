"""Spoilt headers: read, or refused with a sentence; never a traceback, never a hang.

`python -m tests.video.hostile --number 420` tries many more than the suite has time for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.video.hostile import KINDS, NUM_FRAMES, looked_at
from tests.video.making import write_video

NUM_IN_SUITE, NUM_IN_ALL = 40, 60


@pytest.mark.parametrize("name", KINDS)
def test_spoilt_headers_end_in_a_sentence(tmp_path: Path, name: str) -> None:
    data = write_video(tmp_path, KINDS[name], NUM_FRAMES).read_bytes()
    results = list(looked_at(data, name, range(NUM_IN_SUITE), tmp_path))
    assert len(results) == NUM_IN_SUITE
    # The mutations are neither all fatal nor all harmless, or this would show nothing.
    assert 0 < sum(result == "read" for _, result in results) <= NUM_IN_SUITE


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", KINDS)
def test_many_spoilt_headers_end_in_a_sentence(tmp_path: Path, name: str) -> None:
    data = write_video(tmp_path, KINDS[name], NUM_FRAMES).read_bytes()
    seeds = range(NUM_IN_SUITE, NUM_IN_SUITE + NUM_IN_ALL)
    assert len(list(looked_at(data, name, seeds, tmp_path))) == NUM_IN_ALL
