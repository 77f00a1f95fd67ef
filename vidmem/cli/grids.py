"""`vidmem ablate GRID.toml`: runs that differ in a few keys, one table and one figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidmem.cli.terminal import new_console, tell
from vidmem.errors import MissingPackageError, StorageError
from vidmem.units import span

if TYPE_CHECKING:
    from vidmem.evaluation.ablation import AblationTable
    from vidmem.training.grids.grid import RunGrid
    from vidmem.training.grids.running import RunOutcome
    from vidmem.training.runs.config import TrainConfig


def ablate_grid(path: Path, out: Path, *, jobs: int, device: str) -> None:
    """Run what has not been run, print the table, and write it with its figure into `out`.

    Raises:
        SettingError: If the grid is wrong.
        StorageError: If the folder cannot be written.
    """
    from vidmem.evaluation.ablation import ablation_as_csv, ablation_as_markdown
    from vidmem.training.grids.grid import read_grid
    from vidmem.training.grids.running import run_grid

    grid, console = read_grid(path), new_console()
    tell(f"{grid.title}: {len(grid.rows)} rows, {grid.num_runs} runs")

    def report(config: TrainConfig, outcome: RunOutcome) -> None:
        if outcome.failure:
            tell(f"failed: {outcome.folder}: {outcome.failure}")
        elif not outcome.was_done:
            tell(f"done in {span(outcome.seconds)}: {outcome.folder}, seed {config.seed}")

    outcomes = run_grid(grid, out, jobs=jobs, device=device, report=report)
    table = table_of(grid, outcomes)
    text = ablation_as_markdown(table)
    try:
        (out / f"{path.stem}.md").write_text(text + "\n", encoding="utf-8")
        (out / f"{path.stem}.csv").write_text(ablation_as_csv(table), encoding="utf-8")
        _write_figure(grid, table, out / f"{path.stem}.html")
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror or error}") from error
    console.print(text, markup=False)
    console.print(f"wrote {out / path.stem}.md, .csv and .html", markup=False)


def table_of(grid: RunGrid, outcomes: dict[str, RunOutcome]) -> AblationTable:
    """The table of a grid whose runs have ended."""
    from vidmem.evaluation.ablation import AblationRow, AblationTable
    from vidmem.training.grids.grid import run_digest

    rows = []
    for row in grid.rows:
        own = [outcomes[run_digest(config)] for config in row.configs]
        well = [one for one in own if not one.failure]
        rows.append(
            AblationRow(
                name=row.name,
                scores=tuple(one.scores for one in well),
                failures=tuple(
                    f"seed {config.seed}: {one.failure}"
                    for config, one in zip(row.configs, own, strict=True)
                    if one.failure
                ),
                learned_parameters=max((one.learned_parameters for one in well), default=0),
                seconds=sum(one.seconds for one in well),
            )
        )
    return AblationTable(title=grid.title, note=grid.note, rows=tuple(rows), columns=grid.scores)


def _write_figure(grid: RunGrid, table: AblationTable, path: Path) -> None:
    from vidmem.figures.ablation import ablation_figure

    try:
        figure = ablation_figure(table, curve=grid.curve, curve_title=grid.curve_title)
    except MissingPackageError as error:
        tell(f"no figure: {error}")
        return
    # With Plotly's script inside: the page needs nothing from elsewhere.
    figure.write_html(path, include_plotlyjs=True)
