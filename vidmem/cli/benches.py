"""`vidmem bench ...`: what a model costs on this machine, as ratios within one run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

import vidmem
from vidmem.cli.bench_general import general, table, torchvision
from vidmem.cli.bench_hours import hours
from vidmem.cli.terminal import new_console, note
from vidmem.errors import SettingError

bench = typer.Typer()
bench.callback(invoke_without_command=True)(general)
bench.command()(table)
bench.command()(torchvision)
bench.command()(hours)


@bench.command()
def spool(
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32 or bfloat16.")] = "float32",
) -> None:
    """How the cost of Spool's temporal blocks grows with the length of a video."""
    import torch

    from vidmem.models.presets import resolve_device
    from vidmem.profiling.bench_spool import bench_as_markdown, bench_spool

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
    """What it costs to watch where a model looks, beside the same step unwatched."""
    import torch

    from vidmem.cli.inspection_costs import inspection_costs
    from vidmem.models.presets import resolve_device
    from vidmem.profiling.bench_inspection import overheads_as_markdown

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
    from vidmem.processors import fit_threads
    from vidmem.streaming.bench_lag import bench_lag, lag_as_text
    from vidmem.streaming.bench_pool import bench_as_markdown, bench_pool, noise_pixels

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
    rounds: Annotated[int, typer.Option(min=1, help="Of each way; the best is told.")] = 3,
) -> None:
    """What decoding costs for regions of one file, beside a decoder for each."""
    from vidmem.cli.region_options import parse_tiles
    from vidmem.streaming.bench_regions import bench_as_markdown, bench_regions

    wanted, card = parse_tiles(tiles), vidmem.load(model, device="cpu").card
    with TemporaryDirectory(prefix="vidmem-") as folder:
        if video is None:
            video = _drawn_barn(Path(folder) / "barn.mp4", seconds, width, height)
        measured = bench_regions(video, card, wanted, num_rounds=rounds)
    new_console().print(bench_as_markdown(measured), markup=False)


def _drawn_barn(path: Path, seconds: float, width: int, height: int) -> Path:
    from vidmem.data.barn import BarnConfig, write_video

    if width % 2 or height % 2:
        raise SettingError(f"width and height must be even, got {width} x {height}")
    note(f"drawing {seconds:g} s of a barn at {width} x {height}, 25 frames a second")
    return write_video(
        BarnConfig(minutes=seconds / 60), path, width=width, height=height, fps=25.0
    ).video_path
