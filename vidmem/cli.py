"""The commands: app, watch, sample, train, evaluate, doctor.

Ends with 0 when all went well, 1 with a sentence when a file, a setting or a checkpoint is at
fault, 2 when the command line is, and 130 after Ctrl-C.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import shlex
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

import vidmem
from vidmem.console import WatchReport, duration_text, introduce, size_text
from vidmem.errors import DecoderError, MissingPackageError, SettingError, StorageError, VidmemError
from vidmem.processors import fit_threads, wait_passively

if TYPE_CHECKING:
    from vidmem.streaming import Engine, StreamSettings

INTERRUPTED = 130
MARKS = {"ok": "[green]ok     [/]", "optional": "[yellow]without[/]", "missing": "[red]MISSING[/]"}

cli = typer.Typer(
    name="vidmem",
    help=vidmem.__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _Notices(logging.Handler):
    """Warnings as sentences; looks `sys.stderr` up each time, so a progress bar can make way."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"vidmem: {record.getMessage()}", file=sys.stderr)


def main() -> None:
    """Run the command line; a `VidmemError` becomes its message and exit code 1."""
    wait_passively()
    logging.getLogger("vidmem").addHandler(_Notices(logging.WARNING))
    try:
        cli()
    except VidmemError as error:
        print(f"vidmem: {error}", file=sys.stderr)
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"vidmem {vidmem.__version__}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def _console() -> Console:
    """Redrawn lines on a terminal; plain, unwrapped lines elsewhere."""
    return Console(highlight=False, soft_wrap=True)


