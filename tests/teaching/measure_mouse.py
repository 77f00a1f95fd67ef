"""What models of a mouse's behaviours are worth, taught and tested on real footage.

    python -m tests.teaching.measure_mouse table [--seeds 3] [--encoder lite2] [--follow 0.3]
    python -m tests.teaching.measure_mouse visits [--within 20] [--reverse] [--steps 1000 ...]
    python -m tests.teaching.measure_mouse follow|clock
    python -m tests.teaching.measure_mouse labels [--out mouse.csv]
    python -m tests.teaching.measure_mouse features   mouse-moving.npz, mouse-wall.npz, ..., for
                                                      vidmem ablate docs/studies/mouse-moving.toml

The footage and its track (`shared/videos`, from vivekhsridhar/tracktor, MIT) are not part of
vidmem. Labels are derived from the track: *moving* where the speed, smoothed over half a second, is
above 20 pixels a second; at the *wall* where the mouse is farther than 0.7 of the arena's radius
from its centre. Learnt from is the first 60 % of the video, tested is on the last 30 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from torch import Tensor

from tests.teaching.measuring import add_learn_options, learn_config, looks, mean_and_range, say
from vidmem.labels import Behaviour, Bout, Ethogram, Labels, write
from vidmem.models import FollowedCrop, ModelCard
from vidmem.models.features.motion import motion_channels
from vidmem.streaming.feeds.clock import find_clock
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.streaming.feeds.followed import FollowedFeed
from vidmem.teaching import FeatureConfig, LearnConfig, SplitConfig, TeachConfig, TeachReport
from vidmem.teaching.learners import LEARNERS
from vidmem.teaching.report.report import macro_f1_of
from vidmem.teaching.report.scoring import Examination
from vidmem.teaching.splits import Piece
from vidmem.teaching.teach import Teaching, prepare, teach
from vidmem.video import to_clip

SHARED = Path(__file__).resolve().parents[3] / "shared" / "videos"
VIDEO = "tracktor_mouse_first_half.mp4"
TRACK = SHARED / "annotations" / "tracktor_mouse_first_half_tracked.csv"
FPS = 30.0
SMOOTHED_SECONDS, MOVING_PIXELS = 0.5, 20.0
WALL_SHARE = 0.7
WINDOW_FRAMES, LEARNT_HOP = 60, 15
"""Feature frames of a sequence in a file of them, and from one that is learnt from to the next."""

CLOCK_FPS = 10
CLOCK_SIZE = {"frame_width": 400, "frame_height": 300}


def track() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each frame, whether the mouse moves, and whether it is at the wall."""
    x, y = np.genfromtxt(TRACK, delimiter=",", skip_header=1)[:, 2:4].T
    speed = np.hypot(np.gradient(x), np.gradient(y)) * FPS
    num_smoothed = round(SMOOTHED_SECONDS * FPS)
    smooth = np.convolve(speed, np.ones(num_smoothed) / num_smoothed, "same")
    centre = (x.min() + x.max()) / 2, (y.min() + y.max()) / 2
    away = np.hypot(x - centre[0], y - centre[1])
    return smooth > MOVING_PIXELS, away > WALL_SHARE * away.max()


def bouts(names: Sequence[str], which: NDArray[np.int64]) -> list[Bout]:
    """Of frames that are called `names[which]`; -1: unlabelled."""
    edges = np.flatnonzero(np.diff(which)) + 1
    starts, ends = [0, *edges], [*edges, len(which)]
    return [
        Bout(VIDEO, start / FPS, end / FPS, names[which[start]])
        for start, end in zip(starts, ends, strict=True)
        if which[start] >= 0
    ]


def two_axes() -> Labels:
    """What the mouse does, and where it is."""
    moving, wall = track()
    names = {"activity": ("still", "moving"), "place": ("centre", "wall")}
    ethogram = Ethogram(tuple(Behaviour(n, axis=axis) for axis, own in names.items() for n in own))
    labels = Labels(ethogram)
    for own, which in zip(names.values(), (moving, wall), strict=True):
        labels = labels.add(*bouts(own, which.astype(int)))
    return labels


