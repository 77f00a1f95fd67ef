"""`vidmem train` and `vidmem evaluate`: runs of a config, and the bundled models."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from vidmem.cli.barn import evaluate_barn_model, train_barn
from vidmem.cli.stopping import StopRequest
from vidmem.cli.terminal import new_console
from vidmem.console import PLAIN_LINE_SECONDS
from vidmem.errors import SettingError
from vidmem.units import file_size, span

if TYPE_CHECKING:
    from vidmem.training.loop import StepReport
    from vidmem.training.runs.config import TrainConfig
    from vidmem.training.runs.evaluating import RunEvaluation

NANO, VIDEOS, CLIPS = "fam-swin-nano", 256, 120
MOST_CLASSES = 20
"""Classes whose own scores are printed; `evaluation.json` has all."""


def train(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG.toml | FOLDER",
            help="A config; or the folder for a nano model.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The folder of the run. Default: that of the config, without .toml."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="Of the weights and the order of samples. Default: the config's, or 0."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="A config: auto, cpu, cuda, cuda:1, ... Default: auto.")
    ] = None,
    videos: Annotated[
        int | None,
        typer.Option(min=2, help=f"A nano model: barn videos to learn from. Default: {VIDEOS}."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help=f"A nano model: {NANO} (default) or spool-nano.")
    ] = None,
) -> None:
    """Train as a config says, or a nano model on generated barn videos as the bundled ones were.

    If it is stopped, the same command goes on from there: a config's run from its last checkpoint,
    a nano model from the stage before.
    """
    if target.suffix == ".toml":
        if videos is not None or model is not None:
            raise SettingError("--videos and --model are for nano models; a config says its own")
        _train_config(target, out or target.with_suffix(""), seed=seed, device=device or "auto")
        return
    if out is not None or device is not None:
        raise SettingError(
            f"--out and --device go with a config, CONFIG.toml, and {target} is none; a nano "
            "model's folder is named alone"
        )
    train_barn(target, seed=seed or 0, videos=videos or VIDEOS, model=model or NANO)


def _train_config(path: Path, out: Path, *, seed: int | None, device: str) -> None:
    from vidmem.training.runs.config import read_config
    from vidmem.training.runs.run import RunCancelledError, train_run

    config = read_config(path)
    config = config if seed is None else replace(config, seed=seed)
    # Of several processes of one run, the first one tells.
    console = new_console()
    console.quiet = os.environ.get("RANK", "0") != "0"
    console.print(
        f"{config.name}: {config.model_kind.name} on {config.task_kind.name}, "
        f"{config.optimizer.steps} steps, in {out}",
        markup=False,
    )
    display = _Steps(config, console)
    with StopRequest(console, answer="stopping after this step") as stop:
        try:
            scores = train_run(
                config,
                out,
                device=device,
                toml=path.read_text(encoding="utf-8"),
                on_step=display.show,
                is_cancelled=lambda: stop.is_made,
            )
        except RunCancelledError:
            console.print(f"stopped; the same command goes on with {out}", markup=False)
            raise typer.Exit(stop.exit_code) from None
    console.print(f"test: {_scores_text(scores)}", markup=False)
    console.print(f"wrote {out}", markup=False)


class _Steps:
    """A line now and then, with the time that is left."""

    def __init__(self, config: TrainConfig, console: Console) -> None:
        self._config, self._console = config, console
        self._begun: tuple[int, float] | None = None
        self._printed_at = float("-inf")

    def show(self, report: StepReport) -> None:
        """After a step."""
        now, steps = time.monotonic(), self._config.optimizer.steps
        first, started = self._begun = self._begun or (report.step, now)
        is_last = report.step + 1 == steps
        if now - self._printed_at < PLAIN_LINE_SECONDS and not is_last:
            return
        self._printed_at = now
        taken = report.step - first
        left = (steps - report.step - 1) * (now - started) / taken if taken else 0.0
        about = f", {span(round(left))} left at most" if left >= 1 else ""
        self._console.print(
            f"step {report.step + 1} of {steps}: loss {report.loss:.4f}, learning rate "
            f"{report.learning_rate:.2e}{about}",
            markup=False,
        )


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="RUN | MODEL", help="A run, a bundled model, or its folder.")
    ] = NANO,
    clips: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="A run: clips of each sample, evenly along it. A nano model: clips of each video "
            f"({CLIPS}).",
        ),
    ] = None,
    crops: Annotated[
        int | None, typer.Option(min=1, max=3, help="A run: crops of each clip, 1 or 3.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="A run: test (default) or valid.", show_default=False)
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, help="A run: samples at a time, as cost is measured (8).")
    ] = None,
    device: Annotated[str | None, typer.Option(help="A run: auto, cpu, cuda, ...")] = None,
    videos: Annotated[
        int | None, typer.Option(min=1, max=1000, help="A nano model: unseen barn videos (30).")
    ] = None,
    l_mem: Annotated[
        int | None,
        typer.Option(min=1, help="A nano model: clips remembered. Default: the model's."),
    ] = None,
) -> None:
    """Score a trained run, with what it costs; or a barn model, with memory and without.

    Of a run, evaluation.json and confusion.csv are written into its folder.
    """
    if not (Path(model) / "checkpoints").is_dir():
        if any(one is not None for one in (crops, split, batch, device)):
            raise SettingError(
                f"--crops, --split, --batch and --device go with the folder of a run, and {model} "
                "is none"
            )
        evaluate_barn_model(model, videos=videos or 30, clips=clips or CLIPS, l_mem=l_mem)
        return
    if videos is not None or l_mem is not None:
        raise SettingError("--videos and --l-mem are for barn models; a run's config says its own")
    if split not in (None, "test", "valid"):
        raise SettingError(f"--split must be test or valid, got {split!r}")
    from vidmem.training.runs.evaluating import evaluate_run

    found = evaluate_run(
        model,
        split="valid" if split == "valid" else "test",
        clips=clips,
        crops=crops,
        batch=batch or 8,
        device=device or "auto",
    )
    found.write(Path(model))
    console = new_console()
    for line in _evaluation_lines(found):
        console.print(line, markup=False)


def _evaluation_lines(found: RunEvaluation) -> list[str]:
    cost = found.efficiency
    views = f", {found.clips} clips x {found.crops} crops" if found.clips * found.crops > 1 else ""
    lines = [
        f"{found.name}: {found.split}{views}, the weights after step {found.step}",
        _scores_text(found.scores),
    ]
    if found.classes:
        lines += ["", "| class | precision | recall | F1 | samples |", "|---|---|---|---|---|"]
        rows = sorted(
            zip(found.class_names, found.classes, strict=True), key=lambda row: -row[1].support
        )
        lines += [
            f"| {name} | {one.precision:.3f} | {one.recall:.3f} | {one.f1:.3f} | {one.support} |"
            for name, one in rows[:MOST_CLASSES]
        ]
        if len(rows) > MOST_CLASSES:
            lines.append(f"({len(rows) - MOST_CLASSES} more in evaluation.json)")
    return [
        *lines,
        "",
        f"parameters: {cost.parameters:,}, of which {cost.learned_parameters:,} learn",
        f"FLOPs: {cost.flops / 1e9:.3f} x 10^9 a sample",
        f"latency: {cost.latency_seconds * 1000:.1f} ms, the median of {cost.num_calls}",
        f"throughput: {cost.samples_per_second:.1f} samples per second in batches of {cost.batch}",
        f"peak memory: {file_size(cost.peak_bytes)} for such a batch",
        f"on {cost.device}, {cost.dtype}, {cost.threads} threads",
    ]


def _scores_text(scores: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in scores.items())
