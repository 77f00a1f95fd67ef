"""What `vidmem bench` measured: rows, a JSON file of them, and a table for a document."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from vidmem.bench.timing import Timing
from vidmem.errors import SettingError, StorageError

FORMAT, FORMAT_VERSION = "vidmem-bench", 1
BEGIN, END = "<!-- vidmem bench table: begin -->", "<!-- vidmem bench table: end -->"
"""Lines of a document between which the table stands."""

_PACKAGES = ("torch", "transformers", "numpy", "av")


@dataclass(frozen=True, kw_only=True)
class BenchRow:
    """Two things compared, measured in turn in one run."""

    part: str
    what: str
    against: str
    per: str
    """What the times are of: a clip, a window, a second of video."""

    seconds: float
    """Of `what`: the median."""

    against_seconds: float
    """Of `against`: the median."""

    cpu_seconds: float
    """Processor time of `what` in all threads: the median."""

    against_cpu_seconds: float
    date: str
    """Of the measurement, `2026-11-21`."""

    @classmethod
    def of(
        cls, part: str, names: tuple[str, str], timings: tuple[Timing, Timing], *, per: str
    ) -> BenchRow:
        """A row of two timings made today: of `what`, and of what it is compared with."""
        what, against = timings
        return cls(
            part=part,
            what=names[0],
            against=names[1],
            per=per,
            seconds=what.seconds,
            against_seconds=against.seconds,
            cpu_seconds=what.cpu_seconds,
            against_cpu_seconds=against.cpu_seconds,
            date=today(),
        )

    @property
    def ratio(self) -> float:
        """How many times as quick `what` is."""
        return self.against_seconds / self.seconds

    @property
    def cpu_ratio(self) -> float:
        """The same by processor time; 0 where that was too short to be measured."""
        return self.against_cpu_seconds / self.cpu_seconds if self.cpu_seconds else 0.0


@dataclass(frozen=True)
class NotMeasured:
    """A part that was requested and could not be measured, or not all of it."""

    part: str
    reason: str


@dataclass(frozen=True)
class BenchResults:
    """Rows measured on one machine."""

    machine: dict[str, Any]
    versions: dict[str, str]
    rows: tuple[BenchRow, ...]
    not_measured: tuple[NotMeasured, ...] = ()

    def joined(self, newer: BenchResults) -> BenchResults:
        """These, with the parts that `newer` has put in the place of the older ones.

        Raises:
            SettingError: If they were measured on different machines or with different versions.
        """
        if (self.machine, self.versions) != (newer.machine, newer.versions):
            raise SettingError(
                "the file has results of another machine or of other versions; write to a new file"
            )
        parts = {one.part for one in (*newer.rows, *newer.not_measured)}
        return BenchResults(
            self.machine,
            self.versions,
            (*(row for row in self.rows if row.part not in parts), *newer.rows),
            (*(one for one in self.not_measured if one.part not in parts), *newer.not_measured),
        )


def today() -> str:
    """The date, as results have it."""
    return datetime.now(UTC).date().isoformat()


def machine_facts(device: torch.device) -> dict[str, Any]:
    """What results depend on, by name; without the machine's name and any path."""
    facts: dict[str, Any] = {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "amx": torch.cpu._is_amx_tile_supported(),
        "device": device.type,
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
    return facts


def versions_here() -> dict[str, str]:
    """Versions of Python and of the packages that the results depend on."""
    versions = {"python": platform.python_version()}
    for name in ("vidmem", *_PACKAGES):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def write_results(path: Path, results: BenchResults) -> None:
    """Write results as JSON; a file that is there keeps the parts that are not measured anew.

    Raises:
        SettingError: If the file has results of another machine, or is something else.
        StorageError: If it cannot be written.
    """
    if path.exists():
        results = read_results(path).joined(results)
    document = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(results)}
    try:
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the results could not be written to {path}: {error}") from error


def read_results(path: Path) -> BenchResults:
    """Read a file that `write_results` wrote.

    Raises:
        SettingError: If the file cannot be read, or has something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if (document["format"], document["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError(f"it is of format {document['format']} {document['format_version']}")
        return BenchResults(
            machine=document["machine"],
            versions=document["versions"],
            rows=tuple(BenchRow(**row) for row in document["rows"]),
            not_measured=tuple(NotMeasured(**one) for one in document["not_measured"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError(
            f"{path} has no results of vidmem bench: {error}; write them with --out"
        ) from error


def results_as_markdown(results: BenchResults) -> str:
    """The machine in a sentence, a table of ratios with both times, and what was not measured."""
    lines = [
        machine_as_text(results),
        "",
        "| what | against | times as quick | ms | against, ms | per | by processor time |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in results.rows:
        times = " | ".join(_milliseconds(s) for s in (row.seconds, row.against_seconds))
        cpu = f"{row.cpu_ratio:.2f}" if row.cpu_ratio else ""
        lines.append(
            f"| {row.what} | {row.against} | {row.ratio:.2f} | {times} | {row.per} | {cpu} |"
        )
    if results.not_measured:
        lines.append("")
    lines += [f"- {one.part}: not measured: {one.reason}" for one in results.not_measured]
    return "\n".join(lines)


def machine_as_text(results: BenchResults) -> str:
    """The machine, the versions and the days of measuring."""
    machine, versions = results.machine, results.versions
    dates = sorted({row.date for row in results.rows})
    amx = ", AMX" if machine.get("amx") else ""
    gpu = f"; {machine['gpu']}" if "gpu" in machine else ""
    days = f"; measured {' and '.join(dates)}" if dates else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['instructions']}{amx}{gpu}; torch {versions.get('torch')}, "
        f"transformers {versions.get('transformers')}{days}."
    )


def put_into_readme(readme: Path, table: str) -> None:
    """Replace what stands between the two marker lines.

    Raises:
        SettingError: If the file has not exactly one of each, in order.
        StorageError: If it cannot be read or written.
    """
    try:
        text = readme.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end) or (BEGIN in after or END in before or END in after):
            raise SettingError(
                f"{readme} must have one line {BEGIN} and after it one line {END}; put them where "
                "the table belongs"
            )
        readme.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{readme} cannot be changed: {error}") from error


def _milliseconds(seconds: float) -> str:
    milliseconds = 1000 * seconds
    return f"{milliseconds:.3g}" if milliseconds < 1000 else f"{milliseconds:.0f}"


def _cpu_name() -> str:
    # Not from `platform` alone, which gives only the architecture on Linux.
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
