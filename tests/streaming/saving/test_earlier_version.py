"""States that an earlier version saved in the middle of a run are resumed.

The files in `earlier_version` were written by the version before the package was divided into
rooms (commit 41e9e22): both bundled models, `l_mem` 1, seven clips of the bundled sample, and the
whole run. Those of `fam-swin-nano` were written again, by that version, when its weights changed: a
state goes on with the weights that made it only.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import vidmem
from vidmem.streaming import Engine, RunFiles

SAVED = Path(__file__).parent / "earlier_version"
SAMPLE = Path(__file__).parents[3] / "assets/barn-sample.mp4"


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


@pytest.mark.parametrize("name", ["fam-swin-nano", "spool-nano"])
def test_a_saved_run_of_an_earlier_version_goes_on(name, tmp_path):
    for kind in ("csv", "state"):
        shutil.copy(SAVED / f"{name}.{kind}", tmp_path)
    out = tmp_path / f"{name}.csv"
    files = RunFiles(out=out, state_path=out.with_suffix(".state"), resume=True)
    with Engine(SAMPLE, vidmem.load(name), files=files) as engine:
        indices = [prediction.index for prediction in engine]
    assert indices[0] == 7  # nothing is judged again
    got, want = rows(out), rows(SAVED / f"{name}-whole.csv")
    assert [row[:3] for row in got] == [row[:3] for row in want]
    for one, other in zip(got[1:], want[1:], strict=True):
        # Other processors round otherwise, and a softmax in float32 shows it.
        assert [float(x) for x in one[3:]] == pytest.approx([float(x) for x in other[3:]], abs=1e-3)
