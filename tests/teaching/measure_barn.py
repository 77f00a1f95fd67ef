"""What memory is worth to models that are taught on an image encoder's features of drawn barns.

    python -m tests.teaching.measure_barn [--learn 40] [--unseen 6] [--encoder lite0] [--steps ...]

Videos are drawn, written, encoded and labelled as people's are, and taught on by the recipe of
`vidmem.teach`, with clips of 4 s and a memory to match. Two of the nine labels look alike: which of
the two a rest is, only the last visit to trough or drinker says. Unseen videos are scored as
`vidmem evaluate` scores the bundled models. Videos and features are deleted at the end, unless
`--features FOLDER` says where to keep them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from tests.teaching.measuring import Look, add_learn_options, learn_config, looks, say
from vidmem.data.barn import CLASS_NAMES, BarnConfig, BarnVideo, label_windows, write_video
from vidmem.evaluation.barn.scores import MAX_DELAY_CLIPS, score_barn, scores_as_markdown
from vidmem.labels import Behaviour, Bout, Ethogram, Labels
from vidmem.models import FeatureStore
from vidmem.teaching import FeatureConfig, LearnConfig, SplitConfig, TeachConfig
from vidmem.teaching.report.scoring import axis_probabilities
from vidmem.teaching.samples import TaughtVideo
from vidmem.teaching.teach import Teaching, prepare

CLIP_SECONDS, FEATURE_FPS = 4.0, 0.5
"""Clips are as long as those of the bundled models."""

LEARN_CLIPS, UNSEEN_CLIPS = 32, 120
"""Of each video; the bundled models learnt from as long ones and are scored on as long ones."""

UNSEEN_SEED = 1_000_000
"""From here on, as `vidmem evaluate` has them."""

WIDTH, HEIGHT = 224, 126


@dataclass(frozen=True)
class Drawn:
    """A video that was written."""

    name: str
    path: Path
    bouts: tuple[Bout, ...]
    labels: NDArray[np.int64]
    """`[N]`, of its clips."""

    delay_clips: NDArray[np.int64]
    """`[N]`, see `LabelledClips`."""


def draw(folder: Path, name: str, seed: int, num_clips: int) -> Drawn:
    """A video that is a second longer, so that no clip is cut short."""
    config = BarnConfig(minutes=(num_clips * CLIP_SECONDS + 1) / 60, seed=seed)
    path = folder / f"{name}.mp4"
    if not path.exists():
        write_video(config, path, width=WIDTH, height=HEIGHT, fps=2 * FEATURE_FPS)
    video = BarnVideo(config)
    labels, delays, _ = label_windows(video, clip_seconds=CLIP_SECONDS, num_clips=num_clips)
    bouts = (Bout(path.name, b.start_seconds, b.end_seconds, b.label) for b in video.bouts)
    return Drawn(path.name, path, tuple(bouts), labels, delays)


def print_scores(teaching: Teaching, videos: list[Drawn], given: argparse.Namespace) -> None:
    """Of all networks, with each seed."""
    by_name = {one.name: one for one in teaching.examination("test").videos}
    all_steps = given.learn_config if given.all_steps else None
    for name in given.models.split(","):
        for seed in range(given.seeds):
            scores, titles = [], []
            for look in looks(teaching, name, seed, all_steps=all_steps):
                found = [clip_probabilities(teaching, look, by_name[one.name]) for one in videos]
                scores.append(
                    score_barn(
                        np.concatenate([one.labels for one in videos]),
                        np.concatenate(found),
                        np.concatenate([one.delay_clips for one in videos]),
                        look.memory,
                        MAX_DELAY_CLIPS,
                        len(videos),
                    )
                )
                titles.append(look.title)
            say(f"\n{', '.join(titles)}; seed {seed}\n")
            say(scores_as_markdown(scores))


@torch.no_grad()
def clip_probabilities(teaching: Teaching, look: Look, video: TaughtVideo) -> NDArray[np.float64]:
    """`[N, 9]`: what a stream gives for the clips of an unseen video."""
    logits = look.learner.video(video.values, look.memory)
    frames = round(CLIP_SECONDS * FEATURE_FPS)
    clips = logits[: UNSEEN_CLIPS * frames].unflatten(0, (-1, frames)).mean(1)
    return axis_probabilities(clips.numpy(), teaching.examination("test").axes)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", type=int, default=40, help="videos to learn from")
    parser.add_argument("--unseen", type=int, default=6, help="videos to test with")
    parser.add_argument("--memory-seconds", type=float, default=64.0)
    parser.add_argument("--reach-seconds", type=float, default=32.0, help="Spool: to each side")
    parser.add_argument("--models", default="fam,spool,gru")
    parser.add_argument("--features", type=Path, help="keep videos and features there")
    add_learn_options(parser)
    parser.set_defaults(encoder="lite0")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.learn_config = learn_config(given, LearnConfig(segment_seconds=96.0))
    config = TeachConfig(
        model="fam",
        features=FeatureConfig(backbone=given.encoder),
        feature_fps=FEATURE_FPS,
        clip_seconds=CLIP_SECONDS,
        memory_seconds=given.memory_seconds,
        context_seconds=2 * given.reach_seconds,
        reach_seconds=given.reach_seconds,
        split=SplitConfig(method="videos", test_videos="unseen*"),
        learn=given.learn_config,
    )
    with TemporaryDirectory(prefix="vidmem-") as folder:
        place = given.features or Path(folder)
        place.mkdir(exist_ok=True)
        learnt = [draw(place, f"learn{n:02}", n, LEARN_CLIPS) for n in range(given.learn)]
        unseen = [
            draw(place, f"unseen{n:02}", UNSEEN_SEED + n, UNSEEN_CLIPS) for n in range(given.unseen)
        ]
        ethogram = Ethogram(tuple(Behaviour(name) for name in CLASS_NAMES))
        labels = Labels(ethogram, tuple(b for one in (*learnt, *unseen) for b in one.bouts))
        sources = {one.name: one.path for one in (*learnt, *unseen)}
        store = FeatureStore(folder=place / "features")
        material = prepare(labels, sources, config=config, store=store)
        say(material.split.words())
        print_scores(Teaching(material, config), unseen, given)


if __name__ == "__main__":
    main()
