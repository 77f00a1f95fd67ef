"""`vidmem ablate`: take away what decided, where that is known; or the runs of a grid, compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

import vidmem
from vidmem.cli.grids import ablate_grid
from vidmem.cli.terminal import counting, new_console
from vidmem.errors import SettingError
from vidmem.processors import fit_threads


def ablate(
    model: Annotated[
        str,
        typer.Argument(help="A barn model: bundled, or a folder. Or a grid of runs: GRID.toml."),
    ] = "fam-swin-nano",
    videos: Annotated[int, typer.Option(min=1, max=1000, help="Unseen barn videos.")] = 20,
    clips: Annotated[int, typer.Option(min=2, max=10_000, help="Clips of each video.")] = 120,
    l_mem: Annotated[
        int | None, typer.Option(min=1, help="Clips remembered. Default: the model's.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Of the first video. Default: one that training never reaches."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything, moment by moment, as JSON.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Of a grid: the folder for its runs, its table and its figure.")
    ] = Path("runs/ablations"),
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Of a grid: runs at a time.")] = 1,
    device: Annotated[str, typer.Option(help="Of a grid: auto, cpu, cuda, cuda:1, ...")] = "auto",
) -> None:
    """Take the visit that decided out of memory, and as much else: does the score know?

    Which of two rests that look alike a clip shows, only the last visit to trough or drinker says.
    Total effect: the video is replayed with that visit's clips blanked out. Direct effect: their
    slots in memory are emptied. Each stands beside the same done to as many other clips.

    Of a grid (docs/studies.md): trains what its rows ask for, each with all seeds, and prints a
    table. What was run before is not run again; a run that fails is named and stops no other.
    """
    if model.endswith(".toml"):
        ablate_grid(Path(model), out, jobs=jobs, device=device)
        return
    from vidmem.data.barn import CLASS_NAMES
    from vidmem.evaluation.barn.known_answer import (
        UNSEEN_SEEDS,
        delay_groups,
        known_answer,
        known_answer_as_data,
        known_answer_as_markdown,
    )
    from vidmem.streaming import StreamSettings

    loaded = vidmem.load(model, device="cpu", dtype="float32")
    if loaded.card.class_names != CLASS_NAMES:
        raise SettingError(f"ablate needs a model of the barn's behaviours, and {model} is none")
    fit_threads(loaded)
    remembered = StreamSettings.for_model(loaded, l_mem=l_mem).l_mem
    first = UNSEEN_SEEDS.start if seed is None else seed
    with counting(f"ablating {model}", "videos") as progress:
        answer = known_answer(
            loaded,
            seeds=range(first, first + videos),
            clips_per_video=clips,
            l_mem=remembered,
            delay_groups=delay_groups(remembered),
            progress=progress,
        )
    if as_json:
        print(json.dumps(known_answer_as_data(answer), allow_nan=False))
    else:
        new_console().print(known_answer_as_markdown(answer), markup=False)
