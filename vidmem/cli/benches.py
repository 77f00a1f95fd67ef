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
