"""`vidmem.teach`, as scripts call it: labels as a value, or the file that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from vidmem.labels import Labels, read
from vidmem.models import FamSwin, FeatureStore, Spool
from vidmem.teaching.lessons import Sources
from vidmem.teaching.report import TeachReport
from vidmem.teaching.teach import TeachConfig, TeachProgress
from vidmem.teaching.teach import teach as teach_labels


def teach(
    labels: Labels | str | Path,
    videos: str | Path | Sources,
    *,
    model: str | None = None,
    config: TeachConfig | None = None,
    store: FeatureStore | None = None,
    progress: Callable[[TeachProgress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Spool | FamSwin, TeachReport]:
    """Teach a model on labels; time that nobody labelled is context, and never a negative.

    Args:
        labels: Of any number of videos, or a file of any format that `vidmem.labels.read` reads.
        videos: The folder of the videos, one file, or files by the names that the labels have.
        model: `spool` or `fam`, instead of the config's.
        config: The recipe.
        store: Where features are kept, so that they are made once; None: in vidmem's cache.
        progress: Told of each stage.
        is_cancelled: Asked between batches and steps. Features that are made stay.

    Returns:
        The model, which streams and can be saved like any other, and how good it is on labelled
        time that was kept from it.

    Raises:
        LabelError: If the labels cannot be read without a problem, or cannot teach it.
        VidmemError: If a video, the image encoder or room for features is missing.
        CancelledError: If it was cancelled (`EncodingCancelledError` while encoding).
    """
    known = labels if isinstance(labels, Labels) else read(labels, on_problem="stop")
    return teach_labels(
        known,
        videos,
        model=model,
        config=config,
        store=store,
        progress=progress,
        is_cancelled=is_cancelled,
    )
