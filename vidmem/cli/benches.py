"""`vidmem bench ...`: what a model costs on this machine, as ratios within one run."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

import vidmem
from vidmem.cli.terminal import counting, new_console, note
from vidmem.errors import SettingError, VidmemError
from vidmem.plain import to_json
from vidmem.units import span

if TYPE_CHECKING:
    import torch

    from vidmem.bench.parts import BenchSize, Part
    from vidmem.bench.results import BenchRow, NotMeasured

bench = typer.Typer()

NO_CUDA = "no CUDA device"

DRAWN_MINUTES = 5.0
"""Of barn that `hours` draws, and plays again and again."""


@bench.callback(invoke_without_command=True)
def general(
    context: typer.Context,
    gpu: Annotated[bool, typer.Option("--gpu", help="On CUDA instead of the CPU.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="More rounds and larger sizes: half an hour on a CPU.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="A part: memory, dtype, l_mem, batch, compiled, spool, peers or pipeline. Give as "
            "many as you like.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the results here as JSON; other parts in the file are kept.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Measure what a model costs on this machine, as ratios within one run.

    Without a subcommand: all of FAM Swin and Spool in a few minutes on a CPU.
    """
    if context.invoked_subcommand is not None:
        return
    parts = _parts(only)
    import torch

    from vidmem.bench.parts import BenchSize
    from vidmem.bench.results import NotMeasured

    device = torch.device("cuda" if gpu else "cpu")
    if gpu and not torch.cuda.is_available():
        _report([], [NotMeasured(name, NO_CUDA) for name in parts], torch.device("cpu"), out)
        return
    rows: list[BenchRow] = []
    missing: list[NotMeasured] = []
    size = BenchSize.usual(device, is_full=full)
    for number, (name, part) in enumerate(parts.items(), 1):
        note(f"{number} of {len(parts)}: {name}")
        started = time.monotonic()
        rows += _measured(name, part, size, missing)
        note(f"{number} of {len(parts)}: {name}, {span(time.monotonic() - started)}")
    _report(rows, missing, device, out)


def _parts(only: Sequence[str] | None) -> dict[str, Part]:
    from vidmem.bench.parts import PARTS, check_parts
    from vidmem.bench.pipeline import bench_pipeline

    known = {**PARTS, "pipeline": bench_pipeline}
    check_parts(only or (), tuple(known))
    return {name: part for name, part in known.items() if not only or name in only}


def _measured(name: str, part: Part, size: BenchSize, missing: list[NotMeasured]) -> list[BenchRow]:
    """The rows of a part; if it fails, the reason goes to `missing`, and the other parts go on."""
    import torch

    from vidmem.bench.parts import CannotMeasureError
    from vidmem.bench.results import NotMeasured

    rows = []
    try:
        with torch.inference_mode():
            for row in part(size):
                note(f"  {row.what} / {row.against}: {row.ratio:.2f} times as quick")
                rows.append(row)
    except (CannotMeasureError, VidmemError) as error:
        missing.append(NotMeasured(name, str(error)))
    except Exception as error:  # whatever it is, the other parts are measured
        missing.append(NotMeasured(name, f"{type(error).__name__}: {str(error)[:200]}"))
    return rows


def _report(
    rows: Sequence[BenchRow],
    missing: Sequence[NotMeasured],
    device: torch.device,
    out: Path | None,
) -> None:
    """Print results as a table, and write them to `out` if it is given."""
    from vidmem.bench.results import (
        BenchResults,
        machine_facts,
        results_as_markdown,
        versions_here,
        write_results,
    )

    results = BenchResults(machine_facts(device), versions_here(), tuple(rows), tuple(missing))
    new_console().print(results_as_markdown(results), markup=False)
    if out is not None:
        write_results(out, results)
        note(f"written to {out}")


