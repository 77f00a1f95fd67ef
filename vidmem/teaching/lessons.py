"""Videos, labels and features brought together: everything before the first network learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vidmem.errors import LabelError, SettingError, VideoNotFoundError
from vidmem.labels import Labels
from vidmem.models import CardAxis, FeatureConfig, FeatureEncoder, FeatureStore
from vidmem.models.features.encoder import load_feature_backbone
from vidmem.models.features.reduction import RawFeatures, Reduction
from vidmem.teaching.encoding import EncodingProgress, VideoFeatures, encode_video
from vidmem.teaching.samples import TaughtVideo, check_inside, taught_axes, taught_video
from vidmem.video import probe_safely

FIT_FRAMES = 4000
"""Feature frames that the reduction is fitted to, drawn evenly from all videos."""

REDUCED_FRAMES = 256
"""Reduced at a time."""

Sources = Mapping[str, str | Path]
"""The file of each video, by the name that the labels have for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """What is taught on: labels with the features of their videos."""

    encoder: FeatureEncoder
    axes: tuple[CardAxis, ...]
    labels: Labels
    subject: str
    videos: tuple[TaughtVideo, ...]
    feature_fps: float


def find_videos(labels: Labels, videos: str | Path | Sources) -> dict[str, Path]:
    """The file of each video that labels say something of.

    Args:
        labels: Of any videos.
        videos: A folder (looked through to any depth), one file, or the files by name.

    Raises:
        VideoNotFoundError: If one is missing, or cannot be told from another.
    """
    names = sorted({track.video for track in labels.tracks})
    if isinstance(videos, Mapping):
        found = {name: [Path(videos[name])] for name in names if name in videos}
    elif Path(videos).is_file():
        found = {name: [Path(videos)] for name in names[:1] if len(names) == 1}
    else:
        found = {name: _in_folder(Path(videos), name) for name in names}
    missing = [name for name in names if not found.get(name)]
    if missing:
        where = "the files given" if isinstance(videos, Mapping) else str(videos)
        raise VideoNotFoundError(
            f"{missing[0]}{_and_more(missing)} of the labels is not in {where}; give the folder of "
            "the videos, or name the file as the labels do"
        )
    doubtful = [name for name in names if len(found[name]) > 1]
    if doubtful:
        files = ", ".join(str(path) for path in found[doubtful[0]])[:200]
        raise VideoNotFoundError(
            f"{doubtful[0]} of the labels may be any of {files}; give the folder that has one"
        )
    return {name: found[name][0] for name in names}


@dataclass(frozen=True, kw_only=True)
class MaterialRequest:
    """What is to be made of labels and videos."""

    features: FeatureConfig
    feature_fps: float
    axes: tuple[str, ...] = ()
    """Which ones; empty: all of which there are labels."""

    subject: str | None = None
    """Whose labels; None: those of the only one that there is."""


def gather(
    labels: Labels,
    sources: Mapping[str, Path],
    request: MaterialRequest,
    *,
    store: FeatureStore,
    progress: Callable[[str, EncodingProgress], None],
    is_cancelled: Callable[[], bool],
) -> Material:
    """Check labels, encode what is not encoded yet, and reduce it.

    Raises:
        LabelError: If the labels teach nothing, or are of other files.
        VidmemError: If a video, the image encoder or the room for features is missing.
    """
    subject = _chosen_subject(labels, request.subject)
    taught = taught_axes(labels, request.axes, subject)
    for name, path in sources.items():
        info = probe_safely(path)
        check_inside(labels.bouts_of(video=name), name, info.duration_seconds)
    backbone = load_feature_backbone(request.features)
    config = replace(request.features, backbone_sha256=backbone.fingerprint())
    encoder = FeatureEncoder(config, backbone)
    features = {
        name: encode_video(
            path,
            encoder,
            fps=request.feature_fps * config.encode_every,
            store=store,
            progress=lambda done, name=name: progress(name, done),
            is_cancelled=is_cancelled,
        )
        for name, path in sources.items()
    }
    encoder.reduction.load_state_dict(
        Reduction.fit(config, _some_frames(list(features.values()))).state_dict()
    )
    videos = tuple(
        taught_video(
            own, reduced(encoder.reduction, own), labels, taught, name=name, subject=subject
        )
        for name, own in features.items()
    )
    return Material(
        encoder=encoder,
        axes=taught,
        labels=labels,
        subject=subject,
        videos=videos,
        feature_fps=request.feature_fps,
    )


@torch.no_grad()
def reduced(reduction: Reduction, features: VideoFeatures) -> Tensor:
    """`[T, P, F]`, float16: a few frames at a time, since raw features of hours are gigabytes."""
    raw = features.raw
    pieces = [
        reduction(raw[slice(start, start + REDUCED_FRAMES)]).half()
        for start in range(0, len(raw), REDUCED_FRAMES)
    ]
    return torch.cat(pieces)


def _some_frames(videos: Sequence[VideoFeatures]) -> RawFeatures:
    """Every n-th feature frame of all, in the order of time."""
    step = max(1, -(-sum(len(one) for one in videos) // FIT_FRAMES))
    some = [one.raw[slice(0, None, step)] for one in videos]
    return RawFeatures(
        torch.cat([one.tokens.float() for one in some]),
        torch.cat([one.cell_motion.float() for one in some]),
        torch.cat([one.frame_motion.float() for one in some]),
    )


def _chosen_subject(labels: Labels, subject: str | None) -> str:
    known = labels.subjects
    if subject is not None:
        if subject not in known:
            raise SettingError(
                f"the labels say nothing of {subject!r:.60}; they are of "
                f"{', '.join(one or 'no one in particular' for one in known)[:200] or 'nobody'}"
            )
        return subject
    if len(known) > 1:
        raise LabelError(
            f"the labels are of several animals ({', '.join(filter(None, known))[:200]}); say "
            "whose are to be taught, as a model judges the whole picture"
        )
    return known[0] if known else ""


def _in_folder(folder: Path, name: str) -> list[Path]:
    exact = folder / name
    if exact.is_file():
        return [exact]
    wanted = Path(name)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    by_name = [path for path in files if path.name == wanted.name]
    return by_name or [path for path in files if path.stem == name]


def _and_more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
