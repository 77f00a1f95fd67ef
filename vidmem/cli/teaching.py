"""`vidmem teach`: a model of one's own behaviours, from labels and videos."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from rich.console import Console

from vidmem.cli.stopping import StopRequest
from vidmem.cli.teaching_outputs import check_can_write, check_model_folder, write_model
from vidmem.cli.teaching_progress import TeachingDisplay
from vidmem.cli.terminal import new_console
from vidmem.errors import DecoderError, SettingError
from vidmem.plain import to_json
from vidmem.units import file_size

if TYPE_CHECKING:
    from vidmem.labels import Labels
    from vidmem.models import FeatureStore, Network
    from vidmem.teaching import Regions, SplitConfig, TeachConfig, TeachReport, WarmStart


def teach(
    context: typer.Context,
    out: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="The folder for the model and its report; with --project, the model's name.",
            show_default=False,
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(help="Labels, of any format that `vidmem convert` reads.", show_default=False),
    ] = None,
    videos: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the videos that the labels name, or the one video.",
            show_default=False,
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(
            help="Take labels and videos of this project; the model goes into its models.",
            show_default=False,
        ),
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Correct this model, which was taught before: what it sees and what was kept to "
            "test with stay, it learns on for a few steps, and the report is shorter. With "
            "--project also the name of one of its models.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="spool (looks back and ahead) or fam (remembers).")
    ] = "spool",
    encoder: Annotated[
        str,
        typer.Option(
            help="The image encoder: lite2 or lite0, of the extra teach; a name on the "
            "Hugging Face hub, fetched on first use; or a folder."
        ),
    ] = "lite2",
    fps: Annotated[
        float,
        typer.Option(
            help="Feature frames per second: how often a frame is encoded and judged, not the "
            "video's frame rate."
        ),
    ] = 5.0,
    axis: Annotated[
        list[str] | None,
        typer.Option(
            help="Teach this axis; give as many as you like. Default: all with labels.",
            show_default=False,
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help="Teach the labels of this animal alone; needed where one picture shows several, "
            "and there are no --regions.",
            show_default=False,
        ),
    ] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Teach parts of the picture, each by itself: the JSON file of vidmem watch "
            "--regions. Labels are of the region that their subject names.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            help="What is kept to test with: videos (whole ones), subjects (whole animals or "
            "pens), blocks (of time), time (the end of each video). auto: videos, where there are "
            "enough, else blocks."
        ),
    ] = "auto",
    learn_share: Annotated[
        float | None,
        typer.Option(
            help="--split time: learn from this share of each video, from its start. Default: 0.6.",
            show_default=False,
        ),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(
            help="--split time: test with this share, up to its end. Default: 0.3.",
            show_default=False,
        ),
    ] = None,
    test_videos: Annotated[
        str | None,
        typer.Option(
            help="--split videos: test with those whose name fits, such as '*_day2*'.",
            show_default=False,
        ),
    ] = None,
    test_subjects: Annotated[
        str | None,
        typer.Option(
            help="--split subjects: test with those whose name fits, such as 'sow 7*'.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        float, typer.Option(help="Seconds left out between two parts of one video.")
    ] = 10.0,
    clip_seconds: Annotated[
        float, typer.Option(min=0.05, max=60, help="A prediction is of so much time.")
    ] = 0.4,
    memory_seconds: Annotated[
        float, typer.Option(min=0.1, max=86_400, help="fam: how long it remembers.")
    ] = 20.0,
    no_motion: Annotated[
        bool,
        typer.Option("--no-motion", help="Only what a still picture shows: no motion channels."),
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow",
            help="Show it a square that follows what moves, in place of the whole picture: for a "
            "small animal in a large one.",
        ),
    ] = False,
    follow_share: Annotated[
        float | None,
        typer.Option(
            help="The side of that square, as a share of the shorter edge of the picture; it means "
            "--follow. Default: 0.3.",
            show_default=False,
        ),
    ] = None,
    keep_clock: Annotated[
        bool,
        typer.Option(
            "--keep-clock",
            help="Leave a clock that is burnt into the pictures as it is, not painted over.",
        ),
    ] = False,
    no_baselines: Annotated[
        bool,
        typer.Option(
            "--no-baselines", help="Leave GRU and CBAS head out of the report: it is quicker."
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the networks, and of which blocks are kept to test with.")
    ] = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="Teach so many times; scores are means, the model is the first."
        ),
    ] = 1,
    report: Annotated[
        Path | None,
        typer.Option(help="Write the report to this folder, too.", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the model. Default: the folder's.", show_default=False),
    ] = None,
    features_gb: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=1e6,
            help="Room on disk for features, GB of 10^9 bytes; those used longest ago go first.",
        ),
    ] = 20.0,
    replace_model: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of a model that is there.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The report for a program; all else goes to stderr.")
    ] = False,
) -> None:
    """Teach a model your own behaviours, from minutes of labels, and say how good it is.

    Each video is encoded once, which takes longest; what is encoded is kept, and used again.
    """
    from vidmem.teaching import FeatureConfig, TeachConfig, checked_regions

    console = new_console(stderr=as_json)
    _check_is_no_baseline(model)
    given = _given(context)
    if warm_start is not None:
        _check_keeps_split(given)
    splitting = _split_config(
        split,
        {
            "learn_share": learn_share,
            "test_share": test_share,
            "test_videos": test_videos,
            "test_subjects": test_subjects,
        },
        gap_seconds=gap,
        seed=seed,
    )
    by_video = checked_regions(regions)
    max_bytes = round(features_gb * 1e9)
    if project is not None:
        lesson = _of_project(project, out, (labels, videos), max_bytes)
    else:
        lesson = _of_files(Path(out), labels, videos, max_bytes)
    check_model_folder(lesson.out, replace=replace_model)
    if report is not None:
        check_can_write(report)
    config = TeachConfig(
        model=model,
        name=name or lesson.out.absolute().name,
        features=FeatureConfig(backbone=encoder, has_motion=not no_motion),
        feature_fps=fps,
        follow=_followed_share(follow_share, is_wanted=follow),
        hide_clock=not keep_clock,
        clip_seconds=clip_seconds,
        memory_seconds=memory_seconds,
        axes=tuple(axis or ()),
        subject=subject,
        split=splitting,
        seed=seed,
        num_seeds=seeds,
        has_baselines=not no_baselines,
    )
    earlier = None if warm_start is None else _earlier_model(warm_start, project)
    if earlier is not None:
        config = _as_before(config, earlier, given)
    if earlier is None or "encoder" in given:
        # The checks of a config go before what may take minutes to fetch.
        found_encoder = _found_encoder(encoder, console)
        config = replace(config, features=replace(config.features, backbone=found_encoder))
    taught, found = _taught(lesson, by_video, config, earlier, console)
    write_model(taught, found, lesson.out)
    if report is not None:
        found.write(report)
    _show(found, lesson.out, _watched(regions, by_video), console, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class _Lesson:
    """What is taught on, and where things go."""

    labels: Labels
    sources: Mapping[str, Path]
    """The file of each labelled video, by the name that the labels have for it."""

    out: Path
    """The folder for the model."""

    store: FeatureStore


def _of_files(out: Path, labels: Path | None, videos: Path | None, max_bytes: int) -> _Lesson:
    from vidmem.cli.label_files import read_labels
    from vidmem.models import FeatureStore
    from vidmem.teaching import find_videos

    if labels is None or videos is None:
        missing = " and ".join(
            option
            for option, given in (("--labels", labels), ("--videos", videos))
            if given is None
        )
        raise SettingError(
            f"{missing} must be given, the file of the labels and the folder of the videos; or "
            "--project, which has both"
        )
    if not out.name or out.name == "..":
        raise SettingError(f"{out} has no name; name a new folder for the model")
    read = read_labels(labels)
    return _Lesson(
        labels=read,
        sources=find_videos(read, videos),
        out=out,
        store=FeatureStore(max_bytes=max_bytes),
    )


def _of_project(
    folder: Path, name: str, given: tuple[Path | None, Path | None], max_bytes: int
) -> _Lesson:
    """Labels as they are now; the project is let go again, so that an app may have it open."""
    from vidmem.models import FeatureStore
    from vidmem.projects import Project

    if any(one is not None for one in given):
        raise SettingError(
            "--labels and --videos are those of the project; leave them out, or leave out --project"
        )
    if Path(name).name != name or name.startswith(".") or "\\" in name:
        raise SettingError(
            f"{name!r:.100} is no name for a model of a project; with --project give a name, and "
            "the folder is made in the project's models"
        )
    with Project.open(folder) as opened:
        labels = opened.labels.all().labels
        return _Lesson(
            labels=labels,
            sources=opened.videos.files_of(sorted({track.video for track in labels.tracks})),
            out=opened.models_folder / name,
            store=FeatureStore(folder=opened.features_folder, max_bytes=max_bytes),
        )


def _followed_share(share: float | None, *, is_wanted: bool) -> float | None:
    from vidmem.models import FollowedCrop

    return FollowedCrop().share if share is None and is_wanted else share


def _check_is_no_baseline(model: str) -> None:
    from vidmem.teaching import LEARNERS

    baselines = {name for name, kind in LEARNERS.items() if not kind.is_model}
    if model in {*baselines, "linear", "window", "majority"}:
        raise SettingError(
            f"{model} is a baseline: every report has its scores beside the model's, and it does "
            "not stream; give --model spool or --model fam"
        )


OF_OPTIONS = {
    "model": "model",
    "feature_fps": "fps",
    "hide_clock": "keep_clock",
    "clip_seconds": "clip_seconds",
    "memory_seconds": "memory_seconds",
    "axes": "axis",
    "subject": "subject",
    "seed": "seed",
    "num_seeds": "seeds",
}
"""Fields of a config by the options that set them, where an earlier model may say otherwise."""

SPLIT_OPTIONS = ("split", "learn_share", "test_share", "test_videos", "test_subjects", "gap")


def _given(context: typer.Context) -> set[str]:
    """The options that somebody wrote, not those that are at their defaults."""
    return {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and not source.name.startswith("DEFAULT")
    }


def _check_keeps_split(given: set[str]) -> None:
    options = [f"--{name.replace('_', '-')}" for name in SPLIT_OPTIONS if name in given]
    if options:
        raise SettingError(
            f"{', '.join(options)}: with --warm-start what is kept to test with is what the "
            "earlier model was not taught on; leave that out, or teach anew"
        )


def _earlier_model(folder: str, project: Path | None) -> WarmStart:
    """A model that was taught, by its folder or by its name in a project."""
    from vidmem.projects import Project
    from vidmem.teaching import WarmStart

    if project is not None and not Path(folder).is_dir():
        with Project.open(project) as opened:
            return WarmStart.of(opened.models_folder / folder)
    return WarmStart.of(folder)


def _as_before(config: TeachConfig, earlier: WarmStart, given: set[str]) -> TeachConfig:
    """As the earlier model was taught; what somebody said is kept, and looked at by `teach`."""
    before = earlier.settings()
    said = {name: getattr(config, name) for name, option in OF_OPTIONS.items() if option in given}
    features = before["features"]
    if "encoder" in given:
        features = replace(features, backbone=config.features.backbone, backbone_sha256="")
    if "no_motion" in given:
        features = replace(features, has_motion=config.features.has_motion)
    if given & {"follow", "follow_share"}:
        said["follow"] = config.follow
    return replace(config, **{**before, **said, "name": config.name, "features": features})


def _split_config(
    method: str, given: Mapping[str, float | str | None], *, gap_seconds: float, seed: int
) -> SplitConfig:
    from vidmem.teaching import SplitConfig, SplitMethod

    methods = get_args(SplitMethod)
    if method not in methods:
        raise SettingError(f"--split must be {', '.join(methods)}, got {method!r:.60}")
    fields = {name: value for name, value in given.items() if value is not None}
    if method != "time" and fields.keys() & {"learn_share", "test_share"}:
        raise SettingError(
            "--learn-share and --test-share are shares of each video's time; give --split time, "
            "too, or leave them out"
        )
    for whole in ("videos", "subjects"):
        if f"test_{whole}" in fields and method not in {"auto", whole}:
            raise SettingError(
                f"--test-{whole} leaves whole {whole} out, and --split {method} does not; give "
                f"--split {whole}, or leave one of them out"
            )
    return SplitConfig(method=method, gap_seconds=gap_seconds, seed=seed, **fields)  # type: ignore[arg-type]


def _found_encoder(name: str, console: Console) -> str:
    """An image encoder that is on this machine, fetched if it was not.

    Returns:
        Its name; of a folder the whole path, since the model finds it again by that.
    """
    from vidmem.models.backbones.files import find_backbone, is_here

    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise SettingError(f"there is no folder {name}; give that of an image encoder, or its name")
    if "/" in name and not Path(name).exists() and not is_here(name):
        console.print(f"fetching {name} from the Hugging Face hub", markup=False)
    path = find_backbone(name, may_fetch=True)
    return str(path.absolute()) if path == Path(name) else name


def _taught(
    lesson: _Lesson,
    regions: Regions,
    config: TeachConfig,
    earlier: WarmStart | None,
    console: Console,
) -> tuple[Network, TeachReport]:
    """Teach it, up to the end or Ctrl-C."""
    from vidmem.teaching import CancelledError
    from vidmem.teaching import teach as teach_model

    for line in _introduction(lesson):
        console.print(line, markup=False)
    with StopRequest(console, answer="stopping") as stop:
        try:
            with TeachingDisplay(console) as display:
                return teach_model(
                    lesson.labels,
                    lesson.sources,
                    config=config,
                    regions=regions or None,
                    warm_start=earlier,
                    store=lesson.store,
                    progress=display.update,
                    is_cancelled=lambda: stop.is_made,
                )
        except CancelledError:
            pass
        except KeyboardInterrupt:  # the second one
            stop.is_made = True
        except DecoderError:
            if not stop.is_made:  # a terminal's Ctrl-C ends the decoder, too
                raise
    console.print(
        f"stopped; no model was written. What is encoded is kept in {lesson.store.folder}: the "
        "same command goes on from there",
        markup=False,
    )
    raise typer.Exit(stop.exit_code)


def _introduction(lesson: _Lesson) -> Iterable[str]:
    bouts, videos = len(lesson.labels.bouts), len(lesson.sources)
    yield (
        f"labels: {bouts} bout{'s' * (bouts != 1)} in {videos} video{'s' * (videos != 1)}; time "
        "without a label is context, and never a negative"
    )
    yield f"features: in {lesson.store.folder}, at most {file_size(lesson.store.max_bytes)}"


def _watched(file: Path | None, regions: Regions) -> list[str]:
    """Words of `vidmem watch` for the same regions; it takes those of one video."""
    from vidmem.teaching import ANY_VIDEO

    if file is None:
        return []
    return ["--regions", str(file) if set(regions) == {ANY_VIDEO} else "REGIONS"]


def _show(
    report: TeachReport, out: Path, watched: Sequence[str], console: Console, *, as_json: bool
) -> None:
    from vidmem.cli.result_tables import teaching_lines

    words = ["vidmem", "watch", "VIDEO", "--model", str(out), *watched, "--out", "p.csv"]
    command = shlex.join(words)
    if as_json:
        print(to_json({**report.as_dict(), "model_folder": str(out)}, indent=2))
        return
    console.print()
    for line in teaching_lines(report):
        console.print(line, markup=False)
    console.print()
    console.print(f"the model and its report (report.md) are in {out}", markup=False)
    console.print(f"use it: {command}", markup=False)