@bench.command()
def pool(
    model: Annotated[str, typer.Option(help="A bundled model, a preset or a folder.")] = (
        "fam-swin-nano"
    ),
    streams: Annotated[int, typer.Option(min=1, help="Streams at once.")] = 8,
    max_batch: Annotated[int, typer.Option(min=1, help="Clips judged together at most.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32 or bfloat16.")] = "auto",
) -> None:
    """Many streams through one model, beside the model alone on ready-made batches."""
    from vidmem.bench.pool import bench_as_markdown, bench_pool, noise_pixels
    from vidmem.bench.pool_lag import bench_lag, lag_as_text
    from vidmem.processors import fit_threads

    loaded = vidmem.load(model, device=device, dtype=dtype)
    fit_threads(loaded)
    sizes = sorted({1, 2, 4, 8, max_batch})
    measured = bench_pool(loaded, num_streams=streams, max_batch=max_batch, batch_sizes=sizes)
    lag = bench_lag(
        loaded,
        noise_pixels(loaded, 64),
        pool_rate=measured.pool_rate,
        num_streams=streams,
        max_batch=max_batch,
    )
    console = new_console()
    console.print(bench_as_markdown(measured), markup=False)
    console.print(lag_as_text(lag), markup=False)


@bench.command()
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
    from vidmem.bench.hours import bench_as_text, bench_hours
    from vidmem.data.barn import BarnConfig, write_video
    from vidmem.data.barn.looping import loop_video
    from vidmem.processors import fit_threads

    loaded = vidmem.load(model, device=device)
    fit_threads(loaded)
    minutes = min(DRAWN_MINUTES, 60 * hours)
    with TemporaryDirectory(prefix="vidmem-") as folder:
        drawn, looped = Path(folder) / "drawn.mp4", Path(folder) / "looped.mp4"
        note(f"drawing {span(60 * minutes)} of a barn, to be looped to {span(3600 * hours)}")
        write_video(BarnConfig(minutes=minutes), drawn)
        loop_video(drawn, looped, math.ceil(60 * hours / minutes))
        with counting("streaming", "seconds of video") as progress:
            measured = bench_hours(
                looped, loaded, lambda done, total: progress(round(done), round(total))
            )
    new_console().print(bench_as_text(measured), markup=False)


@bench.command()
def regions(
    video: Annotated[
        Path | None,
        typer.Option(help="A video file. Default: a drawn barn.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Of the drawn barn.")] = 60.0,
    width: Annotated[int, typer.Option(min=64, max=3840, help="Of the drawn barn.")] = 1280,
    height: Annotated[int, typer.Option(min=64, max=2160, help="Of the drawn barn.")] = 720,
    tiles: Annotated[str, typer.Option(help="Columns and rows of regions.")] = "2x2",
    model: Annotated[
        str, typer.Option(help="Its pictures: a bundled model, a preset or a folder.")
    ] = "fam-swin-nano",
    rounds: Annotated[int, typer.Option(min=1, help="Of each way; the best counts.")] = 3,
) -> None:
    """What decoding costs for regions of one file, beside a decoder for each."""
    from vidmem.bench.regions import bench_as_markdown, bench_regions
    from vidmem.cli.region_options import parse_tiles

    boxes, card = parse_tiles(tiles), vidmem.load(model, device="cpu").card
    with TemporaryDirectory(prefix="vidmem-") as folder:
        if video is None:
            video = _drawn_barn(Path(folder) / "barn.mp4", seconds, width, height)
        measured = bench_regions(video, card, boxes, num_rounds=rounds)
    new_console().print(bench_as_markdown(measured), markup=False)


def _drawn_barn(path: Path, seconds: float, width: int, height: int) -> Path:
    from vidmem.data.barn import BarnConfig, write_video

    if width % 2 or height % 2:
        raise SettingError(f"width and height must be even, got {width} x {height}")
    note(f"drawing {span(seconds)} of a barn at {width} x {height}, 25 frames a second")
    return write_video(
        BarnConfig(minutes=seconds / 60), path, width=width, height=height, fps=25.0
    ).video_path


