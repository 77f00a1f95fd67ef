"""The predictions of a kept run as bouts, for every page that shows a run's track."""

from __future__ import annotations

from typing import Any

from app.pages.api import PageRequest, Routes
from app.projects.run_bouts import RunPredictions, predictions_of_run, read_processing
from app.run.wording import unlike_clips
from vidmem.labels import Bout, Labels, PostProcessing
from vidmem.projects import Project

MAX_BOUTS = 20_000
"""In one answer; more is flicker, which post-processing takes away."""


def add_run_routes(routes: Routes, project: Project) -> None:
    """Answer what pages ask of a kept run's bouts."""

    def bouts(request: PageRequest) -> dict[str, Any]:
        found = predictions_of_run(project, request.text("run"))
        return run_answer(found, processing_of(request), project)

    routes.json("/project/runs/bouts", bouts, work="figure")


def processing_of(request: PageRequest) -> PostProcessing:
    """The post-processing that a request asks for.

    Raises:
        SettingError: If a field cannot be that.
    """
    return read_processing(request.number_or_none)


def run_answer(found: RunPredictions, post: PostProcessing, project: Project) -> dict[str, Any]:
    """The bouts of a run, as plain values."""
    labels = found.labels(post, project.ethogram)
    bouts = labels.bouts
    about = found.about(post)
    return {
        "run": found.run.run_id,
        "video": found.video.name,
        "model": about.model,
        "title": found.title,
        "state": found.run.state,
        "settings_words": about.settings,
        "class_names": list(found.recorded.class_names),
        "axes": _own_axes(found, labels),
        "end_seconds": found.recorded.end_seconds,
        "warning": unlike_clips(found.recorded.num_unlike, found.recorded.num_predictions),
        "is_unlike": 0 < found.recorded.num_predictions == found.recorded.num_unlike,
        "num_bouts": len(bouts),
        "bouts": [_plain(one) for one in bouts[:MAX_BOUTS]],
    }


def _own_axes(found: RunPredictions, labels: Labels) -> list[str]:
    """Axes of the labels of which a model of several says something at any time.

    Where it has no bout of such an axis, it says that nothing of it happened.
    """
    axes = []
    for own in found.recorded.axes:
        there = {labels.ethogram[name].axis for name in own.behaviours}
        axes += there if len(there) == 1 else ()
    return axes


def _plain(bout: Bout) -> dict[str, Any]:
    return {
        "behaviour": bout.behaviour,
        "start": bout.start_seconds,
        "end": bout.end_seconds,
        "score": None if bout.score is None else round(bout.score, 4),
    }
