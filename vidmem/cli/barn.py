"""What is done with the drawn barn: `vidmem sample`, and training and scoring the nano models."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

import vidmem
from vidmem.cli.terminal import new_console
from vidmem.errors import SettingError
from vidmem.units import file_size, span


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
    console = new_console()
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
        f"wrote {written.video_path} ({span(config.duration_seconds)}, "
        f"{file_size(written.video_path.stat().st_size)}) and {written.labels_path}",
        markup=False,
    )


def train_barn(out: Path, *, seed: int, videos: int, model: str) -> None:
    """Train a nano model on generated barn videos; see `vidmem train`."""
    from vidmem.models import save
    from vidmem.training.barn.fam_swin_nano import BarnTraining, train_nano
    from vidmem.training.barn.spool_nano import SpoolTraining, train_spool_nano
    from vidmem.training.loop import StepReport

    checkpoints = out.with_name(f"{out.name}.part-{model}-seed{seed}-videos{videos}")
    console = new_console()

    def report(stage: str, step: StepReport) -> None:
        if step.step % 25 == 0:
            console.print(f"{stage:11} step {step.step:5}  loss {step.loss:.3f}", markup=False)

    def announce(num_steps: int, stages: str) -> None:
        console.print(f"drawing {videos} videos, then {num_steps} steps in {stages} stages")

    if model == "fam-swin-nano":
        recipe = BarnTraining(seed=seed, num_videos=videos)
        announce(recipe.num_steps, "three")
        trained = train_nano(recipe, report, checkpoints=checkpoints)
    elif model == "spool-nano":
        recipe = SpoolTraining(seed=seed, num_videos=videos)
        announce(recipe.num_steps, "two")
        trained = train_spool_nano(recipe, report, checkpoints=checkpoints)
    else:
        raise SettingError(f"train makes fam-swin-nano or spool-nano, got {model}")
    save(trained, out)
    shutil.rmtree(checkpoints)
    console.print(f"wrote {out}", markup=False)


def evaluate_barn_model(model: str, *, videos: int, clips: int, l_mem: int | None) -> None:
    """Score a barn model on unseen videos, with memory and without."""
    from vidmem.evaluation.barn.scores import UNSEEN_SEEDS, evaluate_barn, scores_as_markdown
    from vidmem.streaming import StreamSettings

    loaded = vidmem.load(model, device="cpu", dtype="float32")
    remembered = StreamSettings.for_model(loaded, l_mem=l_mem).l_mem
    first = UNSEEN_SEEDS.start
    console = new_console()
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
