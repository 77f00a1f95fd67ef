"""`vidmem ablate`, on a tiny model and few clips."""

from __future__ import annotations

import json

import pytest

import vidmem
from tests.conftest import make_tiny_model
from tests.evaluation.barn.test_known_answer import SEED, make_barn_model

WORDS = ("--clips", 22, "--seed", SEED)


@pytest.fixture(scope="module")
def barn_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-barn"
    vidmem.save(make_barn_model(), folder)
    return folder


@pytest.mark.slow
def test_the_table_has_each_effect_by_how_long_ago_the_visit_was(run, barn_folder):
    done = run("ablate", barn_folder, "--videos", 2, "--l-mem", 8, *WORDS)
    assert done.code == 0, done.err
    assert done.out.startswith("2 videos of 22 clips, l_mem 8.")
    for name in ("total effect, the whole visit", "total effect, its clips in", "direct effect"):
        assert f"| {name}" in done.out
    assert "| 1 to 8 clips ago |" in done.out
    assert "videos below 5 |" in done.out
    assert "2 of 2 videos" in done.err
    assert "of 2 videos" not in done.out


def test_json_has_the_moments_that_the_means_are_made_of(run, barn_folder):
    done = run("ablate", barn_folder, "--videos", 1, "--json", *WORDS)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert answer["l_mem"] == 4  # the model's own
    spans = [(g["first_delay_clips"], g["last_delay_clips"]) for g in answer["groups"]]
    assert spans == [(1, 4), (5, 6)]
    group = answer["groups"][0]
    moments = [moment for moment in answer["moments"] if moment["delay_clips"] <= 4]
    assert group["num_moments"] == len(moments) > 0
    moved = [moment["total"]["visit"]["log_odds"] for moment in moments if moment["total"]]
    total = group["total"]
    assert total["visit"]["log_odds"] == pytest.approx(sum(moved) / len(moved))
    assert total["log_odds_ratio"] == pytest.approx(
        total["visit"]["log_odds"] / total["others"]["log_odds"]
    )
    assert total["num_videos_below_5"] == int(total["log_odds_ratio"] < 5)


def test_videos_without_such_rests_are_no_table(run, barn_folder):
    done = run("ablate", barn_folder, "--videos", 1, "--clips", 2, "--l-mem", 1)
    assert (done.code, "|" in done.out) == (0, False)
    assert "No rest whose visit ended 1 clip ago." in done.out


def test_a_model_of_other_classes_is_refused(run, tmp_path):
    vidmem.save(make_tiny_model(), tmp_path / "tiny")
    done = run("ablate", tmp_path / "tiny")
    assert (done.code, "model of the barn's behaviours" in done.err) == (1, True)
    assert len(done.err.strip().splitlines()) == 1
