"""Networks taught and looked at one by one, for the scripts that measure them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from vidmem.teaching import LearnConfig
from vidmem.teaching.learners import LEARNERS, Learner
from vidmem.teaching.learning import Teacher
from vidmem.teaching.samples import TaughtVideo
from vidmem.teaching.teach import Teaching


@dataclass(frozen=True)
class Look:
    """A taught network with some of its memory."""

    title: str
    learner: Learner
    memory: int

    @torch.no_grad()
    def logits(self, video: TaughtVideo, is_wanted: NDArray[np.bool_]) -> NDArray[np.float32]:
        """`[T, C]`; NaN far from what is wanted."""
        return self.learner.near(video.values, is_wanted, self.memory).numpy()

    @torch.no_grad()
    def linear_logits(self, video: TaughtVideo) -> NDArray[np.float32]:
        """`[T, C]`, of the linear head inside alone."""
        return self.learner.linear_head(video.values[None].float())[0].numpy()


def add_learn_options(parser: argparse.ArgumentParser) -> None:
    """How networks learn; each is left as teaching has it where it is not given."""
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encoder", default="lite2")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--segment-seconds", type=float)
    parser.add_argument("--restraint", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument(
        "--all-steps", action="store_true", help="whether held-out time is told better or not"
    )


def learn_config(given: argparse.Namespace, default: LearnConfig) -> LearnConfig:
    """The default, changed by what was given."""
    names = ("steps", "segment_seconds", "restraint", "learning_rate")
    values = {name: getattr(given, name) for name in names}
    return replace(default, **{name: one for name, one in values.items() if one is not None})


def looks(
    teaching: Teaching, name: str, seed: int, *, all_steps: LearnConfig | None = None
) -> Iterator[Look]:
    """Teach a network, then look at it with all of its memory or reach, half of it, and none.

    Args:
        teaching: With all that is taught on.
        name: Of a kind of network.
        seed: What is drawn by.
        all_steps: Learn so, for as many steps as it says; None: as the recipe does.
    """
    kind = LEARNERS[name]
    if all_steps is None:
        learned = teaching.learned(kind, seed)
        learner, num_steps = learned.learner, learned.num_steps
    else:
        learner = teaching.fresh(kind, seed, is_final=True)
        lesson = teaching.lesson(is_final=True)
        Teacher(learner, lesson, all_steps, seed=seed, is_cancelled=bool).teach()
        num_steps = all_steps.steps
    full = learner.full_memory
    say(f"  seed {seed}: {kind.title} learnt for {num_steps} steps")
    if name == "fam":
        gates = [round(one.gate.item(), 2) for one in learner.network.memory.values()]
        say(f"    gates of its memory: {gates}")
    memories = {"all": full, "half": full // 2, "none": 0} if full else {}
    for words, memory in memories.items():
        yield Look(f"{kind.title}, {words} of it", learner, memory)
    if not memories:
        yield Look(kind.title, learner, full)


def mean_and_range(values: list[float]) -> str:
    """Of some seeds."""
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def say(*parts: object) -> None:
    """Print at once, though it is a file."""
    sys.stdout.write(" ".join(map(str, parts)) + "\n")
    sys.stdout.flush()
