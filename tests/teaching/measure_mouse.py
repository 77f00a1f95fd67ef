"""What models of a mouse's behaviours are worth, taught and tested on real footage.

    python -m tests.teaching.measure_mouse [table|visits|follow|clock] [--seeds 3] [--encoder lite2]
        [--follow 0.3]

The footage and its track (`shared/videos`, from vivekhsridhar/tracktor, MIT) are not part of
vidmem. Labels are derived from the track: *moving* where the speed, smoothed over half a second, is
above 20 pixels a second; at the *wall* where the mouse is farther than 0.7 of the arena's radius
from its centre. Learnt from is the first 60 % of the video, tested is on the last 30 %.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
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

from vidmem.labels import Behaviour, Bout, Ethogram, Labels
from vidmem.models import FollowedCrop, ModelCard
from vidmem.models.features.motion import motion_channels
from vidmem.streaming.feeds.clock import find_clock
from vidmem.streaming.feeds.feed import FeedRequest, open_file_feed
from vidmem.streaming.feeds.followed import FollowedFeed
from vidmem.teaching import FeatureConfig, SplitConfig, TeachConfig, TeachReport
from vidmem.teaching.teach import teach
from vidmem.video import to_clip

SHARED = Path(__file__).resolve().parents[3] / "shared" / "videos"
VIDEO = "tracktor_mouse_first_half.mp4"
TRACK = SHARED / "annotations" / "tracktor_mouse_first_half_tracked.csv"
FPS = 30.0
SMOOTHED_SECONDS, MOVING_PIXELS = 0.5, 20.0
WALL_SHARE = 0.7
VISIT_SECONDS = 20.0
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


def visits() -> tuple[Labels, NDArray[np.float64]]:
    """In the centre, and at the wall within the last 20 s or not; and since when."""
    # The other way round there is nothing to tell apart: in this half no stay at the wall is as
    # long as 20 s, so whoever is at the wall was in the centre just now.
    _, wall = track()
    since = seconds_since(wall)
    which = np.where(wall, -1, np.where(since < VISIT_SECONDS, 0, 1))
    names = ("came from the wall", "long in the centre")
    ethogram = Ethogram(tuple(Behaviour(name, axis="visit") for name in names))
    return Labels(ethogram).add(*bouts(names, which)), since


def say(*parts: object) -> None:
    sys.stdout.write(" ".join(map(str, parts)) + "\n")
    sys.stdout.flush()


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


def print_visits(config: TeachConfig, encoder: str) -> None:
    """A task that needs memory."""
    labels, _ = visits()
    for model in ("fam", "spool"):
        features = FeatureConfig(backbone=encoder)
        one = replace(config, model=model, features=features, has_baselines=model == "fam")
        report = taught(labels, one)
        say(f"\nvisits, {model}; {report.split.words()}")
        for candidate in report.candidates:
            say(f"  {candidate.title:28}", *_cells(candidate), candidate.num_steps)
        say("  majority", report.baselines["majority"])
        for row in report.memory:
            say(f"  {report.memory_name}: {row.words}", [_round(x) for x in row.macro_f1])
        say(f"  taught in {report.teaching_seconds:.1f} s")


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
        "what", choices=("table", "visits", "follow", "clock"), nargs="?", default="table"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--encoder", default="lite2")
    parser.add_argument("--follow", type=float, default=None, metavar="SHARE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = TeachConfig(
        split=SplitConfig(method="time"), num_seeds=given.seeds, follow=given.follow
    )
    shown = {
        "table": print_table,
        "visits": print_visits,
        "follow": print_follow,
        "clock": print_clock,
    }
    shown[given.what](config, given.encoder)


if __name__ == "__main__":
    main()
