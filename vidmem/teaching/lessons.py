"""Videos, labels and features brought together: everything before the first network learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vidmem.errors import LabelError, VideoNotFoundError
from vidmem.labels import Labels
from vidmem.labels.formats import FORMATS
from vidmem.models import CardAxis, FeatureConfig, FeatureEncoder, FeatureStore, FollowedCrop
from vidmem.models.features.encoder import load_feature_backbone
from vidmem.models.features.reduction import RawFeatures, Reduction
from vidmem.models.features.storage.array_file import release_pages
from vidmem.streaming.feeds.clock import find_clock
from vidmem.teaching.encoding import (
    EncodingProgress,
    VideoFeatures,
    WantedFeatures,
    check_room,
    encode_regions,
    encode_video,
)
from vidmem.teaching.samples import (
    TaughtVideo,
    check_inside,
    classes_at,
    taught_axes,
    taught_video,
)
from vidmem.teaching.splits import Split, SplitConfig, extend_split, make_split
from vidmem.teaching.stream_rows import StreamRows, stream_rows
from vidmem.teaching.subjects import Regions, TaughtPart, assign
from vidmem.teaching.warm_start import WarmStart
from vidmem.video import VideoInfo, probe_safely

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
    """Of those who are taught, each under the subject of its taught video."""

    parts: tuple[TaughtPart, ...]
    videos: tuple[TaughtVideo, ...]
    """Of each part."""

    split: Split
    hides_clock: bool
    """A clock was burnt into some of the videos, and is painted over in all that have one."""


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
    """Whose labels; None: of all that can be told apart, by regions or by videos."""

    regions: Regions = field(default_factory=dict)
    """Parts of the picture that are taught each by itself; empty: the whole picture is."""

    follow: FollowedCrop | None = None
    """What of the pictures is taken; `None`: the whole."""

    hide_clock: bool = True
    """Paint a burnt-in clock over, where a video has one."""

    clip_frames: int = 1
    """Feature frames of a clip, of a model that fills it up before a long gap; see `StreamRows`."""

    warm_start: WarmStart | None = None
    """An earlier model, whose encoder, axes and held-out time are kept; None: all is made anew."""

    def taught_axes(self, labels: Labels) -> tuple[CardAxis, ...]:
        """See `samples.taught_axes`; an earlier model's, in its order.

        Raises:
            LabelError: If the labels teach nothing, or something else than the earlier model.
        """
        taught = taught_axes(labels, self.axes)
        if self.warm_start is None:
            return taught
        self.warm_start.check_axes(taught)
        return self.warm_start.axes

    def split_of(self, videos: Sequence[TaughtVideo]) -> Split:
        """See `make_split`; an earlier model's, with the labels that were added.

        Raises:
            LabelError: If there is too little for it.
        """
        if self.warm_start is None:
            return make_split(videos, self.split)
        return extend_split(self.warm_start.split, videos)


def expected_videos(
    labels: Labels, sources: Mapping[str, Path], request: MaterialRequest
) -> tuple[TaughtVideo, ...]:
    """The videos about as they will be taught, their features still empty: for a look ahead.

    Who has too few labels hears of it now, not when hours of video are encoded.

    Raises:
        LabelError: If the labels teach nothing, cannot be split, or are of other files.
        VidmemError: If a video cannot be read.
    """
    infos: dict[str, VideoInfo] = {}

    def seconds_of(name: str) -> float:
        infos[name] = probe_safely(sources[name])
        return infos[name].duration_seconds

    ahead = look_ahead(labels, sources, request, seconds_of)
    for part in ahead.parts:
        if part.region is not None:  # which may be too small for its video
            part.region.pixels(infos[part.name].width, infos[part.name].height)
    return ahead.videos


@dataclass(frozen=True, kw_only=True, eq=False)
class LookAhead:
    """What would be taught on, before anything is encoded."""

    axes: tuple[CardAxis, ...]
    parts: tuple[TaughtPart, ...]
    videos: tuple[TaughtVideo, ...]
    """About as they will be taught, their features still empty."""

    split: Split


def look_ahead(
    labels: Labels,
    sources: Mapping[str, Path],
    request: MaterialRequest,
    seconds_of: Callable[[str], float],
) -> LookAhead:
    """What would be taught on, and how it would be split.

    Args:
        labels: Of any videos.
        sources: The files of the videos that are taught on, by name; none is opened.
        request: What is wanted.
        seconds_of: How long a video is, in seconds.

    Raises:
        LabelError: If the labels teach nothing, cannot be split, or are of other files.
    """
    assigned = assign(labels, sources, request.subject, request.regions)
    taught = request.taught_axes(assigned.labels)
    lengths = {name: seconds_of(name) for name in sources}
    for name, seconds in lengths.items():
        check_inside(labels.bouts_of(video=name), name, seconds)
    found = []
    for part in assigned.parts:
        num_frames = max(1, round(lengths[part.name] * request.feature_fps))
        starts = np.arange(num_frames) / request.feature_fps
        # The last frame of each group is encoded.
        every = request.features.encode_every
        times = starts + (every - 1) / every / request.feature_fps
        one = TaughtVideo(
            name=part.name,
            subject=part.subject,
            values=torch.zeros(len(times), 0, 0),
            times_seconds=times,
            start_seconds=starts,
            end_seconds=starts + 1 / request.feature_fps,
            classes=classes_at(
                times, assigned.labels, taught, name=part.name, subject=part.subject
            ),
            is_repeated=np.zeros(len(times), bool),
        )
        found.append(one)
    _check_sampled(found, taught, request.feature_fps)
    split = request.split_of(found)
    return LookAhead(axes=taught, parts=assigned.parts, videos=tuple(found), split=split)


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
        progress: Told what is encoded, and how far it is.
        is_cancelled: Asked between batches.

    Raises:
        LabelError: If the labels teach nothing.
        VidmemError: If a video, the image encoder or the room for features is missing.
    """
    assigned = assign(labels, sources, request.subject, request.regions)
    taught = request.taught_axes(assigned.labels)
    encoder = _encoder(request)
    fps = request.feature_fps * encoder.config.encode_every
    seconds = {one.name: float(one.end_seconds[-1]) for one in expected}
    wanted = _wanted(assigned.parts, seconds)
    hides_clock = _hides_clock(sources, request)
    check_room(
        wanted, encoder, fps=fps, store=store, follow=request.follow, hides_clock=hides_clock
    )
    features: dict[str, VideoFeatures] = {}
    for one in wanted:
        own = [part for part in assigned.parts if part.path == one.path]
        listener = _listener(own, progress)
        if one.regions:
            by_name = encode_regions(
                one.path,
                encoder,
                regions=one.regions,
                fps=fps,
                store=store,
                info=one.info,
                progress=listener,
                is_cancelled=is_cancelled,
            )
            features |= {part.key: by_name[part.subject] for part in own}
        else:
            features[own[0].key] = encode_video(
                one.path,
                encoder,
                fps=fps,
                store=store,
                follow=request.follow,
                hides_clock=hides_clock,
                progress=listener,
                is_cancelled=is_cancelled,
            )
    rows = {
        key: stream_rows(own, feature_fps=request.feature_fps, clip_frames=request.clip_frames)
        for key, own in features.items()
    }
    bare = [
        taught_video(
            rows[part.key],
            torch.zeros(0),
            assigned.labels,
            taught,
            name=part.name,
            subject=part.subject,
        )
        for part in assigned.parts
    ]
    split = request.split_of(bare)
    if request.warm_start is None:
        # A video that is kept to test with is one that nothing has seen, not even without labels.
        seen = [own for key, own in features.items() if key not in split.tested_only]
        fitted = Reduction.fit(encoder.config, _some_frames(seen))
        encoder.reduction.load_state_dict(fitted.state_dict())
    return Material(
        encoder=encoder,
        axes=taught,
        labels=assigned.labels,
        parts=assigned.parts,
        videos=tuple(
            replace(one, values=reduced(encoder.reduction, features[one.key], rows[one.key]))
            for one in bare
        ),
        split=split,
        hides_clock=hides_clock,
    )


