"""Whether the estimate of the Review page is right, and what twenty corrections are worth.

    python -m tests.review.measure_review mouse [--seeds 50]
    python -m tests.review.measure_review barn [--seeds 50]

A model is taught on a part of a video whose truth is known throughout, and predicts what it was
not taught on: the rest of the mouse's recording (see `tests.teaching.measure_mouse`), or three
barns that it has never seen. Then somebody who knows the truth makes blind checks, drawn as the
page draws them, and the estimate is held against the share of time that is really right. At the end
the twenty most doubtful bouts of the same recording are corrected, and the model is taught again.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import vidmem
from tests.data.coded_barn import AXIS, BARN, write_coded_barn
from tests.teaching import measure_mouse
from tests.teaching.measuring import say
from vidmem.data.barn import BarnConfig
from vidmem.labels import LabelledVideo, Labels
from vidmem.labels.formats import read_recorded
from vidmem.labels.results import score
from vidmem.models import FeatureStore
from vidmem.review import (
    BlindCheck,
    ReviewBout,
    draw_blind_spans,
    estimate_accuracy,
    order_bouts,
    review_bouts,
)
from vidmem.teaching import TeachConfig, teach

NUM_CHECKS = (0, 5, 10, 20, 40)
NUM_CORRECTED = 20
WITHIN = 0.05

BARN_LABELLED_SECONDS = 240.0
UNSEEN_SEEDS, UNSEEN_MINUTES = (41, 42, 43), 2.0


@dataclass(frozen=True)
class Footage:
    """A video, and all that is true of one axis of it."""

    path: Path
    truth: Labels
    from_seconds: float = 0.0
    """Before that it was labelled, and taught on."""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def end_seconds(self) -> float:
        return max(one.end_seconds for one in self.truth.bouts)

    @property
    def rest(self) -> Labels:
        """What is true of what nobody labelled."""
        return self.truth.between(self.name, self.from_seconds, self.end_seconds)


def predicted(model: object, footage: Footage, folder: Path) -> Labels:
    """The model's bouts of what nobody labelled, made as the page makes them."""
    out = folder / f"{footage.path.stem}.predictions.csv"
    for _ in vidmem.watch(footage.path, model, out=out):  # type: ignore[arg-type]
        pass
    recorded = read_recorded(out)
    out.unlink()
    assert recorded is not None
    say(f"  {recorded.num_unlike} of {recorded.num_predictions} clips of {footage.name} are unlike")
    labels = recorded.labels(None, video=LabelledVideo(footage.name))
    labels = labels.between(footage.name, footage.from_seconds, footage.end_seconds)
    return Labels(footage.truth.ethogram, labels.bouts)


def accuracy(bouts: Sequence[ReviewBout]) -> float:
    """Of bouts beside the truth, the share of their time that is right."""
    right = sum(one.agreed_seconds for one in bouts)
    return right / sum(one.agreed_seconds + one.differing_seconds for one in bouts)


def checks_of(
    bouts: Sequence[ReviewBout], truth: Labels, count: int, seed: int
) -> list[BlindCheck]:
    """What somebody says who knows the truth, of spans that are drawn as the page draws them."""
    found = []
    for span in draw_blind_spans(bouts, count, seed=seed):
        said = truth.between(span.video, span.start_seconds, span.end_seconds).bouts
        seconds = {True: 0.0, False: 0.0}
        for one in said:
            seconds[one.behaviour == span.behaviour] += one.num_seconds
        if any(seconds.values()):
            found.append(BlindCheck(span.confidence, seconds[True] / sum(seconds.values())))
    return found


def print_estimates(says: Labels, footage: Footage, num_seeds: int) -> None:
    """Estimated and true accuracy, by the number of blind checks."""
    bouts = review_bouts(says, Labels(footage.truth.ethogram))
    true = accuracy(review_bouts(says, footage.rest))
    found = score(says, footage.rest)
    say(f"{footage.name}: {len(bouts)} bouts, {true:.3f} right, macro-F1 {found.macro_f1:.3f}")
    for count in NUM_CHECKS:
        estimates = [
            estimate_accuracy(bouts, checks_of(bouts, footage.rest, count, seed))
            for seed in range(num_seeds if count else 1)
        ]
        values = np.array([one.accuracy for one in estimates if one is not None])
        covered = np.mean([one.low <= true <= one.high for one in estimates if one is not None])
        say(
            f"  {count:2} blind checks: estimated {values.mean():.3f}, "
            f"off by {np.abs(values - true).mean():.3f}, "
            f"within {WITHIN:g}: {np.mean(np.abs(values - true) <= WITHIN):.2f}, "
            f"interval holds it: {covered:.2f}"
        )


