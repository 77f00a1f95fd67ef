"""`vidmem bench ...`: what a model costs on this machine, as ratios within one run."""

from __future__ import annotations

from typing import Annotated

import typer

from vidmem.cli.terminal import new_console, note
from vidmem.errors import SettingError

bench = typer.Typer(
    help="Measure what a model costs on this machine, as ratios within one run.",
    no_args_is_help=True,
)


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
    import vidmem
    from vidmem.processors import fit_threads
    from vidmem.streaming.bench_pool import bench_as_markdown, bench_pool

    loaded = vidmem.load(model, device=device, dtype=dtype)
    fit_threads(loaded)
    sizes = sorted({1, 2, 4, 8, max_batch})
    measured = bench_pool(loaded, num_streams=streams, max_batch=max_batch, batch_sizes=sizes)
    new_console().print(bench_as_markdown(measured), markup=False)
