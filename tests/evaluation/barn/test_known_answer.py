from dataclasses import replace
from functools import lru_cache

import pytest
import torch

import vidmem
from tests.conftest import make_tiny_model
from vidmem.data.barn import CLASS_NAMES, BarnConfig, BarnVideo, label_windows, render_clips
from vidmem.evaluation.barn import known_answer as answers
from vidmem.evaluation.barn import known_moments
from vidmem.evaluation.barn.known_answer import UNSEEN_SEEDS, known_answer, known_answer_as_markdown
from vidmem.evaluation.barn.known_moments import Comparison, KnownMoment, Move, visit_clips
from vidmem.inspection import Score
from vidmem.streaming import neutral_pixels
from vidmem.streaming.batching import to_model_clip

SEED, NUM_CLIPS = 1_000_003, 22


def make_barn_model(**options):
    model = make_tiny_model(num_classes=len(CLASS_NAMES), **options)
    model.card = replace(model.card, class_names=CLASS_NAMES, fps=2.0)
    return model


def test_the_clips_of_a_visit_are_those_in_which_she_is_at_it():
    video = BarnVideo(BarnConfig(minutes=10, seed=SEED))
    labels, delays, _ = label_windows(video, clip_seconds=4.0, num_clips=140)
    rests = [number for number in range(140) if delays[number] > 0]
    assert len(rests) > 5
    for rest in rests:
        label = CLASS_NAMES[labels[rest]]
        visit = visit_clips(video, rest, 4.0, label)
        assert visit == list(range(visit[0], visit[-1] + 1))
        assert visit[-1] in (rest - delays[rest], rest - delays[rest] - 1)  # it ends on a border
        at = label.removeprefix("resting after ")
        for number in visit:
            shown = {bout.label for bout in video.bouts_between(4.0 * number, 4.0 * number + 4)}
            assert at in shown
        between = range(visit[-1] + 1, rest)
        shown = {video.window_label(4.0 * n, 4.0 * n + 4) for n in between}
        assert not shown & {"feeding", "drinking"}


@lru_cache(maxsize=1)
def draw():
    """The video, once for all tests."""
    return render_clips(
        BarnConfig(minutes=(NUM_CLIPS * 4.0 + 1) / 60, seed=SEED),
        fps=2.0,
        clip_frames=8,
        width=64,
        height=64,
        num_clips=NUM_CLIPS,
    )


@pytest.fixture
def drawn(monkeypatch):
    """The clips that are drawn when the video of `SEED` is asked for."""

    def render(config, *, num_clips, **shape):
        assert (config.seed, num_clips) == (SEED, NUM_CLIPS)
        return draw()

    monkeypatch.setattr(known_moments, "render_clips", render)
    return draw()


def ask(model):
    return known_answer(model, seeds=[SEED], clips_per_video=NUM_CLIPS)


def test_every_rest_in_reach_is_a_moment(drawn):
    got = ask(make_barn_model())
    rests = [n for n in range(NUM_CLIPS) if 1 <= drawn.delay_clips[n] <= 12]
    assert [moment.clip for moment in got.moments] == rests
    assert len(rests) > 3
    assert [group.num_moments for group in got.groups] == [
        sum(low <= drawn.delay_clips[n] <= high for n in rests) for low, high in ((1, 8), (9, 12))
    ]
    assert (got.l_mem, got.num_videos, got.clips_per_video) == (4, 1, NUM_CLIPS)


@pytest.mark.slow
@torch.no_grad()
def test_moves_are_those_of_a_stream_watched_plainly(drawn):
    model = make_barn_model()
    got = ask(model)
    clips = [to_model_clip(torch.from_numpy(p), model) for p in drawn.pixels]
    blank = neutral_pixels(torch.from_numpy(drawn.pixels[0]), model)
    video = BarnVideo(BarnConfig(minutes=2, seed=SEED))
    for moment in got.moments[:3]:
        visit = visit_clips(video, moment.clip, 4.0, moment.label)
        label = CLASS_NAMES.index(moment.label)
        scores = []
        for neutral in ((), visit):
            state = model.init_state(1)
            for number, clip in enumerate(clips[: moment.clip + 1]):
                pixels = to_model_clip(blank, model) if number in neutral else clip
                output = model.step(pixels, state)
                state = output.state
            scores.append(float(output.logits.softmax(-1)[0, label]))
        assert moment.score.probability == pytest.approx(scores[0], abs=1e-5)
        assert moment.total is not None
        assert moment.total.visit.probability == pytest.approx(abs(scores[0] - scores[1]), abs=1e-5)
        assert moment.total.num_visit_clips == len(visit)


@pytest.mark.usefixtures("drawn")
def test_with_the_gates_shut_nothing_moves():
    got = ask(make_barn_model(gate=0.0))
    group = got.groups[0]
    assert group.direct is not None
    assert group.total is not None
    for comparison in (group.direct, group.total):
        assert comparison.visit.log_odds < 1e-5
        assert comparison.others.log_odds < 1e-5


def test_videos_count_alike_however_many_moments_they_have(monkeypatch):
    def moment(seed, visit, others):
        moved = Comparison(Move(visit, visit / 10), Move(others, others / 10), 2, 2)
        return KnownMoment(
            seed=seed,
            clip=9,
            delay_clips=2,
            label=CLASS_NAMES[-1],
            score=Score(1.0),
            is_right=True,
            total=moved,
            total_in_queue=None,
            direct=None,
        )

    by_seed = {1: [moment(1, 6.0, 1.0)], 2: [moment(2, 2.0, 1.0)] * 3, 3: []}
    monkeypatch.setattr(answers, "known_moments", lambda model, seed, *rest: by_seed[seed])
    told = []
    got = known_answer(
        make_barn_model(), seeds=[1, 2, 3], progress=lambda *counts: told.append(counts)
    )
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    near, far = got.groups
    assert near.total is not None
    assert near.total.visit.log_odds == 4.0
    assert near.total.log_odds_ratio == near.total.probability_ratio == 4.0
    assert (near.num_videos, near.num_moments, near.direct) == (2, 4, None)
    assert far.total is None
    assert [video.seed for video in near.videos] == [1, 2]
    assert near.num_videos_below("total") == 1
    assert (near.num_videos_below("total", 7), near.num_videos_below("direct")) == (2, 0)
    table = known_answer_as_markdown(got)
    assert "| 1 to 8 clips ago | 4 (2) | total effect, the whole visit | 2.0, 2.0 |" in table
    assert "| 4.00 (0.400) | 1.00 (0.100) | 4.0 (4.0) | 1 of 2 |" in table
    assert "Visit 1 to 8 clips ago: 100 % of 4 clips" in table
    assert "direct" not in table


def test_a_model_of_other_classes_is_refused():
    with pytest.raises(ValueError, match="barn's classes"):
        known_answer(make_tiny_model())
    with pytest.raises(ValueError, match="at least one seed"):
        known_answer(make_barn_model(), seeds=[])


@pytest.mark.slow
def test_the_visit_that_decided_moves_the_score_and_others_hardly():
    model = vidmem.load("fam-swin-nano", device="cpu")
    got = known_answer(model, seeds=UNSEEN_SEEDS[1:2], clips_per_video=110)
    near = got.groups[0]
    assert near.num_videos == 1
    # What later clips wrote of the visit counts in its total effect only.
    for comparison, log_odds, probability in ((near.total, 2.5, 5), (near.direct, 1.5, 2.5)):
        assert comparison is not None
        assert (comparison.log_odds_ratio or 0) > log_odds
        assert (comparison.probability_ratio or 0) > probability