def correct(
    taught: tuple,
    labels: Labels,
    footage: Footage,
    sources: Mapping[str, Path],
    folder: Path,
    store: FeatureStore,
) -> None:
    """Correct the most doubtful bouts, teach again, both ways, and say what came of it."""
    says = predicted(taught[0], footage, folder)
    bouts = order_bouts(review_bouts(says, Labels(footage.truth.ethogram)), "doubt")
    told: list = []
    for one in bouts[:NUM_CORRECTED]:
        start, end = one.bout.start_seconds, one.bout.end_seconds
        told += footage.truth.between(footage.name, start, end).bouts
    more = labels.add(*told)
    seconds = sum(one.num_seconds for one in told)
    say(f"{min(NUM_CORRECTED, len(bouts))} bouts corrected, {seconds:.0f} s")
    # On time that is labelled in neither of them.
    rest = Labels(footage.truth.ethogram, footage.rest.bouts)
    rest = without(rest, told)
    say(f"  before: macro-F1 {score(says, rest).macro_f1:.3f} on what is still unlabelled")
    for words, warm in (("on top", taught), ("anew", None)):
        start = time.perf_counter()
        model, report = teach(more, sources, config=taught_config(), warm_start=warm, store=store)
        took = time.perf_counter() - start
        now = score(predicted(model, footage, folder), rest).macro_f1
        before = report.earlier.macro_f1 if report.earlier else taught[1].macro_f1
        held_out = f"held-out {before:.3f} before, {report.macro_f1:.3f} now"
        say(f"  {words}: {held_out}; {now:.3f} on what is still unlabelled; {took:.0f} s")


def without(labels: Labels, told: Sequence) -> Labels:
    """Without the time of some bouts."""
    for one in told:
        labels = labels.mark_not_scored(
            vidmem.labels.Span(one.video, one.start_seconds, one.end_seconds, "", AXIS)
        )
    return labels


def taught_config() -> TeachConfig:
    """The usual recipe, without what is only for comparison."""
    return TeachConfig(has_baselines=False)


def mouse_footage() -> Footage:
    path = measure_mouse.SHARED / "animals" / measure_mouse.VIDEO
    truth = measure_mouse.two_axes().for_axis(AXIS)
    end = max(one.end_seconds for one in truth.bouts)
    return Footage(path, truth, 0.6 * end)


def barn_footage(folder: Path, config: BarnConfig, labelled: float = 0.0) -> Footage:
    path = folder / f"pen {config.seed}.mp4"
    return Footage(path, write_coded_barn(config, path), labelled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("mouse", "barn"))
    parser.add_argument("--seeds", type=int, default=50, help="draws of blind checks")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="vidmem-") as name:
        folder = Path(name)
        store = FeatureStore(folder=folder / "features")
        if given.what == "mouse":
            own = mouse_footage()
            unseen = [own]
        else:
            own = barn_footage(folder, BARN, BARN_LABELLED_SECONDS)
            others = [replace(BARN, seed=seed, minutes=UNSEEN_MINUTES) for seed in UNSEEN_SEEDS]
            unseen = [barn_footage(folder, config) for config in others]
        labels = own.truth.between(own.name, 0.0, own.from_seconds)
        sources = {own.name: own.path}
        taught = teach(labels, sources, config=taught_config(), store=store)
        say(f"taught on {own.from_seconds:.0f} s; held-out macro-F1 {taught[1].macro_f1}")
        for one in unseen:
            print_estimates(predicted(taught[0], one, folder), one, given.seeds)
        correct(taught, labels, own, sources, folder, store)


if __name__ == "__main__":
    main()