def seconds_since(seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of each frame, since when something was not seen any more; infinite: never seen."""
    last = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), -(10**9)))
    return (np.arange(len(seen)) - last) / FPS


def visits(within_seconds: float, *, is_reverse: bool) -> tuple[Labels, NDArray[np.float64]]:
    """In the centre, and at the wall a short time before or not; and since when.

    Reversed: at the wall, and in the centre a short time before or not.
    """
    # Reversed with 20 s nothing is to be told apart: in this half no stay at the wall is as long.
    _, wall = track()
    visited = ~wall if is_reverse else wall
    since = seconds_since(visited)
    which = np.where(visited, -1, np.where(since < within_seconds, 0, 1))
    names = ("just came", "there for long")
    ethogram = Ethogram(tuple(Behaviour(name, axis="visit") for name in names))
    return Labels(ethogram).add(*bouts(names, which)), since


def taught(labels: Labels, config: TeachConfig) -> TeachReport:
    """The report of a model."""
    return teach(labels, SHARED / "animals", config=config)[1]


def print_table(config: TeachConfig, encoder: str) -> None:
    """All models and baselines, with motion and without."""
    for has_motion in (True, False):
        features = FeatureConfig(backbone=encoder, has_motion=has_motion)
        for model in ("spool", "fam"):
            one = replace(config, model=model, features=features, has_baselines=model == "spool")
            report = taught(two_axes(), one)
            say(f"\n{encoder}, motion: {has_motion}, {model}; {report.split.words()}")
            for candidate in report.candidates:
                say(f"  {candidate.title:28}", *_cells(candidate), candidate.num_steps)
            say("  majority", report.baselines["majority"])
            for row in report.memory:
                say(f"  {report.memory_name}: {row.words}", [_round(x) for x in row.macro_f1])
            if model == "spool":
                for point in report.curve:
                    say(f"  {point.seconds:.0f} s", [_round(x) for x in point.macro_f1])
            say(f"  taught in {report.teaching_seconds:.1f} s")


def _cells(candidate) -> list[str]:
    cells = []
    for axis in range(len(candidate.seeds[0])):
        each = [scores[axis].macro_f1 for scores in candidate.seeds]
        between = candidate.seeds[0][axis].macro_f1_interval
        interval = f"{between.low:.2f} to {between.high:.2f}" if between.low else between.undefined
        cells.append(f"{np.mean(each):.3f} ({min(each):.3f} to {max(each):.3f}; {interval})")
    return cells


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def print_visits(config: TeachConfig, given: argparse.Namespace) -> None:
    """A task that needs memory: scores, and by how long ago the visit was."""
    labels, since = visits(given.within, is_reverse=given.reverse)
    config = replace(config, model="fam", features=FeatureConfig(backbone=given.encoder))
    material = prepare(labels, SHARED / "animals", config=config)
    teaching, (video,) = Teaching(material, config), material.videos
    say(f"visits within {given.within:g} s, reverse: {given.reverse}; {material.split.words()}")
    test = teaching.examination("test")
    is_in, is_learnt = material.split.mask(video, "test"), material.split.mask_learnt(video)
    ago = since[np.minimum(np.round(video.times_seconds * FPS).astype(int), len(since) - 1)]
    edges = given.within * np.array([0, 0.25, 0.5, 1, 1.5, 2, np.inf])
    for part in ("learn", "stop", "test"):
        say(f"  {part}: {num_bouts(labels, material.split.pieces, part)}")
    found: dict[str, list[list[float]]] = {}
    for seed in range(given.seeds):
        linear = np.zeros((0, 2))
        for name in given.models.split(","):
            all_steps = config.learn if given.all_steps else None
            for look in looks(teaching, name, seed, all_steps=all_steps):
                is_right = look.logits(video, is_learnt).argmax(1) == video.classes[0]
                logits = look.logits(video, test.is_in(video))
                row = by_delay(test, logits, is_in, ago, edges)
                found.setdefault(look.title, []).append(row)
                right = f"{is_right[is_learnt].mean():.3f} right of what it learnt"
                say(f"    {look.title}: {right}, macro-F1 {row[0]:.3f} of what it did not")
                linear = look.linear_logits(video)
        found.setdefault("Linear", []).append(by_delay(test, linear, is_in, ago, edges))
    counts = [int((is_in & (ago >= low) & (ago < high)).sum()) for low, high in pairwise(edges)]
    say("  feature frames by seconds since the visit,", *_bins(edges, counts))
    for title, rows in found.items():
        macro_f1 = mean_and_range([row[0] for row in rows])
        say(f"  {title:24} {macro_f1}; right of each:", *_bins(edges, np.mean(rows, 0)[1:]))


def num_bouts(labels: Labels, pieces: Sequence[Piece], part: str) -> str:
    """How many bouts of each class some part of the video has, and how long they are together."""
    found: dict[str, list[float]] = {}
    for piece in pieces:
        for one in labels.between(piece.video, piece.start_seconds, piece.end_seconds).bouts:
            if piece.part == part:
                found.setdefault(one.behaviour, []).append(one.end_seconds - one.start_seconds)
    return ", ".join(f"{len(each)} {what} ({sum(each):.0f} s)" for what, each in found.items())


def by_delay(
    test: Examination,
    logits: NDArray[np.float32],
    is_in: NDArray[np.bool_],
    ago: NDArray[np.float64],
    edges: NDArray[np.float64],
) -> list[float]:
    """Macro-F1, then the share of frames judged rightly for each range of seconds."""
    (score,), (video,) = test.score({VIDEO: logits}), test.videos
    is_right = logits.argmax(1) == video.classes[0]
    shares = [
        float(is_right[own].mean()) if own.any() else np.nan
        for own in (is_in & (ago >= low) & (ago < high) for low, high in pairwise(edges))
    ]
    return [macro_f1_of(score) or 0.0, *shares]


def _bins(edges: NDArray[np.float64], values: Iterable[float]) -> list[str]:
    return [
        f"{low:g} to {high:g} s: {value:.3g};"
        for (low, high), value in zip(pairwise(edges), values, strict=True)
    ]


def print_place(share: float) -> None:
    """How far from its track the mouse is found, by the frames that say where the square is."""
    crop = FollowedCrop(share=share, every_frames=1)
    card = ModelCard(name="mouse", title="Mouse", class_names=("mouse",), follow=crop)
    path = SHARED / "animals" / VIDEO
    request = FeedRequest(path=path, card=card, fps=5.0, start_frame=0, reader="auto")
    tracked = np.genfromtxt(TRACK, delimiter=",", skip_header=1)[:, 2:4]
    away, num_inside = [], 0
    with closing(open_file_feed(request)) as feed:
        assert isinstance(feed, FollowedFeed)
        size = np.array([feed.info.width, feed.info.height])
        while True:
            frames = feed.read(1)
            if not len(frames):
                break
            number = min(round(float(frames.pts_seconds[0]) * FPS), len(tracked) - 1)
            off = np.array(feed.place) * size - tracked[number]
            away.append(float(np.hypot(*off)))
            num_inside += bool((np.abs(off) < share * size.min() / 2).all())
    median, most, largest = np.percentile(away, (50, 95, 100))
    say(
        f"place: {median:.1f} px off in the median, {most:.1f} in 95 of 100 frames, at most "
        f"{largest:.1f}; in a square of {share * size.min():.0f} px in {num_inside} of {len(away)}"
    )


def print_follow(config: TeachConfig, encoder: str) -> None:
    """A square that follows the mouse; `table` has the whole picture."""
    share = config.follow or FollowedCrop().share
    print_place(share)
    path, side = SHARED / "animals" / VIDEO, {"frame_width": 260, "frame_height": 260}
    whole = told_by_motion(read_pixels(path, **side))
    followed = told_by_motion(read_pixels(path, **side, follow=FollowedCrop(share=share)))
    say(f"moving or still, by motion alone: {whole:.3f} of the whole, {followed:.3f} of the square")
    features = FeatureConfig(backbone=encoder)
    report = taught(two_axes(), replace(config, features=features, follow=share))
    say(f"\n{encoder}, follow: {share:g}; {report.split.words()}")
    for candidate in report.candidates:
        say(f"  {candidate.title:28}", *_cells(candidate), candidate.num_steps)


def write_features(config: TeachConfig, encoder: str) -> None:
    """A file of sequences for each axis, with motion and without, split as `table` has it."""
    for has_motion in (True, False):
        features = FeatureConfig(backbone=encoder, has_motion=has_motion)
        own = replace(config, features=features)
        material = prepare(two_axes(), SHARED / "animals", config=own)
        (video,), split = material.videos, material.split
        masks = {
            "train": split.mask(video, "learn"),
            "valid": split.mask(video, "stop"),
            "test": split.mask(video, "test"),
        }
        for axis, name in enumerate(("moving", "wall")):
            arrays: dict[str, NDArray[np.generic]] = {}
            for part, is_in in masks.items():
                starts = window_starts(is_in, LEARNT_HOP if part == "train" else WINDOW_FRAMES)
                classes = np.where(is_in, video.classes[axis], -1)
                spans = [slice(start, start + WINDOW_FRAMES) for start in starts]
                arrays[f"{part}_features"] = np.stack([video.values[one].numpy() for one in spans])
                arrays[f"{part}_classes"] = np.stack([classes[one] for one in spans])
                if part != "train":
                    count_once(arrays[f"{part}_classes"], starts)
            path = f"mouse-{name}{'' if has_motion else '-still'}.npz"
            np.savez(path, **arrays)
            say(f"wrote {path}:", {part: len(arrays[f"{part}_classes"]) for part in masks})


def window_starts(is_in: NDArray[np.bool_], hop: int) -> list[int]:
    """Where windows begin that cover the frames of a part, the last one where these end."""
    frames = np.flatnonzero(is_in)
    first, last = int(frames[0]), max(0, int(frames[-1]) + 1 - WINDOW_FRAMES)
    return [*range(first, last, hop), last]


def count_once(classes: NDArray[np.generic], starts: Sequence[int]) -> None:
    """Of windows that overlap, frames that an earlier one has are told no class again."""
    for number, (before, start) in enumerate(pairwise(starts), start=1):
        classes[number, : max(0, before + WINDOW_FRAMES - start)] = -1


def burn_clock(pixels: Tensor, path: Path) -> Path:
    """A video of these frames, ten a second, with a clock in a corner."""
    font = ImageFont.load_default(size=24)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=CLOCK_FPS)
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "16"}
        for number, picture in enumerate(pixels.numpy()):
            minutes, seconds = divmod(int(number / CLOCK_FPS + 0.4), 60)
            image = Image.new("L", (420, 40))
            text = f"CAM 09  2026-04-11  17:{20 + minutes}:{seconds:02d}"
            ImageDraw.Draw(image).text((6, 2), text, fill=255, font=font)
            small = np.asarray(image.resize((210, 20), Image.Resampling.BOX))[..., None]
            corner = picture[:20, :210]
            np.maximum((corner * 0.4).astype(np.uint8), small, out=corner)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def read_pixels(path: Path, **changes) -> Tensor:
    """All frames, ten a second."""
    card = ModelCard(
        name="mouse", title="Mouse", class_names=("mouse",), resize="squash", **CLOCK_SIZE
    )
    request = FeedRequest(
        path=path, card=replace(card, **changes), fps=CLOCK_FPS, start_frame=0, reader="auto"
    )
    parts = []
    with closing(open_file_feed(request)) as feed:
        while not parts or not parts[-1].is_end:
            parts.append(feed.read(96))
    return torch.cat([part.pixels for part in parts])


def told_by_motion(pixels: Tensor) -> float:
    """Macro-F1 of moving or still, of the motion channels of the whole picture alone."""
    std = (0.5, 0.5, 0.5)
    channels = []
    for some in pixels[: len(pixels) // 2 * 2].split(128):
        clip = to_clip(some, mean=std, std=std)[0]
        channels.append(motion_channels(clip[::2], clip[1::2], (1, 1), std)[1])
    rows = torch.cat(channels).numpy()
    frames = ((2 * np.arange(len(rows)) + 1) / CLOCK_FPS * FPS).round().astype(int)
    moves = track()[0]
    moves = moves[np.minimum(frames, len(moves) - 1)]
    end, start = int(0.6 * len(rows)), int(0.7 * len(rows))
    rows = (rows - rows[:end].mean(0)) / rows[:end].std(0)
    head = LogisticRegression(C=0.03, class_weight="balanced").fit(rows[:end], moves[:end])
    return float(f1_score(moves[start:], head.predict(rows[start:]), average="macro"))


def print_clock(config: TeachConfig, encoder: str) -> None:
    """What a burnt-in clock costs, and what painting it over brings back."""
    pixels = read_pixels(SHARED / "animals" / VIDEO)
    say(f"no clock: {told_by_motion(pixels):.3f} of moving or still, by motion alone")
    with TemporaryDirectory() as folder:
        path = burn_clock(pixels, Path(folder) / "clock.mp4")
        say(f"burnt in: {told_by_motion(read_pixels(path)):.3f}")
        say(f"found: {find_clock(path)}")
        say(f"painted over: {told_by_motion(read_pixels(path, hides_clock=True)):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what",
        choices=("table", "visits", "follow", "clock", "labels", "features"),
        nargs="?",
        default="table",
    )
    parser.add_argument("--out", type=Path, default=Path("mouse.csv"), help="labels: where to")
    parser.add_argument("--follow", type=float, default=None, metavar="SHARE")
    parser.add_argument("--within", type=float, default=20.0, help="visits: seconds")
    parser.add_argument("--reverse", action="store_true", help="visits: at the wall, not in it")
    parser.add_argument("--memory-seconds", type=float, default=20.0)
    parser.add_argument("--models", default=",".join(LEARNERS), help="visits: which networks")
    add_learn_options(parser)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = TeachConfig(
        split=SplitConfig(method="time"),
        num_seeds=given.seeds,
        follow=given.follow,
        memory_seconds=given.memory_seconds,
        learn=learn_config(given, LearnConfig()),
    )
    if given.what == "visits":
        print_visits(config, given)
    elif given.what == "labels":
        write(two_axes(), given.out)
    else:
        shown = {
            "table": print_table,
            "follow": print_follow,
            "clock": print_clock,
            "features": write_features,
        }
        shown[given.what](config, given.encoder)


if __name__ == "__main__":
    main()
