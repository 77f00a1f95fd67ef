"""`vidmem bench hours`: a long drawn video, streamed."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from vidmem.cli.terminal import counting, new_console, note

DRAWN_MINUTES = 5.0


def hours(
    hours: Annotated[float, typer.Option(min=0.05, max=48, help="Of video.")] = 2.0,
    model: Annotated[
        str, typer.Option(help="A bundled model, a preset or a folder.")
    ] = "fam-swin-nano",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
) -> None:
    """A long video: time of a clip at hour 1 beside minute 1, and how memory grows.

    Five minutes of barn are drawn and played again and again as one file, which is decoded.
    """
    import vidmem
    from vidmem.data.barn import BarnConfig, write_video
    from vidmem.data.barn.looping import loop_video
    from vidmem.processors import fit_threads
    from vidmem.streaming.bench_hours import bench_as_text, bench_hours

    loaded = vidmem.load(model, device=device)
    fit_threads(loaded)
    minutes = min(DRAWN_MINUTES, 60 * hours)
    with TemporaryDirectory(prefix="vidmem-") as folder:
        drawn, looped = Path(folder) / "drawn.mp4", Path(folder) / "looped.mp4"
        note(f"drawing {minutes:g} minutes of a barn, to be looped to {hours:g} hours")
        write_video(BarnConfig(minutes=minutes), drawn)
        loop_video(drawn, looped, math.ceil(60 * hours / minutes))
        with counting("streaming", "seconds of video") as say:
            measured = bench_hours(
                looped, loaded, lambda done, total: say(round(done), round(total))
            )
    new_console().print(bench_as_text(measured), markup=False)