def _hides_clock(sources: Mapping[str, Path], request: MaterialRequest) -> bool:
    """Whether a clock is painted over: for an earlier model as it was, else if a video has one."""
    if request.warm_start is not None:
        return request.warm_start.card.hides_clock
    # A clock is found in the whole picture; regions are usually drawn beside it.
    is_wanted = request.hide_clock and not request.regions
    return is_wanted and any(find_clock(one) for one in sources.values())


def _wanted(parts: Sequence[TaughtPart], seconds: Mapping[str, float]) -> list[WantedFeatures]:
    """Of each video, the regions together: they are decoded once."""
    found: dict[Path, WantedFeatures] = {}
    for part in parts:
        one = found.get(part.path)
        if one is None:
            info = probe_safely(part.path) if part.region else None
            one = WantedFeatures(path=part.path, seconds=seconds[part.name], info=info)
        regions = (*one.regions, *([part.region] if part.region else ()))
        found[part.path] = replace(one, regions=regions)
    return list(found.values())


def _listener(
    parts: Sequence[TaughtPart], progress: Callable[[str, EncodingProgress], None]
) -> Callable[[EncodingProgress], None]:
    what = parts[0].name
    if len(parts) > 1:
        what = f"{len(parts)} regions of {what}"
    elif parts[0].region:
        what = f"{parts[0].region.name} in {what}"
    return lambda done: progress(what, done)


def _encoder(request: MaterialRequest) -> FeatureEncoder:
    """Its reduction is that of the earlier model; without one, it is yet to be fitted."""
    if request.warm_start is not None:
        return request.warm_start.encoder()
    backbone = load_feature_backbone(request.features)
    config = replace(request.features, backbone_sha256=backbone.fingerprint())
    return FeatureEncoder(config, backbone)


@torch.no_grad()
def reduced(reduction: Reduction, features: VideoFeatures, rows: StreamRows) -> Tensor:
    """`[T, P, F]`, float16: a few frames at a time, since raw features of hours are gigabytes."""
    numbers, is_repeated = torch.from_numpy(rows.features), torch.from_numpy(rows.is_repeated)
    pieces = []
    for some, are_repeated in zip(
        numbers.split(REDUCED_FRAMES), is_repeated.split(REDUCED_FRAMES), strict=True
    ):
        values = reduction(features.raw[some])
        values[are_repeated] = reduction.stilled(values[are_repeated])
        pieces.append(values.half())
        release_pages(features.raw.tokens)
    return torch.cat(pieces)


def _some_frames(videos: Sequence[VideoFeatures]) -> RawFeatures:
    """Every n-th feature frame of all, in the order of time."""
    step = max(1, -(-sum(len(one) for one in videos) // FIT_FRAMES))
    some = []
    for one in videos:
        few = one.raw[slice(0, None, step)]
        some.append((few.tokens.float(), few.cell_motion.float(), few.frame_motion.float()))
        release_pages(one.raw.tokens)
    return RawFeatures(*map(torch.cat, zip(*some, strict=True)))


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
