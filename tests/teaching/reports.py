"""A report of a model that was never taught: its scores are of logits that are made up."""

from __future__ import annotations

import numpy as np

from tests.teaching.invented import ETHOGRAM, POSTURE, alternating, make_video
from vidmem.labels import Labels
from vidmem.teaching.report.insight import calibrations, label_next
from vidmem.teaching.report.report import CandidateReport, CurvePoint, MemoryRow, TeachReport
from vidmem.teaching.report.scoring import Examination
from vidmem.teaching.splits import SplitConfig, make_split

LABELLED_SECONDS, SECONDS = 200.0, 260.0


def make_report(*, is_correction: bool = False) -> TeachReport:
    """Of lying and standing in one video; the model is right in more frames than its baseline."""
    labels = Labels(ETHOGRAM, alternating(LABELLED_SECONDS))
    video = make_video(labels, (POSTURE,), seconds=SECONDS)
    split = make_split((video,), SplitConfig(gap_seconds=1))
    test, stop = (
        Examination(videos=(video,), axes=(POSTURE,), labels=labels, split=split, part=part)
        for part in ("test", "stop")
    )

    def logits(share_wrong):
        rng = np.random.default_rng(0)
        classes = np.maximum(video.classes[0], 0)
        is_wrong = rng.random(len(classes)) < share_wrong
        sure = rng.uniform(0.5, 4.0, len(classes))[:, None]
        named = np.where(is_wrong, 1 - classes, classes)
        return {video.name: (np.eye(2)[named] * sure).astype(np.float32)}

    def candidate(name, title, share_wrong):
        return CandidateReport(name=name, title=title, seeds=(test.score(logits(share_wrong)),))

    chosen = candidate("spool", "Spool", 0.1)
    return TeachReport(
        model="spool",
        axes=(POSTURE,),
        split=split,
        candidates=(chosen, candidate("linear", "Linear, frame by frame", 0.2)),
        memory_name="feature frames that it looks back and ahead",
        memory=(MemoryRow(0, "off: 0", (0.7,)), MemoryRow(5, "full: 5", (chosen.macro_f1,))),
        curve=()
        if is_correction
        else (CurvePoint(15.0, (0.6,), (0.5,), (0.7,)), CurvePoint(90.0, (0.8,), (0.8,), (0.8,))),
        calibration=calibrations(stop, logits(0.1), test, logits(0.1)),
        suggestions=label_next(test, logits(0.1)),
        latency_seconds=1.0,
        encoding_seconds=1.0,
        teaching_seconds=1.0,
        earlier=candidate("earlier", "mine, before", 0.4) if is_correction else None,
    )