class _StopRequest:
    """Ctrl-C as a wish: the first one lets the clip in work finish, the second one does not."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.is_made = False
        self._before: Any = None

    def __enter__(self) -> _StopRequest:
        self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.is_made:
            raise KeyboardInterrupt
        self.is_made = True
        self.console.print("stopping after this clip; Ctrl-C again stops at once")


@cli.command()
def watch(
    video: Annotated[Path, typer.Argument(help="The video file.", show_default=False)],
    model: Annotated[
        str, typer.Option(help="A bundled model, a preset or a folder; vidmem doctor lists them.")
    ] = "fam-swin-nano",
    whole: Annotated[
        bool,
        typer.Option(
            "--whole", help="Spool: one pass over the whole video; its features are kept on disk."
        ),
    ] = False,
    l_mem: Annotated[
        int | None, typer.Option(help="Clips remembered; 0: memory off. Default: the model's.")
    ] = None,
    window_frames: Annotated[
        int | None, typer.Option(help="Frames that Spool sees at once: another way to say l_mem.")
    ] = None,
    local_frame_range: Annotated[
        int | None, typer.Option(help="Frames that Spool's heads look back and ahead.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames that the model gets per second of video.")
    ] = None,
    clip_frames: Annotated[int | None, typer.Option(help="Frames in a clip.")] = None,
    window_stride: Annotated[
        int | None, typer.Option(help="Frames from one clip's start to the next one's.")
    ] = None,
    start: Annotated[float, typer.Option(help="Seconds into the video to start at.")] = 0.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
    reader: Annotated[str, typer.Option(help="auto, decord or pyav.")] = "auto",
    out: Annotated[
        Path, typer.Option(help="Predictions, a row per clip, written as they come.")
    ] = Path("predictions.csv"),
    state: Annotated[
        Path | None,
        typer.Option(help="Where the stream is saved. Default: beside --out.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the saved stream.")] = False,
) -> None:
    """Stream a video through a model, and write what it predicts."""
    from vidmem.streaming import Engine, RunFiles, StreamSettings

    console = _console()
    given = {
        "fps": fps,
        "clip_frames": clip_frames,
        "window_stride": window_stride,
        "l_mem": l_mem,
        "window_frames": window_frames,
        "local_frame_range": local_frame_range,
    }
    given = {name: value for name, value in given.items() if value is not None}
    loaded = vidmem.load(model, device=device, dtype=dtype)
    fit_threads(loaded)
    if whole:
        if resume or start:
            raise SettingError("--whole begins at the beginning: leave out --resume and --start")
        _watch_whole(video, loaded, StreamSettings.for_model(loaded, **given), reader, out)
        return
    # Without settings of its own, a resumed run goes on with those it was saved with.
    settings = None if resume and not given else StreamSettings.for_model(loaded, **given)
    files = RunFiles(out=out, state_path=state or out.with_suffix(".state"), resume=resume)
    with Engine(video, loaded, settings, start_seconds=start, reader=reader, files=files) as engine:
        introduce(console, engine, loaded.card)
        _follow(engine, console)


def _watch_whole(video: Path, model: Any, settings: StreamSettings, reader: str, out: Path) -> None:
    """One pass over a whole video, with its features kept for the next one."""
    from vidmem.models import FeatureCache
    from vidmem.streaming import watch_whole, write_predictions

    if not out.absolute().parent.is_dir():
        raise StorageError(f"{out} cannot be written: there is no folder {out.absolute().parent}")
    console, cache = _console(), FeatureCache()
    report = WatchReport(console, duration_seconds=0.0)
    predictions = watch_whole(video, model, settings, reader=reader, cache=cache)
    report.count(*predictions)
    write_predictions(out, predictions)
    kept = f"features are kept in {cache.folder}, at most {size_text(cache.max_bytes)}"
    for line in [*report.summary(), f"predictions are in {out}", kept]:
        console.print(line, markup=False)


def _follow(engine: Engine, console: Console) -> None:
    """Take all predictions, or those up to Ctrl-C, and say what was written."""
    report = WatchReport(
        console,
        duration_seconds=engine.info.duration_seconds,
        start_seconds=engine.position_seconds,
    )
    with _StopRequest(console) as stop:
        try:
            with report:
                for prediction in engine:
                    report.update(prediction)
                    if stop.is_made:
                        break
        except KeyboardInterrupt:  # the second one
            stop.is_made = True
        except DecoderError:
            if not stop.is_made:  # else a terminal's Ctrl-C has ended the decoder too
                raise
        finally:
            report.count(*engine.take_left())
            engine.close()
            for line in [*report.summary(), f"predictions are in {engine.out}"]:
                console.print(line, markup=False)
    if stop.is_made:
        words = [word for word in sys.argv[1:] if word != "--resume"]
        again = shlex.join(["vidmem", *words, "--resume"])
        console.print(f"stopped; go on with: {again}", markup=False)
        raise typer.Exit(INTERRUPTED)


@cli.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def app(context: typer.Context) -> None:
    """Open the app in a browser: `vidmem app --help` lists its options."""
    if importlib.util.find_spec("gradio") is None or importlib.util.find_spec("app") is None:
        raise MissingPackageError(
            "the app is not installed; install it with: pip install 'vidmem[app]', or in a clone: "
            "pip install -e '.[app]'"
        )
    # By name: vidmem knows nothing of the app, it only starts it.
    raise typer.Exit(importlib.import_module("app.__main__").main(context.args))


@cli.command()
def sample(
    out: Annotated[Path, typer.Argument(help="The video to write, .mp4.", show_default=False)],
    minutes: Annotated[float, typer.Option(min=0.01, max=1440, help="Length.")] = 30.0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same video.")] = 0,
    pace: Annotated[
        float | None,
        typer.Option(min=0.1, max=60, help="Bouts are so many times shorter than real ones."),
    ] = None,
    fps: Annotated[float, typer.Option(min=1, max=60, help="Frames per second.")] = 12.5,
    width: Annotated[int, typer.Option(min=64, max=3840, help="Pixels, even.")] = 640,
    height: Annotated[int, typer.Option(min=64, max=2160, help="Pixels, even.")] = 360,
) -> None:
    """Draw a barn video whose labels are known, and write them beside it."""
    from vidmem.data.barn import BarnConfig, write_video

    if width % 2 or height % 2:
        raise SettingError(f"width and height must be even, got {width} x {height}")
    config = BarnConfig(minutes=minutes, seed=seed)
    config = config if pace is None else replace(config, pace=pace)
    console = _console()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"drawing {out.name}")
        written = write_video(
            config,
            out,
            width=width,
            height=height,
            fps=fps,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(
        f"wrote {written.video_path} ({duration_text(config.duration_seconds)}, "
        f"{size_text(written.video_path.stat().st_size)}) and {written.labels_path}",
        markup=False,
    )


@cli.command()
def bench(
    what: Annotated[str, typer.Argument(help="spool: its temporal blocks.")] = "spool",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
) -> None:
    """Measure what a model costs on this machine, as ratios within one run."""
    import torch

    from vidmem.models.presets import resolve_device
    from vidmem.profiling.bench_spool import bench_as_markdown, bench_spool

    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if what != "spool" or dtype not in dtypes:
        raise SettingError(f"bench measures spool in float32 or bfloat16, got {what} in {dtype}")
    _console().print(
        bench_as_markdown(bench_spool(resolve_device(device), dtypes[dtype])), markup=False
    )


@cli.command()
def doctor() -> None:
    """Say what is installed, what runs where, what is missing and how to get it."""
    from vidmem.doctor import examine, is_healthy

    console = _console()
    findings = examine()
    topic = ""
    for finding in findings:
        if finding.topic != topic:
            topic = finding.topic
            console.print(f"[bold]{topic}[/]")
        console.print(f"  {MARKS[finding.condition]} {escape(finding.text)}")
        if finding.remedy:
            console.print(f"          {finding.remedy}", markup=False)
    if not is_healthy(findings):
        console.print("something that is needed is missing: see MISSING above")
        raise typer.Exit(1)


@cli.command()
def train(
    out: Annotated[Path, typer.Argument(help="The folder for the model.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Of the weights and the order of samples.")] = 0,
    videos: Annotated[int, typer.Option(min=2, help="Barn videos drawn to learn from.")] = 256,
    model: Annotated[str, typer.Option(help="fam-swin-nano or spool-nano.")] = "fam-swin-nano",
) -> None:
    """Train a nano model on generated barn videos, as the bundled ones were.

    If it is stopped between two stages, the same command goes on from there.
    """
    from vidmem.models import save
    from vidmem.training.barn import BarnTraining, train_nano
    from vidmem.training.loop import StepReport
    from vidmem.training.spool_barn import SpoolTraining, train_spool_nano

    checkpoints = out.with_name(f"{out.name}.part-{model}-seed{seed}-videos{videos}")
    console = _console()

    def report(stage: str, step: StepReport) -> None:
        if step.step % 25 == 0:
            console.print(f"{stage:11} step {step.step:5}  loss {step.loss:.3f}", markup=False)

    def say(num_steps: int) -> None:
        console.print(f"drawing {videos} videos, then {num_steps} steps in two stages")

    if model == "fam-swin-nano":
        recipe = BarnTraining(seed=seed, num_videos=videos)
        say(recipe.num_steps)
        trained = train_nano(recipe, report, checkpoints=checkpoints)
    elif model == "spool-nano":
        recipe = SpoolTraining(seed=seed, num_videos=videos)
        say(recipe.num_steps)
        trained = train_spool_nano(recipe, report, checkpoints=checkpoints)
    else:
        raise SettingError(f"train makes fam-swin-nano or spool-nano, got {model}")
    save(trained, out)
    shutil.rmtree(checkpoints)
    console.print(f"wrote {out}", markup=False)


@cli.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A bundled model or a folder.")] = "fam-swin-nano",
    videos: Annotated[int, typer.Option(min=1, max=1000, help="Unseen barn videos.")] = 30,
    clips: Annotated[int, typer.Option(min=1, help="Clips of each video.")] = 120,
    l_mem: Annotated[
        int | None, typer.Option(min=1, help="Clips remembered. Default: the model's.")
    ] = None,
) -> None:
    """Score a barn model on unseen videos, with memory and without."""
    from vidmem.evaluation.barn import UNSEEN_SEEDS, evaluate_barn, scores_as_markdown
    from vidmem.streaming import StreamSettings

    loaded = vidmem.load(model, device="cpu", dtype="float32")
    remembered = StreamSettings.for_model(loaded, l_mem=l_mem).l_mem
    first = UNSEEN_SEEDS.start
    console = _console()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"scoring {model}", total=videos)
        scores = evaluate_barn(
            loaded,
            l_mems=(remembered, 0),
            seeds=range(first, first + videos),
            clips_per_video=clips,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(scores_as_markdown(scores), markup=False)
