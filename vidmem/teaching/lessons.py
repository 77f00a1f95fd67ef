"""Videos, labels and features brought together: everything before the first network learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidmem.errors import LabelError, SettingError, VideoNotFoundError
from vidmem.labels import Labels
from vidmem.labels.formats import FORMATS
from vidmem.models import CardAxis, FeatureConfig, FeatureEncoder, FeatureStore
from vidmem.models.features.encoder import load_feature_backbone
from vidmem.models.features.reduction import RawFeatures, Reduction
from vidmem.teaching.encoding import (
    EncodingProgress,
    VideoFeatures,
    check_room,
    encode_video,
)
from vidmem.teaching.samples import (
    TaughtVideo,
    check_inside,
    classes_at,
    taught_axes,
    taught_video,
)
from vidmem.teaching.splits import Split, SplitConfig, make_split
from vidmem.video import probe_safely

FIT_FRAMES = 1000
"""Feature frames that the reduction is fitted to, drawn evenly from all videos: some dozens of
components need no more, and what it takes grows with the cube (3 s of one core; 87 for 4000)."""

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
    split: Split


def find_videos(labels: Labels, videos: str | Path | Sources) -> dict[str, Path]:
    """The file of each video that labels say something of.

    Args:
        labels: Of any videos.
        videos: A folder (looked through to any depth), one file, or the files by name.

    Raises:
        VideoNotFoundError: If one is missing, cannot be told from another, or has two names.
    """
    names = sorted({track.video for track in labels.tracks})
    if isinstance(videos, Mapping):
        found = {name: [Path(videos[name])] for name in names if name in videos}
    elif Path(videos).is_file():
        found = {name: [Path(videos)] for name in names[:1] if len(names) == 1}
    else:
        files = sorted(path for path in Path(videos).rglob("*") if path.is_file())
        found = {name: _of_name(Path(videos) / name, files) for name in names}
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
    return _each_once({name: found[name][0] for name in names})


def _each_once(files: dict[str, Path]) -> dict[str, Path]:
    """The same, if no file has two names: what is learnt from one would be tested in the other."""
    names: dict[Path, str] = {}
    for name, path in files.items():
        other = names.setdefault(path.resolve(), name)
        if other != name:
            raise VideoNotFoundError(
                f"{other} and {name} of the labels are one file, {path}; name it alike in all of "
                "them"
            )
    return files


@dataclass(frozen=True, kw_only=True)
class MaterialRequest:
    """What is to be made of labels and videos."""

    features: FeatureConfig
    feature_fps: float
    split: SplitConfig
    axes: tuple[str, ...] = ()
    """Which ones; empty: all of which there are labels."""

    subject: str | None = None
    """Whose labels; None: those of the only one that there is."""


def expected_videos(
    labels: Labels, sources: Mapping[str, Path], request: MaterialRequest
) -> tuple[TaughtVideo, ...]:
    """The videos about as they will be taught, their features still empty: for a look ahead.

    Who has too few labels hears of it now, not when hours of video are encoded.

    Raises:
        LabelError: If the labels teach nothing, cannot be split, or are of other files.
        VidmemError: If a video cannot be read.
    """
    names = list(sources)
    ahead = look_ahead(
        labels, names, request, lambda one: probe_safely(sources[one]).duration_seconds
    )
    return ahead.videos


@dataclass(frozen=True, kw_only=True, eq=False)
class LookAhead:
    """What would be taught on, before anything is encoded."""

    axes: tuple[CardAxis, ...]
    subject: str
    videos: tuple[TaughtVideo, ...]
    """About as they will be taught, their features still empty."""

    split: Split


def look_ahead(
    labels: Labels,
    names: Iterable[str],
    request: MaterialRequest,
    seconds_of: Callable[[str], float],
) -> LookAhead:
    """What would be taught on, and how it would be split.

    Args:
        labels: Of any videos.
        names: The videos that are taught on, as the labels call them.
        request: What is wanted.
        seconds_of: How long a video is, in seconds.

    Raises:
        LabelError: If the labels teach nothing, cannot be split, or are of other files.
    """
    subject = _chosen_subject(labels, request.subject)
    taught = taught_axes(labels, request.axes, subject)
    found = []
    for name in names:
        seconds = seconds_of(name)
        check_inside(labels.bouts_of(video=name), name, seconds)
        starts = np.arange(max(1, round(seconds * request.feature_fps))) / request.feature_fps
        # The last frame of each group is encoded.
        every = request.features.encode_every
        times = starts + (every - 1) / every / request.feature_fps
        one = TaughtVideo(
            name=name,
            values=torch.zeros(len(times), 0, 0),
            times_seconds=times,
            start_seconds=starts,
            end_seconds=starts + 1 / request.feature_fps,
            classes=classes_at(times, labels, taught, name=name, subject=subject),
        )
        found.append(one)
    _check_sampled(found, taught, request.feature_fps)
    split = make_split(found, request.split)
    return LookAhead(axes=taught, subject=subject, videos=tuple(found), split=split)


def _check_sampled(
    videos: Sequence[TaughtVideo], axes: Sequence[CardAxis], feature_fps: float
) -> None:
    for index, axis in enumerate(axes):
        sampled = np.concatenate([one.classes[index] for one in videos])
        for number, name in enumerate(axis.class_names):
            if not (sampled == number).any():
                raise LabelError(
                    f"the bouts of {name} lie between the frames that are looked at, which are "
                    f"{1 / feature_fps:g} s apart; raise feature_fps, or leave the behaviour out"
                )


def gather(
    labels: Labels,
    sources: Mapping[str, Path],
    request: MaterialRequest,
    *,
    expected: Sequence[TaughtVideo],
    store: FeatureStore,
    progress: Callable[[str, EncodingProgress], None],
    is_cancelled: Callable[[], bool],
) -> Material:
    """Encode what is not encoded yet, reduce it, and lay labels beside it.

    Args:
        labels: That were looked at by `expected_videos`.
        sources: The files, by name.
        request: What is wanted.
        expected: The videos as `expected_videos` told them: how much is to be encoded.
        store: Where features are kept.
        progress: Told how far which video is.
        is_cancelled: Asked between batches.

    Raises:
        LabelError: If the labels teach nothing.
        VidmemError: If a video, the image encoder or the room for features is missing.
    """
    subject = _chosen_subject(labels, request.subject)
    taught = taught_axes(labels, request.axes, subject)
    backbone = load_feature_backbone(request.features)
    config = replace(request.features, backbone_sha256=backbone.fingerprint())
    encoder, fps = FeatureEncoder(config, backbone), request.feature_fps * config.encode_every
    seconds = {sources[one.name]: float(one.end_seconds[-1]) for one in expected}
    check_room(seconds, encoder, fps=fps, store=store)
    features = {
        name: encode_video(
            path,
            encoder,
            fps=fps,
            store=store,
            progress=lambda done, name=name: progress(name, done),
            is_cancelled=is_cancelled,
        )
        for name, path in sources.items()
    }
    bare = [
        taught_video(own, torch.zeros(len(own), 0, 0), labels, taught, name=name, subject=subject)
        for name, own in features.items()
    ]
    split = make_split(bare, request.split)
    # A video that is kept to test with is one that nothing has seen, not even without its labels.
    seen = [own for name, own in features.items() if name not in split.tested_only]
    encoder.reduction.load_state_dict(Reduction.fit(config, _some_frames(seen)).state_dict())
    return Material(
        encoder=encoder,
        axes=taught,
        labels=labels,
        subject=subject,
        videos=tuple(
            replace(one, values=reduced(encoder.reduction, features[one.name])) for one in bare
        ),
        split=split,
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


def _of_name(wanted: Path, files: Sequence[Path]) -> list[Path]:
    """Files that may be meant: exactly that one, else those of its name, with or without ending."""
    if wanted in files:
        return [wanted]
    by_name = [path for path in files if path.name == wanted.name]
    if by_name:
        return by_name
    # Labels and subtitles often lie beside a video, under its name.
    others = tuple(ending for one in FORMATS for ending in one.endings)
    return [
        path
        for path in files
        if path.stem == wanted.name and not path.name.lower().endswith(others)
    ]


def _and_more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
