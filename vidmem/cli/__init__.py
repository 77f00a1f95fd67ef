"""The commands of `vidmem`, each a plain function in a file of this folder, gathered here.

Ends with 0 when all went well, 1 with a sentence when a file, a setting or a checkpoint is at
fault, 2 when the command line is, 3 when a run broke off before the end of its video, and 130 after
Ctrl-C (143 after SIGTERM, 129 after SIGHUP).
"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

import vidmem
from vidmem.cli.ablation import ablate
from vidmem.cli.barn import sample
from vidmem.cli.benches import bench
from vidmem.cli.converting import convert
from vidmem.cli.datasets import data
from vidmem.cli.machine import app, doctor
from vidmem.cli.masks import mask
from vidmem.cli.planning import plan
from vidmem.cli.results import agree, budget, score
from vidmem.cli.teaching import teach
from vidmem.cli.terminal import INTERRUPTED, leave_streams, prepare_streams, tell
from vidmem.cli.training import evaluate, train
from vidmem.cli.watching import watch
from vidmem.errors import VidmemError
from vidmem.processors import wait_passively

__all__ = ["INTERRUPTED", "cli", "main"]

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
        tell(record.getMessage())


def main() -> None:
    """Run the command line; a `VidmemError` becomes its message and exit code 1."""
    wait_passively()
    prepare_streams()
    logging.getLogger("vidmem").addHandler(_Notices(logging.WARNING))
    try:
        cli()
    except VidmemError as error:
        tell(str(error))
        sys.exit(1)
    finally:
        leave_streams()


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


# In the order of the help. The app has options of its own, and says them itself.
cli.command()(watch)
cli.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(app)
cli.command()(convert)
cli.command()(teach)
for command in (sample, train, evaluate, ablate):
    cli.command()(command)
for command in (score, agree, budget):
    cli.command()(command)
cli.add_typer(data, name="data")
cli.add_typer(bench, name="bench")
cli.command()(plan)
cli.command()(mask)
cli.command()(doctor)
