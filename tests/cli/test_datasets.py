"""`vidmem data check`."""

from __future__ import annotations

import json

import pytest

from tests.data.footage import write_pen
from tests.data.manifest import miniatures
from tests.documents import ROOT
from vidmem.data.manifest.formats.registry import FORMATS


@pytest.fixture(scope="module")
def pen(tmp_path_factory):
    return write_pen(tmp_path_factory.mktemp("pen") / "pen.mp4", 1.2, width=64, height=36, fps=10)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_dataset_without_faults_ends_with_0(run, here, pen):
    miniatures.ucf101(here, pen)
    done = run("data", "check", ".")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        ".: UCF101, recognised by its trainlist and testlist files beside classInd.txt",
        "samples: 3 of 3 can be used",
        "videos: 3, their lengths are not known; --decode measures them",
        "classes: 2, with 1 (min), 1.5 (median) and 2 (max) samples",
        "subsets: test 1, train 2",
        "note: split 1 of 2 is read",
        "nothing is wrong; no video was opened (--decode)",
    ]


def test_what_is_wrong_is_listed_and_ends_with_1(run, here, pen):
    miniatures.ucf101(here, pen)
    (here / "UCF-101/Archery/v_Archery_g08_c02.avi").unlink()
    done = run("data", "check", here)
    assert done.code == 1
    assert done.out.splitlines()[-2:] == [
        "problem: trainlist01.txt, row 2: there is no video Archery/v_Archery_g08_c02.avi; it is "
        "left out",
        "1 problem: missing video 1",
    ]
    assert "classes without a sample: 1, such as Archery" in done.out


def test_videos_may_lie_elsewhere_and_are_measured(run, here, pen):
    miniatures.cvb(here, pen)
    words = ("--kind", "ava", "--videos", here / "videos", "--decode")
    done = run("data", "check", here / "data/cvb_in_ava_format", *words)
    assert done.code == 0, done.err
    assert "videos: 2 with 2.4 s (measured)" in done.out
    assert "opening the videos of" in done.err
    assert "1 group cut from one recording in more than one subset" in done.out
    assert done.out.splitlines()[-1] == "nothing is wrong"


def test_everything_comes_as_json(run, here, pen):
    miniatures.activitynet(here, pen)
    done = run("data", "check", here, "--json")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["kind"] == "activitynet"
    assert facts["classes"] == {"Hand washing clothes": 1, "Preparing salad": 2}
    assert facts["subsets"] == {"test": 1, "train": 2, "val": 1}
    assert (facts["samples"], facts["without_label"]) == (4, 1)
    assert facts["video_seconds"] == pytest.approx(3.6)
    assert (facts["problems"], facts["is_decoded"]) == ([], False)


def test_no_dataset_is_a_sentence(run, here):
    done = run("data", "check", here)
    assert done.code == 1
    assert "is no dataset that is known; kinds are known by: project" in done.err


def test_every_kind_is_in_the_help_and_in_the_documents(run):
    text, document = run("data", "check", "--help").out, (ROOT / "docs/datasets.md").read_text()
    assert [one.name for one in FORMATS if one.name not in text] == []
    assert [one.name for one in FORMATS if f"| `{one.name}` |" not in document] == []
