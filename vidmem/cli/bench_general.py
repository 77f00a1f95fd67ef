"""`vidmem bench` without a subcommand, and what makes tables of its results."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidmem.cli.terminal import new_console, note
from vidmem.errors import VidmemError

if TYPE_CHECKING:
    import torch

    from vidmem.profiling.bench_parts import BenchSize, Part
    from vidmem.profiling.bench_results import BenchRow, NotMeasured

NO_CUDA = "no CUDA device"


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

    from vidmem.profiling.bench_parts import BenchSize
    from vidmem.profiling.bench_results import NotMeasured

    device = torch.device("cuda" if gpu else "cpu")
    if gpu and not torch.cuda.is_available():
        report([], [NotMeasured(name, NO_CUDA) for name in parts], torch.device("cpu"), out)
        return
    rows: list[BenchRow] = []
    missing: list[NotMeasured] = []
    size = BenchSize.usual(device, is_full=full)
    for number, (name, part) in enumerate(parts.items(), 1):
        note(f"{number} of {len(parts)}: {name}")
        started = time.monotonic()
        rows += _measured(name, part, size, missing)
        note(f"{number} of {len(parts)}: {name}, {time.monotonic() - started:.0f} s")
    report(rows, missing, device, out)


def _parts(only: Sequence[str] | None) -> dict[str, Part]:
    from vidmem.cli.bench_pipeline import bench_pipeline
    from vidmem.profiling.bench_parts import PARTS, check_parts

    known = {**PARTS, "pipeline": bench_pipeline}
    check_parts(only or (), tuple(known))
    return {name: part for name, part in known.items() if not only or name in only}


def _measured(name: str, part: Part, size: BenchSize, missing: list[NotMeasured]) -> list[BenchRow]:
    """The rows of a part; one that fails says so and takes no other with it."""
    import torch

    from vidmem.profiling.bench_parts import CannotMeasureError
    from vidmem.profiling.bench_results import NotMeasured

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


def table(
    results: Annotated[Path, typer.Argument(help="What --out wrote.", show_default=False)],
    readme: Annotated[
        Path | None,
        typer.Option(help="Put it between the two marker lines of this file.", show_default=False),
    ] = None,
) -> None:
    """Make a table of saved results."""
    from vidmem.profiling.bench_results import put_into_readme, read_results, results_as_markdown

    made = results_as_markdown(read_results(results))
    if readme is None:
        new_console().print(made, markup=False)
        return
    put_into_readme(readme, made)
    note(f"the table stands in {readme}")


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

    from vidmem.profiling.bench_torchvision import bench_torchvision

    measured = bench_torchvision(python, num_rounds=rounds)
    peer = measured.peer
    note(f"torchvision {peer['torchvision']}, torch {peer['torch']}, {peer['threads']} threads")
    report(measured.rows, [], torch.device("cpu"), out)


def report(
    rows: Sequence[BenchRow],
    missing: Sequence[NotMeasured],
    device: torch.device,
    out: Path | None,
) -> None:
    """Print what was measured, and write it where asked."""
    from vidmem.profiling.bench_results import (
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