@bench.command()
def spool(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
) -> None:
    """How the cost of Spool's temporal blocks grows with the length of a video."""
    import torch

    from vidmem.bench.spool import bench_as_markdown, bench_spool
    from vidmem.models.device import resolve_device

    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if dtype not in dtypes:
        raise SettingError(f"bench spool measures float32 or bfloat16, got {dtype}")
    measured = bench_spool(resolve_device(device), dtypes[dtype])
    new_console().print(bench_as_markdown(measured), markup=False)


@bench.command()
def inspection(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    full: Annotated[
        bool,
        typer.Option("--full", help="Also FAM Swin of the Swin-T size: minutes on a CPU."),
    ] = False,
) -> None:
    """What capturing a model's attention costs, beside the same step without it."""
    import torch

    from vidmem.bench.inspection import overheads_as_markdown
    from vidmem.bench.inspection_costs import inspection_costs
    from vidmem.models.device import resolve_device

    where, rows = resolve_device(device), []
    for row in inspection_costs(where, is_full=full):
        note(f"measured {row.model}: {row.watched}")
        rows.append(row)
    is_cuda = where.type == "cuda"
    name = torch.cuda.get_device_name(where) if is_cuda else "cpu, one thread for nano models"
    console = new_console()
    console.print(f"Watched over unwatched, medians of steps in turn; {name}.\n", markup=False)
    console.print(overheads_as_markdown(rows), markup=False)


@bench.command()
def teach(
    encoder: Annotated[
        str, typer.Option(help="The image encoder, as `vidmem teach` takes it: lite2 or lite0.")
    ] = "lite2",
    minutes: Annotated[
        float, typer.Option(min=5, max=1440, help="Of video, on whose features is taught.")
    ] = 60.0,
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100,
            help="Teach on so much video as well, for the memory that it takes: with lite2, 10 "
            "hours of features are 4.7 GB in the temporary folder for as long.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(help="Feature frames per second. Default: the recipe's.", show_default=False),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Numbers for a program; all else goes to stderr.")
    ] = False,
) -> None:
    """What teaching costs, on the CPU: encoding, learning, memory, and streaming what was taught.

    A 720p file is drawn, encoded and streamed. The features that are taught on are invented; for
    how many steps real ones are worth learning differs from footage to footage.
    """
    from vidmem.bench.teach.bench import TeachBenchSize, bench_as_markdown, bench_teach
    from vidmem.teaching import FeatureConfig, TeachConfig

    config = TeachConfig(features=FeatureConfig(backbone=encoder))
    if fps is not None:
        config = replace(config, feature_fps=fps)
    measured = bench_teach(config, TeachBenchSize(minutes=minutes, hours=hours), note)
    if as_json:
        print(to_json(measured.as_dict(), indent=2))
        return
    new_console().print(bench_as_markdown(measured), markup=False)


@bench.command()
def torchvision(
    python: Annotated[
        Path,
        typer.Option(
            help="An interpreter that has torch and torchvision; vidmem need not be there.",
            show_default=False,
        ),
    ],
    rounds: Annotated[int, typer.Option(min=1, help="In which each comes once.")] = 9,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write the results here as JSON; other parts in the file are kept.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """FAM Swin with a full memory beside torchvision's swin3d_t, clip by clip in turn, on the CPU.

    Torchvision wants a torch build of its own, so it runs in another Python.
    """
    import torch

    from vidmem.bench.peers.torchvision import bench_torchvision

    measured = bench_torchvision(python, num_rounds=rounds)
    peer = measured.peer
    note(f"torchvision {peer['torchvision']}, torch {peer['torch']}, {peer['threads']} threads")
    _report(measured.rows, [], torch.device("cpu"), out)


@bench.command()
def table(
    results: Annotated[Path, typer.Argument(help="What --out wrote.", show_default=False)],
    readme: Annotated[
        Path | None,
        typer.Option(
            help="Put it between the two marker lines of this file, such as docs/performance.md.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a table of saved results."""
    from vidmem.bench.results import put_into_readme, read_results, results_as_markdown

    made = results_as_markdown(read_results(results))
    if readme is None:
        new_console().print(made, markup=False)
        return
    put_into_readme(readme, made)
    note(f"the table stands in {readme}")
